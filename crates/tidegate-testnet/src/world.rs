//! A node with pods on it and a client outside of it; if wanted, another node and another client.

use std::net::IpAddr;

use crate::surroundings::Surroundings;
use crate::{Host, Protocol, serve};

/// A node, pods behind it, and a client in front of it, in IPv4 and IPv6.
///
/// Each pod has a link of its own to the node, which routes: so answers of one pod to another come
/// back through the node, as they must for addresses to be translated back.
pub struct World {
    /// The node: 192.0.2.1 and fd00:c::1 towards the client, 10.244.0.1 and fd00:244::1 to pods.
    pub node: Host,
    /// The client: 192.0.2.2 and fd00:c::2. The node is its way to everything.
    pub client: Host,
    /// The pods: 10.244.0.11 and fd00:244::11, and so on.
    pub pods: Vec<Host>,
    /// What a small world does without.
    surroundings: Option<Surroundings>,
}

/// The number from which on pods are on the other node.
pub const REMOTE: usize = 100;

impl World {
    /// A world with so many pods, each of which answers on port 9376 of TCP and UDP.
    pub fn new(pods: usize) -> Self {
        let (node, client) = (Host::new(), Host::new());
        node.with(route_packets);
        // The world outside: routes that make packets to anywhere leave the node at all.
        link(
            (&node, "client"),
            &client,
            "addr add 192.0.2.1/24 dev client\n\
             addr add fd00:c::1/64 dev client nodad\n\
             route add default via 192.0.2.2\n\
             route add default via fd00:c::2",
            "addr add 192.0.2.2/24 dev eth0\n\
             addr add fd00:c::2/64 dev eth0 nodad\n\
             route add default via 192.0.2.1\n\
             route add default via fd00:c::1",
        );
        let mut world = Self {
            node,
            client,
            pods: Vec::new(),
            surroundings: None,
        };
        for _ in 0..pods {
            world.add_pod();
        }
        world
    }

    /// A world with pods on two nodes and a second client.
    ///
    /// The other node, 198.18.0.2 and fd00:b::2 (this node's side is 198.18.0.1 and fd00:b::1),
    /// only routes: answers of its pods come back through this node, so that they arrive whether
    /// or not their source address was rewritten here. Its pods are 10.244.1.11 and fd00:244::1:11
    /// and so on, numbered from [`REMOTE`].
    ///
    /// The other client is 198.18.2.2 and fd00:d::2, on a link of its own.
    ///
    /// The first client has more addresses here, 192.0.2.101 to 116 and fd00:c::101 to 116, to call
    /// from. And there is a machine, 198.18.3.2 and fd00:e::2, with addresses that Services may
    /// claim: 198.51.100.7, 203.0.113.5, 203.0.113.9, 2001:db8:51::7, 2001:db8:113::5 and
    /// 2001:db8:113::9. On their TCP ports 80 and 81 it answers under the name `outside`, so that
    /// what Services don't take away is seen.
    pub fn with_two_nodes(pods: usize, remote_pods: usize) -> Self {
        let mut world = Self::new(pods);
        // Calls that don't say where they come from come from the client's first address.
        let more = (101..117).map(|last| {
            format!(
                "addr add 192.0.2.{last}/24 dev eth0\n\
                 addr add fd00:c::{last}/64 dev eth0 nodad preferred_lft 0\n"
            )
        });
        world.client.ip(&more.collect::<String>());
        world.surroundings = Some(Surroundings::of(&world.node, remote_pods));
        world
    }

    /// Starts another pod on this node and gives its number.
    pub fn add_pod(&mut self) -> usize {
        let number = self.pods.len();
        let pod = start_pod(&self.node, number, ["10.244.0.1", "fd00:244::1"]);
        self.pods.push(pod);
        number
    }

    /// A pod on either node.
    pub fn pod(&self, number: usize) -> &Host {
        match number.checked_sub(REMOTE) {
            None => &self.pods[number],
            Some(number) => &self.surroundings().remote_pods[number],
        }
    }

    /// The second client.
    pub fn other_client(&self) -> &Host {
        &self.surroundings().other_client
    }

    /// The second node.
    pub fn other_node(&self) -> &Host {
        &self.surroundings().other_node
    }

    fn surroundings(&self) -> &Surroundings {
        let surroundings = self.surroundings.as_ref();
        surroundings.expect("the world was made with two nodes")
    }

    /// A pod's addresses.
    pub fn pod_addresses(number: usize) -> [IpAddr; 2] {
        match number.checked_sub(REMOTE) {
            None => [
                format!("10.244.0.{}", number + 11),
                format!("fd00:244::{}", number + 11),
            ],
            Some(number) => [
                format!("10.244.1.{}", number + 11),
                format!("fd00:244::1:{}", number + 11),
            ],
        }
        .map(|text| text.parse().expect("an address"))
    }

    /// Every address of the node of a world with two nodes but the loopback ones.
    pub fn node_addresses() -> Vec<IpAddr> {
        [
            "192.0.2.1",
            "10.244.0.1",
            "198.18.0.1",
            "198.18.2.1",
            "198.18.3.1",
            "fd00:c::1",
            "fd00:244::1",
            "fd00:b::1",
            "fd00:d::1",
            "fd00:e::1",
        ]
        .map(|text| text.parse().expect("an address"))
        .to_vec()
    }
}

/// Makes the calling thread's machine a router, and one that refuses as often as it is asked: by
/// default the kernel tells a host of a closed port once a second.
pub(crate) fn route_packets() {
    for (key, value) in [
        ("ipv4/ip_forward", "1"),
        ("ipv6/conf/all/forwarding", "1"),
        ("ipv4/icmp_ratelimit", "0"),
        ("ipv6/icmp/ratelimit", "0"),
    ] {
        let written = std::fs::write(format!("/proc/sys/net/{key}"), value);
        written.unwrap_or_else(|error| panic!("{key} can't be set: {error}"));
    }
}

/// Starts a pod behind a node that has these addresses towards it.
pub(crate) fn start_pod(node: &Host, number: usize, gateways: [&str; 2]) -> Host {
    let pod = Host::new();
    let device = format!("pod{number}");
    let [v4, v6] = World::pod_addresses(number);
    let [gateway4, gateway6] = gateways;
    link(
        (node, &device),
        &pod,
        &format!(
            "addr add {gateway4}/32 dev {device}\n\
             addr add {gateway6}/128 dev {device} nodad\n\
             route add {v4} dev {device}\n\
             route add {v6} dev {device}"
        ),
        &format!(
            "addr add {v4}/32 dev eth0\n\
             addr add {v6}/128 dev eth0 nodad\n\
             route add {gateway4} dev eth0\n\
             route add {gateway6} dev eth0\n\
             route add default via {gateway4}\n\
             route add default via {gateway6}"
        ),
    );
    let name = format!("pod-{number}");
    for protocol in [Protocol::Tcp, Protocol::Udp] {
        let name = name.clone();
        pod.with(move || serve(protocol, 9376, &name));
    }
    pod
}

/// Ties two machines together, a device on the first to `eth0` on the second, and runs lines of
/// `ip -batch` on each: all in two processes, since a world needs many such links.
pub(crate) fn link((first, device): (&Host, &str), second: &Host, on_first: &str, on_second: &str) {
    let peer = second.number();
    first.ip(&format!(
        "link add name {device} type veth peer name eth0 netns {peer}\n\
         link set dev {device} up\n\
         {on_first}"
    ));
    second.ip(&format!("link set dev eth0 up\n{on_second}"));
}
