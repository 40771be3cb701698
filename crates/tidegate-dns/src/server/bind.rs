//! Taking the addresses.

use std::io;
use std::net::{SocketAddr, TcpListener, UdpSocket};

use socket2::{Domain, Protocol, Socket, Type};

/// Connections that may wait to be accepted.
const BACKLOG: i32 = 1024;

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
    /// The configuration names no address.
    #[error("there is no address to serve DNS on: give at least one")]
    NoAddress,
}

/// Sockets that are bound and not served yet.
#[derive(Debug)]
pub(super) struct Sockets {
    pub(super) addresses: Vec<SocketAddr>,
    pub(super) udp: Vec<UdpSocket>,
    pub(super) tcp: Vec<TcpListener>,
}

impl Sockets {
    /// Binds each address once for TCP, and for UDP as often as sockets are to share it.
    ///
    /// TCP comes first and shares with nobody, so that a second server of this kind is refused
    /// although its UDP sockets would be let in.
    pub(super) fn bind(wanted: &[SocketAddr], udp_sockets: usize) -> Result<Self, BindError> {
        if wanted.is_empty() {
            return Err(BindError::NoAddress);
        }
        let mut sockets = Self {
            addresses: Vec::new(),
            udp: Vec::new(),
            tcp: Vec::new(),
        };
        for address in wanted {
            let (listener, address) =
                tcp(*address).map_err(|error| explain(*address, "TCP", error))?;
            for _ in 0..udp_sockets.max(1) {
                let socket = udp(address).map_err(|error| explain(address, "UDP", error))?;
                sockets.udp.push(socket);
            }
            sockets.tcp.push(listener);
            sockets.addresses.push(address);
        }
        Ok(sockets)
    }
}

fn tcp(address: SocketAddr) -> io::Result<(TcpListener, SocketAddr)> {
    let socket = Socket::new(
        Domain::for_address(address),
        Type::STREAM,
        Some(Protocol::TCP),
    )?;
    // Connections of an earlier run that are still winding down don't keep us out.
    socket.set_reuse_address(true)?;
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
    prepare(&socket, address)?;
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
