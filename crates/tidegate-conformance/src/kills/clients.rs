//! Clients that call without end and hold connections, and what they may see.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use tidegate_testnet::{Answer, Call, Host, Protocol, Talk, World};

use super::Kills;
use super::targets::{Target, targets};
use crate::Finding;

/// How long a call may take: far longer than any machine needs.
const PATIENCE: Duration = Duration::from_secs(10);

/// How long a packet of UDP is waited for until it is sent again.
const UDP_PATIENCE: Duration = Duration::from_secs(1);

/// How often a packet of UDP is sent. A flow is cut, as it must be, when its backend goes; what is
/// on its way at that moment is lost.
const UDP_ATTEMPTS: usize = 5;

/// How long a client rests between calls: enough calls to be a load, and not so many that all of
/// the time goes into looking through the kernel's connections.
const REST: Duration = Duration::from_millis(10);

/// The same in a virtual machine, which is slower by a factor of ten or more.
const REST_IN_VM: Duration = Duration::from_millis(100);

/// What clients may lose when the proxy dies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Losses {
    /// Nothing: the kernel carries connections and takes new ones.
    Nothing,
    /// Connections end, and calls are refused until the next start. Nobody is led elsewhere.
    Connections,
}

/// What clients have seen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Seen {
    /// Calls that a pod of the right Service answered.
    pub answered: u64,
    /// Calls that nobody answered, where that is allowed.
    pub lost: u64,
    /// Connections that were held.
    pub held: u64,
    /// Questions answered over those.
    pub exchanges: u64,
}

/// Clients at work. They end when they are asked what they saw, or are dropped.
pub(super) struct Clients {
    shared: Arc<Shared>,
    threads: Vec<JoinHandle<Finding<Seen>>>,
}

#[derive(Debug)]
struct Shared {
    losses: Losses,
    rest: Duration,
    is_done: AtomicBool,
    /// How often each client has gone through all of its targets.
    rounds: Vec<AtomicU64>,
}

impl Clients {
    /// Starts them outside, on a pod and on the node.
    pub(super) fn start(world: &World, kills: &Kills) -> Self {
        type Work = Box<dyn FnOnce(&Shared, usize) -> Finding<Seen> + Send>;
        let mut works: Vec<(&Host, Work)> = Vec::new();
        for family in kills.families.iter().copied() {
            // Each of them holds a connection to each Service, by one kind of frontend.
            let hosts = [&world.client, &world.node, &world.pods[super::PODS - 1]];
            for (number, host) in hosts.into_iter().enumerate() {
                for target in targets(family, Protocol::Tcp)
                    .into_iter()
                    .skip(number % 2)
                    .step_by(2)
                {
                    let work = move |shared: &Shared, own| hold(shared, own, target);
                    works.push((host, Box::new(work)));
                }
            }
            for protocol in [Protocol::Tcp, Protocol::Udp] {
                let targets = targets(family, protocol);
                for host in [&world.client, &world.pods[super::PODS - 1]] {
                    let targets = targets.clone();
                    let work = move |shared: &Shared, own| call(shared, own, protocol, &targets);
                    works.push((host, Box::new(work)));
                }
            }
        }
        let shared = Arc::new(Shared {
            losses: kills.losses,
            rest: match kills.mode.needs_vm {
                true => REST_IN_VM,
                false => REST,
            },
            is_done: AtomicBool::new(false),
            rounds: works.iter().map(|_| AtomicU64::new(0)).collect(),
        });
        let threads = works.into_iter().enumerate().map(|(own, (host, work))| {
            let shared = Arc::clone(&shared);
            host.with(move || std::thread::spawn(move || work(&shared, own)))
        });
        Self {
            threads: threads.collect(),
            shared,
        }
    }

    /// Whether one of them has ended because of what it saw.
    pub(super) fn has_noticed_something(&self) -> bool {
        self.threads.iter().any(JoinHandle::is_finished)
    }

    /// Waits until each client has been served at all of its targets twice from now on; the first
    /// time it may still be busy with what was before.
    pub(super) fn all_are_served(&self) -> Finding {
        let rounds = || {
            self.shared
                .rounds
                .iter()
                .map(|one| one.load(Ordering::Relaxed))
        };
        let before: Vec<u64> = rounds().collect();
        let begun = Instant::now();
        while !self.has_noticed_something()
            && rounds().zip(&before).any(|(now, then)| now < then + 2)
        {
            if begun.elapsed() > super::PATIENCE {
                return Err("after the next start, some clients are not served".to_owned());
            }
            std::thread::sleep(REST);
        }
        Ok(())
    }

    /// Ends them, and gives what they saw together.
    pub(super) fn end(mut self) -> Finding<Seen> {
        self.shared.is_done.store(true, Ordering::Relaxed);
        let mut all = Seen::default();
        for thread in std::mem::take(&mut self.threads) {
            let seen = thread.join().map_err(|_| "a client panicked")??;
            all.answered += seen.answered;
            all.lost += seen.lost;
            all.held += seen.held;
            all.exchanges += seen.exchanges;
        }
        Ok(all)
    }
}

impl Drop for Clients {
    fn drop(&mut self) {
        self.shared.is_done.store(true, Ordering::Relaxed);
    }
}

/// Calls one target after the other.
fn call(shared: &Shared, own: usize, protocol: Protocol, targets: &[Target]) -> Finding<Seen> {
    let mut seen = Seen::default();
    while !shared.is_done.load(Ordering::Relaxed) {
        let mut is_round = true;
        for target in targets {
            match ask(protocol, target.to) {
                Answer::From(name, _) if target.is_served_by(&name) => seen.answered += 1,
                Answer::From(name, _) => {
                    let Target { service, to } = target;
                    return Err(format!("{name} answered for service-{service} at {to}"));
                }
                Answer::Refused | Answer::Silence if shared.losses == Losses::Connections => {
                    seen.lost += 1;
                    is_round = false;
                }
                other => {
                    let (to, calls) = (target.to, seen.answered);
                    return Err(format!(
                        "a call to {to} over {protocol:?}: {other:?}, after {calls} calls"
                    ));
                }
            }
            std::thread::sleep(shared.rest);
        }
        shared.rounds[own].fetch_add(u64::from(is_round), Ordering::Relaxed);
    }
    Ok(seen)
}

fn ask(protocol: Protocol, to: SocketAddr) -> Answer {
    let call = Call::new(protocol, to);
    match protocol {
        Protocol::Tcp => call.patience(PATIENCE).make(),
        Protocol::Udp => {
            let call = call.patience(UDP_PATIENCE);
            let mut answers = (0..UDP_ATTEMPTS).map(|_| call.make());
            let told = answers.find(|answer| *answer != Answer::Silence);
            told.unwrap_or(Answer::Silence)
        }
    }
}

/// Holds a connection and asks over it all the time; where it may break, opens the next one then.
fn hold(shared: &Shared, own: usize, target: Target) -> Finding<Seen> {
    let mut seen = Seen::default();
    let to = target.to;
    let mut held: Option<(Talk, String)> = None;
    while !shared.is_done.load(Ordering::Relaxed) {
        let asked = match held.take() {
            Some((mut talk, partner)) => talk.ask().map(|(name, _)| (talk, partner, name)),
            None => open(to).map(|(talk, name)| {
                seen.held += 1;
                (talk, name.clone(), name)
            }),
        };
        match asked {
            Ok((_, partner, name)) if name != partner => {
                return Err(format!(
                    "a connection to {partner} by {to} leads to {name} now"
                ));
            }
            Ok((_, _, name)) if !target.is_served_by(&name) => {
                let service = target.service;
                return Err(format!("{name} answered for service-{service} at {to}"));
            }
            Ok((talk, partner, _)) => {
                seen.exchanges += 1;
                shared.rounds[own].fetch_add(1, Ordering::Relaxed);
                held = Some((talk, partner));
            }
            Err(_) if shared.losses == Losses::Connections => seen.lost += 1,
            Err(answer) => {
                let (had, exchanges) = (seen.held > 0, seen.exchanges);
                return Err(match had {
                    true => format!(
                        "a connection by {to} broke after {exchanges} exchanges: {answer:?}"
                    ),
                    false => format!("no connection by {to}: {answer:?}"),
                });
            }
        }
        std::thread::sleep(2 * shared.rest);
    }
    Ok(seen)
}

fn open(to: SocketAddr) -> Result<(Talk, String), Answer> {
    let mut talk = Talk::open(Call::new(Protocol::Tcp, to))?;
    let (name, _) = talk.ask()?;
    Ok((talk, name))
}
