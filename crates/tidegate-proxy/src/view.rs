//! A running proxy as its health and metrics servers see it.

use std::sync::Arc;
use std::time::Duration;

use tidegate_dataplane::Gauge;
use tidegate_plan::PlanSettings;
use tidegate_watch::{NodeState, Unread};
use tokio::sync::{mpsc, oneshot, watch};
use tokio::time::{Instant, timeout};

use crate::Status;
use crate::metrics::Metrics;

/// How long a scrape waits for a mode's own numbers while the loop is busy with the kernel.
const GAUGES_WAIT: Duration = Duration::from_secs(1);

/// A Node with this taint is about to be removed by the cluster autoscaler.
const TO_BE_DELETED: &str = "ToBeDeletedByClusterAutoscaler";

/// A running proxy as its health and metrics servers see it. Clones are the same.
#[derive(Clone, Debug)]
pub struct ProxyView {
    pub(crate) status: watch::Receiver<Status>,
    pub(crate) settings: watch::Receiver<PlanSettings>,
    pub(crate) unread: Unread,
    pub(crate) metrics: Arc<Metrics>,
    pub(crate) gauges: mpsc::Sender<GaugeRequest>,
    pub(crate) node: Option<watch::Receiver<NodeState>>,
}

/// Somebody wants the mode's own numbers.
#[derive(Debug)]
pub(crate) struct GaugeRequest(oneshot::Sender<Vec<Gauge>>);

impl ProxyView {
    /// Follows the settings in force: the configured ones, with what the API knows of the node.
    pub fn settings(&self) -> watch::Receiver<PlanSettings> {
        self.settings.clone()
    }

    /// Whether no change waits for longer than it may (upstream: twice the sync period).
    ///
    /// A proxy that is starting is healthy, as upstream's is; so is one that the kernel refuses
    /// single objects of: it serves the other Services.
    pub fn is_healthy(&self) -> bool {
        let status = self.status.borrow();
        let waiting = [status.unfinished_since, self.unread.backlog().since];
        let oldest = waiting.into_iter().flatten().min();
        oldest.is_none_or(|since| Instant::now() < since + status.late_after)
    }

    /// Whether load balancers may send new connections to this node: it is neither gone nor on its
    /// way out. As long as nothing is known of it, they may.
    pub fn is_node_eligible(&self) -> bool {
        let Some(node) = &self.node else {
            return true;
        };
        match &*node.borrow() {
            NodeState::Unknown => true,
            NodeState::Absent => false,
            NodeState::Present(facts) => {
                !facts.deleting && !facts.taints.iter().any(|taint| taint == TO_BE_DELETED)
            }
        }
    }

    /// The mode's own numbers: of this moment, or if the loop is busy, those known last.
    pub(crate) async fn gauges(&self) -> Vec<Gauge> {
        let (answer, gauges) = oneshot::channel();
        if self.gauges.try_send(GaugeRequest(answer)).is_ok()
            && let Ok(Ok(gauges)) = timeout(GAUGES_WAIT, gauges).await
        {
            self.metrics.keep_gauges(&gauges);
            return gauges;
        }
        self.metrics.kept_gauges()
    }
}

impl GaugeRequest {
    pub(crate) fn answer(self, gauges: Vec<Gauge>) {
        // Whoever asked may have given up by now.
        let _ = self.0.send(gauges);
    }
}
