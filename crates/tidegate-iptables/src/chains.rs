//! The chains that are there once, whatever Services exist.

use crate::names::PREFIXES;

/// A table of iptables that has chains of ours.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Table {
    /// Nothing but a canary.
    Mangle,
    /// Refuses and drops.
    Filter,
    /// Translates addresses.
    Nat,
}

/// A chain in which every Service has lines of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Shared {
    /// Leads from cluster IPs, external and load-balancer addresses to the Services' chains.
    Services,
    /// Leads from node ports to the Services' chains.
    NodePorts,
    /// Refuses cluster IPs of Services without endpoints.
    Refused,
    /// Refuses external addresses and node ports of Services without endpoints.
    ExternalRefused,
    /// Drops what the firewall chains of load-balancer addresses did not let through.
    Firewall,
    /// Refuses what no port of a Service claims on its cluster IP, and drops the rest of the range.
    ClusterIps,
    /// Lets load balancers ask this node for its health, whatever rules stand behind ours.
    HealthChecks,
}

pub(crate) const SERVICES: &str = "KUBE-SERVICES";
pub(crate) const NODE_PORTS: &str = "KUBE-NODEPORTS";
pub(crate) const EXTERNAL_SERVICES: &str = "KUBE-EXTERNAL-SERVICES";
pub(crate) const PROXY_FIREWALL: &str = "KUBE-PROXY-FIREWALL";
pub(crate) const CLUSTER_IPS: &str = "KUBE-TIDEGATE-CLUSTER-IPS";
pub(crate) const FORWARD: &str = "KUBE-FORWARD";
pub(crate) const POSTROUTING: &str = "KUBE-POSTROUTING";
pub(crate) const MARK_MASQ: &str = "KUBE-MARK-MASQ";
/// Marks what doesn't come from pods, where those have several ranges; with one range, the rules of
/// the Services do this themselves, as upstream's do.
pub(crate) const MARK_OUTSIDERS: &str = "KUBE-TIDEGATE-MARK-OUTSIDERS";
/// Empty. It goes when somebody flushes the table, which is how that is noticed.
pub(crate) const CANARY: &str = "KUBE-PROXY-CANARY";
/// Guards loopback addresses. Old kubelets have it too, so that it is not ours alone.
pub(crate) const FIREWALL: &str = "KUBE-FIREWALL";

impl Table {
    /// In the order in which they are programmed: what is refused must be known before others
    /// are let through.
    pub(crate) const ALL: [Self; 3] = [Self::Mangle, Self::Filter, Self::Nat];

    /// The name that `-t` takes.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Mangle => "mangle",
            Self::Filter => "filter",
            Self::Nat => "nat",
        }
    }

    /// Reads a name.
    pub(crate) fn of(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|table| table.name() == name)
    }

    /// Whether a chain of this table is ours alone.
    pub(crate) fn owns(self, chain: &str) -> bool {
        let fixed: &[&str] = match self {
            Self::Mangle => &[],
            Self::Filter => &[
                SERVICES,
                EXTERNAL_SERVICES,
                NODE_PORTS,
                PROXY_FIREWALL,
                CLUSTER_IPS,
                FORWARD,
            ],
            Self::Nat => &[SERVICES, NODE_PORTS, POSTROUTING, MARK_MASQ, MARK_OUTSIDERS],
        };
        chain == CANARY || fixed.contains(&chain) || (self == Self::Nat && is_of_service(chain))
    }
}

impl Shared {
    pub(crate) const ALL: [Self; 7] = [
        Self::Services,
        Self::NodePorts,
        Self::Refused,
        Self::ExternalRefused,
        Self::Firewall,
        Self::ClusterIps,
        Self::HealthChecks,
    ];

    /// The table that it is in.
    pub(crate) fn table(self) -> Table {
        match self {
            Self::Services | Self::NodePorts => Table::Nat,
            Self::Refused
            | Self::ExternalRefused
            | Self::Firewall
            | Self::ClusterIps
            | Self::HealthChecks => Table::Filter,
        }
    }

    /// Its name in that table.
    pub(crate) fn chain(self) -> &'static str {
        match self {
            Self::Services | Self::Refused => SERVICES,
            Self::NodePorts | Self::HealthChecks => NODE_PORTS,
            Self::ExternalRefused => EXTERNAL_SERVICES,
            Self::Firewall => PROXY_FIREWALL,
            Self::ClusterIps => CLUSTER_IPS,
        }
    }
}

/// Whether a chain has a name that upstream and we give to chains of Services.
fn is_of_service(chain: &str) -> bool {
    PREFIXES
        .iter()
        .any(|prefix| chain.starts_with(prefix) && chain.len() == prefix.len() + 16)
}
