//! Asking a server over sockets.

use std::io::{self, Read, Write};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpStream, UdpSocket};
use std::time::Duration;

use tidegate_dns_wire::Transport;

/// Far more than any answer takes.
const PATIENCE: Duration = Duration::from_secs(20);

/// The reply to a packet.
///
/// # Panics
/// There is none.
pub fn ask(server: SocketAddr, packet: &[u8], transport: Transport) -> Vec<u8> {
    let reply = match transport {
        Transport::Udp => over_udp(server, packet),
        Transport::Tcp => over_tcp(server, packet),
    };
    reply.unwrap_or_else(|error| panic!("{server} over {transport:?}: {error}"))
}

/// The response code when the zone itself is asked for over TCP: SERVFAIL (2) until everything has
/// come from the API, then NOERROR (0).
///
/// # Errors
/// Nobody listens there, or there is no reply.
pub fn code_of_zone(server: SocketAddr) -> io::Result<u8> {
    let mut question = vec![0, 7, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0];
    question.extend(b"\x07cluster\x05local\0\0\x06\0\x01");
    let reply = over_tcp(server, &question)?;
    let flags = reply.get(3).ok_or(io::ErrorKind::UnexpectedEof)?;
    Ok(flags & 0x0f)
}

fn over_udp(server: SocketAddr, packet: &[u8]) -> io::Result<Vec<u8>> {
    let any: IpAddr = match server {
        SocketAddr::V4(_) => Ipv4Addr::UNSPECIFIED.into(),
        SocketAddr::V6(_) => Ipv6Addr::UNSPECIFIED.into(),
    };
    let socket = UdpSocket::bind((any, 0))?;
    socket.set_read_timeout(Some(PATIENCE))?;
    socket.connect(server)?;
    socket.send(packet)?;
    let mut reply = vec![0; 65_535];
    let length = socket.recv(&mut reply)?;
    reply.truncate(length);
    Ok(reply)
}

fn over_tcp(server: SocketAddr, packet: &[u8]) -> io::Result<Vec<u8>> {
    let mut stream = TcpStream::connect(server)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    let length = u16::try_from(packet.len()).expect("a short question");
    let framed = [&length.to_be_bytes(), packet].concat();
    stream.write_all(&framed)?;
    let mut length = [0; 2];
    stream.read_exact(&mut length)?;
    let mut reply = vec![0; usize::from(u16::from_be_bytes(length))];
    stream.read_exact(&mut reply)?;
    Ok(reply)
}
