//! The loop.

use std::time::Duration;

use tidegate_dataplane::{Dataplane, DataplaneError};
use tidegate_plan::PlanSettings;
use tidegate_watch::{Changes, Subscription};
use tokio::sync::watch;
use tokio::time::{Instant, sleep_until};
use tokio_util::sync::CancellationToken;

use crate::Status;
use crate::engine::{Attempt, Engine};

/// How a proxy works.
#[derive(Clone, Debug)]
pub struct ProxyConfig {
    /// The node that it works for, and the operator's choices.
    pub plan: PlanSettings,
    /// How often the kernel is compared with the plan although nothing changed.
    pub audit_period: Duration,
    /// How long to wait after a failed attempt; doubled each time up to [`Self::longest_retry`].
    pub first_retry: Duration,
    /// The longest wait after a failed attempt.
    pub longest_retry: Duration,
    /// Leave the program in the kernel on exit, so that connections go on without us.
    pub keep_rules: bool,
}

impl Default for ProxyConfig {
    fn default() -> Self {
        Self {
            plan: PlanSettings::default(),
            audit_period: Duration::from_secs(30),
            first_retry: Duration::from_millis(250),
            longest_retry: Duration::from_secs(30),
            keep_rules: false,
        }
    }
}

/// Keeps a kernel in step with a cluster's Services.
pub struct Proxy {
    config: ProxyConfig,
    subscription: Subscription,
    engine: Engine,
    status: watch::Sender<Status>,
    retry_after: Duration,
    /// When to compare the kernel with the plan, be it to repair or to try again.
    next_check: Instant,
}

impl Proxy {
    /// A proxy that hears of changes through `subscription` and programs `dataplane`.
    pub fn new(
        config: ProxyConfig,
        subscription: Subscription,
        dataplane: Box<dyn Dataplane>,
    ) -> Self {
        Self {
            engine: Engine::new(config.plan.clone(), dataplane),
            status: watch::Sender::default(),
            retry_after: config.first_retry,
            next_check: Instant::now() + config.audit_period,
            subscription,
            config,
        }
    }

    /// Follows the proxy's own account of itself.
    pub fn status(&self) -> watch::Receiver<Status> {
        self.status.subscribe()
    }

    /// Works until `shutdown`, then removes the program unless the configuration keeps it.
    ///
    /// Nothing is programmed before the first lists are complete; a kernel that refuses is tried
    /// again for as long as it takes.
    ///
    /// # Errors
    /// The program could not be removed at the end.
    pub async fn run(mut self, shutdown: CancellationToken) -> Result<(), DataplaneError> {
        while let Some(()) = shutdown.run_until_cancelled(self.step()).await {}
        if self.config.keep_rules {
            return Ok(());
        }
        // Blocking is harmless here: there is nothing left to do beside it.
        self.engine.remove()
    }

    /// Waits for something to do and does it. Being dropped between the two loses nothing.
    async fn step(&mut self) {
        tokio::select! {
            changes = self.subscription.changed() => self.take_changes(changes),
            () = sleep_until(self.next_check), if self.status.borrow().attempted() => {
                let attempt = tokio::task::block_in_place(|| self.engine.reconcile());
                self.next_check = Instant::now() + self.config.audit_period;
                self.record(&attempt);
            }
        }
    }

    fn take_changes(&mut self, changes: Changes) {
        if changes.services.is_empty() && self.status.borrow().attempted() {
            return;
        }
        let attempt = tokio::task::block_in_place(|| {
            let delta = self
                .engine
                .plan(&self.subscription.snapshot(), changes.services);
            self.engine.commit(&delta)
        });
        self.record(&attempt);
    }

    fn record(&mut self, attempt: &Attempt) {
        if attempt.complete {
            self.retry_after = self.config.first_retry;
        } else {
            self.next_check = Instant::now() + self.retry_after;
            self.retry_after = (self.retry_after * 2).min(self.config.longest_retry);
        }
        let services = self.engine.services();
        self.status.send_modify(|status| {
            status.programmed |= attempt.complete;
            status.healthy = attempt.complete;
            status.services = services;
            status.repairs += u64::from(attempt.repaired);
            status.failures += u64::from(!attempt.complete);
        });
    }
}
