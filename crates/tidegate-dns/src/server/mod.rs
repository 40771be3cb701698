//! A server: its addresses, its blocks, its pages, and what becomes of them with a new
//! configuration.

mod batch;
mod bind;
mod connections;
mod handle;
mod listeners;
mod places;
mod reload;
mod setup;
mod shared;
mod shutdown;
mod startup;
mod stop;
mod tcp;
mod udp;

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use tidegate_dns_config::DnsConfig;
use tidegate_watch::ClusterWatch;
use tokio_util::sync::CancellationToken;

pub use bind::BindError;
pub use handle::ServerHandle;
pub use setup::Setup;

use crate::block::BuildError;
use shared::Shared;

/// A DNS server with its sockets bound.
#[derive(Debug)]
pub struct Server {
    shared: Arc<Shared>,
}

/// Why a configuration can't be served.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// Something that it says can't be done.
    #[error(transparent)]
    Config(#[from] BuildError),
    /// An address can't be had.
    #[error(transparent)]
    Bind(#[from] BindError),
    /// The kernel refuses threads or descriptors.
    #[error("the DNS server can't start to serve: {0}")]
    Serve(#[from] io::Error),
}

impl Server {
    /// Binds every address, over UDP and TCP. Nothing is answered before [`Server::run`].
    ///
    /// # Errors
    /// The configuration can't be served.
    ///
    /// # Panics
    /// Outside a runtime of tokio.
    pub fn bind(config: &DnsConfig, setup: Setup) -> Result<Self, StartError> {
        let shared = Shared::new(config, setup);
        shared.take_first(config)?;
        Ok(Self { shared })
    }

    /// The addresses that were bound, with the ports that the kernel chose for port 0.
    pub fn addresses(&self) -> Vec<SocketAddr> {
        self.handle().addresses()
    }

    /// A way to reach the server while it runs.
    pub fn handle(&self) -> ServerHandle {
        ServerHandle {
            shared: Arc::clone(&self.shared),
        }
    }

    /// Serves until `shutdown`, and then lets questions that wait for other servers end, for two
    /// seconds at most.
    ///
    /// Until `watch` has its first lists, questions about the cluster get SERVFAIL. The watch must
    /// have [every kind](tidegate_watch::Scope::Everything) in it. Server blocks that select what
    /// they know by labels have watches of their own beside it, of the same API.
    ///
    /// # Errors
    /// The kernel refuses threads or descriptors.
    pub async fn run(
        self,
        watch: &ClusterWatch,
        shutdown: CancellationToken,
    ) -> Result<(), StartError> {
        let shared = self.shared;
        shared.start_listeners()?;
        shared.start_pages().await;
        shared.check_for_loops();
        let following = shared.names.follow(watch, &shared.counters.changes);
        let joining = async {
            match shared.join_others().await {
                Ok(()) => std::future::pending().await,
                Err(error) => error,
            }
        };
        let working = async {
            tokio::select! {
                () = following => None,
                error = joining => Some(error),
            }
        };
        if let Some(Some(error)) = shutdown.run_until_cancelled(working).await {
            return Err(error);
        }
        shared.leave().await;
        Ok(())
    }
}
