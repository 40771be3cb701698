//! What rows ask of the world, and what they expect to hear.

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};
use std::time::{Duration, Instant};

use tidegate_testnet::{Answer, Call, Host, Protocol, ask_all, count_answers, ping};

use crate::{Bench, Finding};

/// Where a call comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// A pod, by its number.
    Pod(usize),
    /// The node itself.
    Node,
    /// A machine outside.
    Client,
    /// Another machine outside.
    OtherClient,
}

/// Who answered, and whom it saw.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reply {
    /// The server's name.
    pub name: String,
    /// The source address that it saw.
    pub source: IpAddr,
}

/// A pod, the node, and a machine outside.
pub(crate) const EVERYWHERE: [Place; 3] = [Place::Pod(0), Place::Node, Place::Client];

/// TCP and UDP.
pub(crate) const BOTH: [Protocol; 2] = [Protocol::Tcp, Protocol::Udp];

/// How long an answer may take: far longer than any machine needs.
const PATIENCE: Duration = Duration::from_secs(10);

/// How long no answer must come until it is held that none comes. Every answer in a world comes
/// within some milliseconds; TCP tries a second time within this.
const SILENCE: Duration = Duration::from_millis(1300);

impl Bench {
    /// A machine.
    pub fn host(&self, place: Place) -> &Host {
        match place {
            Place::Pod(number) => self.node.world.pod(number),
            Place::Node => &self.node.world.node,
            Place::Client => &self.node.world.client,
            Place::OtherClient => self.node.world.other_client(),
        }
    }

    /// Makes a call that shall be answered.
    ///
    /// # Errors
    /// It isn't.
    pub fn reply(&self, place: Place, protocol: Protocol, to: (IpAddr, u16)) -> Finding<Reply> {
        self.reply_to(place, Call::new(protocol, SocketAddr::from(to)))
    }

    /// Makes a call that shall be answered, prepared by hand.
    ///
    /// # Errors
    /// It isn't.
    pub fn reply_to(&self, place: Place, call: Call) -> Finding<Reply> {
        let call = call.patience(PATIENCE);
        match self.host(place).with(move || call.make()) {
            Answer::From(name, source) => Ok(Reply { name, source }),
            other => Err(format!("{}, not answered: {other:?}", told(place, &call))),
        }
    }

    /// Makes a call that one of these servers shall answer.
    ///
    /// # Errors
    /// Nobody answers, or somebody else.
    pub fn reaches(
        &self,
        place: Place,
        protocol: Protocol,
        to: (IpAddr, u16),
        servers: &[&str],
    ) -> Finding<Reply> {
        let reply = self.reply(place, protocol, to)?;
        match servers.contains(&reply.name.as_str()) {
            true => Ok(reply),
            false => Err(format!(
                "{}, answered by {}, not by {}",
                told(place, &Call::new(protocol, to.into())),
                reply.name,
                servers.join(" or ")
            )),
        }
    }

    /// Makes a call that shall be refused at once.
    ///
    /// # Errors
    /// It isn't.
    pub fn is_refused(&self, place: Place, protocol: Protocol, to: (IpAddr, u16)) -> Finding {
        let call = Call::new(protocol, to.into()).patience(PATIENCE);
        match self.host(place).with(move || call.make()) {
            Answer::Refused => Ok(()),
            other => Err(format!("{}, not refused: {other:?}", told(place, &call))),
        }
    }

    /// Makes calls, all at the same time, to which there shall be no answer at all.
    ///
    /// # Errors
    /// There is one.
    pub fn are_silent(&self, calls: &[(Place, Protocol, (IpAddr, u16))]) -> Finding {
        let waiting: Vec<_> = calls
            .iter()
            .map(|(place, protocol, to)| {
                let call = Call::new(*protocol, (*to).into()).patience(SILENCE);
                let answer = self
                    .host(*place)
                    .with(move || std::thread::spawn(move || call.make()));
                // A program whose packet is dropped on its way out of its own machine is told so
                // by the kernel, over UDP.
                let may_be_told = (*place, *protocol) == (Place::Node, Protocol::Udp);
                (told(*place, &call), may_be_told, answer)
            })
            .collect();
        let broken = waiting
            .into_iter()
            .filter_map(
                |(call, may_be_told, answer)| match answer.join().expect("a call ends") {
                    Answer::Silence => None,
                    Answer::Refused if may_be_told => None,
                    other => Some(format!("{call}, not silent: {other:?}")),
                },
            );
        let broken: Vec<String> = broken.collect();
        match broken.is_empty() {
            true => Ok(()),
            false => Err(broken.join("; ")),
        }
    }

    /// Makes a call many times and counts who answers.
    ///
    /// # Errors
    /// One of the calls isn't answered.
    pub fn counts(
        &self,
        place: Place,
        protocol: Protocol,
        to: (IpAddr, u16),
        times: u32,
    ) -> Finding<BTreeMap<String, u32>> {
        let call = Call::new(protocol, to.into()).patience(PATIENCE);
        let counted = self.host(place).with(move || count_answers(&call, times));
        counted.map_err(|answer| format!("{}, not answered: {answer:?}", told(place, &call)))
    }

    /// Makes enough calls to hear of all servers among three, and gives their names.
    ///
    /// # Errors
    /// One of the calls isn't answered.
    pub fn servers(
        &self,
        place: Place,
        protocol: Protocol,
        to: (IpAddr, u16),
    ) -> Finding<Vec<String>> {
        // One of three servers is missed in forty calls once in 3.7 million runs.
        let counts = self.counts(place, protocol, to, 40)?;
        Ok(counts.into_keys().collect())
    }

    /// Expects exactly these servers behind an address.
    ///
    /// Over UDP that may take a moment: some calls have a port that an earlier one had, and the
    /// kernel forgets the earlier ones a little after the rules have changed.
    ///
    /// # Errors
    /// There are others.
    pub fn is_served_by(
        &self,
        place: Place,
        protocol: Protocol,
        to: (IpAddr, u16),
        servers: &[&str],
    ) -> Finding {
        let begun = Instant::now();
        loop {
            let found = self.servers(place, protocol, to)?;
            if found == servers {
                return Ok(());
            }
            if protocol == Protocol::Tcp || begun.elapsed() > PATIENCE {
                return Err(format!(
                    "{}, served by {found:?}, not by {servers:?}",
                    told(place, &Call::new(protocol, to.into()))
                ));
            }
        }
    }

    /// Whether an address answers an echo request.
    pub fn answers_ping(&self, place: Place, to: IpAddr) -> bool {
        self.host(place).with(move || ping(to, SILENCE))
    }

    /// Makes calls from several addresses of the client side by side, and gives who answered each.
    ///
    /// # Errors
    /// One isn't answered.
    pub fn names_for(&self, protocol: Protocol, to: (IpAddr, u16)) -> Finding<Vec<String>> {
        let calls: Vec<Call> = self
            .client_addresses()
            .into_iter()
            .map(|from| {
                let call = Call::new(protocol, to.into()).patience(PATIENCE);
                call.from(from, 0)
            })
            .collect();
        let answers = self.host(Place::Client).with(move || ask_all(&calls));
        let names = answers.into_iter().map(|answer| match answer {
            Answer::From(name, _) => Ok(name),
            other => Err(format!("a client called {to:?}, not answered: {other:?}")),
        });
        names.collect()
    }

    /// Addresses that the client has, for when one is not enough.
    pub fn client_addresses(&self) -> Vec<IpAddr> {
        let address =
            |last: usize| self.either(&format!("192.0.2.{last}"), &format!("fd00:c::{last}"));
        (101..117).map(address).collect()
    }
}

/// A call in words.
pub(crate) fn told(place: Place, call: &Call) -> String {
    let protocol = match call.protocol {
        Protocol::Tcp => "TCP",
        Protocol::Udp => "UDP",
    };
    let from = match place {
        Place::Pod(number) => format!("pod-{number}"),
        Place::Node => "the node".to_owned(),
        Place::Client => "the client".to_owned(),
        Place::OtherClient => "the other client".to_owned(),
    };
    format!("{from} called {} over {protocol}", call.to)
}
