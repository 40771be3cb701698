//! What is in the kernel, and stays so: restarts, other people's edits, other people's objects.

use std::collections::BTreeSet;
use std::time::Duration;

use tidegate_dataplane::{Dataplane, DataplaneError, Outcome};
use tidegate_ipvs::{IpvsMode, IpvsOptions};
use tidegate_model::{ExternalIp, LoadBalancerIp, SessionAffinity, TrafficPolicy};
use tidegate_testnet::Node;

use crate::support::*;

/// Services that have, between them, one of everything.
fn program(cluster: &mut Cluster) {
    cluster.set(Cluster::service("plain", 1));
    cluster.set_pods_on("plain", &[(0, "node-a"), (1, "node-b")]);
    cluster.set(Cluster::with_node_ports(
        Cluster::service("empty", 3),
        30082,
    ));
    let mut local = Cluster::with_node_ports(Cluster::service("local", 4), 30084);
    local.external_policy = TrafficPolicy::Local;
    local.external_ips = vec![ExternalIp(ip("198.51.100.4"))];
    cluster.set(local);
    cluster.set_pods_on("local", &[(0, "node-a"), (1, "node-b")]);
    let mut elsewhere = Cluster::service("elsewhere", 5);
    elsewhere.internal_policy = TrafficPolicy::Local;
    cluster.set(elsewhere);
    cluster.set_pods_on("elsewhere", &[(1, "node-b")]);
    let mut guarded = Cluster::service("guarded", 6);
    guarded.load_balancer_ips = vec![LoadBalancerIp(ip("203.0.113.6"))];
    guarded.source_ranges = vec!["192.0.2.0/24".parse().expect("a network")];
    cluster.set(guarded);
    cluster.set_pods_on("guarded", &[(0, "node-b")]);
    let mut sticky = Cluster::with_node_ports(Cluster::service("sticky", 7), 30086);
    sticky.affinity = SessionAffinity::ClientIp(Duration::from_secs(10_800));
    cluster.set(sticky);
    cluster.set_pods_on("sticky", &[(0, "node-b"), (1, "node-b")]);
}

fn audit(node: &mut Node) -> Outcome {
    let plan = node.cluster.plan().clone();
    let outcome = node.on_node(move |mode| mode.reconcile(&plan));
    outcome.expect("the plan can be programmed")
}

#[test]
#[ignore = "needs IPVS: runs in the virtual machine"]
fn a_second_reconcile_finds_nothing_to_do_also_after_a_restart() {
    let mut node = Node::new(0, open);
    program(&mut node.cluster);
    let first = audit(&mut node);
    assert_eq!((first.drift, first.refused), (vec![], vec![]));
    for _ in 0..2 {
        let again = audit(&mut node);
        assert_eq!((again.changed, again.drift), (0, vec![]));
        node.restart();
    }
}

#[test]
#[ignore = "needs IPVS: runs in the virtual machine"]
fn changes_step_by_step_end_where_a_reconcile_would() {
    let mut node = Node::new(0, open);
    program(&mut node.cluster);
    node.reconcile();
    let mut local = Cluster::service("local", 4);
    local.external_ips = vec![ExternalIp(ip("198.51.100.4"))];
    let deltas = [
        node.cluster
            .set_pods_on("plain", &[(0, "node-a"), (4, "node-a")]),
        node.cluster.set_pods_on("empty", &[(2, "node-b")]),
        node.cluster.set_pods_on("local", &[(1, "node-b")]),
        node.cluster.set_pods_on("local", &[(0, "node-a")]),
        node.cluster.set(local),
        node.cluster
            .set_pods_on("elsewhere", &[(3, "node-a"), (1, "node-b")]),
        node.cluster.remove("guarded"),
        node.cluster.set(Cluster::with_node_ports(
            Cluster::service("sticky", 8),
            30186,
        )),
        node.cluster
            .set(Cluster::with_node_ports(Cluster::service("new", 9), 30188)),
        node.cluster.set_pods("new", &[0]),
    ];
    for delta in deltas {
        node.apply(delta);
    }
    let outcome = audit(&mut node);
    assert_eq!((outcome.changed, outcome.drift), (0, vec![]));
    let by_steps = everything(&node);
    let mut at_once = Node::new(0, open);
    at_once.cluster = node.cluster;
    at_once.reconcile();
    assert_eq!(by_steps, everything(&at_once));
}

#[test]
#[ignore = "needs IPVS: runs in the virtual machine"]
fn what_somebody_else_takes_away_is_found_named_and_repaired() {
    let mut node = Node::new(0, open);
    program(&mut node.cluster);
    node.reconcile();
    let whole = everything(&node);
    for (edit, named) in [
        ("ipvsadm -C", "ipvsadm: -A"),
        (
            "ipvsadm -d -t 10.96.0.1:80 -r 10.244.0.11:9376",
            "-a -t 10.96.0.1:80 -r 10.244.0.11:9376",
        ),
        ("ipvsadm -E -t 10.96.0.1:80 -s lc", "was set otherwise"),
        (
            "ipvsadm -a -t 10.96.0.1:80 -r 10.9.9.9:1 -m",
            "-r 10.9.9.9:1 should not be there",
        ),
        (
            "ipset flush KUBE-CLUSTER-IP",
            "KUBE-CLUSTER-IP 10.96.0.1,tcp:80 was missing",
        ),
        (
            "ipset add KUBE-6-IPVS-IPS fd00::9",
            "KUBE-6-IPVS-IPS fd00::9 should not be there",
        ),
        ("ip link del kube-ipvs0", "kube-ipvs0 was gone"),
        ("ip addr add 10.96.0.99/32 dev kube-ipvs0", ""),
        (
            "iptables -t nat -F KUBE-IPVS-POSTROUTING",
            "KUBE-IPVS-POSTROUTING",
        ),
        ("ip6tables -F", "-A INPUT"),
        (
            "iptables -t mangle -A KUBE-IPVS-OWN -j ACCEPT",
            "-A KUBE-IPVS-OWN -j ACCEPT should not be there",
        ),
    ] {
        node.world.node.run(edit);
        let outcome = audit(&mut node);
        assert!(outcome.refused.is_empty(), "{edit}: {:?}", outcome.refused);
        let told = outcome.drift.iter().any(|line| line.contains(named));
        assert!(named.is_empty() || told, "{edit}: {:?}", outcome.drift);
        let now = everything(&node);
        let lines = |text: &str| text.lines().map(str::to_owned).collect::<BTreeSet<_>>();
        let (now, whole) = (lines(&now), lines(&whole));
        let difference: Vec<_> = now.symmetric_difference(&whole).collect();
        assert!(difference.is_empty(), "{edit}: {difference:#?}");
    }
}

#[test]
#[ignore = "needs IPVS: runs in the virtual machine"]
fn other_peoples_objects_are_left_alone() {
    let mut node = Node::in_world(
        World::new(1),
        std::sync::Arc::new(|| {
            let options = IpvsOptions {
                exclude_cidrs: vec!["198.51.100.0/24".parse().expect("a network")],
                ..IpvsOptions::default()
            };
            Box::new(IpvsMode::open(options).expect("IPVS")) as Box<dyn Dataplane>
        }),
    );
    let others = [
        "ipvsadm -A -t 192.0.2.1:8080 -s wlc",
        "ipvsadm -a -t 192.0.2.1:8080 -r 10.9.9.9:80 -m",
        "ipvsadm -A -f 7 -s rr",
        "ipset create OTHERS hash:ip",
        "iptables -N OTHERS",
        "iptables -A OTHERS -s 10.9.9.9 -j DROP",
        "iptables -t nat -A POSTROUTING -s 10.9.9.9 -j MASQUERADE",
        // In a range that is left to others, even if it is on our device.
        "ip link add kube-ipvs0 type dummy",
        "ip addr add 198.51.100.9/32 dev kube-ipvs0",
        "ipvsadm -A -t 198.51.100.9:80 -s sh",
    ];
    for line in others {
        node.world.node.run(line);
    }
    let before = everything(&node);
    program(&mut node.cluster);
    // A Service that claims what is left to others goes without.
    let mut claiming = Cluster::service("claiming", 10);
    claiming.external_ips = vec![ExternalIp(ip("198.51.100.9"))];
    node.cluster.set(claiming);
    node.cluster.set_pods("claiming", &[0]);
    let delta = node.cluster.remove("local");
    node.reconcile();
    node.apply(delta);
    node.reconcile();
    let now: BTreeSet<String> = everything(&node).lines().map(str::to_owned).collect();
    let lost: Vec<&str> = before.lines().filter(|line| !now.contains(*line)).collect();
    assert!(lost.is_empty(), "{lost:#?}");
    node.on_node(|mode| mode.remove().expect("it can be removed"));
    assert_eq!(everything(&node), before);
    node.on_node(|mode| mode.remove().expect("there being nothing is success"));
}

#[test]
#[ignore = "needs IPVS: runs in the virtual machine"]
fn kube_proxys_program_is_taken_over() {
    let mut node = Node::new(1, open);
    for line in [
        "ip link add kube-ipvs0 type dummy",
        "ip addr add 10.96.0.1/32 dev kube-ipvs0",
        "ip addr add 10.96.0.50/32 dev kube-ipvs0",
        "ipset create KUBE-CLUSTER-IP hash:ip,port family inet hashsize 1024 maxelem 65536",
        "ipset add KUBE-CLUSTER-IP 10.96.0.50,tcp:80",
        "ipset create KUBE-NODE-PORT-TCP bitmap:port range 0-65535",
        "ipset add KUBE-NODE-PORT-TCP 31234",
        "ipvsadm -A -t 10.96.0.1:80 -s rr",
        "ipvsadm -a -t 10.96.0.1:80 -r 10.244.0.11:9376 -m",
        "ipvsadm -A -t 10.96.0.50:80 -s rr",
        "ipvsadm -A -t 192.0.2.1:31234 -s rr",
    ] {
        node.world.node.run(line);
    }
    let mut talk = node.client_talks("10.96.0.1:80");
    node.cluster.set(Cluster::service("web", 1));
    node.cluster.set_pods("web", &[0]);
    node.reconcile();
    assert_eq!(talk.ask().expect("it stands").0, "pod-0");
    assert_eq!(
        node.client_asks(Protocol::Tcp, "10.96.0.1:80").name(),
        "pod-0"
    );
    let all = everything(&node);
    assert!(
        !all.contains("10.96.0.50") && !all.contains("31234"),
        "{all}"
    );
    node.on_node(|mode| mode.remove().expect("it can be removed"));
    assert!(!everything(&node).contains("KUBE"));
}

#[test]
#[ignore = "needs IPVS: runs in the virtual machine"]
fn options_reach_the_kernel() {
    let mut node = Node::in_world(
        World::new(0),
        std::sync::Arc::new(|| {
            let options = IpvsOptions {
                scheduler: "lc".to_owned(),
                strict_arp: true,
                tcp_timeout: Some(Duration::from_secs(1000)),
                udp_timeout: Some(Duration::from_secs(77)),
                ..IpvsOptions::default()
            };
            Box::new(IpvsMode::open(options).expect("IPVS")) as Box<dyn Dataplane>
        }),
    );
    program(&mut node.cluster);
    node.reconcile();
    assert!(listed(&node).contains(&"TCP 10.96.0.1:80 lc".to_owned()));
    let timeouts = node.world.node.run("ipvsadm -Ln --timeout");
    assert!(timeouts.contains("1000 120 77"), "{timeouts}");
    for (name, value) in [
        ("vs/conntrack", "1"),
        ("vs/expire_nodest_conn", "1"),
        ("vs/expire_quiescent_template", "1"),
        ("conf/all/arp_ignore", "1"),
        ("conf/all/arp_announce", "2"),
    ] {
        let path = format!("/proc/sys/net/ipv4/{name}");
        let found = node.world.node.with(move || std::fs::read_to_string(path));
        assert_eq!(found.expect("it is there").trim(), value, "{name}");
    }
    let gauges = node.on_node(|mode| mode.gauges());
    let servers = gauges
        .iter()
        .find(|gauge| gauge.name.ends_with("virtual_servers"));
    assert!(
        servers.is_some_and(|gauge| gauge.value > 10.0),
        "{gauges:?}"
    );
}

#[test]
#[ignore = "needs IPVS: runs in the virtual machine"]
fn a_default_scheduler_that_nobody_has_is_refused_with_those_that_there_are() {
    let options = IpvsOptions {
        scheduler: "fastest".to_owned(),
        ..IpvsOptions::default()
    };
    let error = IpvsMode::open(options).expect_err("there is no such scheduler");
    assert!(matches!(error, DataplaneError::Failed { .. }));
    assert!(error.to_string().contains("rr, wrr, lc"), "{error}");
}

#[test]
#[ignore = "needs IPVS: runs in the virtual machine"]
fn the_legacy_variant_of_iptables_does_as_well() {
    let directory = std::path::Path::new("/tmp/legacy");
    std::fs::create_dir_all(directory).expect("the machine is ours");
    for family in ["iptables", "ip6tables"] {
        for action in ["", "-save", "-restore"] {
            let legacy = format!("/usr/sbin/{family}-legacy{action}");
            let link = directory.join(format!("{family}{action}"));
            std::os::unix::fs::symlink(legacy, link).expect("the machine is ours");
        }
    }
    let path = std::env::var("PATH").expect("there is one");
    let this = std::env::current_exe().expect("this test has a path");
    let tests = [
        "upkeep::a_second_reconcile_finds_nothing_to_do_also_after_a_restart",
        "upkeep::what_somebody_else_takes_away_is_found_named_and_repaired",
        "upkeep::other_peoples_objects_are_left_alone",
        "policies::local_policy_keeps_the_clients_address_and_stays_on_the_node",
        "traffic::every_frontend_leads_to_a_pod",
        "traffic::unclaimed_ports_are_refused_and_unclaimed_cluster_ips_are_silent",
    ];
    let ran = std::process::Command::new(this)
        .args(["--ignored", "--exact", "--test-threads", "1"])
        .args(tests)
        .env("PATH", format!("{}:{path}", directory.display()))
        .output()
        .expect("it can be run");
    let said = String::from_utf8_lossy(&ran.stdout);
    assert!(ran.status.success(), "{said}");
    assert!(said.contains("6 passed"), "{said}");
}
