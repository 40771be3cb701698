//! What clients and pods notice, with real packets between network namespaces.

mod support;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use support::open;
use tidegate_model::{ExternalIp, LoadBalancerIp, Scheduler, SessionAffinity, TrafficPolicy};
use tidegate_testnet::{Answer, Call, Cluster, Node, Protocol, address, count_answers, ip};

const BOTH: [Protocol; 2] = [Protocol::Tcp, Protocol::Udp];
const CLUSTER_IPS: [&str; 2] = ["10.96.0.1:80", "[fd00:96::1]:80"];

#[test]
fn everyone_reaches_a_cluster_ip_and_the_pod_sees_the_node() {
    let node = Node::with_web(2, open);
    for to in CLUSTER_IPS {
        for protocol in BOTH {
            for answer in [
                node.pod_asks(0, protocol, to),
                node.node_asks(protocol, to),
                node.client_asks(protocol, to),
            ] {
                let node_towards_pods = [ip("10.244.0.1"), ip("fd00:244::1")];
                assert!(node_towards_pods.contains(&answer.source()), "{answer:?}");
            }
        }
    }
}

#[test]
fn pods_take_their_turns() {
    let node = Node::with_web(3, open);
    for protocol in BOTH {
        let counts = node.world.client.with(move || {
            let call = Call::new(protocol, address("10.96.0.1:80"));
            count_answers(&call, 30).expect("every call is answered")
        });
        let pods = ["pod-0", "pod-1", "pod-2"];
        let even = pods.map(|pod| (pod.to_owned(), 10));
        assert_eq!(counts, BTreeMap::from(even), "{protocol:?}");
    }
}

#[test]
fn a_source_hash_keeps_a_client_with_its_pod() {
    let mut node = Node::new(3, open);
    let mut web = Cluster::service("web", 1);
    web.scheduler = Some(Scheduler("sh".to_owned()));
    node.cluster.set(web);
    node.cluster.set_pods("web", &[0, 1, 2]);
    node.reconcile();
    let first = node.client_asks(Protocol::Tcp, "10.96.0.1:80");
    for _ in 0..10 {
        assert_eq!(node.client_asks(Protocol::Tcp, "10.96.0.1:80"), first);
    }
}

#[test]
fn node_ports_answer_on_the_nodes_addresses_and_on_localhost_but_on_no_cluster_ip() {
    let mut node = Node::new(1, open);
    let web = Cluster::with_node_ports(Cluster::service("web", 1), 30080);
    node.cluster.set(web);
    node.cluster.set_pods("web", &[0]);
    node.reconcile();
    for (protocol, port) in [(Protocol::Tcp, 30080), (Protocol::Udp, 30081)] {
        for host in ["192.0.2.1", "[fd00:c::1]"] {
            let to = format!("{host}:{port}");
            assert_eq!(node.client_asks(protocol, &to).name(), "pod-0");
            assert_eq!(node.pod_asks(0, protocol, &to).name(), "pod-0");
            assert_eq!(node.node_asks(protocol, &to).name(), "pod-0");
        }
        let local = format!("127.0.0.1:{port}");
        assert_eq!(node.node_asks(protocol, &local).name(), "pod-0");
        let cluster_ip = format!("10.96.0.1:{port}");
        assert_eq!(node.client_asks(protocol, &cluster_ip), Answer::Refused);
    }
}

#[test]
fn what_nobody_serves_is_refused_and_what_nobody_has_is_dropped() {
    let mut node = Node::new(1, open);
    let web = Cluster::with_node_ports(Cluster::service("web", 1), 30080);
    node.cluster.set(web);
    node.reconcile();
    for protocol in BOTH {
        for to in CLUSTER_IPS {
            assert_eq!(node.client_asks(protocol, to), Answer::Refused);
            assert_eq!(node.pod_asks(0, protocol, to), Answer::Refused);
            assert_eq!(node.node_asks(protocol, to), Answer::Refused);
        }
        // A port that the Service hasn't.
        assert_eq!(node.client_asks(protocol, "10.96.0.1:81"), Answer::Refused);
    }
    assert_eq!(
        node.client_asks(Protocol::Tcp, "192.0.2.1:30080"),
        Answer::Refused
    );
    assert_eq!(
        node.client_asks(Protocol::Tcp, "10.96.7.7:80"),
        Answer::Silence
    );
    let delta = node.cluster.set_pods("web", &[0]);
    node.apply(delta);
    for protocol in BOTH {
        assert_eq!(
            node.client_asks(protocol, "10.96.0.1:80").name(),
            "pod-0",
            "the first endpoint is there"
        );
    }
}

#[test]
fn local_policy_stays_on_the_node_for_outsiders_only() {
    let mut node = Node::new(2, open);
    let mut web = Cluster::with_node_ports(Cluster::service("web", 1), 30080);
    web.external_policy = TrafficPolicy::Local;
    web.external_ips = vec![ExternalIp(ip("198.51.100.7"))];
    node.cluster.set(web.clone());
    node.cluster
        .set_pods_on("web", &[(0, "node-a"), (1, "node-b")]);
    node.reconcile();
    for to in ["192.0.2.1:30080", "198.51.100.7:80"] {
        for _ in 0..6 {
            assert_eq!(node.client_asks(Protocol::Tcp, to).name(), "pod-0");
        }
    }
    let asked = |_| node.pod_asks(0, Protocol::Tcp, "198.51.100.7:80");
    let names: BTreeSet<String> = (0..6).map(asked).map(|a| a.name().to_owned()).collect();
    assert_eq!(names.len(), 2, "from inside, the whole cluster serves");
    let delta = node.cluster.set_pods_on("web", &[(1, "node-b")]);
    node.apply(delta);
    assert_eq!(
        node.client_asks(Protocol::Tcp, "198.51.100.7:80"),
        Answer::Silence
    );
    assert_eq!(
        node.node_asks(Protocol::Tcp, "198.51.100.7:80").name(),
        "pod-1"
    );
    web.internal_policy = TrafficPolicy::Local;
    let delta = node.cluster.set(web);
    node.apply(delta);
    assert_eq!(
        node.pod_asks(0, Protocol::Tcp, "10.96.0.1:80"),
        Answer::Silence
    );
}

#[test]
fn load_balancer_source_ranges_keep_others_out() {
    let mut node = Node::new(1, open);
    let mut web = Cluster::service("web", 1);
    web.load_balancer_ips = vec![LoadBalancerIp(ip("203.0.113.5"))];
    web.source_ranges = vec!["192.0.2.0/28".parse().expect("a network")];
    node.cluster.set(web.clone());
    node.cluster.set_pods("web", &[0]);
    node.reconcile();
    let to = "203.0.113.5:80";
    assert_eq!(node.client_asks(Protocol::Tcp, to).name(), "pod-0");
    assert_eq!(node.pod_asks(0, Protocol::Tcp, to), Answer::Silence);
    web.source_ranges = vec!["192.0.2.128/25".parse().expect("a network")];
    let delta = node.cluster.set(web);
    node.apply(delta);
    assert_eq!(node.client_asks(Protocol::Tcp, to), Answer::Silence);
    assert_eq!(
        node.client_asks(Protocol::Tcp, "10.96.0.1:80").name(),
        "pod-0"
    );
}

#[test]
fn a_client_stays_with_its_pod_on_all_frontends() {
    let mut node = Node::new(3, open);
    let mut web = Cluster::with_node_ports(Cluster::service("web", 1), 30080);
    web.affinity = SessionAffinity::ClientIp(Duration::from_secs(600));
    node.cluster.set(web);
    node.cluster.set_pods("web", &[0, 1, 2]);
    node.reconcile();
    for (protocol, node_port) in [
        (Protocol::Tcp, "192.0.2.1:30080"),
        (Protocol::Udp, "192.0.2.1:30081"),
    ] {
        let first = node.client_asks(protocol, "10.96.0.1:80").name().to_owned();
        for _ in 0..5 {
            assert_eq!(node.client_asks(protocol, "10.96.0.1:80").name(), first);
            assert_eq!(node.client_asks(protocol, node_port).name(), first);
        }
    }
}

#[test]
fn nobody_talks_to_a_listener_who_was_not_led_there() {
    let node = Node::with_web(1, open);
    let listening = node.world.node.run("ss -Hltn4 src 169.254.84.68/30");
    let listener = listening
        .split_whitespace()
        .find(|word| word.starts_with("169.254.84.68:"))
        .expect("there is a listener")
        .to_owned();
    assert_eq!(node.client_asks(Protocol::Tcp, &listener), Answer::Silence);
    assert_eq!(node.node_asks(Protocol::Tcp, &listener), Answer::Silence);
    assert_eq!(
        node.client_asks(Protocol::Tcp, "10.96.0.1:80").name(),
        "pod-0"
    );
}
