//! What clients and pods notice.

use std::collections::BTreeMap;

use tidegate_testnet::{Node, count_answers, ping};

use crate::support::*;

/// How long an answer to a ping may take.
const PATIENCE: std::time::Duration = std::time::Duration::from_secs(2);

#[test]
#[ignore = "needs IPVS: runs in the virtual machine"]
fn a_cluster_ip_is_answered_by_a_pod_that_sees_the_pod_that_asks() {
    let mut node = Node::with_web(2, open);
    let delta = node.cluster.set_pods("web", &[1]);
    node.apply(delta);
    for to in CLUSTER_IPS {
        for protocol in BOTH {
            let answer = node.pod_asks(0, protocol, to);
            assert_eq!(answer.name(), "pod-1", "{protocol:?} {to}");
            assert!(
                World::pod_addresses(0).contains(&answer.source()),
                "{answer:?}"
            );
        }
    }
}

#[test]
#[ignore = "needs IPVS: runs in the virtual machine"]
fn the_node_itself_and_outsiders_reach_a_cluster_ip_and_are_masqueraded() {
    let node = Node::with_web(1, open);
    for to in CLUSTER_IPS {
        for protocol in BOTH {
            for answer in [node.node_asks(protocol, to), node.client_asks(protocol, to)] {
                assert_eq!(answer.name(), "pod-0", "{protocol:?} {to}");
                let node_towards_pods = [ip("10.244.0.1"), ip("fd00:244::1")];
                assert!(node_towards_pods.contains(&answer.source()), "{answer:?}");
            }
        }
    }
}

#[test]
#[ignore = "needs IPVS: runs in the virtual machine"]
fn a_pod_reaches_itself_through_its_service() {
    let node = Node::with_web(1, open);
    for to in CLUSTER_IPS {
        for protocol in BOTH {
            let answer = node.pod_asks(0, protocol, to);
            assert_eq!(answer.name(), "pod-0", "{protocol:?} {to}");
            let own = World::pod_addresses(0);
            assert!(!own.contains(&answer.source()), "{answer:?}");
        }
    }
}

#[test]
#[ignore = "needs IPVS: runs in the virtual machine"]
fn connections_spread_evenly_over_three_pods() {
    let node = Node::with_web(3, open);
    for protocol in BOTH {
        let counts: BTreeMap<String, u32> = node.world.client.with(move || {
            let call = Call::new(protocol, address("10.96.0.1:80"));
            count_answers(&call, 300).expect("all are answered")
        });
        // Round robin goes one after the other; a repeated packet of a slow machine may skip one.
        assert_eq!(counts.len(), 3, "{protocol:?}: {counts:?}");
        let even = |count: &u32| (90..=110).contains(count);
        assert!(counts.values().all(even), "{protocol:?}: {counts:?}");
    }
}

#[test]
#[ignore = "needs IPVS: runs in the virtual machine"]
fn without_endpoints_calls_are_refused_at_once_and_served_when_the_first_one_comes() {
    let mut node = Node::new(1, open);
    node.cluster
        .set(Cluster::with_node_ports(Cluster::service("web", 1), 30080));
    node.reconcile();
    node.world.node.with(|| {
        let limit = "/proc/sys/net/ipv4/icmp_ratelimit";
        std::fs::write(limit, "1000").expect("the kernel's default");
    });
    for to in ["10.96.0.1:80", "[fd00:96::1]:80", "192.0.2.1:30080"] {
        // More often than the kernel sends ICMP errors to one host.
        for _ in 0..10 {
            assert_eq!(node.client_asks(Protocol::Tcp, to), Answer::Refused, "{to}");
        }
        assert_eq!(node.node_asks(Protocol::Tcp, to), Answer::Refused, "{to}");
        assert_eq!(node.pod_asks(0, Protocol::Tcp, to), Answer::Refused, "{to}");
    }
    for to in CLUSTER_IPS {
        assert_eq!(node.client_asks(Protocol::Udp, to), Answer::Refused, "{to}");
        assert_eq!(node.node_asks(Protocol::Udp, to), Answer::Refused, "{to}");
    }
    // The same port of the client, so that a connection left over from the refusal would be found.
    let game = address("10.96.0.1:80");
    let refused = node.world.client.with(move || ask_from_port(4000, game));
    assert_eq!(refused, Answer::Refused);
    let delta = node.cluster.set_pods("web", &[0]);
    node.apply(delta);
    let answer = node.world.client.with(move || ask_from_port(4000, game));
    assert_eq!(answer.name(), "pod-0");
    for to in CLUSTER_IPS {
        for protocol in BOTH {
            assert_eq!(node.client_asks(protocol, to).name(), "pod-0");
        }
    }
}

#[test]
#[ignore = "needs IPVS: runs in the virtual machine"]
fn unclaimed_ports_are_refused_and_unclaimed_cluster_ips_are_silent() {
    let node = Node::with_web(1, open);
    // Something on the node that listens on every address, as a ssh daemon does.
    node.world
        .node
        .with(|| tidegate_testnet::serve(Protocol::Tcp, 81, "node"));
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
fn node_ports_answer_on_every_address_of_the_node_and_nowhere_else() {
    let mut node = Node::new(1, open);
    node.cluster
        .set(Cluster::with_node_ports(Cluster::service("web", 1), 30080));
    node.cluster.set_pods("web", &[0]);
    node.reconcile();
    for to in ["192.0.2.1", "10.244.0.1", "[fd00:c::1]"] {
        for (protocol, port) in BOTH.into_iter().zip([30080, 30081]) {
            let answer = node.client_asks(protocol, &format!("{to}:{port}"));
            assert_eq!(answer.name(), "pod-0", "{protocol:?} {to}:{port}");
            let node_towards_pods = [ip("10.244.0.1"), ip("fd00:244::1")];
            assert!(node_towards_pods.contains(&answer.source()), "{answer:?}");
        }
    }
    assert_eq!(
        node.node_asks(Protocol::Tcp, "192.0.2.1:30080").name(),
        "pod-0"
    );
    assert_eq!(
        node.pod_asks(0, Protocol::Tcp, "192.0.2.1:30080").name(),
        "pod-0"
    );
    assert_eq!(
        node.client_asks(Protocol::Tcp, "10.96.0.1:30080"),
        Answer::Refused
    );
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
fn a_udp_client_is_led_away_from_a_pod_that_is_gone() {
    let mut node = Node::with_web(2, open);
    let game = address("10.96.0.1:80");
    let asks = |node: &Node| node.world.client.with(move || ask_from_port(4000, game));
    let first = asks(&node);
    let left = usize::from(first.name() == "pod-0");
    let delta = node.cluster.set_pods("web", &[left]);
    node.apply(delta);
    let other = format!("pod-{left}");
    until(|| matches!(asks(&node), Answer::From(name, _) if name == other));
    let delta = node.cluster.set_pods("web", &[]);
    node.apply(delta);
    until(|| asks(&node) == Answer::Refused);
    let delta = node.cluster.set_pods("web", &[0]);
    node.apply(delta);
    until(|| matches!(asks(&node), Answer::From(name, _) if name == "pod-0"));
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
