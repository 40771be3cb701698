//! What happens when a server begins to serve.

use tidegate_dns_config::DnsConfig;
use tokio::time::timeout;

use super::StartError;
use super::shared::Shared;
use crate::observe::page_addresses;

impl Shared {
    pub(super) fn start_listeners(&self) -> Result<(), StartError> {
        let mut state = self.lock();
        state.is_serving = true;
        for listener in state.listeners.iter_mut().filter(|one| !one.is_later()) {
            listener.serve(&self.common)?;
        }
        Ok(())
    }

    /// Joins the servers at shared addresses once there is something to say, so that nobody gets
    /// an answer from here that another server could have given better.
    pub(super) async fn join_others(&self) -> Result<(), StartError> {
        let config = self.lock().config.clone();
        self.wait_for_names(&config).await;
        let mut state = self.lock();
        state.is_known = true;
        for listener in &mut state.listeners {
            listener.serve(&self.common)?;
        }
        Ok(())
    }

    /// Waits until the names are in that a configuration asks for, for as long as it says at most.
    pub(super) async fn wait_for_names(&self, config: &DnsConfig) {
        let clusters = config
            .servers
            .iter()
            .filter_map(|it| it.kubernetes.as_ref());
        let patience = clusters.map(|it| it.startup_timeout).max();
        let patience = patience.unwrap_or_default();
        if timeout(patience, self.names.synced()).await.is_err() {
            tracing::warn!(
                ?patience,
                "the cluster's names aren't known yet; names of others are answered"
            );
        }
    }

    pub(super) async fn start_pages(&self) {
        let wanted = page_addresses(&self.lock().config);
        self.reloading
            .lock()
            .await
            .serve(&wanted, &self.health)
            .await;
    }

    /// Asks the questions that find out whether what is passed on comes back.
    pub(super) fn check_for_loops(&self) {
        for block in self.lock().blocks.iter().cloned() {
            let Some(check) = block.loop_check.clone() else {
                continue;
            };
            self.common.tasks.spawn(async move {
                if check.run(&block.routes).await {
                    tracing::error!(
                        zone = block.zone,
                        "what is passed on to other servers comes back to this one: correct their \
                         addresses in `forward`, or in the resolv.conf that it names (a file with \
                         127.0.0.53 or this server's own address leads back here)"
                    );
                }
            });
        }
    }
}
