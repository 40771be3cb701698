//! What a thread does about TCP: it accepts, dials until a backend accepts, and moves the bytes.

use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use rustix::event::epoll::{self, EventFlags};
use rustix::fd::OwnedFd;
use rustix::io::Errno;
use rustix::net::{SocketFlags, acceptfrom_with};

use super::connection::{Connection, Fate, Side};
use super::counters::Counted;
use super::end::End;
use super::listener::{Listener, Target};
use super::slots::Key;
use super::socket::{Transport, dial, keep_alive, peer_address, reset_on_close};
use super::token::Token;
use super::worker::{Command, Peer, Worker};

/// How many connections one listener may bring before others have their turn.
const ACCEPTS: usize = 32;

/// What is asked for at a backend's end. Events come when something changes, not for as long as it
/// is so: nothing has to be switched on and off.
const BACKEND_EVENTS: EventFlags = EventFlags::IN
    .union(EventFlags::OUT)
    .union(EventFlags::RDHUP)
    .union(EventFlags::ET);

/// What is asked for at a client's end, at first. There is room to write until there is none.
const CLIENT_EVENTS: EventFlags = EventFlags::IN
    .union(EventFlags::RDHUP)
    .union(EventFlags::ET);

impl Worker {
    /// Takes in who waits at a listener, some at a time.
    pub(super) fn accept(&mut self, listener: &Arc<Listener>) {
        self.accept_some(listener);
    }

    /// Takes in who waits at a listener. Whether there may be more.
    pub(super) fn accept_some(&mut self, listener: &Arc<Listener>) -> bool {
        for _ in 0..ACCEPTS {
            let flags = SocketFlags::NONBLOCK | SocketFlags::CLOEXEC;
            let (socket, peer) = match acceptfrom_with(&listener.socket, flags) {
                Ok((socket, peer)) => (socket, peer_address(peer)),
                // The client left while it waited.
                Err(Errno::CONNABORTED | Errno::INTR | Errno::PROTO | Errno::PERM) => continue,
                Err(Errno::AGAIN) => return false,
                Err(error) => {
                    tracing::warn!(address = %listener.address, %error, "can't accept connections");
                    self.pause(listener);
                    return false;
                }
            };
            let Some(address) = peer else { continue };
            let target = listener.target.clone();
            match self.idler_peer() {
                Some(peer) => {
                    peer.open.fetch_add(1, Ordering::Relaxed);
                    peer.tell(Command::Serve(socket, address.ip(), target));
                }
                None => {
                    self.own.open.fetch_add(1, Ordering::Relaxed);
                    self.serve(socket, address.ip(), target);
                }
            }
        }
        true
    }

    /// Serves a client that was let in and counted as this thread's.
    pub(super) fn serve(&mut self, client: OwnedFd, address: IpAddr, target: Target) {
        let counted = Counted::connection(&self.counters);
        let connection = Connection::new(client, address, target, counted, self.now);
        let key = self.connections.insert(connection);
        self.dial_next(key);
    }

    /// A thread that has far fewer connections than this one. Which thread the kernel wakes is
    /// chance, and long connections would stay where it put them.
    fn idler_peer(&self) -> Option<&Peer> {
        let open = |peer: &Peer| peer.open.load(Ordering::Relaxed);
        let own = open(&self.own);
        let peers = self.peers.iter();
        let idlest = peers.min_by_key(|peer| open(peer))?;
        (own > 2 * open(idlest)).then_some(idlest)
    }

    /// Dials the next backend that hasn't failed yet; without one, the client is refused.
    fn dial_next(&mut self, key: Key) {
        let times = self.options.dial_timeouts.len();
        loop {
            let Some(connection) = self.connections.get_mut(key) else {
                return;
            };
            let Some(search) = &mut connection.dial else {
                return;
            };
            let target = &search.target;
            let chosen = target
                .port
                .choose(target.set, search.client, &search.tried, self.now);
            let Some(used) = chosen else {
                if search.begin_round(times) && search.target.port.count(search.target.set) > 0 {
                    continue;
                }
                reset_on_close(&connection.client.socket);
                self.counters
                    .unserved_connections
                    .fetch_add(1, Ordering::Relaxed);
                self.end(key);
                return;
            };
            let dialled = dial(Transport::Tcp, used.addr()).and_then(|socket| {
                let token = Token::Backend(key).data();
                epoll::add(&self.epoll, &socket, token, BACKEND_EVENTS)?;
                Ok(socket)
            });
            search.tried.push(used.addr());
            match dialled {
                Ok(socket) => {
                    search.until = self.now + search.patience(&self.options.dial_timeouts);
                    self.timers.set(search.until, Token::Backend(key));
                    connection.backend = Some(End::dialled(socket));
                    connection.used = Some(used);
                    return;
                }
                Err(error) => {
                    tracing::debug!(backend = %used.addr(), %error, "can't dial a backend");
                    self.counters.dial_failures.fetch_add(1, Ordering::Relaxed);
                    search.target.port.failed(&used, self.now);
                }
            }
        }
    }

    /// Gives up the backend that is dialled and goes on to the next.
    fn dial_failed(&mut self, key: Key, unanswered: bool) {
        let Some(connection) = self.connections.get_mut(key) else {
            return;
        };
        let Some(search) = &mut connection.dial else {
            return;
        };
        connection.backend = None;
        if let Some(used) = connection.used.take() {
            tracing::debug!(backend = %used.addr(), unanswered, "a backend does not accept");
            search.target.port.failed(&used, self.now);
        }
        search.unanswered += usize::from(unanswered);
        search.some_unanswered |= unanswered;
        self.counters.dial_failures.fetch_add(1, Ordering::Relaxed);
        self.dial_next(key);
    }

    /// A dial's time is over, or that of one that has succeeded long since.
    pub(super) fn dial_is_due(&mut self, key: Key) {
        let Some(connection) = self.connections.get_mut(key) else {
            return;
        };
        match &connection.dial {
            Some(search) if search.until <= self.now => self.dial_failed(key, true),
            Some(_) => {}
            // Short connections never get here. Without it, one to a backend that vanished would
            // stay for ever.
            None => {
                if let Some(backend) = &connection.backend {
                    let _ = keep_alive(&backend.socket);
                }
            }
        }
    }

    pub(super) fn client_is_ready(&mut self, key: Key, flags: EventFlags) {
        let Some(connection) = self.connections.get_mut(key) else {
            return;
        };
        match connection.note(Side::Client, flags) {
            Fate::Over => {
                connection.break_off();
                self.end(key);
            }
            Fate::Waits | Fate::GoesOn => self.pump(key),
        }
    }

    pub(super) fn backend_is_ready(&mut self, key: Key, flags: EventFlags) {
        let Some(connection) = self.connections.get_mut(key) else {
            return;
        };
        let is_dialling = connection.dial.is_some();
        if is_dialling && flags.intersects(EventFlags::ERR | EventFlags::HUP) {
            return self.dial_failed(key, false);
        }
        if is_dialling && !flags.contains(EventFlags::OUT) {
            return;
        }
        let fate = connection.note(Side::Backend, flags);
        connection.dial = None;
        if fate == Fate::Over {
            connection.break_off();
            return self.end(key);
        }
        self.pump(key);
        if is_dialling {
            self.watch_client(key);
        }
    }

    /// Has the client's end watched, now that what it sends can go somewhere.
    fn watch_client(&mut self, key: Key) {
        let Some(connection) = self.connections.get_mut(key) else {
            return;
        };
        if connection.asks_for_room {
            return;
        }
        let token = Token::Client(key).data();
        let socket = &connection.client.socket;
        if epoll::add(&self.epoll, socket, token, CLIENT_EVENTS).is_err() {
            connection.break_off();
            self.end(key);
        }
    }

    /// Moves what a connection can move, and ends it when both directions are done.
    pub(super) fn pump(&mut self, key: Key) {
        let Some(connection) = self.connections.get_mut(key) else {
            return;
        };
        match connection.pump(&mut self.tools) {
            Fate::Over => self.end(key),
            Fate::GoesOn => self.going_on.push(key),
            Fate::Waits if !connection.client.writable && !connection.asks_for_room => {
                connection.asks_for_room = true;
                self.ask_for_room(key);
            }
            Fate::Waits => {}
        }
    }

    /// The client's end is full for the first time: from now on we want to hear when it isn't.
    fn ask_for_room(&mut self, key: Key) {
        let Some(connection) = self.connections.get_mut(key) else {
            return;
        };
        let token = Token::Client(key).data();
        let socket = &connection.client.socket;
        let events = CLIENT_EVENTS | EventFlags::OUT;
        let asked = match epoll::modify(&self.epoll, socket, token, events) {
            Err(Errno::NOENT) => epoll::add(&self.epoll, socket, token, events),
            asked => asked,
        };
        if asked.is_err() {
            connection.break_off();
            self.end(key);
        }
    }

    fn end(&mut self, key: Key) {
        if let Some(mut connection) = self.connections.remove(key) {
            self.own.open.fetch_sub(1, Ordering::Relaxed);
            connection.release(&mut self.tools);
        }
    }
}
