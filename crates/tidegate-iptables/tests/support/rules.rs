//! Seven Services that have one of everything, and what the kernel has of them.

use std::time::Duration;

use tidegate_dataplane::{Dataplane, Outcome};
use tidegate_iptables::{IptablesMode, Variant};
use tidegate_model::{ExternalIp, LoadBalancerIp, SessionAffinity, TrafficPolicy};
use tidegate_testnet::{Cluster, ip, run};

/// Makes a test for each variant of functions that take the variant.
macro_rules! for_each_variant {
    ($($name:ident)*) => {
        mod legacy {
            $(#[test] fn $name() { super::$name(tidegate_iptables::Variant::Legacy); })*
        }
        mod nft {
            $(#[test] fn $name() { super::$name(tidegate_iptables::Variant::Nft); })*
        }
    };
}

/// Gives the calling thread a network namespace of its own.
pub(crate) fn own_namespace() {
    nix::sched::unshare(nix::sched::CloneFlags::CLONE_NEWNET).expect("the tests run as root");
}

pub(crate) fn infix(variant: Variant) -> &'static str {
    match variant {
        Variant::Legacy => "-legacy",
        Variant::Nft | Variant::Auto => "-nft",
    }
}

/// Everything in the tables of both families, sorted, since the order of Services' lines in shared
/// chains is open.
pub(crate) fn saved(variant: Variant) -> Vec<String> {
    let mut lines = Vec::new();
    for family in ["iptables", "ip6tables"] {
        let mut table = String::new();
        for line in run(&format!("{family}{}-save", infix(variant))).lines() {
            if let Some(name) = line.strip_prefix('*') {
                table = format!("{family} {name}");
            }
            // Counters count what the machine does by itself.
            let line = line.split(" [").next().unwrap_or_default();
            if !line.starts_with('#') {
                lines.push(format!("{table}: {line}"));
            }
        }
    }
    lines.sort();
    lines
}

pub(crate) fn iptables(variant: Variant, arguments: &str) {
    run(&format!("iptables{} -w 300 {arguments}", infix(variant)));
}

/// Seven Services that have, between them, one of everything.
pub(crate) fn seven_services() -> Cluster {
    let mut cluster = Cluster::new();
    add_seven_services(&mut cluster);
    cluster
}

pub(crate) fn add_seven_services(cluster: &mut Cluster) {
    cluster.set(Cluster::service("plain", 1));
    cluster.set_pods_on("plain", &[(0, "node-a"), (1, "node-b"), (2, "node-b")]);
    cluster.set(Cluster::with_node_ports(
        Cluster::service("ported", 2),
        30080,
    ));
    cluster.set_pods_on("ported", &[(1, "node-b"), (3, "node-b")]);
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
    guarded.source_ranges = vec![
        "192.0.2.0/24".parse().expect("a network"),
        "10.0.0.0/9".parse().expect("a network"),
    ];
    cluster.set(guarded);
    cluster.set_pods_on("guarded", &[(2, "node-b")]);
    let mut sticky = Cluster::with_node_ports(Cluster::service("sticky", 7), 30086);
    sticky.affinity = SessionAffinity::ClientIp(Duration::from_secs(10_800));
    cluster.set(sticky);
    cluster.set_pods_on("sticky", &[(2, "node-b"), (3, "node-b")]);
}

pub(crate) fn reconcile(mode: &mut IptablesMode, cluster: &Cluster) -> Outcome {
    let outcome = mode
        .reconcile(cluster.plan())
        .expect("it can be programmed");
    assert!(outcome.refused.is_empty(), "{:?}", outcome.refused);
    outcome
}
