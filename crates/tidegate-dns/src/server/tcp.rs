//! Connections: messages with their length before them (RFC 1035, 4.2.2), as many as the client
//! likes and answered in whatever order they become ready (RFC 7766).

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, mpsc};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::config::TcpLimits;
use crate::respond::{Responder, Response};
use crate::wire::Transport;

/// How long to wait after the kernel refused a connection, mostly for want of descriptors.
const AFTER_ERROR: Duration = Duration::from_millis(100);

/// Everything that all connections share.
#[derive(Debug)]
pub(super) struct TcpService {
    responder: Arc<Responder>,
    limits: TcpLimits,
    connections: Arc<Semaphore>,
    shutdown: CancellationToken,
}

impl TcpService {
    pub(super) fn new(
        responder: Arc<Responder>,
        limits: TcpLimits,
        shutdown: CancellationToken,
    ) -> Self {
        let connections = limits.max_connections.min(Semaphore::MAX_PERMITS);
        Self {
            responder,
            limits,
            connections: Arc::new(Semaphore::new(connections)),
            shutdown,
        }
    }

    /// Accepts connections and serves as many at one time as there are places, which the
    /// listeners share. The next one is taken in and waits; those after it wait in the kernel.
    pub(super) async fn serve(self: Arc<Self>, listener: TcpListener, tasks: TaskTracker) {
        let accepting = async {
            loop {
                let (stream, client) = match listener.accept().await {
                    Ok(accepted) => accepted,
                    Err(error) => {
                        tracing::warn!(%error, "a DNS connection can't be accepted; trying again");
                        tokio::time::sleep(AFTER_ERROR).await;
                        continue;
                    }
                };
                // Nobody closes the semaphore, so there is always a next place.
                let Ok(place) = Arc::clone(&self.connections).acquire_owned().await else {
                    return;
                };
                self.responder.counters.tcp_connections.increment();
                let service = Arc::clone(&self);
                let its_tasks = tasks.clone();
                tasks.spawn(async move {
                    service.converse(stream, client, &its_tasks).await;
                    drop(place);
                });
            }
        };
        self.shutdown.run_until_cancelled(accepting).await;
    }

    /// Serves one connection until the client closes it, stays silent, or we stop.
    async fn converse(&self, stream: TcpStream, client: SocketAddr, tasks: &TaskTracker) {
        let (reader, writer) = stream.into_split();
        let (replies, outbox) = mpsc::channel(self.limits.max_outstanding.max(1));
        let reading = async {
            let reading = self.read_all(BufReader::new(reader), replies, tasks);
            self.shutdown.run_until_cancelled(reading).await;
        };
        // The writer ends when the last reply is out, and takes the reader with it when it can't
        // write any more.
        let writing = write_all(writer, outbox, self.limits.idle);
        tokio::pin!(reading, writing);
        let written = tokio::select! {
            () = &mut reading => writing.await,
            written = &mut writing => written,
        };
        if let Err(error) = written {
            self.responder.counters.send_failures.increment();
            tracing::debug!(%client, %error, "a connection broke");
        }
    }

    async fn read_all(
        &self,
        mut reader: BufReader<OwnedReadHalf>,
        replies: mpsc::Sender<Vec<u8>>,
        tasks: &TaskTracker,
    ) {
        while let Ok(Ok(message)) = timeout(self.limits.idle, read_message(&mut reader)).await {
            self.responder.counters.tcp_messages.increment();
            // A place in the outbox is taken before the answer is: a client that doesn't read
            // can't pile up replies here. An error means that the writer has given up.
            let Ok(place) = replies.clone().reserve_owned().await else {
                return;
            };
            match self.responder.begin(&message, Transport::Tcp) {
                Response::Nothing => {}
                Response::Ready(reply) => {
                    place.send(reply);
                }
                Response::Waiting(waiting) => {
                    tasks.spawn(async move { place.send(waiting.reply().await) });
                }
            }
        }
    }
}

async fn read_message(reader: &mut BufReader<OwnedReadHalf>) -> io::Result<Vec<u8>> {
    let length = reader.read_u16().await?;
    let mut message = vec![0; usize::from(length)];
    reader.read_exact(&mut message).await?;
    Ok(message)
}

async fn write_all(
    mut writer: OwnedWriteHalf,
    mut outbox: mpsc::Receiver<Vec<u8>>,
    patience: Duration,
) -> io::Result<()> {
    while let Some(reply) = outbox.recv().await {
        let length = u16::try_from(reply.len()).map_err(io::Error::other)?;
        let mut framed = Vec::with_capacity(reply.len() + 2);
        framed.extend(length.to_be_bytes());
        framed.extend(reply);
        timeout(patience, writer.write_all(&framed)).await??;
    }
    writer.shutdown().await
}
