//! Taking the addresses.

use std::io;
use std::net::{SocketAddr, TcpListener, UdpSocket};
use std::time::Duration;

use nix::sys::socket::setsockopt;
use nix::sys::socket::sockopt::{Ipv4PacketInfo, Ipv6RecvPacketInfo};
use socket2::{Domain, Protocol, Socket, Type};

/// Connections that may wait to be accepted.
const BACKLOG: i32 = 4096;

/// How many octets of queries may wait to be received: enough for a burst of some thousand.
const WAITING_OCTETS: usize = 4 << 20;

/// How long a thread waits for datagrams before it looks whether it shall end, though nobody has
/// woken it up for that.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// Why an address can't be served.
#[derive(Debug, thiserror::Error)]
pub enum BindError {
    /// Something else serves DNS there.
    #[error(
        "{address} is taken for DNS over {transport}: stop the server that has it (`ss -lnp 'sport = :{}'` names it) or choose another address", address.port()
    )]
    Taken {
        /// The address that was asked for.
        address: SocketAddr,
        /// `UDP` or `TCP`.
        transport: &'static str,
    },
    /// Ports below 1024 need a privilege.
    #[error(
        "{address} may not be used for DNS over {transport}: run as root, with CAP_NET_BIND_SERVICE, or on a port above 1023"
    )]
    Forbidden {
        /// The address that was asked for.
        address: SocketAddr,
        /// `UDP` or `TCP`.
        transport: &'static str,
    },
    /// No interface has the address.
    #[error(
        "{address} can't be used for DNS: no interface of this machine has that address; add it to one or choose another"
    )]
    NotHere {
        /// The address that was asked for.
        address: SocketAddr,
    },
    /// Anything else that the kernel says.
    #[error("{address} can't be used for DNS over {transport}: {source}")]
    Other {
        /// The address that was asked for.
        address: SocketAddr,
        /// `UDP` or `TCP`.
        transport: &'static str,
        /// The kernel's answer.
        source: io::Error,
    },
    /// The configuration names an interface that isn't there, or has no address.
    #[error(
        "the interface {0} has no address to serve DNS on: correct its name, or name addresses"
    )]
    NoInterface(String),
    /// The configuration names no address.
    #[error("there is no address to serve DNS on: give at least one")]
    NoAddress,
}

/// The sockets of one address, not served yet.
#[derive(Debug)]
pub(super) struct Sockets {
    pub(super) address: SocketAddr,
    pub(super) udp: Vec<UdpSocket>,
    pub(super) tcp: TcpListener,
}

impl Sockets {
    /// Binds an address once for TCP, and for UDP as often as sockets are to share it.
    ///
    /// TCP comes first. Unless it is to be shared with other servers, it is with nobody, so that a
    /// second server is refused although its UDP sockets would be let in.
    pub(super) fn bind(
        wanted: SocketAddr,
        udp_sockets: usize,
        is_shared: bool,
    ) -> Result<Self, BindError> {
        let (listener, address) =
            tcp(wanted, is_shared).map_err(|error| explain(wanted, "TCP", error))?;
        let sockets = (0..udp_sockets.max(1)).map(|_| udp(address));
        let sockets: io::Result<Vec<UdpSocket>> = sockets.collect();
        Ok(Self {
            address,
            udp: sockets.map_err(|error| explain(address, "UDP", error))?,
            tcp: listener,
        })
    }
}

fn tcp(address: SocketAddr, is_shared: bool) -> io::Result<(TcpListener, SocketAddr)> {
    let socket = Socket::new(
        Domain::for_address(address),
        Type::STREAM,
        Some(Protocol::TCP),
    )?;
    // Connections of an earlier run that are still winding down don't keep us out.
    socket.set_reuse_address(true)?;
    if is_shared {
        socket.set_reuse_port(true)?;
    }
    prepare(&socket, address)?;
    socket.listen(BACKLOG)?;
    let listener = TcpListener::from(socket);
    let bound = listener.local_addr()?;
    Ok((listener, bound))
}

fn udp(address: SocketAddr) -> io::Result<UdpSocket> {
    let socket = Socket::new(
        Domain::for_address(address),
        Type::DGRAM,
        Some(Protocol::UDP),
    )?;
    socket.set_reuse_port(true)?;
    // As much as the kernel lets us have: a burst shall wait instead of being lost.
    socket.set_recv_buffer_size(WAITING_OCTETS)?;
    if address.ip().is_unspecified() {
        match address {
            SocketAddr::V4(_) => setsockopt(&socket, Ipv4PacketInfo, &true)?,
            SocketAddr::V6(_) => setsockopt(&socket, Ipv6RecvPacketInfo, &true)?,
        }
    }
    prepare(&socket, address)?;
    // A thread of its own waits there, and looks now and then whether it shall end.
    socket.set_nonblocking(false)?;
    socket.set_read_timeout(Some(LOOK_EVERY))?;
    Ok(socket.into())
}

fn prepare(socket: &Socket, address: SocketAddr) -> io::Result<()> {
    if address.is_ipv6() {
        // IPv4 has sockets of its own.
        socket.set_only_v6(true)?;
    }
    socket.set_nonblocking(true)?;
    socket.bind(&address.into())
}

fn explain(address: SocketAddr, transport: &'static str, source: io::Error) -> BindError {
    match source.kind() {
        io::ErrorKind::AddrInUse => BindError::Taken { address, transport },
        io::ErrorKind::PermissionDenied => BindError::Forbidden { address, transport },
        io::ErrorKind::AddrNotAvailable => BindError::NotHere { address },
        _ => BindError::Other {
            address,
            transport,
            source,
        },
    }
}
