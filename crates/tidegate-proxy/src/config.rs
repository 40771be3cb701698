//! How a proxy works.

use std::time::Duration;

use tidegate_plan::PlanSettings;

/// How a proxy works; everything but which mode it works in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProxyConfig {
    /// The node that it works for, and the operator's choices. What is left empty here (zone,
    /// service ranges) is taken from the API, if the proxy [follows](crate::Proxy::following) it;
    /// the addresses there are added to those here.
    pub plan: PlanSettings,
    /// What of [`Self::plan`] stands in the Node object.
    pub from_node: FromNode,
    /// The shortest pause after one change was put into force and before the next is.
    pub min_sync_period: Duration,
    /// How often the kernel is compared with the plan although nothing changed. A change that
    /// isn't in force after twice this time makes the proxy unhealthy.
    pub audit_period: Duration,
    /// How long to wait after a failed attempt; doubled each time up to [`Self::longest_retry`].
    pub first_retry: Duration,
    /// The longest wait after a failed attempt.
    pub longest_retry: Duration,
    /// How long the connections of a mode that was switched away from may go on through it.
    pub drain_limit: Duration,
    /// Leave the program in the kernel on exit, so that connections go on without us.
    pub keep_rules: bool,
}

/// What of a [`PlanSettings`] stands in the Node object.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FromNode {
    /// Traffic from pods is what comes from the Node's `podCIDRs` (`detectLocalMode: NodeCIDR`).
    pub pod_cidrs: bool,
    /// Node ports answer on the Node's first address of each family (`nodePortAddresses: primary`).
    pub node_port_addresses: bool,
}

impl Default for ProxyConfig {
    fn default() -> Self {
        Self {
            plan: PlanSettings::default(),
            from_node: FromNode::default(),
            min_sync_period: Duration::ZERO,
            audit_period: Duration::from_secs(30),
            first_retry: Duration::from_millis(250),
            longest_retry: Duration::from_secs(30),
            drain_limit: Duration::from_secs(3600),
            keep_rules: false,
        }
    }
}

impl ProxyConfig {
    /// How old a change may get before the proxy that hasn't put it into force is unhealthy.
    pub fn late_after(&self) -> Duration {
        self.audit_period * 2
    }
}
