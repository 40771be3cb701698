//! The sets and maps of our tables: which there are, and what they mean.

use tidegate_netlink::nftables::{Datatype, Family, Set};
use tidegate_nft_table::{Key, TableSet};

/// One of the sets of a table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum SetId {
    /// All cluster IPs: what none of their Services claims is refused. An address belongs to one
    /// Service, so its element comes and goes with that.
    ClusterIps,
    /// frontend → listener.
    Redirects(Key),
    /// The same for connections from pods and from this node, where those go elsewhere.
    InsideRedirects(Key),
    /// Frontends that refuse with an answer.
    Rejected(Key),
    /// Frontends that drop.
    Dropped(Key),
    /// Frontends that only some sources may use.
    Guarded,
    /// (frontend . source range): who may use them.
    Admitted,
    /// The pods' ranges.
    Pods,
    /// The ranges that cluster IPs come from.
    ServiceRanges,
    /// The local addresses that node ports answer on.
    NodePortRanges,
    /// Addresses that no packet from elsewhere may have.
    Loopback,
    /// The addresses of our listeners.
    Listeners,
}

impl SetId {
    /// The set's name.
    pub(crate) fn name(self) -> &'static str {
        use Key::{Address, NodePort};
        match self {
            Self::ClusterIps => "cluster-ips",
            Self::Redirects(Address) => "redirects",
            Self::Redirects(NodePort) => "node-port-redirects",
            Self::InsideRedirects(Address) => "inside-redirects",
            Self::InsideRedirects(NodePort) => "inside-node-port-redirects",
            Self::Rejected(Address) => "rejected",
            Self::Rejected(NodePort) => "rejected-node-ports",
            Self::Dropped(Address) => "dropped",
            Self::Dropped(NodePort) => "dropped-node-ports",
            Self::Guarded => "guarded",
            Self::Admitted => "admitted",
            Self::Pods => "pods",
            Self::ServiceRanges => "service-ranges",
            Self::NodePortRanges => "node-port-ranges",
            Self::Loopback => "loopback",
            Self::Listeners => "listeners",
        }
    }
}

impl TableSet for SetId {
    fn all() -> Vec<Self> {
        vec![
            Self::ClusterIps,
            Self::Redirects(Key::Address),
            Self::Redirects(Key::NodePort),
            Self::InsideRedirects(Key::Address),
            Self::InsideRedirects(Key::NodePort),
            Self::Rejected(Key::Address),
            Self::Rejected(Key::NodePort),
            Self::Dropped(Key::Address),
            Self::Dropped(Key::NodePort),
            Self::Guarded,
            Self::Admitted,
            Self::Pods,
            Self::ServiceRanges,
            Self::NodePortRanges,
            Self::Loopback,
            Self::Listeners,
        ]
    }

    fn definition(self, family: Family) -> Set {
        let address = Datatype::address(family);
        let frontend = |key: Key| key.datatypes(family);
        let name = self.name();
        match self {
            Self::ClusterIps => Set::of(name, [address]),
            Self::Redirects(key) | Self::InsideRedirects(key) => {
                Set::map(name, frontend(key), [address, Datatype::InetService])
            }
            Self::Rejected(key) | Self::Dropped(key) => Set::of(name, frontend(key)),
            Self::Guarded => Set::of(name, frontend(Key::Address)),
            Self::Admitted => {
                let with_source = [frontend(Key::Address), vec![address]].concat();
                Set::of(name, with_source).with_intervals()
            }
            Self::Pods
            | Self::ServiceRanges
            | Self::NodePortRanges
            | Self::Loopback
            | Self::Listeners => Set::of(name, [address]).with_intervals(),
        }
    }

    fn comes_last(self) -> bool {
        self == Self::ServiceRanges
    }
}
