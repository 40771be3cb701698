//! One query over UDP.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use tokio::net::UdpSocket;

use super::query::Query;

/// The longest datagram that is read. We ask for less, and a few servers don't heed that.
const LONGEST_DATAGRAM: usize = 4096;

/// A fresh socket for every query makes its port as hard to guess as the identifier. Being
/// connected, it takes datagrams from the server only; those that answer something else are passed
/// over, since the true reply may still come.
pub(super) async fn ask(upstream: SocketAddr, query: &Query) -> io::Result<Vec<u8>> {
    let any: IpAddr = match upstream {
        SocketAddr::V4(_) => Ipv4Addr::UNSPECIFIED.into(),
        SocketAddr::V6(_) => Ipv6Addr::UNSPECIFIED.into(),
    };
    let socket = UdpSocket::bind((any, 0)).await?;
    socket.connect(upstream).await?;
    socket.send(&query.packet).await?;
    let mut buffer = vec![0; LONGEST_DATAGRAM];
    loop {
        let length = socket.recv(&mut buffer).await?;
        if query.is_answered_by(&buffer[..length]) {
            buffer.truncate(length);
            return Ok(buffer);
        }
    }
}
