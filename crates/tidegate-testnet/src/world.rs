//! A node with pods on it and a client outside of it.

use std::net::IpAddr;

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
}

impl World {
    /// A world with so many pods, each of which answers on port 9376 of TCP and UDP.
    pub fn new(pods: usize) -> Self {
        let node = Host::new();
        node.with(|| {
            for key in ["ipv4/ip_forward", "ipv6/conf/all/forwarding"] {
                std::fs::write(format!("/proc/sys/net/{key}"), "1").expect("forwarding");
            }
        });
        let client = Host::new();
        link(&node, "client", &client);
        for (host, device, last) in [(&node, "client", 1), (&client, "eth0", 2)] {
            host.run(&format!("ip addr add 192.0.2.{last}/24 dev {device}"));
            host.run(&format!("ip addr add fd00:c::{last}/64 dev {device} nodad"));
        }
        client.run("ip route add default via 192.0.2.1");
        client.run("ip -6 route add default via fd00:c::1");
        // The world outside: routes that make packets to anywhere leave the node at all.
        node.run("ip route add default via 192.0.2.2");
        node.run("ip -6 route add default via fd00:c::2");
        let mut world = Self {
            node,
            client,
            pods: Vec::new(),
        };
        for _ in 0..pods {
            world.add_pod();
        }
        world
    }

    /// Starts another pod and gives its number.
    pub fn add_pod(&mut self) -> usize {
        let number = self.pods.len();
        let pod = Host::new();
        let device = format!("pod{number}");
        link(&self.node, &device, &pod);
        let [v4, v6] = Self::pod_addresses(number);
        for (version, address, gateway, length) in
            [("-4", v4, "10.244.0.1", 32), ("-6", v6, "fd00:244::1", 128)]
        {
            let nodad = if version == "-6" { "nodad" } else { "" };
            self.node.run(&format!(
                "ip {version} addr add {gateway}/{length} dev {device} {nodad}"
            ));
            self.node
                .run(&format!("ip {version} route add {address} dev {device}"));
            pod.run(&format!(
                "ip {version} addr add {address}/{length} dev eth0 {nodad}"
            ));
            pod.run(&format!("ip {version} route add {gateway} dev eth0"));
            pod.run(&format!("ip {version} route add default via {gateway}"));
        }
        let name = format!("pod-{number}");
        for protocol in [Protocol::Tcp, Protocol::Udp] {
            let name = name.clone();
            pod.with(move || serve(protocol, 9376, &name));
        }
        self.pods.push(pod);
        number
    }

    /// A pod's addresses.
    pub fn pod_addresses(number: usize) -> [IpAddr; 2] {
        [
            format!("10.244.0.{}", number + 11),
            format!("fd00:244::{}", number + 11),
        ]
        .map(|text| text.parse().expect("an address"))
    }
}

/// Ties two machines together: `device` on the first, `eth0` on the second.
fn link(first: &Host, device: &str, second: &Host) {
    let peer = second.number();
    first.run(&format!(
        "ip link add {device} type veth peer name eth0 netns {peer}"
    ));
    first.run(&format!("ip link set {device} up"));
    second.run("ip link set eth0 up");
}
