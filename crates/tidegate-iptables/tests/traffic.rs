//! What clients and pods notice, with real packets between network namespaces.

use std::collections::BTreeMap;
use std::sync::Arc;

use tidegate_netlink::conntrack::Conntrack;
use tidegate_plan::{NodePortAddresses, PlanSettings, PodTraffic};
use tidegate_testnet::{
    Answer, Cluster, Node, Protocol, World, address, ask, ask_from_port, ip, run, serve,
};

#[macro_use]
mod support;

use support::Open;

with_both_variants! {
    a_cluster_ip_is_answered_by_a_pod_that_sees_the_pod_that_asks
    the_node_itself_and_outsiders_reach_a_cluster_ip_and_are_masqueraded
    a_pod_reaches_itself_through_its_service
    connections_spread_evenly_over_three_pods
    without_endpoints_calls_are_refused_at_once_and_served_when_the_first_one_comes
    unclaimed_ports_are_refused_and_unclaimed_cluster_ips_are_silent
    node_ports_answer_on_every_address_of_the_node_and_nowhere_else
    loopback_addresses_stay_closed_to_others
    node_ports_keep_to_the_ranges_that_are_selected
    weights_are_observed
    pods_of_several_ranges_are_not_masqueraded
    a_udp_client_is_led_away_from_a_pod_that_is_gone
    a_tcp_client_that_waits_for_a_dead_pod_is_led_to_a_living_one
    a_change_leaves_established_connections_alone
}

const BOTH: [Protocol; 2] = [Protocol::Tcp, Protocol::Udp];
const CLUSTER_IPS: [&str; 2] = ["10.96.0.1:80", "[fd00:96::1]:80"];

fn a_cluster_ip_is_answered_by_a_pod_that_sees_the_pod_that_asks(open: Open) {
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

fn the_node_itself_and_outsiders_reach_a_cluster_ip_and_are_masqueraded(open: Open) {
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

fn a_pod_reaches_itself_through_its_service(open: Open) {
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

fn connections_spread_evenly_over_three_pods(open: Open) {
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

fn without_endpoints_calls_are_refused_at_once_and_served_when_the_first_one_comes(open: Open) {
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

fn unclaimed_ports_are_refused_and_unclaimed_cluster_ips_are_silent(open: Open) {
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

fn node_ports_answer_on_every_address_of_the_node_and_nowhere_else(open: Open) {
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
    for (protocol, port) in BOTH.into_iter().zip([30080, 30081]) {
        let answer = node.node_asks(protocol, &format!("127.0.0.1:{port}"));
        assert_eq!(answer.name(), "pod-0", "{protocol:?} from the node itself");
    }
    assert_eq!(
        node.node_asks(Protocol::Tcp, "[::1]:30080"),
        Answer::Refused
    );
    let delta = node.cluster.set_pods("web", &[]);
    node.apply(delta);
    assert_eq!(
        node.client_asks(Protocol::Tcp, "192.0.2.1:30080"),
        Answer::Refused
    );
}

fn a_udp_client_is_led_away_from_a_pod_that_is_gone(open: Open) {
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

fn a_tcp_client_that_waits_for_a_dead_pod_is_led_to_a_living_one(open: Open) {
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

fn a_change_leaves_established_connections_alone(open: Open) {
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

/// Node ports on 127.0.0.1 make the kernel route its packets: then others must not send any.
fn loopback_addresses_stay_closed_to_others(open: Open) {
    let node = Node::with_web(1, open);
    node.world
        .node
        .with(|| serve(Protocol::Tcp, 9999, "secret"));
    let own = node.node_asks(Protocol::Tcp, "127.0.0.1:9999");
    assert_eq!(own.name(), "secret");
    let route_localnet = "/proc/sys/net/ipv4/conf/all/route_localnet";
    node.world.client.with(move || {
        std::fs::write(route_localnet, "1").expect("it is there");
        for line in [
            "ip route add 127.0.0.9/32 via 192.0.2.1 table 100",
            "ip rule add pref 5 to 127.0.0.9 lookup 100",
            "ip rule add pref 10 lookup local",
            "ip rule del pref 0",
        ] {
            run(line);
        }
    });
    assert_eq!(
        node.client_asks(Protocol::Tcp, "127.0.0.9:9999"),
        Answer::Silence
    );
    let dropped = node.world.node.with(|| {
        let list = |program: &str| {
            let done = std::process::Command::new(program)
                .args(["-nvxL", "KUBE-FIREWALL"])
                .output();
            String::from_utf8_lossy(&done.expect("it is installed").stdout).into_owned()
        };
        list("iptables-legacy") + &list("iptables-nft")
    });
    let rule = dropped.lines().find(|line| line.contains("DROP"));
    let packets = rule.and_then(|line| line.split_whitespace().next());
    assert_ne!(packets.expect("the guard is there"), "0", "{dropped}");
}

fn node_ports_keep_to_the_ranges_that_are_selected(open: Open) {
    let mut node = Node::new(1, open);
    let within = ["192.0.2.0/24", "fd00:c::/64"].map(|range| range.parse().expect("a network"));
    node.cluster = Cluster::with(PlanSettings {
        node_port_addresses: NodePortAddresses::Within(within.to_vec()),
        ..Cluster::settings()
    });
    node.cluster
        .set(Cluster::with_node_ports(Cluster::service("web", 1), 30080));
    node.cluster.set_pods("web", &[0]);
    node.reconcile();
    for to in ["192.0.2.1:30080", "[fd00:c::1]:30080"] {
        assert_eq!(node.client_asks(Protocol::Tcp, to).name(), "pod-0");
    }
    for to in ["10.244.0.1:30080", "127.0.0.1:30080"] {
        assert_eq!(node.node_asks(Protocol::Tcp, to), Answer::Refused, "{to}");
    }
}

fn weights_are_observed(open: Open) {
    let mut node = Node::new(2, open);
    node.cluster.set(Cluster::service("web", 1));
    node.cluster.set_pods("web", &[0, 1]);
    let mut plan = node.cluster.plan().clone();
    for service in plan.services.values_mut() {
        for port in &mut Arc::make_mut(service).ports {
            port.cluster_backends[0].weight = 4;
        }
    }
    let outcome = node.on_node(move |mode| mode.reconcile(&plan));
    assert_eq!(outcome.expect("it can be programmed").refused, []);
    let first = node.world.client.with(|| {
        let to = address("10.96.0.1:80");
        let names = (0..1000).map(|_| ask(Protocol::Tcp, to).name().to_owned());
        names.filter(|name| name == "pod-0").count()
    });
    // Four in five of a thousand, with a deviation of 12.6: six of them are never seen.
    assert!((725..=875).contains(&first), "{first} of 1000");
}

fn pods_of_several_ranges_are_not_masqueraded(open: Open) {
    let mut node = Node::new(2, open);
    let nets = [
        "10.245.0.0/16",
        "10.244.0.0/17",
        "fd00:245::/64",
        "fd00:244::/64",
    ];
    node.cluster = Cluster::with(PlanSettings {
        pod_traffic: PodTraffic::Cidrs(nets.map(|net| net.parse().expect("a network")).to_vec()),
        ..Cluster::settings()
    });
    node.cluster.set(Cluster::service("web", 1));
    node.cluster.set_pods("web", &[1]);
    node.reconcile();
    for to in CLUSTER_IPS {
        let answer = node.pod_asks(0, Protocol::Tcp, to);
        assert!(
            World::pod_addresses(0).contains(&answer.source()),
            "{answer:?}"
        );
        let answer = node.client_asks(Protocol::Tcp, to);
        let node_towards_pods = [ip("10.244.0.1"), ip("fd00:244::1")];
        assert!(node_towards_pods.contains(&answer.source()), "{answer:?}");
    }
}
