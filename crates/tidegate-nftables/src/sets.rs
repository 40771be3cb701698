//! The sets and maps of our tables: which there are, and what they mean.

use tidegate_netlink::nftables::{Datatype, Family, Set};
use tidegate_nft_table::{Key, TableSet};

/// One of the sets of a table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum SetId {
    /// (frontend . slot) → backend: where new connections go.
    Slots(Key),
    /// The same for connections from pods and from this node, where those go elsewhere.
    InsideSlots(Key),
    /// The same for frontends whose clients stay with their backend.
    StickySlots(Key),
    /// Frontends whose clients stay with their backend, and the chain that sends them there.
    Stay(Key),
    /// The same for connections from pods and from this node, where those go elsewhere.
    InsideStay(Key),
    /// Frontends whose clients stay with their backend, and the chain that remembers it.
    Learn(Key),
    /// The same for connections from pods and from this node, where those go elsewhere.
    InsideLearn(Key),
    /// (memory . client) → backend: where clients went; filled by the rules, and it expires.
    Affinity,
    /// Frontends that refuse with an answer.
    Rejected(Key),
    /// Frontends that drop.
    Dropped(Key),
    /// Frontends whose connections get a new source address in a case.
    Masquerade(Case, Key),
    /// All cluster IPs: what none of their Services claims is refused.
    ClusterIps,
    /// All external and load-balancer IPs.
    ExternalIps,
    /// Frontends that only some sources may use.
    Guarded,
    /// (frontend . source range): who may use them.
    Admitted,
    /// (backend . backend) for each backend on this node: connections to itself.
    Hairpins,
    /// The pods' ranges.
    Pods,
    /// The ranges that cluster IPs come from.
    ServiceRanges,
    /// The local addresses that node ports answer on.
    NodePortRanges,
    /// The local addresses that were spoken to; filled by the rules.
    NodeAddresses,
}

/// When a frontend's connections are masqueraded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Case {
    /// Always.
    Always,
    /// When they don't come from pods.
    Outsiders,
    /// When this node itself opened them.
    Own,
}

impl Case {
    pub(crate) const ALL: [Self; 3] = [Self::Always, Self::Outsiders, Self::Own];
}

/// The most local addresses that are remembered. A node has a handful; more are only possible with
/// whole ranges routed to it, and then the rest of them isn't masqueraded on node ports.
const MOST_NODE_ADDRESSES: u32 = 4096;

/// The most clients whose backend is remembered. A client beyond that is served, and not
/// remembered.
const MOST_CLIENTS: u32 = 1 << 20;

impl SetId {
    /// The set's name.
    pub(crate) fn name(self) -> &'static str {
        use Key::{Address, NodePort};
        match self {
            Self::Slots(Address) => "slots",
            Self::Slots(NodePort) => "node-port-slots",
            Self::InsideSlots(Address) => "inside-slots",
            Self::InsideSlots(NodePort) => "inside-node-port-slots",
            Self::StickySlots(Address) => "sticky-slots",
            Self::StickySlots(NodePort) => "sticky-node-port-slots",
            Self::Stay(Address) => "stay",
            Self::Stay(NodePort) => "stay-node-ports",
            Self::InsideStay(Address) => "inside-stay",
            Self::InsideStay(NodePort) => "inside-stay-node-ports",
            Self::Learn(Address) => "learn",
            Self::Learn(NodePort) => "learn-node-ports",
            Self::InsideLearn(Address) => "inside-learn",
            Self::InsideLearn(NodePort) => "inside-learn-node-ports",
            Self::Affinity => "affinity",
            Self::Rejected(Address) => "rejected",
            Self::Rejected(NodePort) => "rejected-node-ports",
            Self::Dropped(Address) => "dropped",
            Self::Dropped(NodePort) => "dropped-node-ports",
            Self::Masquerade(Case::Always, Address) => "masquerade-always",
            Self::Masquerade(Case::Always, NodePort) => "masquerade-node-ports-always",
            Self::Masquerade(Case::Outsiders, Address) => "masquerade-outsiders",
            Self::Masquerade(Case::Outsiders, NodePort) => "masquerade-node-ports-outsiders",
            Self::Masquerade(Case::Own, Address) => "masquerade-own",
            Self::Masquerade(Case::Own, NodePort) => "masquerade-node-ports-own",
            Self::ClusterIps => "cluster-ips",
            Self::ExternalIps => "external-ips",
            Self::Guarded => "guarded",
            Self::Admitted => "admitted",
            Self::Hairpins => "hairpins",
            Self::Pods => "pods",
            Self::ServiceRanges => "service-ranges",
            Self::NodePortRanges => "node-port-ranges",
            Self::NodeAddresses => "node-addresses",
        }
    }
}

impl TableSet for SetId {
    fn all() -> Vec<Self> {
        let by_key = |of: fn(Key) -> Self| Key::ALL.map(of);
        let masquerade = Case::ALL
            .into_iter()
            .flat_map(|case| Key::ALL.map(|key| Self::Masquerade(case, key)));
        [Self::ClusterIps, Self::ExternalIps]
            .into_iter()
            .chain(by_key(Self::Slots))
            .chain(by_key(Self::InsideSlots))
            .chain(by_key(Self::StickySlots))
            .chain(by_key(Self::Stay))
            .chain(by_key(Self::InsideStay))
            .chain(by_key(Self::Learn))
            .chain(by_key(Self::InsideLearn))
            .chain([Self::Affinity])
            .chain(by_key(Self::Rejected))
            .chain(by_key(Self::Dropped))
            .chain([Self::Guarded, Self::Admitted])
            .chain(masquerade)
            .chain([
                Self::Hairpins,
                Self::Pods,
                Self::ServiceRanges,
                Self::NodePortRanges,
                Self::NodeAddresses,
            ])
            .collect()
    }

    fn is_learned(self) -> bool {
        matches!(self, Self::NodeAddresses | Self::Affinity)
    }

    fn is_shared(self) -> bool {
        matches!(self, Self::ClusterIps | Self::ExternalIps | Self::Hairpins)
    }

    fn comes_last(self) -> bool {
        self == Self::ServiceRanges
    }

    /// None but the learned ones declares a size: a size is a hard limit, and without one the kernel
    /// grows the set with its content.
    fn definition(self, family: Family) -> Set {
        let address = Datatype::address(family);
        let frontend = |key: Key| key.datatypes(family);
        let and = |mut types: Vec<Datatype>, last| {
            types.push(last);
            types
        };
        let name = self.name();
        match self {
            Self::Slots(key) | Self::InsideSlots(key) | Self::StickySlots(key) => Set::map(
                name,
                and(frontend(key), Datatype::Number),
                [address, Datatype::InetService],
            ),
            Self::Stay(key) | Self::InsideStay(key) | Self::Learn(key) | Self::InsideLearn(key) => {
                Set::verdict_map(name, frontend(key))
            }
            Self::Affinity => {
                let client = [Datatype::Number, Datatype::Number, address];
                Set::map(name, client, [address, Datatype::InetService])
                    .dynamic(MOST_CLIENTS)
                    .with_timeout()
            }
            Self::Rejected(key) | Self::Dropped(key) | Self::Masquerade(_, key) => {
                Set::of(name, frontend(key))
            }
            Self::Guarded => Set::of(name, frontend(Key::Address)),
            Self::Admitted => Set::of(name, and(frontend(Key::Address), address)).with_intervals(),
            Self::Hairpins => Set::of(name, [address, address]),
            Self::ClusterIps | Self::ExternalIps => Set::of(name, [address]),
            Self::Pods | Self::ServiceRanges | Self::NodePortRanges => {
                Set::of(name, [address]).with_intervals()
            }
            Self::NodeAddresses => Set::of(name, [address]).dynamic(MOST_NODE_ADDRESSES),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn each_set_has_a_name_of_its_own_that_the_kernel_takes() {
        let names: BTreeSet<&str> = SetId::all().into_iter().map(SetId::name).collect();
        assert_eq!(names.len(), SetId::all().len());
        assert!(names.iter().all(|name| name.len() < 128));
    }
}
