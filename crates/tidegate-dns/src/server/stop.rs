//! Ending threads that wait for datagrams.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};

/// Has the kernel give new queries to the other sockets of an address, while those that came here
/// already can still be received: a socket that is connected to somebody gets nobody else's
/// packets. It is connected to itself, and told so by an empty datagram, for which whoever waits
/// for one wakes up.
pub(super) fn take_no_more(socket: &UdpSocket, address: SocketAddr) -> io::Result<()> {
    let ip = match address.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => IpAddr::V4(Ipv4Addr::LOCALHOST),
        IpAddr::V6(ip) if ip.is_unspecified() => IpAddr::V6(Ipv6Addr::LOCALHOST),
        ip => ip,
    };
    socket.connect(SocketAddr::new(ip, address.port()))?;
    socket.send(&[]).map(drop)
}
