//! What happens when a server ends.

use std::sync::atomic::Ordering;
use std::time::Duration;

use super::shared::Shared;

/// How long questions that still wait for other servers hold up the end.
const DRAIN: Duration = Duration::from_secs(2);

impl Shared {
    /// Tells others to go elsewhere, answers what comes until they do, and lets go of everything.
    pub(super) async fn leave(&self) {
        self.health.is_leaving.store(true, Ordering::Relaxed);
        self.linger().await;
        let listeners = std::mem::take(&mut self.lock().listeners);
        for listener in listeners {
            listener.end().await;
        }
        self.common.tasks.close();
        if tokio::time::timeout(DRAIN, self.common.tasks.wait())
            .await
            .is_err()
        {
            tracing::debug!("questions that wait for other servers are given up");
        }
    }

    /// Goes on serving for as long as others may take to notice that they shall not come any more.
    async fn linger(&self) {
        let lameduck = {
            let state = self.lock();
            let health = state
                .config
                .servers
                .iter()
                .filter_map(|block| block.health.as_ref());
            health
                .map(|health| health.lameduck)
                .max()
                .unwrap_or_default()
        };
        if !lameduck.is_zero() {
            tracing::info!(
                ?lameduck,
                "the DNS server is leaving, and answers until it has"
            );
            tokio::time::sleep(lameduck).await;
        }
    }
}
