//! What can be done to a server while it runs.

use std::net::SocketAddr;
use std::sync::Arc;

use tidegate_dns_config::DnsConfig;

use super::StartError;
use super::shared::Shared;
use crate::observe::page_addresses;

/// A way to give a running server another configuration, and to look at it.
#[derive(Clone, Debug)]
pub struct ServerHandle {
    pub(super) shared: Arc<Shared>,
}

impl ServerHandle {
    /// The addresses that are served.
    pub fn addresses(&self) -> Vec<SocketAddr> {
        let state = self.shared.lock();
        state
            .listeners
            .iter()
            .map(|listener| listener.address)
            .collect()
    }

    /// The metrics, in Prometheus' text format.
    pub fn metrics(&self) -> String {
        self.shared.page()
    }

    /// Which parts aren't ready: `kubernetes` until the cluster's names are in, `bind` until every
    /// address is served.
    pub fn unready(&self) -> Vec<&'static str> {
        self.shared.unready()
    }

    /// Notes that a new configuration was refused before it came here.
    pub fn refused(&self) {
        self.shared.counters.failed_reloads.increment();
    }

    /// Serves another configuration from now on. No query gets lost: addresses that stay are not
    /// let go, new ones are taken before old ones are given up, and what has come in is answered.
    /// How many sockets and connections there are changes with the next start only.
    ///
    /// # Errors
    /// It can't be served; the one before stays in force.
    pub async fn reload(&self, config: &DnsConfig) -> Result<(), StartError> {
        let shared = &self.shared;
        let mut pages = shared.reloading.lock().await;
        let known: Vec<SocketAddr> = {
            let state = shared.lock();
            state
                .listeners
                .iter()
                .map(|listener| listener.wanted)
                .collect()
        };
        let prepared = shared.prepare(config, &known).inspect_err(|_| {
            shared.counters.failed_reloads.increment();
        })?;
        if shared.lock().is_known {
            // Names that are made of other objects than before have to be fetched first.
            shared.wait_for_names(config).await;
        }
        let retired = shared.take_over(config, prepared)?;
        for listener in retired {
            listener.end().await;
        }
        pages.serve(&page_addresses(config), &shared.health).await;
        shared.names.keep_used();
        shared.counters.reloads.increment();
        Ok(())
    }
}
