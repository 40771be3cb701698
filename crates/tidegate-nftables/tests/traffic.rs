//! What clients and pods notice, with real packets between network namespaces. The whole contract
//! is tried by `tidegate-conformance`.

use std::time::Duration;

use tidegate_dataplane::Dataplane;
use tidegate_model::{ExternalIp, SessionAffinity, TrafficPolicy};
use tidegate_nftables::NftablesMode;
use tidegate_testnet::{Answer, Cluster, Node, Protocol, basics, ip};

#[test]
fn every_frontend_leads_to_a_pod() {
    basics::every_frontend_leads_to_a_pod(open);
}

#[test]
fn an_established_connection_outlives_its_service() {
    basics::an_established_connection_outlives_its_service(open);
}

#[test]
fn a_client_stays_with_its_pod_until_that_is_gone() {
    basics::a_client_stays_with_its_pod_until_that_is_gone(open);
}

/// Listeners answer there, beside this mode: its rules must not.
#[test]
fn node_ports_on_localhost_are_left_to_others() {
    let mut node = Node::new(1, open);
    node.cluster
        .set(Cluster::with_node_ports(Cluster::service("web", 1), 30080));
    node.cluster.set_pods("web", &[0]);
    node.reconcile();
    assert_eq!(
        node.node_asks(Protocol::Tcp, "127.0.0.1:30080"),
        Answer::Refused
    );
}

#[test]
fn pods_and_outsiders_stay_with_a_pod_that_they_may_reach() {
    let mut node = Node::new(8, open);
    let mut web = Cluster::with_node_ports(Cluster::service("web", 1), 30080);
    web.affinity = SessionAffinity::ClientIp(Duration::from_secs(600));
    web.external_policy = TrafficPolicy::Local;
    web.external_ips = vec![ExternalIp(ip("198.51.100.7"))];
    node.cluster.set(web.clone());
    let first = [(0, "node-a"), (1, "node-b"), (2, "node-b")];
    node.cluster.set_pods_on("web", &first);
    node.reconcile();
    let external = ["198.51.100.7:80", "192.0.2.1:30080"];
    // Pods may go anywhere: on all frontends to where they went first, also when a pod comes.
    let mut stays = Vec::new();
    for pod in 4..8 {
        let answer = node.pod_asks(pod, Protocol::Tcp, external[pod % 2]);
        stays.push(answer.name().to_owned());
    }
    let more = [first.to_vec(), vec![(3, "node-a")]].concat();
    let delta = node.cluster.set_pods_on("web", &more);
    node.apply(delta);
    for (pod, name) in (4..8).zip(&stays) {
        for to in external.into_iter().chain(["10.96.0.1:80"]) {
            assert_eq!(node.pod_asks(pod, Protocol::Tcp, to).name(), name);
        }
    }
    // Outsiders stay on this node, wherever a cluster IP sent them.
    node.client_asks(Protocol::Tcp, "10.96.0.1:80");
    let first = node
        .client_asks(Protocol::Tcp, external[0])
        .name()
        .to_owned();
    assert!(["pod-0", "pod-3"].contains(&first.as_str()), "{first}");
    for to in external.into_iter().cycle().take(10) {
        assert_eq!(node.client_asks(Protocol::Tcp, to).name(), first);
    }
    // What a pod went to anywhere doesn't lead it away where it must stay on the node.
    web.internal_policy = TrafficPolicy::Local;
    let delta = node.cluster.set(web);
    node.apply(delta);
    for pod in 4..8 {
        let answer = node.pod_asks(pod, Protocol::Tcp, "10.96.0.1:80");
        assert!(["pod-0", "pod-3"].contains(&answer.name()), "{answer:?}");
    }
}

fn open() -> Box<dyn Dataplane> {
    Box::new(NftablesMode::open().expect("nf_tables"))
}
