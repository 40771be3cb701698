//! UDP: a session for each client of a listener, with a socket of its own towards its backend.
//!
//! Answers leave through the listener's socket, so the kernel gives them back the address that the
//! client sent to.

use std::collections::{HashMap, VecDeque};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Instant;

use rustix::fd::OwnedFd;
use rustix::io::Errno;
use rustix::net::{RecvFlags, SendFlags, recv, send, sendto};

use super::counters::Counted;
use super::listener::Listener;
use super::slots::{Key, Slots};
use super::socket::{Transport, dial};
use crate::balance::InUse;

/// How many datagrams one socket may bring before others have their turn.
const TURNS: usize = 64;

/// The longest datagram that is kept until there is an answer: what fits into one packet.
const KEPT_BYTES: usize = 1500;

/// One client's exchange with one backend.
#[derive(Debug)]
pub(crate) struct Session {
    pub(crate) socket: OwnedFd,
    client: SocketAddr,
    listener: Arc<Listener>,
    used: InUse,
    /// When something was last sent either way.
    pub(crate) last_used: Instant,
    /// What the client said last, as long as the backend has said nothing. If it turns out that
    /// nobody is there, another one can still hear it.
    unanswered: Option<Box<[u8]>>,
    has_answered: bool,
    /// Backends that refused this client's datagram.
    tried: Vec<SocketAddr>,
    _counted: Counted,
}

/// A UDP listener with its clients.
#[derive(Debug)]
pub(crate) struct Clients {
    pub(crate) listener: Arc<Listener>,
    by_address: HashMap<SocketAddr, Key>,
    /// All sessions, roughly in the order of their use: one that is at the front and was used since
    /// it got there goes to the back.
    order: VecDeque<(Key, Instant)>,
}

impl Clients {
    pub(crate) fn new(listener: Arc<Listener>) -> Self {
        Self {
            listener,
            by_address: HashMap::new(),
            order: VecDeque::new(),
        }
    }

    /// A client's session, if it has one that still leads to where it may.
    pub(crate) fn session(&self, client: SocketAddr) -> Option<Key> {
        self.by_address.get(&client).copied()
    }

    pub(crate) fn len(&self) -> usize {
        self.by_address.len()
    }

    /// All sessions.
    pub(crate) fn keys(&self) -> impl Iterator<Item = Key> + '_ {
        self.by_address.values().copied()
    }

    /// Takes a new session in.
    pub(crate) fn add(&mut self, client: SocketAddr, key: Key, now: Instant) {
        self.by_address.insert(client, key);
        self.order.push_back((key, now));
    }

    /// Takes note that a session is gone. Its place in the order is cleared up when it is its turn,
    /// or when there are more places than twice the sessions.
    pub(crate) fn forget(&mut self, session: &Session, key: Key) {
        if self.by_address.get(&session.client) == Some(&key) {
            self.by_address.remove(&session.client);
        }
        if self.order.len() > 2 * self.by_address.len() + 64 {
            let alive: std::collections::HashSet<Key> = self.by_address.values().copied().collect();
            self.order.retain(|(key, _)| alive.contains(key));
        }
    }

    /// The session that has been idle for longest, or nearly.
    pub(crate) fn idlest(&mut self, sessions: &mut Slots<Session>) -> Option<Key> {
        for _ in 0..self.order.len() {
            let (key, noted) = self.order.pop_front()?;
            let Some(session) = sessions.get_mut(key) else {
                continue;
            };
            if session.last_used <= noted {
                return Some(key);
            }
            self.order.push_back((key, session.last_used));
        }
        // All were used since they were looked at; the first of them least recently so.
        self.order.pop_front().map(|(key, _)| key)
    }
}

/// What a session's socket had to say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reply {
    /// Answers, which were passed on, or nothing.
    Passed,
    /// The backend refuses, or can't be reached.
    Refused,
}

impl Session {
    /// Opens a session with a backend.
    pub(crate) fn open(
        listener: &Arc<Listener>,
        client: SocketAddr,
        used: InUse,
        counted: Counted,
        now: Instant,
    ) -> Result<Self, (InUse, Errno)> {
        match dial(Transport::Udp, used.addr()) {
            Ok(socket) => Ok(Self {
                socket,
                client,
                listener: Arc::clone(listener),
                used,
                last_used: now,
                unanswered: None,
                has_answered: false,
                tried: Vec::new(),
                _counted: counted,
            }),
            Err(error) => Err((used, error)),
        }
    }

    /// The number of its listener.
    pub(crate) fn listener(&self) -> u32 {
        self.listener.id
    }

    /// The backend.
    pub(crate) fn used(&self) -> &InUse {
        &self.used
    }

    /// The listener's port, for word of a failure.
    pub(crate) fn port(&self) -> &crate::balance::Port {
        &self.listener.target.port
    }

    /// The client, what is left to be said for it, and who refused to hear it, this backend included.
    pub(crate) fn unheard(mut self) -> (SocketAddr, Option<Box<[u8]>>, Vec<SocketAddr>) {
        self.tried.push(self.used.addr());
        (self.client, self.unanswered, self.tried)
    }

    /// Takes note of who refused before.
    pub(crate) fn set_tried(&mut self, tried: Vec<SocketAddr>) {
        self.tried = tried;
    }

    /// Sends a datagram to the backend. A full socket loses it, as a full link would.
    pub(crate) fn forward(&mut self, datagram: &[u8], now: Instant) -> Reply {
        self.last_used = now;
        if !self.has_answered && datagram.len() <= KEPT_BYTES {
            self.unanswered = Some(datagram.into());
        }
        match send(&self.socket, datagram, SendFlags::NOSIGNAL) {
            Err(error) if is_refusal(error) => Reply::Refused,
            _ => Reply::Passed,
        }
    }

    /// Passes answers on to the client.
    pub(crate) fn answer(&mut self, buffer: &mut [u8], now: Instant) -> Reply {
        for _ in 0..TURNS {
            let length = match recv(&self.socket, &mut *buffer, RecvFlags::empty()) {
                Ok((_, length)) => length.min(buffer.len()),
                Err(error) if is_refusal(error) => return Reply::Refused,
                Err(_) => break,
            };
            self.last_used = now;
            self.has_answered = true;
            self.unanswered = None;
            // An answer that can't be sent is lost, as it would be on the way.
            let socket = &self.listener.socket;
            let _ = sendto(socket, &buffer[..length], SendFlags::NOSIGNAL, &self.client);
        }
        Reply::Passed
    }
}

/// Whether an error tells that the backend isn't there, by ICMP or by our own routes.
fn is_refusal(error: Errno) -> bool {
    matches!(
        error,
        Errno::CONNREFUSED | Errno::HOSTUNREACH | Errno::NETUNREACH
    )
}

/// How many datagrams are read from a listener before others have their turn.
pub(crate) const DATAGRAMS: usize = TURNS;
