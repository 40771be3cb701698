//! The pods' server: one epoll loop a thread, two system calls a request.

use std::net::{Ipv4Addr, SocketAddr};
use std::os::fd::OwnedFd;
use std::thread;

use rustix::event::epoll::{self, EventData, EventFlags};
use rustix::io::Errno;
use rustix::net::{RecvFlags, SendFlags, SocketFlags, accept_with, recv, send};
use socket2::{Domain, Socket, Type};

use super::{BLOCK, REQUEST};
use crate::services::POD_PORT;

/// Who is meant by an event of the listener.
const LISTENER: u64 = u64::MAX;

/// Starts so many threads that answer on the pods' port on every address of the calling thread's
/// machine. They end with this process.
pub(crate) fn start(threads: usize) -> anyhow::Result<()> {
    for _ in 0..threads {
        let listener = listen()?;
        let epoll = epoll::create(epoll::CreateFlags::CLOEXEC)?;
        epoll::add(
            &epoll,
            &listener,
            EventData::new_u64(LISTENER),
            EventFlags::IN,
        )?;
        thread::Builder::new()
            .name("pods".to_owned())
            .spawn(move || serve(&epoll, &listener))?;
    }
    Ok(())
}

fn listen() -> anyhow::Result<Socket> {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None)?;
    socket.set_reuse_address(true)?;
    socket.set_reuse_port(true)?;
    // What is accepted inherits it.
    socket.set_tcp_nodelay(true)?;
    socket.set_nonblocking(true)?;
    socket.bind(&SocketAddr::from((Ipv4Addr::UNSPECIFIED, POD_PORT)).into())?;
    socket.listen(4096)?;
    Ok(socket)
}

/// A client's connection.
struct Connection {
    socket: OwnedFd,
    /// What of a request has come.
    request: [u8; REQUEST],
    received: usize,
    /// What is still to be written.
    unsent: usize,
}

fn serve(epoll: &OwnedFd, listener: &Socket) {
    let mut connections: Vec<Option<Connection>> = Vec::new();
    let mut free: Vec<usize> = Vec::new();
    let mut events = Vec::with_capacity(256);
    loop {
        events.clear();
        match epoll::wait(epoll, rustix::buffer::spare_capacity(&mut events), None) {
            Ok(_) | Err(Errno::INTR) => {}
            Err(error) => panic!("the pods' server can't wait: {error}"),
        }
        for event in &events {
            let token = event.data.u64();
            if token == LISTENER {
                while let Ok(socket) =
                    accept_with(listener, SocketFlags::NONBLOCK | SocketFlags::CLOEXEC)
                {
                    accept(epoll, socket, &mut connections, &mut free);
                }
                continue;
            }
            let index = token as usize;
            let connection = connections.get_mut(index).and_then(Option::as_mut);
            if connection.is_some_and(|connection| !connection.advance()) {
                connections[index] = None;
                free.push(index);
            }
        }
    }
}

fn accept(
    epoll: &OwnedFd,
    socket: OwnedFd,
    connections: &mut Vec<Option<Connection>>,
    free: &mut Vec<usize>,
) {
    let index = free.pop().unwrap_or_else(|| {
        connections.push(None);
        connections.len() - 1
    });
    // On edges only, so that nothing has to be registered again when the direction changes.
    let flags = EventFlags::IN | EventFlags::OUT | EventFlags::RDHUP | EventFlags::ET;
    let mut connection = Connection {
        socket,
        request: [0; REQUEST],
        received: 0,
        unsent: 0,
    };
    let data = EventData::new_u64(index as u64);
    let registered = epoll::add(epoll, &connection.socket, data, flags);
    match registered.is_ok() && connection.advance() {
        true => connections[index] = Some(connection),
        false => free.push(index),
    }
}

impl Connection {
    /// Does what can be done now; says whether the connection goes on.
    fn advance(&mut self) -> bool {
        static ANSWER: [u8; BLOCK] = [b'!'; BLOCK];
        loop {
            while self.unsent > 0 {
                let block = &ANSWER[..self.unsent.min(BLOCK)];
                match send(&self.socket, block, SendFlags::NOSIGNAL) {
                    Ok(sent) => self.unsent -= sent,
                    Err(Errno::AGAIN) => return true,
                    Err(_) => return false,
                }
            }
            let space = &mut self.request[self.received..];
            match recv(&self.socket, space, RecvFlags::empty()) {
                Ok((_, 0)) => return false,
                Ok((_, length)) => self.received += length,
                Err(Errno::AGAIN) => return true,
                Err(_) => return false,
            }
            if self.received == REQUEST {
                let [a, b, c, d, ..] = self.request;
                self.unsent = u32::from_be_bytes([a, b, c, d]) as usize;
                self.received = 0;
            }
        }
    }
}
