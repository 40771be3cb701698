use super::fixture::{self, reverse_zone};
use super::{ask, ask_of, check};
use crate::ZoneSettings;

/// The SOA record of the fixture's zone that is all ours, 10.96.0.0/16.
const V4_SOA: &str = "! 96.10.in-addr.arpa. 5 IN SOA ns.dns.96.10.in-addr.arpa. hostmaster.96.10.in-addr.arpa. 1700000000 7200 1800 86400 5";

/// That of the whole tree, in which others have names too.
const TREE_SOA: &str = "in-addr.arpa. 5 IN SOA ns.dns.in-addr.arpa. hostmaster.in-addr.arpa. 1700000000 7200 1800 86400 5";

/// What the fixture's cluster answers whose only reverse zones are these.
fn ask_with(zones: &[(&str, bool)], question: &str) -> String {
    let zones = zones.iter();
    let settings = ZoneSettings {
        reverse_zones: zones
            .map(|(network, fallthrough)| reverse_zone(network, *fallthrough))
            .collect(),
        name_servers: vec!["192.0.2.53".parse().expect("an address")],
        ..fixture::settings()
    };
    ask_of(&settings, &fixture::index(), question)
}

#[test]
fn a_virtual_address_leads_to_its_service() {
    check(
        "7.0.96.10.in-addr.arpa PTR",
        &[
            "NoError",
            "7.0.96.10.in-addr.arpa. 5 IN PTR web.default.svc.cluster.local.",
        ],
    );
    let six = "9.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.6.9.0.0.0.0.0.0.0.0.d.f.ip6.arpa";
    let wrong_length = ask(&format!("{six} PTR"));
    assert_eq!(wrong_length, "elsewhere");
}

#[test]
fn a_virtual_v6_address_leads_to_its_service() {
    let name = "9.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.6.9.0.0.0.0.d.f.ip6.arpa";
    check(
        &format!("{name} PTR"),
        &[
            "NoError",
            &format!("{name}. 5 IN PTR dual.default.svc.cluster.local."),
        ],
    );
}

#[test]
fn a_pods_address_leads_to_one_name_in_every_service() {
    check(
        "2.0.1.10.in-addr.arpa PTR",
        &[
            "NoError",
            "2.0.1.10.in-addr.arpa. 5 IN PTR pod-0.more.default.svc.cluster.local.",
            "2.0.1.10.in-addr.arpa. 5 IN PTR pod-0.pods.default.svc.cluster.local.",
        ],
    );
    check(
        "1.0.1.10.in-addr.arpa PTR",
        &[
            "NoError",
            "1.0.1.10.in-addr.arpa. 5 IN PTR 10-1-0-1.web.default.svc.cluster.local.",
        ],
    );
}

#[test]
fn an_address_that_nobody_has_is_asked_for_elsewhere_unless_its_network_is_ours() {
    assert_eq!(ask("9.9.9.9.in-addr.arpa PTR"), "elsewhere");
    assert_eq!(ask("6.0.1.10.in-addr.arpa PTR"), "elsewhere", "not ready");
    check("99.0.96.10.in-addr.arpa PTR", &["NXDomain", V4_SOA]);
}

#[test]
fn a_reverse_name_has_pointers_only() {
    check("7.0.96.10.in-addr.arpa A", &["NoError", V4_SOA]);
}

#[test]
fn a_reverse_zone_has_its_own_apex() {
    check("96.10.in-addr.arpa SOA", &["NoError", &V4_SOA[2..]]);
    for kind in ["PTR", "A", "TXT", "CNAME"] {
        check(&format!("96.10.in-addr.arpa {kind}"), &["NoError", V4_SOA]);
    }
    check("in-addr.arpa SOA", &["NoError", TREE_SOA]);
    check("10.96.in-addr.arpa SOA", &["elsewhere"]);
    check("0.96.10.in-addr.arpa SOA", &["NoError", V4_SOA]);
    let six = [("fd00:96::/32", false)];
    assert_eq!(
        ask_with(&six, "6.9.0.0.0.0.d.f.ip6.arpa SOA"),
        "NoError\n6.9.0.0.0.0.d.f.ip6.arpa. 5 IN SOA ns.dns.6.9.0.0.0.0.d.f.ip6.arpa. hostmaster.6.9.0.0.0.0.d.f.ip6.arpa. 1700000000 7200 1800 86400 5"
    );
    assert_eq!(ask_with(&six, "7.9.0.0.0.0.d.f.ip6.arpa SOA"), "elsewhere");
}

#[test]
fn the_servers_of_a_reverse_zone_have_names_in_the_cluster() {
    let zones = [("10.96.0.0/16", false)];
    assert_eq!(
        ask_with(&zones, "96.10.in-addr.arpa NS"),
        "NoError\n96.10.in-addr.arpa. 5 IN NS ns.dns.cluster.local.\n\
         + ns.dns.cluster.local. 5 IN A 192.0.2.53"
    );
    // The name in the SOA record.
    assert_eq!(
        ask_with(&zones, "ns.dns.96.10.in-addr.arpa A"),
        "NoError\nns.dns.96.10.in-addr.arpa. 5 IN A 192.0.2.53"
    );
    for (name, code) in [
        ("dns", "NoError"),
        ("www.dns", "NXDomain"),
        ("ns", "NXDomain"),
        ("x.ns.dns", "NXDomain"),
        ("ns.dns.0", "NXDomain"),
    ] {
        let answer = ask_with(&zones, &format!("{name}.96.10.in-addr.arpa A"));
        assert_eq!(answer, format!("{code}\n{V4_SOA}"), "{name}");
    }
}

#[test]
fn the_smallest_zone_around_a_name_answers() {
    let zones = [("10.0.0.0/8", false), ("10.96.0.0/16", false)];
    let of = |origin: &str| {
        format!(
            "! {origin}. 5 IN SOA ns.dns.{origin}. hostmaster.{origin}. 1700000000 7200 1800 86400 5"
        )
    };
    for (name, code, zone) in [
        ("99.0.96.10", "NXDomain", "96.10"),
        ("96.10", "NoError", "96.10"),
        ("99.0.1.10", "NXDomain", "10"),
        ("10", "NoError", "10"),
        ("x.96.10", "NXDomain", "96.10"),
        ("x.97.10", "NXDomain", "10"),
    ] {
        let answer = ask_with(&zones, &format!("{name}.in-addr.arpa TXT"));
        let expected = format!("{code}\n{}", of(&format!("{zone}.in-addr.arpa")));
        assert_eq!(answer, expected, "{name}");
    }
    assert_eq!(ask_with(&zones, "11.in-addr.arpa PTR"), "elsewhere");
}

#[test]
fn an_address_may_be_a_zone() {
    for (last, pointer) in [(7, true), (99, false)] {
        let network = format!("10.96.0.{last}/32");
        let zones = [(&*network, false)];
        let name = format!("{last}.0.96.10.in-addr.arpa");
        let soa = format!(
            "{name}. 5 IN SOA ns.dns.{name}. hostmaster.{name}. 1700000000 7200 1800 86400 5"
        );
        let expected = match pointer {
            true => format!("{name}. 5 IN PTR web.default.svc.cluster.local."),
            false => format!("! {soa}"),
        };
        let answer = ask_with(&zones, &format!("{name} PTR"));
        assert_eq!(answer, format!("NoError\n{expected}"));
        let answer = ask_with(&zones, &format!("{name} SOA"));
        assert_eq!(answer, format!("NoError\n{soa}"));
    }
}

#[test]
fn a_name_with_addresses_below_it_exists_and_another_does_not() {
    check("0.96.10.in-addr.arpa PTR", &["NoError", V4_SOA]);
    check("1.96.10.in-addr.arpa PTR", &["NXDomain", V4_SOA]);
    check("255.96.10.in-addr.arpa PTR", &["NXDomain", V4_SOA]);
    let six = [("fd00:96::/96", false), ("fd00:1::/96", true)];
    let zeros = "0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0";
    let of_six = |network: &str, first: &str| {
        let name = format!("{first}0.0.0.0.0.0.{zeros}.{network}.0.0.d.f.ip6.arpa PTR");
        let answer = ask_with(&six, &name);
        answer.lines().next().unwrap_or_default().to_owned()
    };
    // fd00:96::7 is a Service's, and fd00:1::2 a pod's.
    for (first, expected) in [("", "NoError"), ("0.", "NoError"), ("1.", "NXDomain")] {
        assert_eq!(of_six("6.9.0.0", first), expected, "{first}");
    }
    for (first, expected) in [("", "NoError"), ("0.", "NoError"), ("1.", "elsewhere")] {
        assert_eq!(of_six("1.0.0.0", first), expected, "{first}");
    }
}

#[test]
fn where_it_is_too_much_to_look_a_name_exists_if_all_names_around_it_are_ours() {
    let ours = [("10.0.0.0/8", false)];
    for name in ["1.10", "200.10"] {
        let answer = ask_with(&ours, &format!("{name}.in-addr.arpa PTR"));
        assert!(
            answer.starts_with("NoError\n! 10.in-addr.arpa."),
            "{answer}"
        );
    }
    let shared = [("0.0.0.0/0", true)];
    for name in ["1.10", "10", "200"] {
        let answer = ask_with(&shared, &format!("{name}.in-addr.arpa PTR"));
        assert_eq!(answer, "elsewhere", "{name}");
    }
    // With a zone of ours below it, it exists in any case.
    check(
        "10.in-addr.arpa PTR",
        &["NoError", &format!("! {TREE_SOA}")],
    );
    assert_eq!(ask("11.in-addr.arpa PTR"), "elsewhere");
}

#[test]
fn what_is_hidden_does_not_make_its_parents_exist() {
    let settings = ZoneSettings {
        namespaces: vec!["kube-system".to_owned()],
        ..fixture::settings()
    };
    for name in ["7.0.96.10", "0.96.10"] {
        let answer = ask_of(
            &settings,
            &fixture::index(),
            &format!("{name}.in-addr.arpa PTR"),
        );
        assert_eq!(answer, format!("NXDomain\n{V4_SOA}"), "{name}");
    }
}

#[test]
fn letters_of_reverse_names_are_kept() {
    let answer = ask("99.0.96.10.In-Addr.ARPA PTR");
    assert_eq!(
        answer,
        format!("NXDomain\n{V4_SOA}").replace("in-addr.arpa", "In-Addr.ARPA")
    );
}

#[test]
fn names_that_stand_for_no_address_do_not_exist_where_the_network_is_ours() {
    for name in ["007.0.96.10", "x.7.0.96.10", "256.0.96.10", "x.96.10"] {
        check(&format!("{name}.in-addr.arpa PTR"), &["NXDomain", V4_SOA]);
    }
    assert_eq!(ask("007.0.97.10.in-addr.arpa PTR"), "elsewhere");
    assert_eq!(ask("x.in-addr.arpa PTR"), "elsewhere");
}
