//! Sockets: how they are opened and set up.

use std::net::SocketAddr;
use std::time::Duration;

use rustix::fd::{AsFd, OwnedFd};
use rustix::io::Errno;
use rustix::net::{
    AddressFamily, SocketAddrAny, SocketFlags, SocketType, bind, connect, getsockname, listen,
    socket_with, sockopt,
};

/// The transport protocols that we forward.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Transport {
    Tcp,
    Udp,
}

/// How a listener takes its address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Bind {
    /// For itself.
    Alone,
    /// Together with others of this user that share it: one that comes before another leaves.
    Shared,
}

/// How many connections wait to be accepted; the kernel takes less where `somaxconn` is lower.
const BACKLOG: i32 = 4096;

/// When a silent peer is asked whether it is still there, and how often. Who vanished without a
/// word is found out after two minutes.
const KEEPALIVE_AFTER: Duration = Duration::from_secs(60);
const KEEPALIVE_EVERY: Duration = Duration::from_secs(15);
const KEEPALIVE_TRIES: u32 = 4;

/// Opens a socket on an address. For TCP it listens, with options that accepted sockets inherit.
///
/// The address needn't be one of this host's, as long as packets to it are routed here.
pub(crate) fn open_listener(
    transport: Transport,
    at: SocketAddr,
    bind_as: Bind,
) -> Result<OwnedFd, Errno> {
    let socket = open(transport, at)?;
    if bind_as == Bind::Shared {
        sockopt::set_socket_reuseport(&socket, true)?;
    }
    match at {
        SocketAddr::V4(_) => sockopt::set_ip_freebind(&socket, true)?,
        SocketAddr::V6(_) => {
            sockopt::set_ipv6_v6only(&socket, true)?;
            sockopt::set_ipv6_freebind(&socket, true)?;
        }
    }
    if transport == Transport::Tcp {
        // Closed connections of an earlier listener don't keep the port from us.
        sockopt::set_socket_reuseaddr(&socket, true)?;
        // Who waits for more before it sends is the client or the backend, not we.
        sockopt::set_tcp_nodelay(&socket, true)?;
        keep_alive(&socket)?;
    }
    bind(&socket, &at)?;
    if transport == Transport::Tcp {
        listen(&socket, BACKLOG)?;
    }
    Ok(socket)
}

/// Opens a socket and begins to connect it.
pub(crate) fn dial(transport: Transport, to: SocketAddr) -> Result<OwnedFd, Errno> {
    let socket = open(transport, to)?;
    match connect(&socket, &to) {
        Ok(()) | Err(Errno::INPROGRESS) => Ok(socket),
        Err(error) => Err(error),
    }
}

/// Has the kernel find out when the peer of a silent connection is gone.
pub(crate) fn keep_alive(socket: impl AsFd) -> Result<(), Errno> {
    let socket = socket.as_fd();
    sockopt::set_socket_keepalive(socket, true)?;
    sockopt::set_tcp_keepidle(socket, KEEPALIVE_AFTER)?;
    sockopt::set_tcp_keepintvl(socket, KEEPALIVE_EVERY)?;
    sockopt::set_tcp_keepcnt(socket, KEEPALIVE_TRIES)
}

/// Has a socket tell its peer of an abort when it is closed, instead of an orderly end.
pub(crate) fn reset_on_close(socket: impl AsFd) {
    // Where that is refused, the peer sees an end, which is what there is left to tell.
    let _ = sockopt::set_socket_linger(socket, Some(Duration::ZERO));
}

/// Where a socket is bound.
pub(crate) fn local_address(socket: impl AsFd) -> Result<SocketAddr, Errno> {
    getsockname(socket).and_then(SocketAddr::try_from)
}

/// The address of a peer, if it has one of IP.
pub(crate) fn peer_address(peer: Option<SocketAddrAny>) -> Option<SocketAddr> {
    peer.and_then(|peer| SocketAddr::try_from(peer).ok())
}

fn open(transport: Transport, towards: SocketAddr) -> Result<OwnedFd, Errno> {
    let family = match towards {
        SocketAddr::V4(_) => AddressFamily::INET,
        SocketAddr::V6(_) => AddressFamily::INET6,
    };
    let kind = match transport {
        Transport::Tcp => SocketType::STREAM,
        Transport::Udp => SocketType::DGRAM,
    };
    let flags = SocketFlags::NONBLOCK | SocketFlags::CLOEXEC;
    socket_with(family, kind, flags, None)
}
