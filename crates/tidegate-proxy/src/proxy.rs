//! The loop.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use ipnet::IpNet;
use jiff::Timestamp;
use tidegate_dataplane::{Dataplane, DataplaneError};
use tidegate_model::ServiceKey;
use tidegate_plan::PlanSettings;
use tidegate_watch::{NodeState, Subscription};
use tokio::sync::{mpsc, watch};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::engine::Engine;
use crate::events::{Event, Events};
use crate::metrics::Metrics;
use crate::retiring::Retiring;
use crate::surroundings::Surroundings;
use crate::view::{GaugeRequest, ProxyView};
use crate::{ModeFactory, OneMode, OpenedMode, ProxyConfig, ProxyError, ProxyHandle, Status};

/// How many scrapes may wait for the loop at once.
const GAUGE_REQUESTS: usize = 4;

/// Keeps a kernel in step with a cluster's Services.
pub struct Proxy<F: ModeFactory> {
    pub(crate) config: ProxyConfig,
    pub(crate) choice: F::Choice,
    pub(crate) factory: F,
    pub(crate) subscription: Subscription,
    pub(crate) surroundings: Surroundings,
    pub(crate) engine: Engine,
    pub(crate) retiring: Retiring<F::Choice>,
    pub(crate) events: Events,
    pub(crate) status: watch::Sender<Status>,
    /// The settings in force.
    pub(crate) settings: watch::Sender<PlanSettings>,
    pub(crate) wanted: watch::Receiver<(ProxyConfig, F::Choice)>,
    handle: ProxyHandle<F::Choice>,
    pub(crate) metrics: Arc<Metrics>,
    pub(crate) gauge_requests: mpsc::Receiver<GaugeRequest>,
    /// Since when which Services' endpoints wait to be in force.
    pub(crate) triggers: BTreeMap<ServiceKey, Timestamp>,
    pub(crate) retry_after: Duration,
    /// When to compare the kernel with the plan, be it to repair or to try again.
    pub(crate) next_check: Instant,
    /// When the next change may be put into force.
    pub(crate) not_before: Instant,
    /// Whether what an earlier run in another mode may have left was looked for.
    pub(crate) swept: bool,
}

impl Proxy<OneMode> {
    /// A proxy that hears of changes through `subscription` and programs `dataplane`, whatever
    /// happens.
    pub fn new(
        config: ProxyConfig,
        subscription: Subscription,
        dataplane: Box<dyn Dataplane>,
    ) -> Self {
        let reason = "it is the only one that this proxy has".to_owned();
        let opened = OpenedMode { dataplane, reason };
        Self::with_mode(config, (), OneMode, opened, subscription)
    }
}

impl<F: ModeFactory> Proxy<F> {
    /// A proxy that hears of changes through `subscription`, in the mode that was chosen, which can
    /// be [changed](ProxyHandle::reconfigure) while it runs.
    ///
    /// # Errors
    /// The mode can't work here.
    pub fn open(
        config: ProxyConfig,
        choice: F::Choice,
        factory: F,
        subscription: Subscription,
    ) -> Result<Self, DataplaneError> {
        let opened = factory.open(&choice)?;
        let (mode, reason) = (opened.dataplane.mode(), &opened.reason);
        tracing::info!(mode, "the proxy's mode: {reason}");
        Ok(Self::with_mode(
            config,
            choice,
            factory,
            opened,
            subscription,
        ))
    }

    fn with_mode(
        config: ProxyConfig,
        choice: F::Choice,
        factory: F,
        opened: OpenedMode,
        subscription: Subscription,
    ) -> Self {
        let status = watch::Sender::new(Status {
            mode: opened.dataplane.mode(),
            reason: opened.reason,
            late_after: config.late_after(),
            ..Status::default()
        });
        let settings = watch::Sender::new(config.plan.clone());
        let metrics = Arc::new(Metrics::default());
        let (asking, gauge_requests) = mpsc::channel(GAUGE_REQUESTS);
        let view = ProxyView {
            status: status.subscribe(),
            settings: settings.subscribe(),
            unread: subscription.unread(),
            metrics: Arc::clone(&metrics),
            gauges: asking,
            node: None,
        };
        let (wanting, wanted) = watch::channel((config.clone(), choice.clone()));
        Self {
            engine: Engine::new(config.plan.clone(), opened.dataplane),
            surroundings: Surroundings::default(),
            retiring: Retiring::new(),
            events: Events::nobody(),
            handle: ProxyHandle {
                wanted: wanting,
                view,
            },
            status,
            settings,
            wanted,
            metrics,
            gauge_requests,
            triggers: BTreeMap::new(),
            retry_after: config.first_retry,
            next_check: Instant::now() + config.audit_period,
            not_before: Instant::now(),
            swept: false,
            subscription,
            factory,
            choice,
            config,
        }
    }

    /// Takes from the API what the configuration leaves open: the Node's zone, addresses and pod
    /// ranges, and where it is given, the ranges of cluster IPs.
    #[must_use]
    pub fn following(
        mut self,
        node: watch::Receiver<NodeState>,
        service_cidrs: Option<watch::Receiver<Option<Vec<IpNet>>>>,
    ) -> Self {
        self.handle.view.node = Some(node.clone());
        self.surroundings.node = Some(node);
        self.surroundings.service_cidrs = service_cidrs;
        self
    }

    /// Tells the owners of Services, and of the Node, by Events.
    #[must_use]
    pub fn telling(mut self, events: Events) -> Self {
        self.events = events;
        self
    }

    /// What others need while the proxy runs.
    pub fn handle(&self) -> ProxyHandle<F::Choice> {
        self.handle.clone()
    }

    /// Follows the proxy's own account of itself.
    pub fn status(&self) -> watch::Receiver<Status> {
        self.status.subscribe()
    }

    /// Works until `shutdown`, then removes the program unless the configuration keeps it. The
    /// runtime must have more than one thread, since calls to the kernel block.
    ///
    /// Nothing is programmed before the first lists are complete; a kernel that refuses is tried
    /// again for as long as it takes.
    ///
    /// # Errors
    /// The program could not be removed at the end; or the configuration needs the Node's
    /// `podCIDRs`, and there are none after five minutes.
    pub async fn run(mut self, shutdown: CancellationToken) -> Result<(), ProxyError> {
        self.events.tell(Event::started());
        let started = self.surroundings.await_node(&self.config);
        if let Some(started) = shutdown.run_until_cancelled(started).await {
            started?;
            self.adapt();
            while let Some(()) = shutdown.run_until_cancelled(self.step()).await {}
        }
        // Blocking is harmless here: there is nothing left to do beside it.
        self.retiring.end_all();
        if self.config.keep_rules {
            return Ok(());
        }
        let mode = self.engine.mode();
        let removed = self.engine.remove();
        removed.map_err(|source| ProxyError::Removal { mode, source })
    }
}
