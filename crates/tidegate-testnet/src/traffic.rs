//! Clients that ask servers who they are and whom they see.

use std::collections::BTreeMap;
use std::io::{self, ErrorKind, Read, Write};
use std::net::{IpAddr, Ipv6Addr, SocketAddr, TcpStream};
use std::time::Duration;

use socket2::{Domain, Socket, Type};

/// The protocol of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Protocol {
    /// TCP.
    Tcp,
    /// UDP.
    Udp,
}

/// What became of a call.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Answer {
    /// Who answered, and which source address it saw.
    From(String, IpAddr),
    /// The call was refused at once.
    Refused,
    /// A router on the way said that it can't go on.
    Unreachable,
    /// There was no answer.
    Silence,
}

/// How long a call waits unless it says otherwise. An answer comes within a millisecond; only
/// silence takes this long.
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

/// A call to an address, to be made in the calling thread's network namespace.
#[derive(Clone, Copy, Debug)]
pub struct Call {
    /// The protocol.
    pub protocol: Protocol,
    /// Where it goes.
    pub to: SocketAddr,
    /// Where it comes from; the port zero is any.
    pub from: Option<SocketAddr>,
    /// How long it waits for each of connection and answer.
    pub patience: Duration,
}

impl Call {
    /// A call from any port of the address that routing gives.
    pub fn new(protocol: Protocol, to: SocketAddr) -> Self {
        Self {
            protocol,
            to,
            from: None,
            patience: PATIENCE,
        }
    }

    /// The same from one of the machine's addresses, and from one of its ports unless that is zero.
    #[must_use]
    pub fn from(self, address: IpAddr, port: u16) -> Self {
        Self {
            from: Some(SocketAddr::new(address, port)),
            ..self
        }
    }

    /// The same with another patience.
    #[must_use]
    pub fn patience(self, patience: Duration) -> Self {
        Self { patience, ..self }
    }

    /// Makes the call.
    pub fn make(&self) -> Answer {
        let mut buffer = [0; 100];
        let asked = self.connect();
        let asked = asked.and_then(|mut stream| exchange(&mut stream, &mut buffer));
        match asked {
            // Whoever accepts and hangs up at once refuses too.
            Ok(0) => Answer::Refused,
            Ok(length) => read(&buffer[..length]),
            Err(error) => no_answer(&error),
        }
    }

    /// A connected socket, read and written as a stream whatever its protocol.
    pub(crate) fn connect(&self) -> io::Result<TcpStream> {
        let kind = match self.protocol {
            Protocol::Tcp => Type::STREAM,
            Protocol::Udp => Type::DGRAM,
        };
        let socket = Socket::new(Domain::for_address(self.to), kind, None)?;
        if let Some(from) = self.from {
            socket.bind(&from.into())?;
        }
        socket.set_read_timeout(Some(self.patience))?;
        match self.protocol {
            Protocol::Tcp => socket.connect_timeout(&self.to.into(), self.patience)?,
            Protocol::Udp => socket.connect(&self.to.into())?,
        }
        Ok(socket.into())
    }
}

/// Calls an address once.
pub fn ask(protocol: Protocol, to: SocketAddr) -> Answer {
    Call::new(protocol, to).make()
}

/// Calls an address over UDP from a port of its own; zero is any.
pub fn ask_from_port(port: u16, to: SocketAddr) -> Answer {
    let any: IpAddr = match to {
        SocketAddr::V4(_) => [0; 4].into(),
        SocketAddr::V6(_) => Ipv6Addr::UNSPECIFIED.into(),
    };
    Call::new(Protocol::Udp, to).from(any, port).make()
}

/// Makes calls side by side and gives their answers in the same order.
pub fn ask_all(calls: &[Call]) -> Vec<Answer> {
    std::thread::scope(|scope| {
        let started: Vec<_> = calls
            .iter()
            .map(|call| scope.spawn(|| call.make()))
            .collect();
        let ended = started.into_iter().map(|thread| thread.join());
        ended.map(|answer| answer.expect("a call ends")).collect()
    })
}

/// Makes a call again and again, and counts who answered.
///
/// # Errors
/// The first answer that is none.
pub fn count_answers(call: &Call, times: u32) -> Result<BTreeMap<String, u32>, Answer> {
    let mut counts = BTreeMap::new();
    for _ in 0..times {
        match call.make() {
            Answer::From(name, _) => *counts.entry(name).or_default() += 1,
            other => return Err(other),
        }
    }
    Ok(counts)
}

/// Asks over a connection, and gives the length of the answer.
pub(crate) fn exchange(stream: &mut TcpStream, buffer: &mut [u8]) -> io::Result<usize> {
    stream.write_all(b"?")?;
    loop {
        match stream.read(buffer) {
            // A signal to this process interrupts waits that have a time limit.
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            read => return read,
        }
    }
}

/// What an answer says.
pub(crate) fn read(answer: &[u8]) -> Answer {
    let text = String::from_utf8_lossy(answer).into_owned();
    let (name, source) = text.split_once(' ').expect("a name and an address");
    Answer::From(name.to_owned(), source.parse().expect("an address"))
}

/// What it means that there is none.
pub(crate) fn no_answer(error: &io::Error) -> Answer {
    match error.kind() {
        ErrorKind::TimedOut | ErrorKind::WouldBlock => Answer::Silence,
        // A packet of this host's own that is refused on its way out fails the call itself.
        ErrorKind::ConnectionRefused | ErrorKind::ConnectionReset | ErrorKind::PermissionDenied => {
            Answer::Refused
        }
        ErrorKind::BrokenPipe => Answer::Refused,
        ErrorKind::HostUnreachable | ErrorKind::NetworkUnreachable => Answer::Unreachable,
        _ => panic!("an answer of another kind: {error}"),
    }
}
