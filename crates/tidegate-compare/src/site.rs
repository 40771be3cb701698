//! The machines of one competitor: a client pod, the node, and the pods behind it.

use std::time::Duration;

use tidegate_testnet::Host;

use crate::services::{Size, pod};
use crate::traffic::{latency, server};

/// A client, a node and pods, each a network namespace, tied together by veth pairs: every packet
/// between the client and a pod is routed by the node. All pods share one namespace; each has an
/// address of its own.
pub(crate) struct Site {
    pub(crate) client: Host,
    pub(crate) node: Host,
}

/// The client's address towards everything but the last Service.
const CLIENT: &str = "10.244.0.2";

/// The client's address towards the last Service. Connections through the first and the last never
/// share an address and port then, which connection tracking would have to tell apart.
const CLIENT_OF_LAST: &str = "10.244.0.3";

impl Site {
    /// A site with as many pods as Services have endpoints, served by so many threads.
    pub(crate) fn new(size: Size, threads: usize) -> anyhow::Result<Self> {
        let (client, node, pods) = (Host::new(), Host::new(), Host::new());
        node.with(prepare_node)?;
        // Many short connections from few addresses: more ports than the usual 28,000.
        client.with(|| set("ipv4/ip_local_port_range", "1024 65535"))?;
        link(&node, "client", &client);
        link(&node, "pods", &pods);
        node.ip("addr add 10.244.0.1/32 dev client\n\
             addr add 10.244.0.1/32 dev pods\n\
             route add 10.244.0.0/24 dev client\n\
             route add 10.244.1.0/24 dev pods\n\
             route add default dev client");
        let last = Size::frontend(size.last()).ip();
        client.ip(&format!(
            "addr add {CLIENT}/32 dev eth0\n\
             addr add {CLIENT_OF_LAST}/32 dev eth0\n\
             route add 10.244.0.1 dev eth0\n\
             route add default via 10.244.0.1 src {CLIENT}\n\
             route add {last} via 10.244.0.1 src {CLIENT_OF_LAST}"
        ));
        pods.ip("route add 10.244.0.1 dev eth0\n\
             route add default via 10.244.0.1");
        for number in 0..size.endpoints {
            pods.ip(&format!("addr add {}/32 dev eth0", pod(number).ip()));
        }
        pods.with(move || server::start(threads))?;
        let site = Self { client, node };
        let patience = Duration::from_secs(10);
        site.client
            .with(move || latency::wait_for_answer(pod(0), patience))?;
        Ok(site)
    }
}

fn prepare_node() -> anyhow::Result<()> {
    set("ipv4/ip_forward", "1")?;
    // For proxies that dial: the same room for them as for the client, and ports that wait for
    // late packets may be used again.
    set("ipv4/ip_local_port_range", "1024 65535")?;
    set("ipv4/tcp_tw_reuse", "1")?;
    // Clients end connections by a reset; their entries needn't stay for ten seconds and fill the
    // table, which all sites share.
    set("netfilter/nf_conntrack_tcp_timeout_close", "1")?;
    set("netfilter/nf_conntrack_tcp_timeout_time_wait", "1")
}

fn set(key: &str, value: &str) -> anyhow::Result<()> {
    let path = format!("/proc/sys/net/{key}");
    std::fs::write(&path, value).map_err(|error| anyhow::anyhow!("{path} can't be set: {error}"))
}

/// Ties two machines together: `device` on the first, `eth0` on the second.
fn link(first: &Host, device: &str, second: &Host) {
    let peer = second.number();
    first.ip(&format!(
        "link add name {device} type veth peer name eth0 netns {peer}\n\
         link set dev {device} up"
    ));
    second.ip("link set dev eth0 up");
}
