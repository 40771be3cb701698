//! One TCP connection of a client, and the one to a backend that it is forwarded to.

use std::net::{IpAddr, SocketAddr};
use std::time::{Duration, Instant};

use rustix::event::epoll::EventFlags;
use rustix::fd::OwnedFd;

use super::counters::Counted;
use super::direction::{Direction, Progress, Tools};
use super::end::End;
use super::listener::Target;
use super::socket::reset_on_close;
use crate::balance::InUse;

/// A client's connection.
#[derive(Debug)]
pub(crate) struct Connection {
    pub(crate) client: End,
    pub(crate) backend: Option<End>,
    /// The backend that it uses, or tries to.
    pub(crate) used: Option<InUse>,
    /// What there is to know until a backend has accepted.
    pub(crate) dial: Option<Dial>,
    up: Direction,
    down: Direction,
    /// Whether events for room to write are asked for, at the client's end.
    pub(crate) asks_for_room: bool,
    _counted: Counted,
}

/// The search for a backend that accepts.
#[derive(Debug)]
pub(crate) struct Dial {
    pub(crate) target: Target,
    pub(crate) client: IpAddr,
    /// Those that failed in this round.
    pub(crate) tried: Vec<SocketAddr>,
    /// How many did not answer in time.
    pub(crate) unanswered: usize,
    /// Whether one of this round did not answer in time.
    pub(crate) some_unanswered: bool,
    /// When the one that is tried now is given up.
    pub(crate) until: Instant,
}

/// Which end of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Side {
    Client,
    Backend,
}

/// What becomes of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fate {
    /// It waits for its sockets.
    Waits,
    /// It has had its turn and could go on.
    GoesOn,
    /// Both sides have ended it, or one has broken it off.
    Over,
}

impl Connection {
    pub(crate) fn new(
        client: OwnedFd,
        address: IpAddr,
        target: Target,
        counted: Counted,
        now: Instant,
    ) -> Self {
        Self {
            client: End::accepted(client),
            backend: None,
            used: None,
            dial: Some(Dial {
                target,
                client: address,
                tried: Vec::new(),
                unanswered: 0,
                some_unanswered: false,
                until: now,
            }),
            up: Direction::default(),
            down: Direction::default(),
            asks_for_room: false,
            _counted: counted,
        }
    }

    /// Takes note of what the kernel tells about an end of an open connection.
    pub(crate) fn note(&mut self, side: Side, flags: EventFlags) -> Fate {
        let (end, direction) = match (side, &mut self.backend) {
            (Side::Client, _) => (&mut self.client, &self.up),
            (Side::Backend, Some(backend)) => (backend, &self.down),
            (Side::Backend, None) => return Fate::Waits,
        };
        let failed = flags.contains(EventFlags::ERR);
        let closed = flags.intersects(EventFlags::RDHUP | EventFlags::HUP);
        end.hung_up |= closed;
        end.readable |= failed || closed || flags.contains(EventFlags::IN);
        end.writable |= failed || flags.contains(EventFlags::OUT);
        // Nobody reads there any more, so nobody else would find out.
        match failed && direction.has_ended() {
            true => Fate::Over,
            false => Fate::Waits,
        }
    }

    /// Moves what can be moved in both directions.
    pub(crate) fn pump(&mut self, tools: &mut Tools) -> Fate {
        let Some(backend) = &mut self.backend else {
            return Fate::Waits;
        };
        let client = &mut self.client;
        let up = self.up.pump(client, backend, self.down.is_done, tools);
        let down = self.down.pump(backend, client, self.up.is_done, tools);
        if up == Progress::Broken || down == Progress::Broken {
            self.break_off();
            return Fate::Over;
        }
        if self.up.is_done && self.down.is_done {
            return Fate::Over;
        }
        match [up, down].contains(&Progress::GoesOn) {
            true => Fate::GoesOn,
            false => Fate::Waits,
        }
    }

    /// Has both peers see that the connection broke.
    pub(crate) fn break_off(&self) {
        reset_on_close(&self.client.socket);
        if let Some(backend) = &self.backend {
            reset_on_close(&backend.socket);
        }
    }

    /// Gives back what it holds of its thread's things.
    pub(crate) fn release(&mut self, tools: &mut Tools) {
        self.up.release(tools);
        self.down.release(tools);
    }
}

impl Dial {
    /// Begins another round, if there is a time left to wait for. Refusals don't count: they cost
    /// no time, and who refuses now will refuse again.
    pub(crate) fn begin_round(&mut self, times: usize) -> bool {
        let again = self.some_unanswered && self.unanswered < times;
        self.tried.clear();
        self.some_unanswered = false;
        again
    }

    /// How long the next backend may take to answer.
    pub(crate) fn patience(&self, times: &[Duration]) -> Duration {
        let time = times.get(self.unanswered).or(times.last());
        time.copied().unwrap_or(Duration::from_secs(1))
    }
}
