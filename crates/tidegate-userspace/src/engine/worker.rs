//! One thread of the engine: it waits for the kernel and does what there is to do.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, Sender, SyncSender, channel};
use std::time::{Duration, Instant};

use rustix::buffer::spare_capacity;
use rustix::event::{EventfdFlags, Timespec, epoll, eventfd};
use rustix::fd::OwnedFd;
use rustix::io::Errno;

use super::EngineOptions;
use super::connection::Connection;
use super::counters::Counters;
use super::direction::Tools;
use super::listener::{Listener, Target};
use super::slots::{Key, Slots};
use super::socket::Transport;
use super::timers::Timers;
use super::token::Token;
use super::udp::{Clients, Session};

/// How many events are taken from the kernel at once.
const EVENTS: usize = 256;

/// What a thread is told to do.
#[derive(Debug)]
pub(crate) enum Command {
    /// Serve a listener's clients.
    Listen(Arc<Listener>),
    /// Serve a client that another thread let in.
    Serve(OwnedFd, IpAddr, Target),
    /// Serve who waits at some listeners, then let go of them, and say so.
    Close(Vec<u32>, SyncSender<()>),
    /// Have UDP sessions live for another while.
    SetUdpIdle(Duration),
    /// End all connections and sessions now, and say so.
    Abort(SyncSender<()>),
    /// End.
    Stop,
}

/// A thread, as others see it.
#[derive(Clone, Debug)]
pub(crate) struct Peer {
    commands: Sender<Command>,
    wake: Arc<OwnedFd>,
    /// How many TCP connections it has, those included that it hasn't heard of yet.
    pub(super) open: Arc<AtomicUsize>,
}

/// A thread's state. What it does about TCP and UDP stands in modules of their own.
pub(crate) struct Worker {
    pub(super) epoll: OwnedFd,
    commands: Receiver<Command>,
    /// This thread, and all of them.
    pub(super) own: Peer,
    pub(super) peers: Vec<Peer>,
    pub(super) options: EngineOptions,
    pub(super) counters: Arc<Counters>,
    pub(super) listeners: HashMap<u32, Arc<Listener>>,
    pub(super) connections: Slots<Connection>,
    pub(super) clients: HashMap<u32, Clients>,
    pub(super) sessions: Slots<Session>,
    pub(super) timers: Timers,
    pub(super) tools: Tools,
    /// Connections that have had their turn and could go on.
    pub(super) going_on: Vec<Key>,
    /// When the events at hand were taken.
    pub(super) now: Instant,
}

impl Peer {
    /// A thread that is yet to be started, and where it finds what it is told.
    pub(crate) fn new() -> Result<(Self, Receiver<Command>), Errno> {
        let flags = EventfdFlags::NONBLOCK | EventfdFlags::CLOEXEC;
        let (commands, queue) = channel();
        let peer = Self {
            commands,
            wake: Arc::new(eventfd(0, flags)?),
            open: Arc::default(),
        };
        Ok((peer, queue))
    }

    /// Tells the thread something.
    pub(crate) fn tell(&self, command: Command) {
        // A thread that is gone has said why, and serves nobody any more.
        if self.commands.send(command).is_ok() {
            let _ = rustix::io::write(&self.wake, &1_u64.to_ne_bytes());
        }
    }
}

impl Worker {
    pub(crate) fn new(
        own: Peer,
        peers: Vec<Peer>,
        commands: Receiver<Command>,
        options: EngineOptions,
        counters: Arc<Counters>,
    ) -> Result<Self, Errno> {
        let epoll = epoll::create(epoll::CreateFlags::CLOEXEC)?;
        epoll::add(&epoll, &own.wake, Token::Wake.data(), epoll::EventFlags::IN)?;
        Ok(Self {
            epoll,
            commands,
            own,
            peers,
            options,
            counters,
            listeners: HashMap::new(),
            connections: Slots::default(),
            clients: HashMap::new(),
            sessions: Slots::default(),
            timers: Timers::default(),
            tools: Tools::new(),
            going_on: Vec::new(),
            now: Instant::now(),
        })
    }

    /// Works until it is told to end.
    pub(crate) fn run(mut self) {
        let mut events = Vec::with_capacity(EVENTS);
        loop {
            events.clear();
            let wait = self.wait();
            match epoll::wait(&self.epoll, spare_capacity(&mut events), wait.as_ref()) {
                Ok(_) | Err(Errno::INTR) => {}
                Err(error) => {
                    tracing::error!(%error, "the kernel tells no events any more; this thread ends");
                    return;
                }
            }
            self.now = Instant::now();
            for event in &events {
                let flags = event.flags;
                match Token::of(event.data) {
                    Token::Wake => {
                        if !self.obey() {
                            return;
                        }
                    }
                    Token::Listener(id) => self.listener_is_ready(id),
                    Token::Client(key) => self.client_is_ready(key, flags),
                    Token::Backend(key) => self.backend_is_ready(key, flags),
                    Token::Session(key) => self.session_is_ready(key),
                }
            }
            for key in std::mem::take(&mut self.going_on) {
                self.pump(key);
            }
            while let Some(token) = self.timers.pop(self.now) {
                self.is_due(token);
            }
        }
    }

    /// Watches a listener.
    pub(super) fn watch(&mut self, listener: &Arc<Listener>) -> Result<(), Errno> {
        let flags = match listener.transport {
            // Each of several threads waits for it, and one of them shall wake.
            Transport::Tcp => epoll::EventFlags::IN | epoll::EventFlags::EXCLUSIVE,
            Transport::Udp => epoll::EventFlags::IN,
        };
        let data = Token::Listener(listener.id).data();
        epoll::add(&self.epoll, &listener.socket, data, flags)
    }

    /// Stops to watch a listener that we can't serve for the moment, and tries again soon: until
    /// then its clients wait in the kernel, or are another thread's.
    pub(super) fn pause(&mut self, listener: &Arc<Listener>) {
        const PAUSE: Duration = Duration::from_millis(50);
        // It may be paused already.
        let _ = epoll::delete(&self.epoll, &listener.socket);
        self.timers
            .set(self.now + PAUSE, Token::Listener(listener.id));
    }

    fn wait(&self) -> Option<Timespec> {
        if !self.going_on.is_empty() {
            return Some(Timespec::default());
        }
        let wait = self.timers.wait(Instant::now())?;
        // The kernel counts in milliseconds, and waking before the time would be in vain.
        Timespec::try_from(wait + Duration::from_millis(1)).ok()
    }

    fn is_due(&mut self, token: Token) {
        match token {
            Token::Backend(key) => self.dial_is_due(key),
            Token::Session(key) => self.session_is_due(key),
            Token::Listener(id) => self.resume(id),
            Token::Client(_) | Token::Wake => {}
        }
    }

    fn resume(&mut self, id: u32) {
        let Some(listener) = self.listeners.get(&id).cloned() else {
            return;
        };
        match self.watch(&listener) {
            Ok(()) | Err(Errno::EXIST) => {}
            Err(_) => self.pause(&listener),
        }
    }

    fn listener_is_ready(&mut self, id: u32) {
        let Some(listener) = self.listeners.get(&id).cloned() else {
            return;
        };
        match listener.transport {
            Transport::Tcp => self.accept(&listener),
            Transport::Udp => self.receive(&listener),
        }
    }

    /// Does what it was told. Whether it goes on.
    fn obey(&mut self) -> bool {
        let mut count = [0; 8];
        // It only says that there are commands.
        let _ = rustix::io::read(&self.own.wake, &mut count);
        while let Ok(command) = self.commands.try_recv() {
            match command {
                Command::Listen(listener) => self.listen(listener),
                Command::Serve(client, address, target) => self.serve(client, address, target),
                Command::Close(ids, done) => {
                    for id in ids {
                        self.close(id);
                    }
                    // Whoever asked may have stopped to wait.
                    let _ = done.send(());
                }
                Command::SetUdpIdle(udp_idle) => self.options.udp_idle = udp_idle,
                Command::Abort(done) => {
                    self.abort();
                    let _ = done.send(());
                }
                Command::Stop => return false,
            }
        }
        true
    }

    fn listen(&mut self, listener: Arc<Listener>) {
        if listener.transport == Transport::Udp {
            let clients = Clients::new(Arc::clone(&listener));
            self.clients.insert(listener.id, clients);
        }
        self.listeners.insert(listener.id, Arc::clone(&listener));
        if let Err(error) = self.watch(&listener) {
            tracing::warn!(address = %listener.address, %error, "a listener can't be watched yet");
            self.pause(&listener);
        }
    }

    fn close(&mut self, id: u32) {
        let Some(listener) = self.listeners.remove(&id) else {
            return;
        };
        // What waits already was let in before the listener was given up.
        while listener.transport == Transport::Tcp && self.accept_some(&listener) {}
        // It may be paused.
        let _ = epoll::delete(&self.epoll, &listener.socket);
        if let Some(clients) = self.clients.remove(&id) {
            for key in clients.keys() {
                self.sessions.remove(key);
            }
        }
    }

    fn abort(&mut self) {
        for mut connection in self.connections.drain() {
            self.own.open.fetch_sub(1, Ordering::Relaxed);
            connection.break_off();
            connection.release(&mut self.tools);
        }
        let listeners = self.clients.drain();
        let fresh = listeners.map(|(id, clients)| (id, Clients::new(clients.listener)));
        self.clients = fresh.collect();
        self.sessions.drain();
    }
}
