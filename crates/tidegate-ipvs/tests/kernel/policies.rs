//! What the fields of a Service that choose among clients and backends do, where IPVS does it in a way
//! of its own.

use std::collections::BTreeSet;
use std::time::Duration;

use tidegate_dataplane::Dataplane;
use tidegate_ipvs::{IpvsMode, IpvsOptions};
use tidegate_model::{ExternalIp, Scheduler, SessionAffinity, TrafficPolicy};
use tidegate_testnet::Node;

use crate::support::*;

/// The pods that answer within so many calls.
fn names(mut ask: impl FnMut() -> Answer) -> BTreeSet<String> {
    (0..20).map(|_| ask().name().to_owned()).collect()
}

#[test]
#[ignore = "needs IPVS: runs in the virtual machine"]
fn local_policy_keeps_the_clients_address_and_stays_on_the_node() {
    let mut node = Node::new(2, open);
    let mut web = Cluster::with_node_ports(Cluster::service("web", 1), 30080);
    web.external_policy = TrafficPolicy::Local;
    web.external_ips = vec![ExternalIp(ip("198.51.100.7"))];
    node.cluster.set(web.clone());
    node.cluster
        .set_pods_on("web", &[(0, "node-a"), (1, "node-b")]);
    node.reconcile();
    for to in ["192.0.2.1:30080", "198.51.100.7:80"] {
        for _ in 0..10 {
            let answer = node.client_asks(Protocol::Tcp, to);
            assert_eq!(answer, Answer::From("pod-0".to_owned(), ip("192.0.2.2")));
        }
        // From inside, the whole cluster serves.
        assert_eq!(
            names(|| node.pod_asks(0, Protocol::Tcp, to)).len(),
            2,
            "{to}"
        );
        assert_eq!(names(|| node.node_asks(Protocol::Tcp, to)).len(), 2, "{to}");
    }
    for to in ["198.51.100.7:80", "192.0.2.1:30081"] {
        let answers: Vec<Answer> = (0..4)
            .map(|_| node.pod_asks(0, Protocol::Udp, to))
            .collect();
        assert!(
            answers.iter().any(|answer| answer.name() == "pod-0"),
            "{answers:?}"
        );
        assert!(
            answers.iter().any(|answer| answer.name() == "pod-1"),
            "{answers:?}"
        );
        // Inside a pod's own address is kept, but where it reaches itself.
        let other = answers.iter().find(|answer| answer.name() == "pod-1");
        let source = other.expect("seen above").source();
        assert!(World::pod_addresses(0).contains(&source), "{answers:?}");
    }
    let delta = node.cluster.set_pods_on("web", &[(1, "node-b")]);
    node.apply(delta);
    for to in ["198.51.100.7:80", "192.0.2.1:30080"] {
        assert_eq!(node.client_asks(Protocol::Tcp, to), Answer::Silence);
        assert_eq!(node.pod_asks(0, Protocol::Tcp, to).name(), "pod-1");
        assert_eq!(node.node_asks(Protocol::Tcp, to).name(), "pod-1");
    }
    web.internal_policy = TrafficPolicy::Local;
    let delta = node.cluster.set(web);
    node.apply(delta);
    assert_eq!(
        node.pod_asks(0, Protocol::Tcp, "10.96.0.1:80"),
        Answer::Silence
    );
    assert_eq!(
        node.node_asks(Protocol::Tcp, "10.96.0.1:80"),
        Answer::Silence
    );
    let delta = node
        .cluster
        .set_pods_on("web", &[(0, "node-a"), (1, "node-b")]);
    node.apply(delta);
    assert_eq!(
        names(|| node.pod_asks(1, Protocol::Tcp, "10.96.0.1:80")).len(),
        1
    );
    assert_eq!(
        node.client_asks(Protocol::Tcp, "198.51.100.7:80").name(),
        "pod-0"
    );
}

#[test]
#[ignore = "needs IPVS: runs in the virtual machine"]
fn an_external_address_of_the_node_itself_leaves_the_nodes_own_ports_alone() {
    let mut node = Node::new(1, open);
    node.world
        .node
        .with(|| tidegate_testnet::serve(Protocol::Tcp, 81, "node"));
    let mut web = Cluster::service("web", 1);
    web.external_ips = vec![ExternalIp(ip("192.0.2.1"))];
    node.cluster.set(web);
    node.cluster.set_pods("web", &[0]);
    node.reconcile();
    assert_eq!(
        node.client_asks(Protocol::Tcp, "192.0.2.1:80").name(),
        "pod-0"
    );
    assert_eq!(
        node.client_asks(Protocol::Tcp, "192.0.2.1:81").name(),
        "node"
    );
    let delta = node.cluster.set_pods("web", &[]);
    node.apply(delta);
    assert_eq!(
        node.client_asks(Protocol::Tcp, "192.0.2.1:80"),
        Answer::Refused
    );
    let delta = node.cluster.remove("web");
    node.apply(delta);
    assert_eq!(
        node.client_asks(Protocol::Tcp, "192.0.2.1:81").name(),
        "node"
    );
}

#[test]
#[ignore = "needs IPVS: runs in the virtual machine"]
fn a_cluster_ip_that_another_device_has_too_works_all_the_same() {
    let mut node = Node::new(1, open);
    // As a caching DNS server on the node does it.
    for line in [
        "ip link add nodelocaldns type dummy",
        "ip addr add 10.96.0.1/32 dev nodelocaldns",
    ] {
        node.world.node.run(line);
    }
    node.cluster
        .set(Cluster::with_node_ports(Cluster::service("web", 1), 30080));
    node.cluster.set_pods("web", &[0]);
    node.reconcile();
    assert_eq!(
        node.client_asks(Protocol::Tcp, "10.96.0.1:80").name(),
        "pod-0"
    );
    assert_eq!(
        node.client_asks(Protocol::Tcp, "10.96.0.1:30080"),
        Answer::Refused
    );
}

#[test]
#[ignore = "needs IPVS: runs in the virtual machine"]
fn a_client_leaves_a_pod_that_drains_although_it_still_talks_to_it() {
    let mut node = Node::new(3, open);
    let mut web = Cluster::with_node_ports(Cluster::service("web", 1), 30080);
    web.affinity = SessionAffinity::ClientIp(Duration::from_secs(600));
    node.cluster.set(web);
    node.cluster.set_pods("web", &[0, 1, 2]);
    node.reconcile();
    let name = |answer: Answer| answer.name().to_owned();
    let frontends = ["10.96.0.1:80", "192.0.2.1:30080"];
    let first = frontends.map(|to| name(node.client_asks(Protocol::Tcp, to)));
    assert_eq!(first[0], first[1]);
    // A connection that stays keeps the pod in the kernel, with weight 0.
    let mut talk = node.client_talks(frontends[0]);
    let left: Vec<usize> = (0..3)
        .filter(|pod| first[0] != format!("pod-{pod}"))
        .collect();
    let delta = node.cluster.set_pods("web", &left);
    node.apply(delta);
    for to in frontends {
        let second = name(node.client_asks(Protocol::Tcp, to));
        assert_ne!(second, first[0]);
        for _ in 0..5 {
            assert_eq!(name(node.client_asks(Protocol::Tcp, to)), second);
        }
    }
    assert_eq!(talk.ask().expect("it stands").0, first[0]);
}

#[test]
#[ignore = "needs IPVS: runs in the virtual machine"]
fn affinity_ends_when_its_time_is_over() {
    // The kernel remembers a client at least as long as its connections.
    let open = || {
        let options = IpvsOptions {
            udp_timeout: Some(Duration::from_secs(1)),
            ..IpvsOptions::default()
        };
        Box::new(IpvsMode::open(options).expect("IPVS")) as Box<dyn Dataplane>
    };
    let mut node = Node::new(3, open);
    let mut web = Cluster::service("web", 1);
    web.affinity = SessionAffinity::ClientIp(Duration::from_secs(2));
    node.cluster.set(web);
    node.cluster.set_pods("web", &[0, 1, 2]);
    node.reconcile();
    let ask = || {
        node.client_asks(Protocol::Udp, "10.96.0.1:80")
            .name()
            .to_owned()
    };
    let first = ask();
    // Round robin would have gone on.
    assert_eq!(ask(), first);
    let calls = 2..;
    let times = calls.map(|seconds| {
        std::thread::sleep(Duration::from_secs(seconds));
        ask()
    });
    let moved = times.take(5).any(|name| name != first);
    assert!(moved, "it stays with {first} for longer than it should");
}

#[test]
#[ignore = "needs IPVS: runs in the virtual machine"]
fn the_scheduler_can_be_changed_under_connections() {
    let mut node = Node::with_web(2, open);
    let mut talk = node.client_talks("10.96.0.1:80");
    let (first, _) = talk.ask().expect("it stands");
    for scheduler in tidegate_ipvs::SCHEDULERS {
        let mut web = Cluster::service("web", 1);
        web.scheduler = Some(Scheduler((*scheduler).to_owned()));
        let delta = node.cluster.set(web);
        if !delta.is_empty() {
            node.apply(delta);
        }
        let shown = format!("TCP 10.96.0.1:80 {scheduler}");
        let lines = listed(&node);
        assert!(
            lines.iter().any(|line| line.starts_with(&shown)),
            "{lines:?}"
        );
        let answer = node.client_asks(Protocol::Tcp, "10.96.0.1:80");
        assert!(
            matches!(answer, Answer::From(..)),
            "{scheduler}: {answer:?}"
        );
        assert_eq!(talk.ask().expect("it stands").0, first);
    }
}
