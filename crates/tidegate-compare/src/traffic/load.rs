//! Many clients that ask as fast as they are answered.

use std::net::SocketAddr;
use std::os::fd::OwnedFd;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{anyhow, ensure};
use rustix::event::Timespec;
use rustix::event::epoll::{self, EventData, EventFlags};
use rustix::io::Errno;
use rustix::net::sockopt::set_socket_linger;
use rustix::net::{
    AddressFamily, RecvFlags, SendFlags, SocketFlags, SocketType, connect, recv, send, socket_with,
};

use super::{BLOCK, request};

/// How long a load goes on if nobody is answered.
const PATIENCE: Duration = Duration::from_secs(10);

/// What clients do.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Load {
    /// How many there are, shared among the threads.
    pub(crate) clients: usize,
    pub(crate) threads: usize,
    /// How long they go on.
    pub(crate) duration: Duration,
    /// The length of the answers that they want.
    pub(crate) answer: u32,
    /// Whether a client asks over one connection all the time, instead of a new one for each
    /// request.
    pub(crate) keep_alive: bool,
}

/// What came of it.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Counted {
    /// Requests that were answered.
    pub(crate) answered: u64,
    /// Connections that broke before the answer.
    pub(crate) failed: u64,
    /// How long it took, in seconds.
    pub(crate) seconds: f64,
}

/// Calls an address from the calling thread's machine.
pub(crate) fn run(to: SocketAddr, load: Load) -> anyhow::Result<Counted> {
    let begun = Instant::now();
    let deadline = begun + load.duration;
    let workers: Vec<_> = (0..load.threads)
        .map(|number| {
            let clients = (load.clients + load.threads - 1 - number) / load.threads;
            thread::spawn(move || Worker::new(to, load)?.run(clients, deadline))
        })
        .collect();
    let mut all = Counted::default();
    for worker in workers {
        let counted = worker.join().map_err(|_| anyhow!("a client panicked"))??;
        all.answered += counted.answered;
        all.failed += counted.failed;
    }
    all.seconds = begun.elapsed().as_secs_f64();
    ensure!(
        all.answered > 0,
        "{} answered none of {} connections",
        to,
        all.failed
    );
    Ok(all)
}

/// A thread's clients, by the number that their events carry.
struct Worker {
    to: SocketAddr,
    load: Load,
    epoll: OwnedFd,
    clients: Vec<Client>,
    block: Vec<u8>,
    counted: Counted,
}

struct Client {
    socket: OwnedFd,
    state: State,
}

enum State {
    /// The connection is being made.
    Connecting,
    /// So much of the answer is still to come.
    Waiting(usize),
}

/// What became of a client's turn.
enum Turn {
    Wait,
    Answered,
    Failed,
}

impl Worker {
    fn new(to: SocketAddr, load: Load) -> anyhow::Result<Self> {
        Ok(Self {
            to,
            load,
            epoll: epoll::create(epoll::CreateFlags::CLOEXEC)?,
            clients: Vec::new(),
            block: vec![0; BLOCK],
            counted: Counted::default(),
        })
    }

    fn run(mut self, clients: usize, deadline: Instant) -> anyhow::Result<Counted> {
        for number in 0..clients {
            let client = self.dial(number)?;
            self.clients.push(client);
        }
        let mut events = Vec::with_capacity(256);
        let at_most = Timespec {
            tv_sec: 0,
            tv_nsec: 5_000_000,
        };
        while self.goes_on(Instant::now(), deadline) {
            events.clear();
            let space = rustix::buffer::spare_capacity(&mut events);
            match epoll::wait(&self.epoll, space, Some(&at_most)) {
                Ok(_) | Err(Errno::INTR) => {}
                Err(error) => return Err(error.into()),
            }
            for event in &events {
                self.turn(event.data.u64() as usize)?;
            }
        }
        Ok(self.counted)
    }

    /// Until the time is up; on a machine that is too slow to have answered each client by then,
    /// until it has.
    fn goes_on(&self, now: Instant, deadline: Instant) -> bool {
        let is_slow = self.counted.answered < self.clients.len() as u64;
        now < deadline || (is_slow && now < deadline + PATIENCE)
    }

    fn dial(&self, number: usize) -> anyhow::Result<Client> {
        let flags = SocketFlags::NONBLOCK | SocketFlags::CLOEXEC;
        let socket = socket_with(AddressFamily::INET, SocketType::STREAM, flags, None)?;
        // Closing resets: the port is free at once.
        set_socket_linger(&socket, Some(Duration::ZERO))?;
        match connect(&socket, &self.to) {
            Ok(()) | Err(Errno::INPROGRESS) => {}
            Err(error) => return Err(error.into()),
        }
        let flags = EventFlags::IN | EventFlags::OUT | EventFlags::ET;
        let data = EventData::new_u64(number as u64);
        epoll::add(&self.epoll, &socket, data, flags)?;
        Ok(Client {
            socket,
            state: State::Connecting,
        })
    }

    fn turn(&mut self, number: usize) -> anyhow::Result<()> {
        loop {
            let client = &mut self.clients[number];
            match client.advance(self.load.answer, &mut self.block) {
                Turn::Wait => return Ok(()),
                Turn::Answered => self.counted.answered += 1,
                Turn::Failed => self.counted.failed += 1,
            }
            if self.load.keep_alive && matches!(client.state, State::Waiting(0)) {
                client.state = State::Connecting;
            } else {
                self.clients[number] = self.dial(number)?;
                return Ok(());
            }
        }
    }
}

impl Client {
    fn advance(&mut self, answer: u32, block: &mut [u8]) -> Turn {
        if let State::Connecting = self.state {
            match send(&self.socket, &request(answer), SendFlags::NOSIGNAL) {
                Ok(_) => self.state = State::Waiting(answer as usize),
                // It isn't connected yet.
                Err(Errno::AGAIN | Errno::NOTCONN) => {}
                Err(_) => return Turn::Failed,
            }
            // The answer can't be there before the event that tells of it.
            return Turn::Wait;
        }
        let State::Waiting(missing) = &mut self.state else {
            return Turn::Wait;
        };
        while *missing > 0 {
            let want = block.len().min(*missing);
            match recv(&self.socket, &mut block[..want], RecvFlags::empty()) {
                Ok((_, length)) if length > 0 => *missing -= length,
                Err(Errno::AGAIN) => return Turn::Wait,
                Ok(_) | Err(_) => return Turn::Failed,
            }
        }
        Turn::Answered
    }
}
