//! HTTP over connections that are bounded in number, size and time.
//!
//! Whoever can reach these ports can't make a program hold more than a few hundred connections and
//! a few kilobytes of each.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

/// How many connections one server has at once; others wait in the kernel's queue.
pub const CONNECTIONS: usize = 256;

/// How long a request's head may take to arrive, and a connection may idle.
const HEAD_TIME: Duration = Duration::from_secs(10);

/// How long a connection may last, whatever it does.
const LIFE_TIME: Duration = Duration::from_secs(120);

/// The most of a request's head.
const HEAD_BYTES: usize = 16 * 1024;

/// How long to wait when the process has no descriptors left.
const ACCEPT_AGAIN_AFTER: Duration = Duration::from_millis(100);

/// Places for connections; servers may share them.
#[derive(Clone, Debug)]
pub struct Slots(Arc<Semaphore>);

impl Slots {
    /// So many places.
    pub fn new(connections: usize) -> Self {
        Self(Arc::new(Semaphore::new(connections)))
    }

    async fn take(&self) -> OwnedSemaphorePermit {
        let permit = Arc::clone(&self.0).acquire_owned().await;
        permit.expect("nobody closes the semaphore")
    }
}

/// Serves for ever; dropping the future ends every connection.
pub async fn serve(listener: TcpListener, router: Router, slots: &Slots) {
    let mut connections = JoinSet::new();
    loop {
        let slot = slots.take().await;
        match listener.accept().await {
            Ok((stream, _)) => {
                let router = router.clone();
                connections.spawn(async move {
                    let _slot = slot;
                    answer(stream, router).await;
                });
            }
            Err(error) => {
                tracing::debug!(%error, "a connection could not be accepted");
                sleep(ACCEPT_AGAIN_AFTER).await;
            }
        }
        while connections.try_join_next().is_some() {}
    }
}

async fn answer(stream: TcpStream, router: Router) {
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_TIME)
        .max_buf_size(HEAD_BYTES)
        .serve_connection(TokioIo::new(stream), TowerToHyperService::new(router));
    // How a client ends its connection is its own affair.
    let _ = timeout(LIFE_TIME, connection).await;
}
