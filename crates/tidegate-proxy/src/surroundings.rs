//! What the plan's settings take from the API: the Node object, and the ranges of cluster IPs.

use std::time::Duration;

use ipnet::IpNet;
use tidegate_model::IpFamily;
use tidegate_plan::{NodePortAddresses, PlanSettings, PodTraffic};
use tidegate_watch::{NodeFacts, NodeState};
use tokio::sync::watch;
use tokio::time::{Instant, timeout_at};

use crate::{ProxyConfig, ProxyError};

/// How long a start waits for the Node object before it goes on without it.
const NODE_WAIT: Duration = Duration::from_secs(30);

/// How long a start waits for the Node's `podCIDRs` where it can't go on without them.
const POD_CIDRS_WAIT: Duration = Duration::from_secs(300);

/// The objects besides Services and slices that a plan depends on.
#[derive(Debug, Default)]
pub(crate) struct Surroundings {
    pub(crate) node: Option<watch::Receiver<NodeState>>,
    pub(crate) service_cidrs: Option<watch::Receiver<Option<Vec<IpNet>>>>,
    /// What was known of the Node last: a Node that is gone from the API still runs.
    facts: NodeFacts,
}

impl Surroundings {
    /// Waits for news of any kind; pending for ever if nothing is followed.
    pub(crate) async fn changed(&mut self) {
        let gone = tokio::select! {
            changed = next(&mut self.node) => changed.is_err().then(|| self.node = None),
            changed = next(&mut self.service_cidrs) => {
                changed.is_err().then(|| self.service_cidrs = None)
            }
        };
        if gone.is_some() {
            tracing::debug!("a watch beside Services and slices has ended");
        }
    }

    /// The configured settings, with what the API knows where they say nothing, and with the
    /// addresses that it knows besides.
    pub(crate) fn settings(&mut self, config: &ProxyConfig) -> PlanSettings {
        if let Some(node) = &mut self.node
            && let NodeState::Present(facts) = &*node.borrow_and_update()
        {
            self.facts.clone_from(facts);
        }
        let mut settings = config.plan.clone();
        let facts = &self.facts;
        if settings.zone.is_none() {
            settings.zone.clone_from(&facts.zone);
        }
        for address in &facts.addresses {
            if !settings.node_addresses.contains(address) {
                settings.node_addresses.push(*address);
            }
        }
        if settings.service_cidrs.is_empty()
            && let Some(ranges) = &mut self.service_cidrs
        {
            settings.service_cidrs = ranges.borrow_and_update().clone().unwrap_or_default();
        }
        if config.from_node.pod_cidrs {
            settings.pod_traffic = PodTraffic::Cidrs(facts.pod_cidrs.clone());
        }
        if config.from_node.node_port_addresses {
            settings.node_port_addresses = NodePortAddresses::Within(primary(facts));
        }
        settings
    }

    /// Waits until as much of the Node is known as a start needs.
    ///
    /// # Errors
    /// The pods' ranges are needed, and the Node doesn't get any.
    pub(crate) async fn await_node(&mut self, config: &ProxyConfig) -> Result<(), ProxyError> {
        let Some(node) = &mut self.node else {
            return Ok(());
        };
        let needs_pod_cidrs = config.from_node.pod_cidrs;
        let enough = |state: &NodeState| {
            matches!(state, NodeState::Present(facts) if match needs_pod_cidrs {
                true => !facts.pod_cidrs.is_empty(),
                false => !facts.addresses.is_empty(),
            })
        };
        let (wait, what) = match needs_pod_cidrs {
            true => (
                POD_CIDRS_WAIT,
                "podCIDRs, which detectLocalMode NodeCIDR needs",
            ),
            false => (NODE_WAIT, "addresses"),
        };
        if enough(&node.borrow()) {
            return Ok(());
        }
        let name = &config.plan.node;
        tracing::info!(node = name, "waiting up to {wait:?} for the Node's {what}");
        let known = timeout_at(Instant::now() + wait, node.wait_for(enough)).await;
        match known {
            Ok(Ok(_)) => Ok(()),
            Ok(Err(_)) | Err(_) if needs_pod_cidrs => Err(ProxyError::NoPodCidrs {
                node: name.clone(),
                waited: wait,
            }),
            Ok(Err(_)) | Err(_) => {
                tracing::warn!(node = name, "going on without the Node's {what}");
                Ok(())
            }
        }
    }
}

async fn next<T>(receiver: &mut Option<watch::Receiver<T>>) -> Result<(), watch::error::RecvError> {
    match receiver {
        Some(receiver) => receiver.changed().await,
        None => std::future::pending().await,
    }
}

/// The Node's first address of each family, as ranges of one.
fn primary(facts: &NodeFacts) -> Vec<IpNet> {
    let first_of = |family| {
        let mut addresses = facts.addresses.iter().copied();
        addresses.find(|address| IpFamily::of(*address) == family)
    };
    IpFamily::ALL
        .into_iter()
        .filter_map(first_of)
        .map(IpNet::from)
        .collect()
}
