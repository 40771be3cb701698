//! What a thread does about UDP: it finds or opens a client's session and passes datagrams on.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use rustix::event::epoll::{self, EventFlags};
use rustix::io::Errno;
use rustix::net::{RecvFlags, recvfrom};

use super::counters::Counted;
use super::listener::Listener;
use super::slots::Key;
use super::socket::peer_address;
use super::token::Token;
use super::udp::{Clients, DATAGRAMS, Reply, Session};
use super::worker::Worker;

impl Worker {
    /// Passes on what clients sent to a listener.
    pub(super) fn receive(&mut self, listener: &Arc<Listener>) {
        // Lent for as long as we look into it, since passing it on needs the thread's other parts.
        let mut buffer = std::mem::take(&mut self.tools.buffer);
        for _ in 0..DATAGRAMS {
            let received = recvfrom(&listener.socket, &mut buffer[..], RecvFlags::empty());
            let (length, client) = match received {
                Ok((_, length, peer)) => (length.min(buffer.len()), peer_address(peer)),
                Err(Errno::AGAIN) => break,
                // Word of an answer that reached nobody.
                Err(_) => continue,
            };
            if let Some(client) = client {
                self.forward(listener, client, &buffer[..length]);
            }
        }
        self.tools.buffer = buffer;
    }

    /// Sends a client's datagram to its backend, or to another one if that refuses.
    fn forward(&mut self, listener: &Arc<Listener>, client: SocketAddr, datagram: &[u8]) {
        let clients = self.clients.get(&listener.id);
        if let Some(key) = clients.and_then(|clients| clients.session(client))
            && let Some(session) = self.sessions.get_mut(key)
        {
            if !session.used().is_gone() && session.forward(datagram, self.now) == Reply::Passed {
                return;
            }
            self.end_session(key);
        }
        self.forward_anew(listener, client, datagram, Vec::new());
    }

    /// Sends a client's datagram to the first backend that doesn't refuse it at once.
    fn forward_anew(
        &mut self,
        listener: &Arc<Listener>,
        client: SocketAddr,
        datagram: &[u8],
        mut tried: Vec<SocketAddr>,
    ) {
        while let Some(key) = self.open_session(listener, client, &mut tried) {
            let Some(session) = self.sessions.get_mut(key) else {
                return;
            };
            if session.forward(datagram, self.now) == Reply::Passed {
                // All but this one, which hasn't refused yet.
                tried.pop();
                session.set_tried(tried);
                return;
            }
            self.note_refusal(key);
            self.end_session(key);
        }
    }

    /// Opens a session with a backend that wasn't tried yet.
    fn open_session(
        &mut self,
        listener: &Arc<Listener>,
        client: SocketAddr,
        tried: &mut Vec<SocketAddr>,
    ) -> Option<Key> {
        let target = &listener.target;
        loop {
            self.make_room(listener.id, self.options.udp_sessions);
            let used = target
                .port
                .choose(target.set, client.ip(), tried, self.now)?;
            tried.push(used.addr());
            let counted = Counted::session(&self.counters);
            let opened = match Session::open(listener, client, used, counted, self.now) {
                // No more sockets: one that is idle makes room.
                Err((used, Errno::MFILE | Errno::NFILE | Errno::NOBUFS)) => {
                    let left = self.clients.get(&listener.id).map_or(0, Clients::len);
                    self.make_room(listener.id, left);
                    let counted = Counted::session(&self.counters);
                    Session::open(listener, client, used, counted, self.now)
                }
                opened => opened,
            };
            let session = match opened {
                Ok(session) => session,
                Err((used, error)) => {
                    tracing::debug!(backend = %used.addr(), %error, "can't dial a backend");
                    self.counters.dial_failures.fetch_add(1, Ordering::Relaxed);
                    target.port.failed(&used, self.now);
                    continue;
                }
            };
            let key = self.sessions.insert(session);
            let session = self.sessions.get_mut(key)?;
            let token = Token::Session(key);
            let watched = epoll::add(&self.epoll, &session.socket, token.data(), EventFlags::IN);
            let Some(clients) = self
                .clients
                .get_mut(&listener.id)
                .filter(|_| watched.is_ok())
            else {
                self.sessions.remove(key);
                return None;
            };
            clients.add(client, key, self.now);
            self.timers.set(self.now + self.options.udp_idle, token);
            return Some(key);
        }
    }

    /// Ends the idlest sessions of a listener until it has fewer than so many.
    fn make_room(&mut self, listener: u32, most: usize) {
        while let Some(clients) = self.clients.get_mut(&listener)
            && clients.len() >= most.max(1)
            && let Some(key) = clients.idlest(&mut self.sessions)
        {
            self.end_session(key);
        }
    }

    pub(super) fn session_is_ready(&mut self, key: Key) {
        let Some(session) = self.sessions.get_mut(key) else {
            return;
        };
        if session.answer(&mut self.tools.buffer, self.now) == Reply::Refused {
            self.session_failed(key);
        }
    }

    /// A session's time is over, unless it was used meanwhile.
    pub(super) fn session_is_due(&mut self, key: Key) {
        let Some(session) = self.sessions.get_mut(key) else {
            return;
        };
        let until = session.last_used + self.options.udp_idle;
        match until <= self.now {
            true => drop(self.end_session(key)),
            false => self.timers.set(until, Token::Session(key)),
        }
    }

    /// The backend refuses: another one gets what the client said, if nobody has answered yet, and
    /// what it says next.
    fn session_failed(&mut self, key: Key) {
        self.note_refusal(key);
        let Some(session) = self.end_session(key) else {
            return;
        };
        let Some(listener) = self.clients.get(&session.listener()) else {
            return;
        };
        let listener = Arc::clone(&listener.listener);
        if let (client, Some(datagram), tried) = session.unheard() {
            self.forward_anew(&listener, client, &datagram, tried);
        }
    }

    fn note_refusal(&mut self, key: Key) {
        if let Some(session) = self.sessions.get_mut(key) {
            session.port().failed(session.used(), self.now);
            self.counters.dial_failures.fetch_add(1, Ordering::Relaxed);
        }
    }

    fn end_session(&mut self, key: Key) -> Option<Session> {
        let session = self.sessions.remove(key)?;
        if let Some(clients) = self.clients.get_mut(&session.listener()) {
            clients.forget(&session, key);
        }
        Some(session)
    }
}
