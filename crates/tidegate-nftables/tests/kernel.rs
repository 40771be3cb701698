//! What is in the kernel: the program as printed, drift found and repaired, nothing left behind.

use std::collections::BTreeSet;
use std::time::Duration;

use tidegate_dataplane::{Dataplane, Outcome};
use tidegate_model::{ExternalIp, LoadBalancerIp, SessionAffinity, TrafficPolicy};
use tidegate_nftables::{NftablesMode, render};
use tidegate_plan::{NodePortAddresses, PlanSettings, PodTraffic};
use tidegate_testnet::{Cluster, run, words};

/// Gives the calling thread a network namespace of its own.
fn own_namespace() {
    nix::sched::unshare(nix::sched::CloneFlags::CLONE_NEWNET).expect("the tests run as root");
}

fn ip(text: &str) -> std::net::IpAddr {
    text.parse().expect("an address")
}

/// Seven Services that have, between them, one of everything.
fn seven_services() -> Cluster {
    let mut cluster = Cluster::new();
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
    cluster.set(sticky_for(10_800));
    cluster.set_pods_on("sticky", &[(2, "node-b"), (3, "node-b")]);
    cluster
}

/// The Service whose clients stay with their pod: outsiders on its node ports with pods here.
fn sticky_for(seconds: u64) -> tidegate_model::Service {
    let mut sticky = Cluster::with_node_ports(Cluster::service("sticky", 7), 30086);
    sticky.affinity = SessionAffinity::ClientIp(Duration::from_secs(seconds));
    sticky.external_policy = TrafficPolicy::Local;
    sticky
}

fn reconcile(mode: &mut NftablesMode, cluster: &Cluster) -> Outcome {
    let outcome = mode
        .reconcile(cluster.plan())
        .expect("it can be programmed");
    assert!(outcome.refused.is_empty(), "{:?}", outcome.refused);
    outcome
}

/// The lines of a listing that aren't elements, in order.
fn frame(listing: &str) -> Vec<&str> {
    let is_element = |line: &&str| {
        line.starts_with("elements")
            || line.contains(" . 0x")
            || line.ends_with(',')
            || line.ends_with(" }")
    };
    let lines = listing
        .lines()
        .map(str::trim)
        .filter(|line| !line.is_empty());
    lines.filter(|line| !is_element(line)).collect()
}

#[test]
fn seven_services_as_printed() {
    insta::assert_snapshot!(render(seven_services().plan()));
}

#[test]
fn nft_lists_what_render_prints() {
    own_namespace();
    let mut mode = NftablesMode::open().expect("nf_tables");
    let cluster = seven_services();
    reconcile(&mut mode, &cluster);
    let by_nft = run("nft list table ip tidegate") + &run("nft list table ip6 tidegate");
    let printed = render(cluster.plan());
    assert_eq!(frame(&by_nft), frame(&printed));
    assert_eq!(words(&by_nft), words(&printed), "\n{by_nft}\n{printed}");
}

#[test]
fn a_second_reconcile_finds_nothing_to_do() {
    own_namespace();
    let cluster = seven_services();
    for _ in 0..3 {
        // As after a restart: nothing is remembered, all is read.
        let mut mode = NftablesMode::open().expect("nf_tables");
        let first = reconcile(&mut mode, &cluster);
        assert_eq!(first.drift, [""; 0]);
        let again = reconcile(&mut mode, &cluster);
        assert_eq!((again.changed, again.drift), (0, vec![]));
    }
}

#[test]
fn changes_step_by_step_end_where_a_reconcile_would() {
    own_namespace();
    let mut mode = NftablesMode::open().expect("nf_tables");
    let mut cluster = seven_services();
    reconcile(&mut mode, &cluster);
    let deltas = [
        cluster.set_pods_on("plain", &[(0, "node-a"), (4, "node-a")]),
        cluster.set_pods_on("ported", &[(0, "node-a")]),
        cluster.set_pods_on(
            "empty",
            &[(4, "node-a"), (5, "node-a"), (6, "node-a"), (7, "node-b")],
        ),
        cluster.remove("local"),
        cluster.set_pods_on("guarded", &[]),
        cluster.set(Cluster::service("new", 77)),
        cluster.set_pods_on("plain", &[]),
        cluster.set(sticky_for(60)),
        cluster.set_pods_on("sticky", &[(0, "node-a"), (3, "node-b")]),
        cluster.remove("guarded"),
        cluster.set(Cluster::with_node_ports(
            Cluster::service("plain", 1),
            30090,
        )),
    ];
    for delta in deltas {
        let outcome = mode.apply(&delta).expect("it can be programmed");
        assert!(outcome.refused.is_empty(), "{:?}", outcome.refused);
    }
    let audit = reconcile(&mut mode, &cluster);
    assert_eq!(
        audit.drift, [""; 0],
        "rules of draws that are no longer used may stay until now, and nobody else put them there"
    );
    let by_nft = run("nft list table ip tidegate") + &run("nft list table ip6 tidegate");
    assert_eq!(words(&by_nft), words(&render(cluster.plan())));
}

#[test]
fn what_others_do_to_our_tables_is_found_and_repaired() {
    own_namespace();
    let mut mode = NftablesMode::open().expect("nf_tables");
    let cluster = seven_services();
    reconcile(&mut mode, &cluster);
    let right = words(&run("nft list ruleset"));
    let edits = [
        ("flush ruleset", "table ip tidegate was gone"),
        ("delete table ip6 tidegate", "table ip6 tidegate was gone"),
        (
            "flush table ip tidegate",
            "chain prerouting had other rules",
        ),
        (
            "flush chain ip tidegate draw-slots",
            "chain draw-slots had other rules",
        ),
        (
            "insert rule ip tidegate services drop",
            "chain services had other rules",
        ),
        ("flush map ip tidegate slots", "more of slots"),
        (
            "delete element ip tidegate cluster-ips { 10.96.0.1 }",
            "cluster-ips { 10.96.0.1 comment \"default/plain\" } was missing",
        ),
        (
            "add element ip tidegate cluster-ips { 10.96.0.99 }",
            "cluster-ips { 10.96.0.99 } should not be there",
        ),
        ("add chain ip tidegate mine", "sets or chains of others"),
        (
            "add chain ip tidegate memory-0-stay",
            "chain memory-0-stay should not be there",
        ),
        (
            "flush map ip6 tidegate stay",
            "stay { fd00:96::7 . tcp . 80 : jump memory-",
        ),
        (
            "add set ip6 tidegate mine { type ipv6_addr; }",
            "sets or chains of others",
        ),
        (
            "add element ip tidegate rejected { 192.0.2.1 . tcp . 80 }",
            "rejected { 192.0.2.1 . tcp . 80 } should not be there",
        ),
    ];
    for (edit, told) in edits {
        let arguments: Vec<&str> = edit.split(' ').collect();
        let status = std::process::Command::new("nft").args(&arguments).status();
        assert!(status.expect("nft is installed").success(), "{edit}");
        let outcome = reconcile(&mut mode, &cluster);
        assert!(
            outcome.drift.iter().any(|line| line.contains(told)),
            "{edit}: {:?}",
            outcome.drift
        );
        assert!(outcome.drift.len() <= Outcome::MOST_LINES);
        assert_eq!(words(&run("nft list ruleset")), right, "{edit}");
    }
}

#[test]
fn a_memory_goes_with_its_service_and_comes_back_if_somebody_deletes_it() {
    own_namespace();
    let mut mode = NftablesMode::open().expect("nf_tables");
    let mut cluster = Cluster::new();
    cluster.set(sticky_for(600));
    cluster.set_pods_on("sticky", &[(0, "node-a")]);
    reconcile(&mut mode, &cluster);
    let memories = || run("nft list chains ip").matches("chain memory-").count();
    let there = memories();
    assert!(there > 0);
    run("nft flush map ip tidegate stay");
    run("nft flush map ip tidegate stay-node-ports");
    run("nft flush map ip tidegate inside-stay-node-ports");
    let listed = run("nft list chains ip");
    let stay = listed
        .split_whitespace()
        .find(|word| word.starts_with("memory-") && word.ends_with("-stay"));
    run(&format!(
        "nft flush chain ip tidegate {}",
        stay.expect("one")
    ));
    run(&format!(
        "nft delete chain ip tidegate {}",
        stay.expect("one")
    ));
    assert_eq!(memories(), there - 1);
    reconcile(&mut mode, &cluster);
    assert_eq!(memories(), there);
    let delta = cluster.remove("sticky");
    mode.apply(&delta).expect("it can be programmed");
    assert_eq!(memories(), 0);
    let again = reconcile(&mut mode, &cluster);
    assert_eq!(again.drift, [""; 0]);
}

#[test]
fn a_table_of_another_shape_is_replaced_in_one_transaction() {
    own_namespace();
    run("nft add table ip tidegate");
    run("nft add chain ip tidegate services");
    let mut mode = NftablesMode::open().expect("nf_tables");
    let outcome = reconcile(&mut mode, &seven_services());
    assert_eq!(
        outcome.drift,
        ["table ip tidegate was not usable: it has another shape"]
    );
    let by_nft = run("nft list table ip tidegate") + &run("nft list table ip6 tidegate");
    assert_eq!(words(&by_nft), words(&render(seven_services().plan())));
}

#[test]
fn removal_leaves_nothing_of_ours_and_all_of_others() {
    own_namespace();
    run("nft add table ip foreign");
    run("nft add chain ip foreign tidegate");
    run("nft add table inet tidegate");
    let before = run("nft list ruleset");
    let mut mode = NftablesMode::open().expect("nf_tables");
    mode.remove()
        .expect("there being nothing to remove is fine");
    reconcile(&mut mode, &seven_services());
    assert_ne!(run("nft list ruleset"), before);
    mode.remove().expect("ours can be removed");
    assert_eq!(run("nft list ruleset"), before);
}

#[test]
fn a_change_before_the_first_reconcile_is_refused() {
    own_namespace();
    let mut mode = NftablesMode::open().expect("nf_tables");
    let delta = Cluster::new().set(Cluster::service("web", 1));
    let error = mode
        .apply(&delta)
        .expect_err("the kernel's state is unknown");
    assert!(
        error.to_string().contains("before the first reconcile"),
        "{error}"
    );
}

#[test]
fn a_refused_service_is_named_and_the_others_go_in() {
    own_namespace();
    let mut mode = NftablesMode::open().expect("nf_tables");
    let mut cluster = seven_services();
    reconcile(&mut mode, &cluster);
    // Somebody took an element away, so that taking it away again is refused.
    run("nft flush map ip tidegate slots");
    let mut delta = cluster.set_pods_on("plain", &[]);
    delta
        .changes
        .extend(cluster.set(Cluster::service("new", 77)).changes);
    delta
        .changes
        .extend(cluster.set_pods_on("new", &[(0, "node-a")]).changes);
    let outcome = mode.apply(&delta).expect("most of it can be programmed");
    let named: BTreeSet<String> = outcome
        .refused
        .iter()
        .map(|refusal| refusal.service.as_ref().expect("a Service's").to_string())
        .collect();
    assert_eq!(named, BTreeSet::from(["default/plain (IPv4)".to_owned()]));
    assert!(
        outcome.refused[0]
            .object
            .starts_with("delete element ip tidegate slots")
    );
    assert_eq!(outcome.refused[0].reason, "No such file or directory");
    let there = run("nft list map ip tidegate slots");
    assert!(there.contains("10.96.0.77 . tcp . 80"), "{there}");
    reconcile(&mut mode, &cluster);
    let by_nft = run("nft list table ip tidegate") + &run("nft list table ip6 tidegate");
    assert_eq!(words(&by_nft), words(&render(cluster.plan())));
}

#[test]
fn every_setting_becomes_what_is_printed_and_can_be_changed() {
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
        with(cidrs, true, within),
        Cluster::settings(),
    ];
    let mut mode = NftablesMode::open().expect("nf_tables");
    for settings in settings {
        let mut cluster = Cluster::with(settings);
        let mut web = Cluster::with_node_ports(Cluster::service("web", 1), 30080);
        web.ports.push(tidegate_model::ServicePort {
            name: "line".to_owned(),
            protocol: tidegate_model::Protocol::Sctp,
            port: 5060,
            node_port: None,
        });
        cluster.set(web);
        cluster.set_pods("web", &[0, 1]);
        reconcile(&mut mode, &cluster);
        let by_nft = run("nft list table ip tidegate") + &run("nft list table ip6 tidegate");
        assert_eq!(words(&by_nft), words(&render(cluster.plan())));
    }
}
