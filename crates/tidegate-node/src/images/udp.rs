//! Datagram servers that answer each packet with one.

use std::convert::Infallible;
use std::net::SocketAddr;

use tokio::net::UdpSocket;

use super::ImageError;

/// Larger requests are cut off; the answers stay within one ordinary packet.
const LARGEST: usize = 2048;

/// Answers every datagram with what `answer` makes of it; `None` stays unanswered. Never ends.
pub(super) async fn serve(
    socket: UdpSocket,
    answer: impl Fn(&[u8], SocketAddr) -> Option<String>,
) -> Infallible {
    let mut buffer = [0; LARGEST];
    loop {
        // A refused earlier answer shows up as an error here and concerns nobody.
        let Ok((length, peer)) = socket.recv_from(&mut buffer).await else {
            continue;
        };
        if let Some(text) = answer(&buffer[..length], super::http::plain(peer)) {
            // Datagrams may be lost; so may answers.
            let _ = socket.send_to(text.as_bytes(), peer).await;
        }
    }
}

/// Opens a port on all addresses of the pod.
pub(super) fn bind(port: u16) -> Result<UdpSocket, ImageError> {
    let socket = super::http::any_address(port, std::net::UdpSocket::bind)?;
    socket.set_nonblocking(true)?;
    Ok(UdpSocket::from_std(socket)?)
}
