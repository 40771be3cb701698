//! Connections: messages with their length before them (RFC 1035, 4.2.2), as many as the client
//! likes and answered in whatever order they become ready (RFC 7766).

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tidegate_dns_wire::Transport;
use tokio::io::{AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::connections::{Connections, Place};
use crate::desk::{Desk, Origin, Step};
use crate::observe::ServerCounters;
use crate::replies::Replies;

/// How long to wait after the kernel refused a connection, mostly for want of descriptors.
const AFTER_ERROR: Duration = Duration::from_millis(100);

/// How many octets of a connection are read at one time. Questions are short.
const READ_AHEAD: usize = 1024;

/// What connections may take up.
#[derive(Clone, Copy, Debug)]
pub(super) struct Limits {
    /// How many replies of one connection may be outstanding before its next question is read.
    pub(super) outstanding: usize,
    /// How long a connection may take to send its next whole message, or to take a reply.
    pub(super) idle: Duration,
}

/// One listener, and what it shares with the others.
#[derive(Clone, Debug)]
pub(super) struct TcpService {
    pub(super) desk: Arc<Desk>,
    pub(super) limits: Limits,
    pub(super) connections: Arc<Connections>,
    pub(super) counters: Arc<ServerCounters>,
    /// Which of the places for counters is that of connections.
    pub(super) number: usize,
    pub(super) stop: CancellationToken,
    pub(super) tasks: TaskTracker,
}

impl TcpService {
    /// Accepts connections until it shall stop.
    pub(super) async fn serve(self, listener: TcpListener) {
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
                let (place, was_full) = self.connections.enter();
                self.counters.tcp_connections.increment();
                if was_full {
                    self.counters.tcp_evictions.increment();
                }
                let service = self.clone();
                self.tasks
                    .spawn(async move { service.converse(stream, client, place).await });
            }
        };
        self.stop.run_until_cancelled(accepting).await;
    }

    /// Serves one connection until the client closes it, stays silent or has to make way, or we
    /// stop.
    async fn converse(&self, stream: TcpStream, client: SocketAddr, place: Place) {
        let (reader, writer) = stream.into_split();
        let (replies, outbox) = mpsc::channel(self.limits.outstanding.max(1));
        let reading = async {
            let reader = BufReader::with_capacity(READ_AHEAD, reader);
            let reading = self.read_all(reader, client, replies, &place);
            let reading = self.stop.run_until_cancelled(reading);
            place.end.run_until_cancelled(reading).await;
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
            self.desk.counters.send_failures.increment();
            tracing::debug!(%client, %error, "a connection broke");
        }
    }

    async fn read_all(
        &self,
        mut reader: BufReader<OwnedReadHalf>,
        client: SocketAddr,
        replies: mpsc::Sender<Replies>,
        place: &Place,
    ) {
        let origin = Origin {
            client,
            transport: Transport::Tcp,
            worker: self.number,
        };
        while let Ok(Ok(message)) = timeout(self.limits.idle, read_message(&mut reader)).await {
            place.heard();
            // A place in the outbox is taken before the answer is: a client that doesn't read
            // can't pile up replies here. An error means that the writer has given up.
            let Ok(slot) = replies.clone().reserve_owned().await else {
                return;
            };
            let began = Instant::now();
            let mut out = Vec::new();
            let view = self.desk.view();
            match view.begin(&message, origin, began, &mut out) {
                Step::Done if out.is_empty() => {}
                Step::Done => {
                    slot.send(out.into());
                }
                Step::Slow => {
                    let finishing = view.finish(&message, origin, began);
                    self.tasks.spawn(async move { slot.send(finishing.await) });
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
    mut outbox: mpsc::Receiver<Replies>,
    patience: Duration,
) -> io::Result<()> {
    while let Some(replies) = outbox.recv().await {
        for reply in replies {
            let length = u16::try_from(reply.len()).map_err(io::Error::other)?;
            let mut framed = Vec::with_capacity(reply.len() + 2);
            framed.extend(length.to_be_bytes());
            framed.extend(reply);
            timeout(patience, writer.write_all(&framed)).await??;
        }
    }
    writer.shutdown().await
}
