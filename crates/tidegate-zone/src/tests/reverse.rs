use super::{ask, check};

const V4_SOA: &str = "! in-addr.arpa. 5 IN SOA ns.dns.in-addr.arpa. hostmaster.in-addr.arpa. 1700000000 7200 1800 86400 5";

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
fn parents_of_reverse_names_exist_where_the_network_is_ours() {
    check("0.96.10.in-addr.arpa PTR", &["NoError", V4_SOA]);
    assert_eq!(ask("10.in-addr.arpa PTR"), "elsewhere");
    assert_eq!(ask("in-addr.arpa NS"), "elsewhere");
}

#[test]
fn names_that_stand_for_no_address_do_not_exist_where_the_network_is_ours() {
    for name in ["007.0.96.10", "x.7.0.96.10", "256.0.96.10", "x.96.10"] {
        check(&format!("{name}.in-addr.arpa PTR"), &["NXDomain", V4_SOA]);
    }
    assert_eq!(ask("007.0.97.10.in-addr.arpa PTR"), "elsewhere");
    assert_eq!(ask("x.in-addr.arpa PTR"), "elsewhere");
}
