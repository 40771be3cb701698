//! A plan as people see it.

use std::time::Duration;

use tidegate_model::{ExternalIp, LoadBalancerIp, Scheduler, SessionAffinity, TrafficPolicy};
use tidegate_plan::PlanSettings;
use tidegate_testnet::{Cluster, ip, run_with_input};
use tidegate_userspace::render;

/// Four Services that have, between them, one of everything.
fn four_services() -> Cluster {
    let settings = PlanSettings {
        node_addresses: Vec::new(),
        ..Cluster::settings()
    };
    let mut cluster = Cluster::with(settings);
    cluster.set(Cluster::service("plain", 1));
    cluster.set_pods_on("plain", &[(0, "node-a"), (1, "node-b")]);
    cluster.set(Cluster::with_node_ports(
        Cluster::service("empty", 2),
        30080,
    ));
    let mut local = Cluster::with_node_ports(Cluster::service("local", 3), 30082);
    local.external_policy = TrafficPolicy::Local;
    local.external_ips = vec![ExternalIp(ip("198.51.100.3"))];
    local.affinity = SessionAffinity::ClientIp(Duration::from_secs(10_800));
    cluster.set(local);
    cluster.set_pods_on("local", &[(0, "node-a"), (1, "node-b")]);
    let mut guarded = Cluster::service("guarded", 4);
    guarded.load_balancer_ips = vec![LoadBalancerIp(ip("203.0.113.4"))];
    guarded.source_ranges = vec!["192.0.2.0/24".parse().expect("a network")];
    guarded.scheduler = Some(Scheduler("lc".to_owned()));
    cluster.set(guarded);
    cluster.set_pods_on("guarded", &[(1, "node-b")]);
    cluster
}

#[test]
fn four_services_as_printed() {
    insta::assert_snapshot!(render(four_services().plan()));
}

#[test]
fn the_printed_redirects_are_what_nft_takes() {
    nix::sched::unshare(nix::sched::CloneFlags::CLONE_NEWNET).expect("the tests run as root");
    let printed = render(four_services().plan());
    let tables = printed.find("table ip ").expect("there are tables");
    run_with_input("nft -f -", &printed[tables..]);
}
