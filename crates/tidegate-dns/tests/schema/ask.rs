//! Asking a server over sockets.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream, UdpSocket};
use std::time::Duration;

use tidegate_dns_wire::Transport;

/// Far more than any answer takes.
const PATIENCE: Duration = Duration::from_secs(20);

/// The reply to a packet.
///
/// # Panics
/// There is none.
pub(crate) fn ask(server: SocketAddr, packet: &[u8], transport: Transport) -> Vec<u8> {
    match transport {
        Transport::Udp => over_udp(server, packet),
        Transport::Tcp => over_tcp(server, packet),
    }
}

fn over_udp(server: SocketAddr, packet: &[u8]) -> Vec<u8> {
    let socket = UdpSocket::bind("127.0.0.1:0").expect("a port");
    socket.set_read_timeout(Some(PATIENCE)).expect("set");
    socket.connect(server).expect("connected");
    socket.send(packet).expect("sent");
    let mut reply = vec![0; 65_535];
    let length = socket.recv(&mut reply).expect("a reply");
    reply.truncate(length);
    reply
}

fn over_tcp(server: SocketAddr, packet: &[u8]) -> Vec<u8> {
    let mut stream = TcpStream::connect(server).expect("connected");
    stream.set_read_timeout(Some(PATIENCE)).expect("set");
    let length = u16::try_from(packet.len()).expect("a short question");
    let framed = [&length.to_be_bytes(), packet].concat();
    stream.write_all(&framed).expect("sent");
    let mut length = [0; 2];
    stream.read_exact(&mut length).expect("a length");
    let mut reply = vec![0; usize::from(u16::from_be_bytes(length))];
    stream.read_exact(&mut reply).expect("a reply");
    reply
}
