//! What others do to our rules, and what the kernel refuses.

use std::collections::BTreeSet;
use std::time::Duration;

use tidegate_dataplane::{Dataplane, Outcome};
use tidegate_iptables::{IptablesMode, IptablesOptions, Variant};
use tidegate_testnet::{Cluster, run};

#[macro_use]
mod support;

use support::rules::{infix, iptables, own_namespace, reconcile, saved, seven_services};
use support::{open, options};

for_each_variant! {
    what_others_do_to_our_chains_is_found_and_repaired
    chains_of_services_that_are_gone_are_deleted_at_the_next_start
    a_refused_service_is_named_and_the_others_go_in
}

fn what_others_do_to_our_chains_is_found_and_repaired(variant: Variant) {
    own_namespace();
    let mut mode = open(variant);
    let cluster = seven_services();
    reconcile(&mut mode, &cluster);
    let right = saved(variant);
    let nat = run(&format!("iptables{}-save -t nat", infix(variant)));
    let of_plain = nat
        .lines()
        .find(|line| line.contains("default/plain:web cluster IP") && line.contains("KUBE-SVC-"))
        .and_then(|line| line.rsplit(' ').next())
        .expect("it has a chain");
    let edits = [
        (
            "-t nat -D POSTROUTING 1".to_owned(),
            "POSTROUTING had no rule".to_owned(),
        ),
        (
            "-t filter -F INPUT".to_owned(),
            "INPUT had no rule".to_owned(),
        ),
        (
            "-t filter -F KUBE-FIREWALL".to_owned(),
            "did not guard 127.0.0.0/8".to_owned(),
        ),
        (
            "-t nat -D KUBE-SERVICES 2".to_owned(),
            "table nat: chain KUBE-SERVICES had other rules".to_owned(),
        ),
        (
            "-t nat -A KUBE-SERVICES -d 10.96.0.77 -j RETURN".to_owned(),
            "table nat: chain KUBE-SERVICES had other rules".to_owned(),
        ),
        (
            "-t filter -I KUBE-FORWARD -j DROP".to_owned(),
            "table filter: chain KUBE-FORWARD had other rules".to_owned(),
        ),
        (
            format!("-t nat -D {of_plain} 2"),
            format!("table nat: chain {of_plain} of default/plain had other rules"),
        ),
        (
            format!("-t nat -R {of_plain} 1 -j RETURN"),
            format!("chain {of_plain} of default/plain had other rules"),
        ),
        (
            "-t nat -N KUBE-SEP-AAAAAAAAAAAAAAAA".to_owned(),
            "table nat: chain KUBE-SEP-AAAAAAAAAAAAAAAA should not be there".to_owned(),
        ),
        (
            "-t nat -X KUBE-PROXY-CANARY".to_owned(),
            "table nat: chain KUBE-PROXY-CANARY was missing".to_owned(),
        ),
    ];
    for (edit, told) in edits {
        iptables(variant, &edit);
        let outcome = reconcile(&mut mode, &cluster);
        assert!(
            outcome.drift.iter().any(|line| line.contains(&told)),
            "{edit}: {:?}",
            outcome.drift
        );
        assert!(outcome.drift.len() <= Outcome::MOST_LINES);
        assert_eq!(saved(variant), right, "{edit}");
    }
    // Somebody flushes all, as firewalls do when they are restarted.
    for table in ["nat", "filter", "mangle"] {
        iptables(variant, &format!("-t {table} -F"));
        iptables(variant, &format!("-t {table} -X"));
    }
    let outcome = reconcile(&mut mode, &cluster);
    let told = "table nat (IPv4): all chains were gone";
    assert!(
        outcome.drift.iter().any(|line| line == told),
        "{:?}",
        outcome.drift
    );
    assert_eq!(saved(variant), right);
}

fn chains_of_services_that_are_gone_are_deleted_at_the_next_start(variant: Variant) {
    own_namespace();
    let cluster = seven_services();
    reconcile(&mut open(variant), &cluster);
    let mut less = seven_services();
    less.remove("plain");
    less.remove("local");
    let mut mode = open(variant);
    let outcome = reconcile(&mut mode, &less);
    assert!(!outcome.drift.is_empty());
    let after = saved(variant);
    mode.remove().expect("ours can be removed");
    reconcile(&mut mode, &less);
    assert_eq!(saved(variant), after);
}

fn a_refused_service_is_named_and_the_others_go_in(variant: Variant) {
    own_namespace();
    let mut mode = open(variant);
    let mut cluster = seven_services();
    reconcile(&mut mode, &cluster);
    // Somebody took a rule away, so that taking it away again is refused.
    iptables(variant, "-t nat -F KUBE-SERVICES");
    let mut delta = cluster.set_pods_on("ported", &[(5, "node-b")]);
    for more in [
        cluster.set_pods_on("plain", &[]),
        cluster.set(Cluster::service("new", 77)),
        cluster.set_pods_on("new", &[(0, "node-a")]),
    ] {
        delta.changes.extend(more.changes);
    }
    let outcome = mode.apply(&delta).expect("most of it can be programmed");
    let named: BTreeSet<String> = outcome
        .refused
        .iter()
        .map(|refusal| refusal.service.as_ref().expect("a Service's").to_string())
        .collect();
    assert_eq!(named, BTreeSet::from(["default/plain (IPv4)".to_owned()]));
    let object = &outcome.refused[0].object;
    assert!(
        object.starts_with("iptables -t nat -D KUBE-SERVICES"),
        "{object}"
    );
    assert!(outcome.refused[0].reason.contains("failed"));
    let there = saved(variant);
    for put in [
        "-A KUBE-SERVICES -d 10.96.0.77",
        "--to-destination 10.244.0.16",
    ] {
        assert!(
            there.iter().any(|line| line.contains(put)),
            "{put}: {there:?}"
        );
    }
    let failures = mode.gauges().into_iter().find(|gauge| {
        gauge.name.contains("partial_restore_failures") && gauge.labels[0].1 == "IPv4"
    });
    assert!(failures.expect("it is counted").value >= 1.0);
    reconcile(&mut mode, &cluster);
    let repaired = saved(variant);
    mode.remove().expect("ours can be removed");
    reconcile(&mut mode, &cluster);
    assert_eq!(saved(variant), repaired);
}

#[test]
fn a_lock_that_another_process_holds_is_told() {
    own_namespace();
    let mut mode = IptablesMode::open(IptablesOptions {
        lock_wait: Duration::from_secs(1),
        ..options(Variant::Legacy)
    })
    .expect("iptables is installed");
    let lock = std::fs::OpenOptions::new()
        .create(true)
        .truncate(false)
        .write(true)
        .open("/run/xtables.lock")
        .expect("we are root");
    let lock = nix::fcntl::Flock::lock(lock, nix::fcntl::FlockArg::LockExclusive);
    let lock = lock.expect("it is free some time");
    let cluster = seven_services();
    let error = mode.reconcile(cluster.plan()).expect_err("it is locked");
    let told = error.to_string();
    assert!(told.contains("another process holds the lock"), "{told}");
    assert!(told.contains("it is tried again"), "{told}");
    drop(lock);
    let mut mode = open(Variant::Legacy);
    reconcile(&mut mode, &cluster);
}
