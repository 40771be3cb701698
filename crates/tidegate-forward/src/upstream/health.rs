//! Upstreams that failed are checked until they answer again; others never are.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use tokio::runtime::Handle;
use tokio_util::sync::CancellationToken;

use super::query::Query;
use super::{Upstream, exchange};
use crate::question::Question;
use crate::settings::HealthCheck;

/// How long the answer to a check may take.
const PATIENCE: Duration = Duration::from_secs(1);

/// The least time between two checks: an upstream that refuses them at once is no busy loop.
const SHORTEST_INTERVAL: Duration = Duration::from_millis(10);

/// The type NS (RFC 1035, 3.2.2).
const NS: u16 = 2;

/// Checks upstreams in the background, until it is dropped.
#[derive(Debug)]
pub(crate) struct HealthChecker {
    settings: HealthCheck,
    max_fails: u32,
    runtime: Handle,
    end: CancellationToken,
}

impl HealthChecker {
    pub(crate) fn new(settings: HealthCheck, max_fails: u32, runtime: Handle) -> Self {
        Self {
            settings,
            max_fails,
            runtime,
            end: CancellationToken::new(),
        }
    }

    /// Whether an upstream has failed so many checks in a row that it is not worth asking.
    pub(crate) fn is_down(&self, upstream: &Upstream) -> bool {
        self.max_fails > 0 && upstream.fails.load(Ordering::Relaxed) >= self.max_fails
    }

    /// Checks an upstream that has failed, unless that is being done.
    pub(crate) fn watch(&self, upstream: &Arc<Upstream>) {
        if self.max_fails == 0 || upstream.is_checked.swap(true, Ordering::Relaxed) {
            return;
        }
        let settings = self.settings.clone();
        let interval = settings.interval.max(SHORTEST_INTERVAL);
        let upstream = Arc::downgrade(upstream);
        let checking = async move {
            // An upstream that is in the settings no longer needs no check.
            while let Some(upstream) = upstream.upgrade() {
                if upstream.check(&settings).await {
                    upstream.is_checked.store(false, Ordering::Relaxed);
                    return;
                }
                drop(upstream);
                tokio::time::sleep(interval).await;
            }
        };
        let end = self.end.clone();
        self.runtime.spawn(end.run_until_cancelled_owned(checking));
    }
}

impl Drop for HealthChecker {
    fn drop(&mut self) {
        self.end.cancel();
    }
}

impl Upstream {
    /// Whether it answers, whatever that may be.
    async fn check(&self, settings: &HealthCheck) -> bool {
        let question = Question {
            name: settings.domain.as_wire(),
            kind: NS,
            dnssec_ok: false,
            checking_disabled: false,
        };
        let query = Query::probe(&question, settings.recursion_desired);
        let address = self.identity.address;
        match exchange::probe(&self.transport, &self.counters, &query, PATIENCE).await {
            Ok(()) => {
                self.fails.store(0, Ordering::Relaxed);
                tracing::debug!(upstream = %address, "a name server answers again");
                true
            }
            Err(error) => {
                self.fails.fetch_add(1, Ordering::Relaxed);
                self.counters.health_check_failures.increment();
                tracing::debug!(upstream = %address, %error, "a name server failed its check");
                false
            }
        }
    }
}
