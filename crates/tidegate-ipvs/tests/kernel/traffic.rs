//! What clients and pods notice. The whole contract is tried by `tidegate-conformance`.

use tidegate_testnet::{Node, basics, ping, serve};

use crate::support::*;

/// How long an answer to a ping may take.
const PATIENCE: std::time::Duration = std::time::Duration::from_secs(2);

#[test]
#[ignore = "needs IPVS: runs in the virtual machine"]
fn every_frontend_leads_to_a_pod() {
    basics::every_frontend_leads_to_a_pod(open);
}

#[test]
#[ignore = "needs IPVS: runs in the virtual machine"]
fn a_client_stays_with_its_pod_until_that_is_gone() {
    basics::a_client_stays_with_its_pod_until_that_is_gone(open);
}

#[test]
#[ignore = "needs IPVS: runs in the virtual machine"]
fn tcp_is_refused_more_often_than_the_kernel_sends_icmp_errors_to_one_host() {
    let mut node = Node::new(1, open);
    node.cluster
        .set(Cluster::with_node_ports(Cluster::service("web", 1), 30080));
    node.reconcile();
    node.world.node.with(|| {
        let limit = "/proc/sys/net/ipv4/icmp_ratelimit";
        std::fs::write(limit, "1000").expect("the kernel's default");
    });
    for to in ["10.96.0.1:80", "[fd00:96::1]:80", "192.0.2.1:30080"] {
        for _ in 0..10 {
            assert_eq!(node.client_asks(Protocol::Tcp, to), Answer::Refused, "{to}");
        }
        assert_eq!(node.node_asks(Protocol::Tcp, to), Answer::Refused, "{to}");
        assert_eq!(node.pod_asks(0, Protocol::Tcp, to), Answer::Refused, "{to}");
    }
}

#[test]
#[ignore = "needs IPVS: runs in the virtual machine"]
fn unclaimed_ports_are_refused_and_unclaimed_cluster_ips_are_silent() {
    let node = Node::with_web(1, open);
    // Something on the node that listens on every address, as a ssh daemon does.
    node.world.node.with(|| serve(Protocol::Tcp, 81, "node"));
    assert_eq!(
        node.client_asks(Protocol::Tcp, "192.0.2.1:81").name(),
        "node"
    );
    for protocol in BOTH {
        assert_eq!(node.client_asks(protocol, "10.96.0.1:81"), Answer::Refused);
        assert_eq!(node.node_asks(protocol, "10.96.0.1:81"), Answer::Refused);
        assert_eq!(
            node.pod_asks(0, protocol, "[fd00:96::1]:81"),
            Answer::Refused
        );
    }
    for to in ["10.96.0.77:80", "[fd00:96::77]:80"] {
        assert_eq!(node.client_asks(Protocol::Tcp, to), Answer::Silence);
        assert_eq!(node.pod_asks(0, Protocol::Tcp, to), Answer::Silence);
    }
    for to in ["192.0.2.1", "fd00:c::1"] {
        let to = ip(to);
        assert!(
            node.world.client.with(move || ping(to, PATIENCE)),
            "the node answers"
        );
    }
    for to in ["10.96.0.1", "fd00:96::1"] {
        let to = ip(to);
        assert!(
            !node.world.client.with(move || ping(to, PATIENCE)),
            "a cluster IP doesn't"
        );
    }
}

#[test]
#[ignore = "needs IPVS: runs in the virtual machine"]
fn node_ports_follow_the_addresses_of_the_node_but_are_not_on_localhost() {
    let mut node = Node::new(1, open);
    node.cluster
        .set(Cluster::with_node_ports(Cluster::service("web", 1), 30080));
    node.cluster.set_pods("web", &[0]);
    node.reconcile();
    assert_eq!(
        node.node_asks(Protocol::Tcp, "127.0.0.1:30080"),
        Answer::Refused
    );
    // An address that comes later has the node port after the next audit.
    node.world.node.run("ip addr add 192.0.2.77/24 dev client");
    node.reconcile();
    assert_eq!(
        node.client_asks(Protocol::Tcp, "192.0.2.77:30080").name(),
        "pod-0"
    );
    node.world.node.run("ip addr del 192.0.2.77/24 dev client");
    node.reconcile();
    assert!(
        listed(&node)
            .iter()
            .all(|line| !line.contains("192.0.2.77"))
    );
}

#[test]
#[ignore = "needs IPVS: runs in the virtual machine"]
fn ipvsadm_and_ip_show_what_the_tutorials_show() {
    let mut node = Node::new(2, open);
    let mut web = Cluster::service("web", 1);
    web.ports.truncate(1);
    web.cluster_ips.truncate(1);
    node.cluster.set(web);
    node.cluster.set_pods("web", &[0, 1]);
    node.reconcile();
    let mut lines = listed(&node);
    lines.sort();
    insta::assert_snapshot!(lines.join("\n"), @"
    -> 10.244.0.11:9376 Masq 1 0 0
    -> 10.244.0.12:9376 Masq 1 0 0
    TCP 10.96.0.1:80 rr
    ");
    let device = node.world.node.run("ip addr show kube-ipvs0");
    assert!(device.contains("state DOWN"), "{device}");
    assert!(
        device.contains("inet 10.96.0.1/32 scope global kube-ipvs0"),
        "{device}"
    );
}
