//! Datagrams.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::UdpSocket;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::respond::{Responder, Response};
use crate::wire::Transport;

/// The longest query that is read. A real one is far below; what is cut off here isn't
/// well-formed any more, and is refused as such.
const LONGEST_QUERY: usize = 4096;

/// How long to wait after the kernel refused to receive.
const AFTER_ERROR: Duration = Duration::from_millis(100);

/// Serves one socket. What the cluster knows is answered between two packets; only questions that
/// wait for other servers get a task, and of those there is a bounded number.
pub(super) async fn serve(
    socket: Arc<UdpSocket>,
    responder: Arc<Responder>,
    tasks: TaskTracker,
    shutdown: CancellationToken,
) {
    let mut buffer = vec![0; LONGEST_QUERY];
    while let Some(received) = shutdown
        .run_until_cancelled(socket.recv_from(&mut buffer))
        .await
    {
        let (length, client) = match received {
            Ok(packet) => packet,
            Err(error) => {
                tracing::warn!(%error, "a DNS socket can't receive; trying again");
                tokio::time::sleep(AFTER_ERROR).await;
                continue;
            }
        };
        responder.counters.udp_packets.increment();
        match responder.begin(&buffer[..length], Transport::Udp) {
            Response::Nothing => {}
            Response::Ready(reply) => send(&socket, &responder, &reply, client).await,
            Response::Waiting(waiting) => {
                let socket = Arc::clone(&socket);
                let responder = Arc::clone(&responder);
                tasks.spawn(async move {
                    let reply = waiting.reply().await;
                    send(&socket, &responder, &reply, client).await;
                });
            }
        }
    }
}

async fn send(socket: &UdpSocket, responder: &Responder, reply: &[u8], client: SocketAddr) {
    if let Err(error) = socket.send_to(reply, client).await {
        responder.counters.send_failures.increment();
        tracing::debug!(%client, %error, "a reply can't be sent");
    }
}
