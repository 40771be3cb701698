//! What the fields of a Service that choose among clients and backends do, with real packets.

use std::collections::BTreeSet;
use std::time::Duration;

use tidegate_model::{ExternalIp, LoadBalancerIp, SessionAffinity, TrafficPolicy};
use tidegate_testnet::{Answer, Cluster, Node, Protocol, ip};

#[macro_use]
mod support;

use support::Open;

with_both_variants! {
    local_policy_keeps_the_clients_address_and_stays_on_the_node
    load_balancer_source_ranges_keep_others_out
    a_client_stays_with_its_pod_on_all_frontends
    a_client_whose_pod_is_gone_goes_to_another_one_and_stays_there
    affinity_that_is_turned_off_keeps_nobody
}

fn local_policy_keeps_the_clients_address_and_stays_on_the_node(open: Open) {
    let mut node = Node::new(2, open);
    let mut web = Cluster::with_node_ports(Cluster::service("web", 1), 30080);
    web.external_policy = TrafficPolicy::Local;
    web.external_ips = vec![ExternalIp(ip("198.51.100.7"))];
    node.cluster.set(web.clone());
    node.cluster
        .set_pods_on("web", &[(0, "node-a"), (1, "node-b")]);
    node.reconcile();
    for to in ["192.0.2.1:30080", "198.51.100.7:80"] {
        for _ in 0..20 {
            let answer = node.client_asks(Protocol::Tcp, to);
            assert_eq!(answer, Answer::From("pod-0".to_owned(), ip("192.0.2.2")));
        }
    }
    // From inside, the whole cluster serves: both pods turn up in a hundred calls.
    let names: BTreeSet<String> = (0..100)
        .map(|_| {
            node.pod_asks(0, Protocol::Tcp, "198.51.100.7:80")
                .name()
                .to_owned()
        })
        .collect();
    assert_eq!(names.len(), 2);
    let delta = node.cluster.set_pods_on("web", &[(1, "node-b")]);
    node.apply(delta);
    assert_eq!(
        node.client_asks(Protocol::Tcp, "198.51.100.7:80"),
        Answer::Silence
    );
    assert_eq!(
        node.client_asks(Protocol::Tcp, "192.0.2.1:30080"),
        Answer::Silence
    );
    assert_eq!(
        node.pod_asks(0, Protocol::Tcp, "198.51.100.7:80").name(),
        "pod-1"
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

fn load_balancer_source_ranges_keep_others_out(open: Open) {
    let mut node = Node::new(1, open);
    let mut web = Cluster::service("web", 1);
    web.load_balancer_ips = vec![LoadBalancerIp(ip("203.0.113.5"))];
    web.source_ranges = vec!["192.0.2.0/28".parse().expect("a network")];
    node.cluster.set(web.clone());
    node.cluster.set_pods("web", &[0]);
    node.reconcile();
    assert_eq!(
        node.client_asks(Protocol::Tcp, "203.0.113.5:80").name(),
        "pod-0"
    );
    assert_eq!(
        node.pod_asks(0, Protocol::Tcp, "203.0.113.5:80"),
        Answer::Silence
    );
    // A port that nobody claims isn't ours: it goes on its way, which ends at the client's machine.
    assert_eq!(
        node.pod_asks(0, Protocol::Tcp, "203.0.113.5:81"),
        Answer::Silence
    );
    web.source_ranges = vec!["192.0.2.128/25".parse().expect("a network")];
    let delta = node.cluster.set(web);
    node.apply(delta);
    assert_eq!(
        node.client_asks(Protocol::Tcp, "203.0.113.5:80"),
        Answer::Silence
    );
    assert_eq!(
        node.client_asks(Protocol::Tcp, "10.96.0.1:80").name(),
        "pod-0"
    );
}

/// A Service named `web` whose clients stay with their pod, on node ports too.
fn sticky() -> tidegate_model::Service {
    let mut web = Cluster::with_node_ports(Cluster::service("web", 1), 30080);
    web.affinity = SessionAffinity::ClientIp(Duration::from_secs(600));
    web
}

fn a_client_stays_with_its_pod_on_all_frontends(open: Open) {
    let mut node = Node::new(4, open);
    node.cluster.set(sticky());
    node.cluster.set_pods("web", &[0, 1, 2]);
    node.reconcile();
    for (protocol, node_port) in [
        (Protocol::Tcp, "192.0.2.1:30080"),
        (Protocol::Udp, "192.0.2.1:30081"),
    ] {
        let first = node.client_asks(protocol, "10.96.0.1:80").name().to_owned();
        for _ in 0..10 {
            assert_eq!(node.client_asks(protocol, "10.96.0.1:80").name(), first);
            assert_eq!(node.client_asks(protocol, node_port).name(), first);
        }
    }
    let first = node.client_asks(Protocol::Tcp, "[fd00:96::1]:80");
    for _ in 0..10 {
        let again = node.client_asks(Protocol::Tcp, "[fd00:96::1]:80");
        assert_eq!(again.name(), first.name());
    }
    let first = node.client_asks(Protocol::Tcp, "10.96.0.1:80");
    let delta = node.cluster.set_pods("web", &[0, 1, 2, 3]);
    node.apply(delta);
    node.reconcile();
    for _ in 0..10 {
        let again = node.client_asks(Protocol::Tcp, "10.96.0.1:80");
        assert_eq!(again.name(), first.name(), "another pod moves nobody");
    }
}

fn a_client_whose_pod_is_gone_goes_to_another_one_and_stays_there(open: Open) {
    let mut node = Node::new(3, open);
    node.cluster.set(sticky());
    node.cluster.set_pods("web", &[0, 1, 2]);
    node.reconcile();
    let name = |answer: Answer| answer.name().to_owned();
    let frontends = ["10.96.0.1:80", "192.0.2.1:30080"];
    let first = frontends.map(|to| name(node.client_asks(Protocol::Tcp, to)));
    assert_eq!(first[0], first[1]);
    let left: Vec<usize> = (0..3)
        .filter(|pod| first[0] != format!("pod-{pod}"))
        .collect();
    let delta = node.cluster.set_pods("web", &left);
    node.apply(delta);
    for to in frontends {
        let second = name(node.client_asks(Protocol::Tcp, to));
        assert_ne!(second, first[0]);
        for _ in 0..10 {
            assert_eq!(name(node.client_asks(Protocol::Tcp, to)), second);
        }
    }
}

fn affinity_that_is_turned_off_keeps_nobody(open: Open) {
    let mut node = Node::new(3, open);
    node.cluster.set(sticky());
    node.cluster.set_pods("web", &[0, 1, 2]);
    node.reconcile();
    let first = node.client_asks(Protocol::Tcp, "10.96.0.1:80");
    assert_ne!(first, Answer::Refused);
    let delta = node.cluster.set(Cluster::service("web", 1));
    node.apply(delta);
    let names: BTreeSet<String> = (0..100)
        .map(|_| {
            node.client_asks(Protocol::Tcp, "10.96.0.1:80")
                .name()
                .to_owned()
        })
        .collect();
    assert_eq!(names.len(), 3, "100 calls find all three pods");
}
