//! What is left when the mode is removed: all that is others', and nothing else.

use tidegate_dataplane::Dataplane;
use tidegate_iptables::Variant;
use tidegate_testnet::run;

#[macro_use]
mod support;

use support::open;
use support::rules::{infix, iptables, own_namespace, reconcile, saved, seven_services};

for_each_variant! {
    removal_leaves_nothing_of_ours_and_all_of_others
    a_chain_that_others_use_survives_removal
    a_guard_that_a_kubelet_has_too_is_left_to_it
}

fn removal_leaves_nothing_of_ours_and_all_of_others(variant: Variant) {
    own_namespace();
    // The tables themselves come into being by looking, and stay.
    for line in [
        "-t nat -N DOCKER",
        "-t nat -A PREROUTING -m addrtype --dst-type LOCAL -j DOCKER",
        "-t nat -N KUBE-KUBELET-CANARY",
        "-t nat -N KUBE-SVC-MINE",
        "-t filter -A INPUT -p tcp --dport 22 -j ACCEPT",
        "-t mangle -A FORWARD -j ACCEPT",
        "-t nat -A POSTROUTING -s 172.17.0.0/16 -j MASQUERADE",
    ] {
        iptables(variant, line);
    }
    run(&format!("ip6tables{} -w 300 -t nat -S", infix(variant)));
    run(&format!("ip6tables{} -w 300 -t filter -S", infix(variant)));
    run(&format!("ip6tables{} -w 300 -t mangle -S", infix(variant)));
    let of_others = |lines: Vec<String>| -> Vec<String> {
        // A table of IPv6 that is empty is there or isn't, by the variant.
        let telling = lines.into_iter();
        telling
            .filter(|line| line.contains("-A ") || line.contains(" - "))
            .collect()
    };
    let before = of_others(saved(variant));
    let mut mode = open(variant);
    mode.remove()
        .expect("there being nothing to remove is fine");
    assert_eq!(of_others(saved(variant)), before);
    let route_localnet = || {
        let path = "/proc/sys/net/ipv4/conf/all/route_localnet";
        std::fs::read_to_string(path).expect("it is there")
    };
    reconcile(&mut mode, &seven_services());
    assert_ne!(of_others(saved(variant)), before);
    assert_eq!(route_localnet(), "1\n");
    mode.remove().expect("ours can be removed");
    assert_eq!(of_others(saved(variant)), before);
    assert_eq!(route_localnet(), "0\n");
    // What an earlier run left, perhaps with the other variant, goes too.
    let other = match variant {
        Variant::Legacy => Variant::Nft,
        Variant::Nft | Variant::Auto => Variant::Legacy,
    };
    reconcile(&mut open(variant), &seven_services());
    open(other).remove().expect("ours can be removed");
    assert_eq!(of_others(saved(variant)), before);
}

fn a_chain_that_others_use_survives_removal(variant: Variant) {
    own_namespace();
    let mut mode = open(variant);
    reconcile(&mut mode, &seven_services());
    iptables(variant, "-t nat -N CNI-HOSTPORT-DNAT");
    iptables(
        variant,
        "-t nat -A CNI-HOSTPORT-DNAT -s 10.1.2.3 -j KUBE-MARK-MASQ",
    );
    mode.remove().expect("the rest can be removed");
    let left: Vec<String> = saved(variant)
        .into_iter()
        .filter(|line| line.contains("KUBE"))
        .collect();
    assert_eq!(
        left,
        [
            "iptables nat: -A CNI-HOSTPORT-DNAT -s 10.1.2.3/32 -j KUBE-MARK-MASQ",
            "iptables nat: -A KUBE-MARK-MASQ -j MARK --set-xmark 0x4000/0x4000",
            "iptables nat: :KUBE-MARK-MASQ -",
        ]
    );
}

fn a_guard_that_a_kubelet_has_too_is_left_to_it(variant: Variant) {
    own_namespace();
    for line in [
        "-t filter -N KUBE-FIREWALL",
        "-t filter -I INPUT -j KUBE-FIREWALL",
        "-t filter -A KUBE-FIREWALL -m mark --mark 0x8000/0x8000 -j DROP",
    ] {
        iptables(variant, line);
    }
    let ours = |line: &String| line.contains("-A KUBE-FIREWALL") && line.contains("DNAT");
    let mut mode = open(variant);
    for _ in 0..2 {
        reconcile(&mut mode, &seven_services());
        let saved = saved(variant);
        assert_eq!(saved.iter().filter(|line| ours(line)).count(), 1);
        let marked = saved.iter().filter(|line| line.contains("0x8000/0x8000"));
        assert_eq!(marked.count(), 1);
    }
    mode.remove().expect("ours can be removed");
    let saved = saved(variant);
    assert!(!saved.iter().any(ours));
    let rest = saved.iter().filter(|line| line.contains("KUBE-FIREWALL"));
    assert!(
        rest.count() >= 3,
        "the chain, a way to it and its rule: {saved:?}"
    );
}
