//! What is around the node in a large world: another node, another client, and far machines.

use crate::world::{REMOTE, link, route_packets, start_pod};
use crate::{Host, Protocol, serve};

/// What is around the node.
pub(crate) struct Surroundings {
    pub(crate) other_client: Host,
    pub(crate) other_node: Host,
    pub(crate) remote_pods: Vec<Host>,
    /// Only there to answer; nothing is asked of it.
    _outside: Host,
}

impl Surroundings {
    pub(crate) fn of(node: &Host, remote_pods: usize) -> Self {
        let other_node = start_other_node(node);
        let remote = |number| start_pod(&other_node, number, ["10.244.1.1", "fd00:244::1:1"]);
        Self {
            other_client: start_other_client(node),
            remote_pods: (REMOTE..REMOTE + remote_pods).map(remote).collect(),
            other_node,
            _outside: start_outside(node),
        }
    }
}

fn start_other_client(node: &Host) -> Host {
    let client = Host::new();
    link(
        (node, "other-client"),
        &client,
        "addr add 198.18.2.1/24 dev other-client\n\
         addr add fd00:d::1/64 dev other-client nodad",
        "addr add 198.18.2.2/24 dev eth0\n\
         addr add fd00:d::2/64 dev eth0 nodad\n\
         route add default via 198.18.2.1\n\
         route add default via fd00:d::1",
    );
    client
}

fn start_other_node(node: &Host) -> Host {
    let other = Host::new();
    other.with(route_packets);
    link(
        (node, "other-node"),
        &other,
        "addr add 198.18.0.1/24 dev other-node\n\
         addr add fd00:b::1/64 dev other-node nodad\n\
         route add 10.244.1.0/24 via 198.18.0.2\n\
         route add fd00:244::1:0/112 via fd00:b::2",
        "addr add 198.18.0.2/24 dev eth0\n\
         addr add fd00:b::2/64 dev eth0 nodad\n\
         route add default via 198.18.0.1\n\
         route add default via fd00:b::1",
    );
    other
}

/// Starts the machine that has the addresses that Services may claim.
fn start_outside(node: &Host) -> Host {
    let outside = Host::new();
    link(
        (node, "outside"),
        &outside,
        "addr add 198.18.3.1/24 dev outside\n\
         addr add fd00:e::1/64 dev outside nodad\n\
         route add 198.51.100.0/24 via 198.18.3.2\n\
         route add 203.0.113.0/24 via 198.18.3.2\n\
         route add 2001:db8::/32 via fd00:e::2",
        "addr add 198.18.3.2/24 dev eth0\n\
         addr add fd00:e::2/64 dev eth0 nodad\n\
         addr add 198.51.100.7/32 dev lo\n\
         addr add 203.0.113.5/32 dev lo\n\
         addr add 203.0.113.9/32 dev lo\n\
         addr add 2001:db8:51::7/128 dev lo\n\
         addr add 2001:db8:113::5/128 dev lo\n\
         addr add 2001:db8:113::9/128 dev lo\n\
         route add default via 198.18.3.1\n\
         route add default via fd00:e::1",
    );
    outside.with(|| {
        for port in [80, 81] {
            serve(Protocol::Tcp, port, "outside");
        }
    });
    outside
}
