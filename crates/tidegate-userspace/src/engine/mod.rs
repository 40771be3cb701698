//! The engine that forwards: threads that accept, dial and move bytes.
//!
//! Each thread has its own event queue and its own connections; what they share are the listeners
//! and what is known about backends. A TCP listener is watched by all threads and wakes one of them,
//! which serves the connection or gives it to a thread that has far fewer; there it stays. A UDP
//! listener belongs to one thread, since its sessions do.
//!
//! Nothing here blocks but the wait for events, and nothing grows without bound: a connection takes
//! two sockets and, only while its receiver is slower than its sender, one buffer or pipe.

mod connection;
mod counters;
mod datagrams;
mod direction;
mod end;
mod listener;
mod pipes;
mod slots;
mod socket;
mod tcp;
mod timers;
mod token;
mod udp;
mod worker;

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::sync::mpsc::sync_channel;
use std::thread::JoinHandle;
use std::time::Duration;

use nix::sys::signal::{SigSet, Signal};
use rustix::io::Errno;

use counters::Counters;
pub(crate) use listener::{Listener, Target};
pub(crate) use socket::{Bind, Transport};
use socket::{local_address, open_listener};
use worker::{Command, Peer, Worker};

/// How the engine works.
#[derive(Clone, Debug)]
pub(crate) struct EngineOptions {
    pub(crate) threads: usize,
    pub(crate) dial_timeouts: Vec<Duration>,
    pub(crate) udp_idle: Duration,
    pub(crate) udp_sessions: usize,
}

/// Running threads. They end with this value, and with them all connections.
#[derive(Debug)]
pub(crate) struct Engine {
    workers: Vec<Handle>,
    counters: Arc<Counters>,
    last_id: u32,
}

/// A running thread.
#[derive(Debug)]
struct Handle {
    peer: Peer,
    thread: JoinHandle<()>,
}

/// What the engine is doing, in numbers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Counts {
    pub(crate) open_connections: usize,
    pub(crate) udp_sessions: usize,
    pub(crate) dial_failures: u64,
    pub(crate) unserved_connections: u64,
}

impl Engine {
    /// Starts the threads, in the calling thread's network namespace.
    pub(crate) fn start(options: &EngineOptions) -> Result<Self, Errno> {
        let mut engine = Self {
            workers: Vec::new(),
            counters: Arc::default(),
            last_id: 0,
        };
        let count = options.threads.max(1);
        let new = (0..count).map(|_| Peer::new());
        let new: Vec<_> = new.collect::<Result<_, Errno>>()?;
        let peers: Vec<Peer> = new.iter().map(|(peer, _)| peer.clone()).collect();
        for (number, (peer, queue)) in new.into_iter().enumerate() {
            let (options, counters) = (options.clone(), Arc::clone(&engine.counters));
            let worker = Worker::new(peer.clone(), peers.clone(), queue, options, counters)?;
            let thread = std::thread::Builder::new().name(format!("forward-{number}"));
            let thread = thread.spawn(move || {
                // A client that left is told to us by an error as well.
                let _ = SigSet::from(Signal::SIGPIPE).thread_block();
                worker.run();
            });
            let thread =
                thread.map_err(|error| Errno::from_io_error(&error).unwrap_or(Errno::AGAIN))?;
            engine.workers.push(Handle { peer, thread });
        }
        Ok(engine)
    }

    /// Opens a listener and serves its clients from now on.
    pub(crate) fn listen(
        &mut self,
        transport: Transport,
        at: SocketAddr,
        bind: Bind,
        target: Target,
    ) -> Result<Arc<Listener>, Errno> {
        let socket = open_listener(transport, at, bind)?;
        let address = local_address(&socket)?;
        self.last_id += 1;
        let id = self.last_id;
        let listener = Arc::new(Listener {
            id,
            transport,
            socket,
            address,
            target,
        });
        match transport {
            Transport::Tcp => {
                for worker in &self.workers {
                    worker.peer.tell(Command::Listen(Arc::clone(&listener)));
                }
            }
            Transport::Udp => {
                let number = id as usize % self.workers.len().max(1);
                if let Some(worker) = self.workers.get(number) {
                    worker.peer.tell(Command::Listen(Arc::clone(&listener)));
                }
            }
        }
        Ok(listener)
    }

    /// Closes listeners. Who was let in already is served; UDP sessions end.
    pub(crate) fn close(&self, listeners: Vec<Arc<Listener>>) {
        let ids: Vec<u32> = listeners.iter().map(|listener| listener.id).collect();
        if !ids.is_empty() {
            self.tell_all(|done| Command::Close(ids.clone(), done));
        }
    }

    /// Has UDP sessions live for another while without a datagram.
    pub(crate) fn set_udp_idle(&self, udp_idle: Duration) {
        for worker in &self.workers {
            worker.peer.tell(Command::SetUdpIdle(udp_idle));
        }
    }

    /// Breaks off all connections and ends all sessions.
    pub(crate) fn abort(&self) {
        self.tell_all(Command::Abort);
    }

    /// What the engine is doing.
    pub(crate) fn counts(&self) -> Counts {
        let counters = &self.counters;
        Counts {
            open_connections: counters.open_connections.load(Ordering::Relaxed),
            udp_sessions: counters.udp_sessions.load(Ordering::Relaxed),
            dial_failures: counters.dial_failures.load(Ordering::Relaxed),
            unserved_connections: counters.unserved_connections.load(Ordering::Relaxed),
        }
    }

    /// Tells all threads something and waits until all have done it.
    fn tell_all(&self, command: impl Fn(std::sync::mpsc::SyncSender<()>) -> Command) {
        let (done, all_done) = sync_channel(self.workers.len());
        for worker in &self.workers {
            worker.peer.tell(command(done.clone()));
        }
        drop(done);
        // Ends when the last one has said so, or is gone.
        while all_done.recv().is_ok() {}
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        for worker in &self.workers {
            worker.peer.tell(Command::Stop);
        }
        for worker in self.workers.drain(..) {
            // A panic was told where it happened.
            let _ = worker.thread.join();
        }
    }
}
