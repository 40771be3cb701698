//! The sockets, and the tasks that serve them.

mod bind;
mod tcp;
mod udp;

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tidegate_watch::ClusterWatch;
use tokio::net::{TcpListener, UdpSocket};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

pub use bind::BindError;
use bind::Sockets;

use crate::config::{Config, TcpLimits};
use crate::counters::Counters;
use crate::forward::{Forwarder, OwnAddresses};
use crate::live_zone::LiveZone;
use crate::respond::Responder;

/// How long questions that still wait for other servers hold up the end.
const DRAIN: Duration = Duration::from_secs(2);

/// A DNS server with its sockets bound.
#[derive(Debug)]
pub struct Server {
    sockets: Sockets,
    responder: Arc<Responder>,
    tcp: TcpLimits,
}

/// The runtime can't take the sockets over.
#[derive(Debug, thiserror::Error)]
#[error("the DNS sockets can't be registered with the runtime: {0}")]
pub struct RunError(#[from] io::Error);

impl Server {
    /// Binds every address, over UDP and TCP. Nothing is answered before [`Server::run`].
    pub fn bind(config: Config) -> Result<Self, BindError> {
        let sockets = Sockets::bind(&config.addresses, config.udp_sockets)?;
        let own = OwnAddresses {
            listening: sockets.addresses.clone(),
            advertised: config.zone.name_servers.clone(),
        };
        let responder = Responder::new(
            LiveZone::new(config.zone),
            Forwarder::new(config.forward, own),
            Arc::default(),
        );
        Ok(Self {
            sockets,
            responder: Arc::new(responder),
            tcp: config.tcp,
        })
    }

    /// The addresses that were bound, with the ports that the kernel chose for port 0.
    pub fn addresses(&self) -> &[SocketAddr] {
        &self.sockets.addresses
    }

    /// What this server counts while it runs.
    pub fn counters(&self) -> Arc<Counters> {
        Arc::clone(&self.responder.counters)
    }

    /// Serves until `shutdown`, and then lets questions that wait for other servers end, for two
    /// seconds at most.
    ///
    /// Until `watch` has its first lists, questions about the cluster get SERVFAIL. The watch must
    /// have [every kind](tidegate_watch::Scope::Everything) in it.
    pub async fn run(
        self,
        watch: &ClusterWatch,
        shutdown: CancellationToken,
    ) -> Result<(), RunError> {
        let tasks = TaskTracker::new();
        for socket in self.sockets.udp {
            let socket = Arc::new(UdpSocket::from_std(socket)?);
            let responder = Arc::clone(&self.responder);
            let serving = udp::serve(socket, responder, tasks.clone(), shutdown.clone());
            tasks.spawn(serving);
        }
        let tcp = Arc::new(tcp::TcpService::new(
            Arc::clone(&self.responder),
            self.tcp,
            shutdown.clone(),
        ));
        for listener in self.sockets.tcp {
            let listener = TcpListener::from_std(listener)?;
            tasks.spawn(Arc::clone(&tcp).serve(listener, tasks.clone()));
        }
        shutdown
            .run_until_cancelled(self.responder.zone.follow(watch))
            .await;
        tasks.close();
        if tokio::time::timeout(DRAIN, tasks.wait()).await.is_err() {
            tracing::debug!("questions that wait for other servers are given up");
        }
        Ok(())
    }
}
