//! Servers that tell who they are and whom they see, and clients that ask them.

use std::io::{ErrorKind, Read, Write};
use std::net::{IpAddr, Ipv6Addr, SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::thread;
use std::time::Duration;

/// The protocol of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Protocol {
    /// TCP.
    Tcp,
    /// UDP.
    Udp,
}

/// What became of a call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// Who answered, and which source address it saw.
    From(String, IpAddr),
    /// The call was refused at once.
    Refused,
    /// There was no answer.
    Silence,
}

/// How long a call waits. An answer comes within a millisecond; only silence takes this long.
const PATIENCE: Duration = Duration::from_millis(1500);

impl Answer {
    /// Who answered.
    pub fn name(&self) -> &str {
        match self {
            Self::From(name, _) => name,
            other => panic!("nobody answered: {other:?}"),
        }
    }

    /// The source address that whoever answered saw.
    pub fn source(&self) -> IpAddr {
        match self {
            Self::From(_, source) => *source,
            other => panic!("nobody answered: {other:?}"),
        }
    }
}

/// Starts a server on all addresses of this machine. On TCP it answers each line of a connection.
pub fn serve(protocol: Protocol, port: u16, name: &str) {
    let name = name.to_owned();
    let any = (Ipv6Addr::UNSPECIFIED, port);
    match protocol {
        Protocol::Tcp => {
            let listener = TcpListener::bind(any).expect("the port is free");
            thread::spawn(move || {
                for stream in listener.incoming().flatten() {
                    let name = name.clone();
                    thread::spawn(move || answer_lines(stream, &name));
                }
            });
        }
        Protocol::Udp => {
            let socket = UdpSocket::bind(any).expect("the port is free");
            thread::spawn(move || {
                let mut buffer = [0; 100];
                while let Ok((_, peer)) = socket.recv_from(&mut buffer) {
                    let answer = format!("{name} {}", peer.ip().to_canonical());
                    // The client may have given up: that is its business.
                    let _ = socket.send_to(answer.as_bytes(), peer);
                }
            });
        }
    }
}

fn answer_lines(mut stream: TcpStream, name: &str) {
    let Ok(peer) = stream.peer_addr() else { return };
    let mut buffer = [0; 100];
    while stream.read(&mut buffer).is_ok_and(|length| length > 0) {
        let answer = format!("{name} {}", peer.ip().to_canonical());
        if stream.write_all(answer.as_bytes()).is_err() {
            return;
        }
    }
}

/// Calls an address once.
pub fn ask(protocol: Protocol, to: SocketAddr) -> Answer {
    match protocol {
        Protocol::Tcp => ask_tcp(to),
        Protocol::Udp => ask_from_port(0, to),
    }
}

fn ask_tcp(to: SocketAddr) -> Answer {
    let mut stream = match TcpStream::connect_timeout(&to, PATIENCE) {
        Ok(stream) => stream,
        Err(error) => return no_answer(error.kind()),
    };
    stream.set_read_timeout(Some(PATIENCE)).expect("not zero");
    let mut buffer = [0; 100];
    match stream
        .write_all(b"?")
        .and_then(|()| stream.read(&mut buffer))
    {
        Ok(length) => read(&buffer[..length]),
        Err(error) => no_answer(error.kind()),
    }
}

/// Calls an address over UDP from a port of its own; zero is any.
pub fn ask_from_port(port: u16, to: SocketAddr) -> Answer {
    let any: IpAddr = match to {
        SocketAddr::V4(_) => [0; 4].into(),
        SocketAddr::V6(_) => Ipv6Addr::UNSPECIFIED.into(),
    };
    let socket = UdpSocket::bind((any, port)).expect("the port is free");
    socket.set_read_timeout(Some(PATIENCE)).expect("not zero");
    let mut buffer = [0; 100];
    let asked = socket.connect(to).and_then(|()| socket.send(b"?"));
    match asked.and_then(|_| socket.recv(&mut buffer)) {
        Ok(length) => read(&buffer[..length]),
        Err(error) => no_answer(error.kind()),
    }
}

fn read(answer: &[u8]) -> Answer {
    let text = String::from_utf8_lossy(answer).into_owned();
    let (name, source) = text.split_once(' ').expect("a name and an address");
    Answer::From(name.to_owned(), source.parse().expect("an address"))
}

fn no_answer(kind: ErrorKind) -> Answer {
    match kind {
        ErrorKind::TimedOut | ErrorKind::WouldBlock => Answer::Silence,
        // A packet of this host's own that is refused on its way out fails the call itself.
        ErrorKind::ConnectionRefused | ErrorKind::ConnectionReset | ErrorKind::PermissionDenied => {
            Answer::Refused
        }
        other => panic!("an answer of another kind: {other}"),
    }
}
