//! Connections that stay, and clients that call without pause, while something is done to the node.

use std::net::IpAddr;

use tidegate_testnet::{Answer, Call, Caller, Protocol, Talk};

use crate::asking::{EVERYWHERE, Place, told};
use crate::{Bench, Finding};

/// Connections that stay, each with where it leads.
pub(crate) struct Talks(Vec<(Talk, String)>);

impl Talks {
    /// Asks once more over each of them.
    ///
    /// # Errors
    /// One is gone, or leads elsewhere.
    pub(crate) fn go_on(&mut self) -> Finding {
        let mut talks = self.0.iter_mut();
        talks.try_for_each(|(talk, with)| goes_on(talk, with))
    }
}

impl Bench {
    /// Opens a connection that stays.
    ///
    /// # Errors
    /// It can't be opened.
    pub fn talk(&self, place: Place, protocol: Protocol, to: (IpAddr, u16)) -> Finding<Talk> {
        let call = Call::new(protocol, to.into());
        let opened = self.host(place).with(move || Talk::open(call));
        opened.map_err(|answer| format!("{}, not connected: {answer:?}", told(place, &call)))
    }

    /// Opens connections that stay from everywhere, and notes where each leads.
    ///
    /// # Errors
    /// One can't be opened, or isn't answered.
    pub(crate) fn talks(&self, protocols: &[Protocol], to: (IpAddr, u16)) -> Finding<Talks> {
        let mut talks = Vec::new();
        for place in EVERYWHERE {
            for protocol in protocols {
                let mut talk = self.talk(place, *protocol, to)?;
                let with = partner(&mut talk)?;
                talks.push((talk, with));
            }
        }
        Ok(Talks(talks))
    }

    /// Starts a client that calls without pause.
    pub fn caller(&self, place: Place, protocol: Protocol, to: (IpAddr, u16)) -> Caller {
        Caller::start(self.host(place), Call::new(protocol, to.into()))
    }
}

/// Ends a client that called without pause, all of whose calls must have been answered.
///
/// # Errors
/// One wasn't, or there was none.
pub(crate) fn all_answered(caller: Caller) -> Finding {
    let answers = caller.end();
    let failed: Vec<_> = answers
        .iter()
        .filter(|(answer, _)| !matches!(answer, Answer::From(..)))
        .collect();
    match (failed.is_empty(), answers.is_empty()) {
        (true, false) => Ok(()),
        (_, true) => Err("the client that calls without pause never called".to_owned()),
        (false, _) => Err(format!("calls without pause failed: {failed:?}")),
    }
}

/// Asks once more over a connection that must still lead to where it led.
///
/// # Errors
/// It is gone, or leads elsewhere.
pub(crate) fn goes_on(talk: &mut Talk, with: &str) -> Finding {
    match talk.ask() {
        Ok((name, _)) if name == with => Ok(()),
        Ok((name, _)) => Err(format!("a connection to {with} leads to {name} now")),
        Err(answer) => Err(format!("a connection to {with} is gone: {answer:?}")),
    }
}

/// Asks over a connection, and gives who answers.
///
/// # Errors
/// Nobody does.
pub(crate) fn partner(talk: &mut Talk) -> Finding<String> {
    let answer = talk.ask();
    let named = answer.map(|(name, _)| name);
    named.map_err(|answer| format!("a connection is not answered: {answer:?}"))
}
