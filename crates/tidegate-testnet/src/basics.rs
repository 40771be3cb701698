//! What the quick tests of a mode's own crate try. `tidegate-conformance` tries the whole contract.

use std::time::Duration;

use tidegate_model::{ExternalIp, LoadBalancerIp, SessionAffinity};

use crate::node::OpenHere;
use crate::{Answer, Call, Cluster, Node, Protocol, address, ip};

/// A Service's frontends, apart from node ports, as [`every_frontend_leads_to_a_pod`] has them.
const FRONTENDS: [&str; 6] = [
    "10.96.0.1:80",
    "198.51.100.7:80",
    "203.0.113.5:80",
    "[fd00:96::1]:80",
    "[2001:db8:51::7]:80",
    "[2001:db8:113::5]:80",
];

/// How long a refusal may take: far longer than any machine needs.
const PATIENCE: Duration = Duration::from_secs(10);

/// A call over every frontend, from outside, from the node and from a pod, reaches the Service's
/// pod, which sees the node unless a pod calls; when the pod is gone, it is refused.
pub fn every_frontend_leads_to_a_pod(open: OpenHere) {
    let mut node = Node::new(2, open);
    let mut web = Cluster::with_node_ports(Cluster::service("web", 1), 30080);
    web.external_ips = ["198.51.100.7", "2001:db8:51::7"]
        .map(|text| ExternalIp(ip(text)))
        .to_vec();
    web.load_balancer_ips = ["203.0.113.5", "2001:db8:113::5"]
        .map(|text| LoadBalancerIp(ip(text)))
        .to_vec();
    node.cluster.set(web);
    node.cluster.set_pods("web", &[0]);
    node.reconcile();
    let frontends = |node_port: u16| {
        let node_ports = ["192.0.2.1", "10.244.0.1", "[fd00:c::1]"];
        let node_ports = node_ports.map(|address| format!("{address}:{node_port}"));
        let others = FRONTENDS.map(str::to_owned);
        others.into_iter().chain(node_ports)
    };
    let node_towards_pods = [ip("10.244.0.1"), ip("fd00:244::1")];
    for (protocol, node_port) in [(Protocol::Tcp, 30080), (Protocol::Udp, 30081)] {
        for to in frontends(node_port) {
            for answer in [
                node.client_asks(protocol, &to),
                node.node_asks(protocol, &to),
            ] {
                assert_eq!(answer.name(), "pod-0", "{protocol:?} {to}");
                let source = answer.source();
                assert!(node_towards_pods.contains(&source), "{to} from {source}");
            }
            let answer = node.pod_asks(1, protocol, &to);
            assert_eq!(answer.name(), "pod-0", "{protocol:?} {to} from a pod");
        }
    }
    let delta = node.cluster.set_pods("web", &[]);
    node.apply(delta);
    for to in frontends(30080) {
        // A refusal by ICMP that comes while `connect` still works is lost on the client's kernel,
        // which tries again a second later.
        let call = Call::new(Protocol::Tcp, address(&to)).patience(PATIENCE);
        let answer = node.world.client.with(move || call.make());
        assert_eq!(answer, Answer::Refused, "{to}");
    }
}

/// An established connection goes on whatever becomes of its pod's Service, and nobody new gets to
/// a Service that is gone.
pub fn an_established_connection_outlives_its_service(open: OpenHere) {
    let mut node = Node::with_web(2, open);
    let mut talk = node.client_talks("10.96.0.1:80");
    let before = talk.ask();
    assert!(before.is_ok(), "{before:?}");
    for pods in [&[0][..], &[1], &[], &[0, 1]] {
        let delta = node.cluster.set_pods("web", pods);
        node.apply(delta);
        assert_eq!(talk.ask(), before);
    }
    let delta = node.cluster.remove("web");
    node.apply(delta);
    assert_eq!(talk.ask(), before);
    node.reconcile();
    assert_eq!(talk.ask(), before);
    let answer = node.client_asks(Protocol::Tcp, "10.96.0.1:80");
    assert_eq!(answer, Answer::Silence);
}

/// With affinity a client stays with its pod on each frontend, also through changes and an audit;
/// when the pod is gone, it goes to another one and stays there.
pub fn a_client_stays_with_its_pod_until_that_is_gone(open: OpenHere) {
    let mut node = Node::new(4, open);
    let mut web = Cluster::with_node_ports(Cluster::service("web", 1), 30080);
    web.affinity = SessionAffinity::ClientIp(Duration::from_secs(600));
    node.cluster.set(web);
    node.cluster.set_pods("web", &[0, 1, 2]);
    node.reconcile();
    let frontends = ["10.96.0.1:80", "192.0.2.1:30080"];
    let name = |node: &Node, to: &str| node.client_asks(Protocol::Tcp, to).name().to_owned();
    let first = name(&node, frontends[0]);
    let stays = |node: &Node| {
        for to in frontends.repeat(10) {
            assert_eq!(name(node, to), first, "{to}");
        }
    };
    stays(&node);
    let delta = node.cluster.set_pods("web", &[0, 1, 2, 3]);
    node.apply(delta);
    stays(&node);
    node.reconcile();
    stays(&node);
    let left = (0..4).filter(|pod| first != format!("pod-{pod}"));
    let delta = node.cluster.set_pods("web", &left.collect::<Vec<_>>());
    node.apply(delta);
    for to in frontends {
        let second = name(&node, to);
        assert_ne!(second, first, "{to}");
        for _ in 0..10 {
            assert_eq!(name(&node, to), second, "{to}");
        }
    }
}
