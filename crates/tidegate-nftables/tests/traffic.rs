//! What clients and pods notice, with real packets between network namespaces.

use std::collections::BTreeMap;

use tidegate_dataplane::Dataplane;
use tidegate_netlink::conntrack::Conntrack;
use tidegate_nftables::NftablesMode;
use tidegate_testnet::{Answer, Cluster, Node, Protocol, World, address, ask, ask_from_port, ip};

const BOTH: [Protocol; 2] = [Protocol::Tcp, Protocol::Udp];
const CLUSTER_IPS: [&str; 2] = ["10.96.0.1:80", "[fd00:96::1]:80"];

#[test]
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
fn the_node_itself_and_outsiders_reach_a_cluster_ip_and_are_masqueraded() {
    let node = Node::with_web(1, open);
    for to in CLUSTER_IPS {
        for protocol in BOTH {
            for answer in [node.node_asks(protocol, to), node.client_asks(protocol, to)] {
                assert_eq!(answer.name(), "pod-0");
                let node_towards_pods = [ip("10.244.0.1"), ip("fd00:244::1")];
                assert!(node_towards_pods.contains(&answer.source()), "{answer:?}");
            }
        }
    }
}

#[test]
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
fn connections_spread_evenly_over_three_pods() {
    let node = Node::with_web(3, open);
    for protocol in BOTH {
        const CALLS: u32 = 3000;
        let counts: BTreeMap<String, u32> = node.world.client.with(move || {
            let mut counts = BTreeMap::new();
            for _ in 0..CALLS {
                let name = ask(protocol, address("10.96.0.1:80")).name().to_owned();
                *counts.entry(name).or_default() += 1;
            }
            counts
        });
        let expected = f64::from(CALLS) / 3.0;
        let deviation = |count: &u32| (f64::from(*count) - expected).powi(2) / expected;
        let chi_square: f64 = counts.values().map(deviation).sum();
        assert_eq!(counts.len(), 3, "{counts:?}");
        // Two degrees of freedom: 13.8 is exceeded by chance once in a thousand runs; 24 once in
        // 160,000, which a suite that runs for years can stand.
        assert!(chi_square < 24.0, "{protocol:?}: {counts:?}");
    }
}

#[test]
fn without_endpoints_calls_are_refused_at_once_and_served_when_the_first_one_comes() {
    let mut node = Node::new(1, open);
    node.cluster.set(Cluster::service("web", 1));
    node.reconcile();
    for to in CLUSTER_IPS {
        for protocol in BOTH {
            assert_eq!(
                node.client_asks(protocol, to),
                Answer::Refused,
                "{protocol:?} {to}"
            );
            assert_eq!(
                node.node_asks(protocol, to),
                Answer::Refused,
                "{protocol:?} {to}"
            );
        }
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
fn unclaimed_ports_are_refused_and_unclaimed_cluster_ips_are_silent() {
    let node = Node::with_web(1, open);
    for protocol in BOTH {
        assert_eq!(node.client_asks(protocol, "10.96.0.1:81"), Answer::Refused);
        assert_eq!(
            node.pod_asks(0, protocol, "[fd00:96::1]:81"),
            Answer::Refused
        );
    }
    assert_eq!(
        node.client_asks(Protocol::Tcp, "10.96.0.77:80"),
        Answer::Silence
    );
    let ping = |to: &str| {
        let line = format!("-c 1 -W 1 {to}");
        node.world.client.with(move || {
            let mut ping = std::process::Command::new("ping");
            ping.args(line.split_whitespace())
                .output()
                .map(|done| done.status.success())
        })
    };
    // Without ping there is nothing to show here; the rule is the same as for any other packet.
    if let Ok(answered) = ping("192.0.2.1") {
        assert!(answered, "the node answers");
        assert!(
            !ping("10.96.0.1").expect("it ran before"),
            "a cluster IP doesn't"
        );
    }
}

#[test]
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
    let delta = node.cluster.set_pods("web", &[]);
    node.apply(delta);
    assert_eq!(
        node.client_asks(Protocol::Tcp, "192.0.2.1:30080"),
        Answer::Refused
    );
}

#[test]
fn a_udp_client_is_led_away_from_a_pod_that_is_gone() {
    let mut node = Node::with_web(2, open);
    let game = address("10.96.0.1:80");
    let first = node.world.client.with(move || ask_from_port(4000, game));
    let left = usize::from(first.name() == "pod-0");
    let asks = |node: &Node| node.world.client.with(move || ask_from_port(4000, game));
    let delta = node.cluster.set_pods("web", &[left]);
    node.apply(delta);
    // The connection is deleted a moment after the rules have changed.
    let other = format!("pod-{left}");
    until(|| matches!(asks(&node), Answer::From(name, _) if name == other));
    let delta = node.cluster.set_pods("web", &[]);
    node.apply(delta);
    until(|| asks(&node) == Answer::Refused);
}

#[test]
fn a_tcp_client_that_waits_for_a_dead_pod_is_led_to_a_living_one() {
    let mut node = Node::new(1, open);
    node.cluster.set(Cluster::service("web", 1));
    // Nobody has the address of pod 88, and nothing comes back from there.
    node.cluster.set_pods("web", &[88]);
    node.reconcile();
    let waiting = node.world.client.start(|| {
        let patience = std::time::Duration::from_secs(60);
        std::net::TcpStream::connect_timeout(&address("10.96.0.1:80"), patience).is_ok()
    });
    until(|| {
        node.world.node.with(|| {
            let mut conntrack = Conntrack::open().expect("conntrack");
            let flows = conntrack.flows(|flow| flow.original.destination.port() == 80);
            !flows.expect("a list of connections").is_empty()
        })
    });
    let delta = node.cluster.set_pods("web", &[0]);
    node.apply(delta);
    // The client's kernel repeats its packet after a second, and that is a first packet again.
    assert!(waiting.recv().expect("the client ends"));
}

/// Waits for something to become true; fails after ten seconds.
fn until(mut condition: impl FnMut() -> bool) {
    let begun = std::time::Instant::now();
    while !condition() {
        assert!(begun.elapsed().as_secs() < 10, "it did not happen");
    }
}

#[test]
fn a_change_leaves_established_connections_alone() {
    use std::io::{Read, Write};
    let mut node = Node::with_web(2, open);
    let mut stream = node
        .world
        .client
        .with(|| std::net::TcpStream::connect(address("10.96.0.1:80")).expect("somebody answers"));
    let mut talk = || {
        let mut buffer = [0; 100];
        stream.write_all(b"?").expect("it stands");
        let length = stream.read(&mut buffer).expect("it stands");
        String::from_utf8_lossy(&buffer[..length]).into_owned()
    };
    let before = talk();
    for pods in [&[0][..], &[1], &[], &[0, 1]] {
        let delta = node.cluster.set_pods("web", pods);
        node.apply(delta);
        assert_eq!(talk(), before);
    }
    let delta = node.cluster.remove("web");
    node.apply(delta);
    assert_eq!(talk(), before);
    node.reconcile();
    assert_eq!(talk(), before);
    assert_ne!(
        node.client_asks(Protocol::Tcp, "10.96.0.1:80"),
        Answer::From("pod-0".to_owned(), ip("10.244.0.1"))
    );
}

fn open() -> Box<dyn Dataplane> {
    Box::new(NftablesMode::open().expect("nf_tables"))
}
