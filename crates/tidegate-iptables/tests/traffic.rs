//! What clients and pods notice, with real packets between network namespaces. The whole contract
//! is tried by `tidegate-conformance`.

use tidegate_plan::{NodePortAddresses, PlanSettings};
use tidegate_testnet::basics::{
    a_client_stays_with_its_pod_until_that_is_gone, an_established_connection_outlives_its_service,
    every_frontend_leads_to_a_pod,
};
use tidegate_testnet::{Answer, Cluster, Node, Protocol, run, serve};

#[macro_use]
mod support;

use support::Open;

with_both_variants! {
    every_frontend_leads_to_a_pod
    an_established_connection_outlives_its_service
    a_client_stays_with_its_pod_until_that_is_gone
    node_ports_answer_on_localhost_where_that_is_selected
    loopback_addresses_stay_closed_to_others
}

fn node_ports_answer_on_localhost_where_that_is_selected(open: Open) {
    let mut node = Node::new(1, open);
    let within = ["192.0.2.0/24", "fd00:c::/64"].map(|range| range.parse().expect("a network"));
    let everywhere = NodePortAddresses::AllLocal;
    let elsewhere = NodePortAddresses::Within(within.to_vec());
    for (node_port_addresses, is_selected) in [(everywhere, true), (elsewhere, false)] {
        node.cluster = Cluster::with(PlanSettings {
            node_port_addresses,
            ..Cluster::settings()
        });
        node.cluster
            .set(Cluster::with_node_ports(Cluster::service("web", 1), 30080));
        node.cluster.set_pods("web", &[0]);
        node.reconcile();
        for (protocol, port) in [(Protocol::Tcp, 30080), (Protocol::Udp, 30081)] {
            for host in ["127.0.0.1", "10.244.0.1"] {
                let to = format!("{host}:{port}");
                match node.node_asks(protocol, &to) {
                    Answer::From(name, _) => assert!(is_selected && name == "pod-0", "{to}"),
                    Answer::Refused => assert!(!is_selected, "{protocol:?} {to}"),
                    other => panic!("{protocol:?} {to}: {other:?}"),
                }
            }
            let to = format!("[::1]:{port}");
            assert_eq!(node.node_asks(protocol, &to), Answer::Refused, "{to}");
        }
    }
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
