//! The addresses that are served, which a new configuration may change.

use std::net::{SocketAddr, UdpSocket};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};

use tokio::net::TcpListener;
use tokio::runtime::Handle;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::StartError;
use super::bind::{BindError, Sockets};
use super::connections::Connections;
use super::stop::take_no_more;
use super::tcp::{Limits, TcpService};
use super::udp::UdpWorker;
use crate::desk::{Blocks, Desk};
use crate::observe::ServerCounters;

/// What all listeners share.
#[derive(Clone, Debug)]
pub(super) struct Common {
    pub(super) udp_sockets: usize,
    pub(super) limits: Limits,
    pub(super) connections: Arc<Connections>,
    pub(super) counters: Arc<ServerCounters>,
    pub(super) runtime: Handle,
    pub(super) tasks: TaskTracker,
}

/// One address.
#[derive(Debug)]
pub(super) struct Listener {
    /// As it was asked for, where the port may be left to the kernel.
    pub(super) wanted: SocketAddr,
    pub(super) address: SocketAddr,
    pub(super) desk: Arc<Desk>,
    state: State,
}

#[derive(Debug)]
enum State {
    /// To be taken once there is something to say there: another server may be answering.
    Later,
    Bound(Sockets),
    Serving(Serving),
    Ended,
}

#[derive(Debug)]
struct Serving {
    udp: Vec<Arc<UdpSocket>>,
    threads: Vec<JoinHandle<()>>,
    stop: Arc<AtomicBool>,
    tcp_stop: CancellationToken,
}

impl Listener {
    /// Takes an address. Nothing is answered before [`Listener::serve`].
    pub(super) fn bind(
        wanted: SocketAddr,
        blocks: Blocks,
        common: &Common,
    ) -> Result<Self, BindError> {
        let sockets = Sockets::bind(wanted, common.udp_sockets, false)?;
        Ok(Self {
            wanted,
            address: sockets.address,
            desk: Arc::new(Desk::new(blocks)),
            state: State::Bound(sockets),
        })
    }

    /// An address that other servers may have too, and that is taken when this one serves there:
    /// from that moment on it gets a share of the queries.
    pub(super) fn shared(wanted: SocketAddr, blocks: Blocks) -> Self {
        Self {
            wanted,
            address: wanted,
            desk: Arc::new(Desk::new(blocks)),
            state: State::Later,
        }
    }

    /// Whether the address is still to be taken.
    pub(super) fn is_later(&self) -> bool {
        matches!(self.state, State::Later)
    }

    /// Answers from now on.
    pub(super) fn serve(&mut self, common: &Common) -> Result<(), StartError> {
        let sockets = match std::mem::replace(&mut self.state, State::Ended) {
            State::Bound(sockets) => sockets,
            State::Later => {
                self.state = State::Later;
                Sockets::bind(self.wanted, common.udp_sockets, true)?
            }
            other => {
                self.state = other;
                return Ok(());
            }
        };
        let tcp_stop = CancellationToken::new();
        let service = TcpService {
            desk: Arc::clone(&self.desk),
            limits: common.limits,
            connections: Arc::clone(&common.connections),
            counters: Arc::clone(&common.counters),
            number: common.udp_sockets,
            stop: tcp_stop.clone(),
            tasks: common.tasks.clone(),
        };
        let listener = TcpListener::from_std(sockets.tcp)?;
        common.tasks.spawn(service.serve(listener));
        let stop = Arc::<AtomicBool>::default();
        let udp: Vec<_> = sockets.udp.into_iter().map(Arc::new).collect();
        let mut threads = Vec::new();
        for (number, socket) in udp.iter().enumerate() {
            let worker = UdpWorker {
                socket: Arc::clone(socket),
                address: self.address,
                desk: Arc::clone(&self.desk),
                number,
                runtime: common.runtime.clone(),
                tasks: common.tasks.clone(),
                stop: Arc::clone(&stop),
            };
            let thread = thread::Builder::new().name(format!("dns-udp-{number}"));
            threads.push(thread.spawn(move || worker.run())?);
        }
        self.state = State::Serving(Serving {
            udp,
            threads,
            stop,
            tcp_stop,
        });
        Ok(())
    }

    /// Takes no more queries, and answers those that have come in.
    pub(super) async fn end(mut self) {
        let State::Serving(serving) = std::mem::replace(&mut self.state, State::Ended) else {
            return;
        };
        serving.leave(self.address);
        let threads = serving.threads;
        let joined = tokio::task::spawn_blocking(move || {
            threads.into_iter().all(|thread| thread.join().is_ok())
        });
        if !joined.await.unwrap_or(false) {
            tracing::error!(address = %self.address, "a thread that answered queries has panicked");
        }
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        if let State::Serving(serving) = &self.state {
            serving.leave(self.address);
        }
    }
}

impl Serving {
    /// Takes no more queries. Threads end once they have answered those that are there.
    fn leave(&self, address: SocketAddr) {
        self.tcp_stop.cancel();
        self.stop.store(true, Ordering::Release);
        for socket in &self.udp {
            if let Err(error) = take_no_more(socket, address) {
                tracing::debug!(%address, %error, "queries may get lost while this server ends");
            }
        }
    }
}
