//! What is in the kernel: the program as printed, whatever the way that led there.

use std::io::Write;
use std::process::{Command, Stdio};

use tidegate_dataplane::Dataplane;
use tidegate_iptables::{IptablesMode, Variant, render};
use tidegate_plan::{NodePortAddresses, PlanSettings, PodTraffic};
use tidegate_testnet::Cluster;

#[macro_use]
mod support;

use support::rules::{
    add_seven_services, infix, iptables, own_namespace, reconcile, saved, seven_services,
};
use support::{open, options};

for_each_variant! {
    a_second_reconcile_finds_nothing_to_do
    the_printed_program_is_what_is_programmed
    changes_step_by_step_end_where_a_reconcile_would
    every_setting_can_be_changed_to_every_other
    the_variant_that_has_kubernetes_chains_is_found
    many_services_go_in_piece_by_piece
}

fn a_second_reconcile_finds_nothing_to_do(variant: Variant) {
    own_namespace();
    let cluster = seven_services();
    for _ in 0..3 {
        // As after a restart: nothing is remembered, all is read.
        let mut mode = open(variant);
        let first = reconcile(&mut mode, &cluster);
        assert_eq!(first.drift, [""; 0]);
        let again = reconcile(&mut mode, &cluster);
        assert_eq!((again.changed, again.drift), (0, vec![]));
    }
}

fn the_printed_program_is_what_is_programmed(variant: Variant) {
    own_namespace();
    let cluster = seven_services();
    let printed = render(cluster.plan(), &options(variant));
    let (v4, v6) = printed.split_once("# IPv6").expect("both families");
    for (family, text) in [("iptables", v4), ("ip6tables", v6)] {
        let mut restore = Command::new(format!("{family}{}-restore", infix(variant)))
            .args(["-w", "300", "--noflush"])
            .stdin(Stdio::piped())
            .spawn()
            .expect("it is installed");
        let text = format!("#{text}");
        let mut stdin = restore.stdin.take().expect("it is piped");
        stdin.write_all(text.as_bytes()).expect("it reads");
        drop(stdin);
        assert!(restore.wait().expect("it ends").success());
    }
    let by_hand = saved(variant);
    let mut mode = open(variant);
    let outcome = reconcile(&mut mode, &cluster);
    // The routing of loopback addresses is the only thing that the texts can't say.
    assert_eq!((outcome.changed, outcome.drift), (1, vec![]));
    mode.remove().expect("ours can be removed");
    reconcile(&mut mode, &cluster);
    assert_eq!(saved(variant), by_hand);
}

fn changes_step_by_step_end_where_a_reconcile_would(variant: Variant) {
    own_namespace();
    let mut mode = open(variant);
    let mut cluster = seven_services();
    reconcile(&mut mode, &cluster);
    let deltas = [
        cluster.set_pods_on("plain", &[(0, "node-a"), (4, "node-a")]),
        cluster.set_pods_on("ported", &[(0, "node-a")]),
        cluster.set_pods_on("empty", &[(4, "node-a"), (5, "node-a"), (7, "node-b")]),
        cluster.set_pods_on("local", &[(1, "node-b")]),
        cluster.set_pods_on("elsewhere", &[(0, "node-a")]),
        cluster.remove("local"),
        cluster.set_pods_on("guarded", &[]),
        cluster.set(Cluster::service("new", 77)),
        cluster.set_pods_on("plain", &[]),
        cluster.remove("guarded"),
        cluster.set(Cluster::with_node_ports(
            Cluster::service("plain", 1),
            30090,
        )),
        cluster.set(Cluster::service("sticky", 7)),
        cluster.set_pods_on("plain", &[(3, "node-b")]),
    ];
    for delta in deltas {
        let outcome = mode.apply(&delta).expect("it can be programmed");
        assert!(outcome.refused.is_empty(), "{:?}", outcome.refused);
    }
    let stepwise = saved(variant);
    let gauges = mode.gauges();
    let audit = reconcile(&mut mode, &cluster);
    assert_eq!((audit.changed, audit.drift), (0, vec![]));
    let total = |gauges: &[tidegate_dataplane::Gauge]| {
        let totals = gauges
            .iter()
            .filter(|one| one.name.ends_with("iptables_total"));
        totals.map(|one| one.value).collect::<Vec<_>>()
    };
    assert_eq!(total(&gauges), total(&mode.gauges()));
    mode.remove().expect("ours can be removed");
    reconcile(&mut mode, &cluster);
    assert_eq!(saved(variant), stepwise);
}

fn every_setting_can_be_changed_to_every_other(variant: Variant) {
    own_namespace();
    let nets = |texts: &[&str]| -> Vec<ipnet::IpNet> {
        let nets = texts.iter().map(|text| text.parse().expect("a network"));
        nets.collect()
    };
    let with = |pod_traffic, masquerade_all, node_port_addresses| PlanSettings {
        pod_traffic,
        masquerade_all,
        node_port_addresses,
        ..Cluster::settings()
    };
    let all = NodePortAddresses::AllLocal;
    let within = NodePortAddresses::Within(nets(&["10.0.0.0/8", "127.0.0.0/8", "fd00::/8"]));
    let bridge = PodTraffic::Bridge("cni0".to_owned());
    let prefix = PodTraffic::InterfacePrefix("cali".to_owned());
    let cidrs = PodTraffic::Cidrs(nets(&["10.244.0.0/17", "10.245.0.0/16", "fd00:245::/64"]));
    let settings = [
        with(PodTraffic::Unknown, false, all.clone()),
        with(bridge, true, within.clone()),
        with(prefix, false, all),
        with(cidrs, false, within),
        Cluster::settings(),
    ];
    let mut mode = open(variant);
    for settings in settings {
        let mut cluster = Cluster::with(settings);
        add_seven_services(&mut cluster);
        let mut line = Cluster::service("line", 9);
        line.ports[0].protocol = tidegate_model::Protocol::Sctp;
        cluster.set(line);
        reconcile(&mut mode, &cluster);
        let again = reconcile(&mut mode, &cluster);
        assert_eq!((again.changed, again.drift), (0, vec![]));
    }
}

fn the_variant_that_has_kubernetes_chains_is_found(variant: Variant) {
    own_namespace();
    iptables(variant, "-t mangle -N KUBE-KUBELET-CANARY");
    let options = options(Variant::Auto);
    let mut mode = IptablesMode::open(options).expect("iptables is installed");
    reconcile(&mut mode, &seven_services());
    let there = saved(variant);
    assert!(there.iter().any(|line| line.contains("KUBE-SVC-")));
}

/// So many that the nft variant needs several transactions.
fn many_services_go_in_piece_by_piece(variant: Variant) {
    own_namespace();
    let mut cluster = Cluster::new();
    for last in 1..=250 {
        let name = format!("service-{last}");
        cluster.set(Cluster::service(&name, last));
        cluster.set_pods(&name, &[0, 1, 2]);
    }
    let mut mode = open(variant);
    reconcile(&mut mode, &cluster);
    let again = reconcile(&mut mode, &cluster);
    assert_eq!((again.changed, again.drift), (0, vec![]));
    mode.remove().expect("ours can be removed");
    assert!(!saved(variant).iter().any(|line| line.contains("KUBE")));
}

#[test]
fn a_change_before_the_first_reconcile_is_refused() {
    own_namespace();
    let mut mode = open(Variant::Nft);
    let delta = Cluster::new().set(Cluster::service("web", 1));
    let error = mode
        .apply(&delta)
        .expect_err("the kernel's state is unknown");
    assert!(
        error.to_string().contains("before the first reconcile"),
        "{error}"
    );
}
