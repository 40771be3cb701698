use super::{ask, ask_of, check, check_absent, check_empty, fixture};
use crate::{PodNames, ZoneIndex, ZoneSettings};

#[test]
fn what_the_schema_does_not_know_does_not_exist() {
    for name in [
        "foo.cluster.local",
        "foo.svc.cluster.local",
        "nobody.default.svc.cluster.local",
        "web.nobody.svc.cluster.local",
        "x.y.pood.cluster.local",
        "a.b.c.web.default.svc.cluster.local",
        "*.default.svc.cluster.local",
        "any.any.svc.cluster.local",
        "web.default.cluster.local",
    ] {
        check_absent(&format!("{name} A"));
        check_absent(&format!("{name} SRV"));
    }
}

#[test]
fn names_exist_that_only_hold_others() {
    for name in [
        "cluster.local",
        "svc.cluster.local",
        "pod.cluster.local",
        "default.svc.cluster.local",
        "dns.cluster.local",
    ] {
        check_empty(&format!("{name} A"));
        check_empty(&format!("{name} SRV"));
    }
}

#[test]
fn types_that_a_service_does_not_have_are_empty() {
    for kind in ["TXT", "MX", "HINFO", "SOA", "NS", "PTR", "CNAME", "ANY"] {
        check_empty(&format!("web.default.svc.cluster.local {kind}"));
    }
    check_empty("cluster.local HINFO");
}

#[test]
fn a_pointer_question_about_a_name_follows_the_name() {
    check_absent("nobody.default.svc.cluster.local PTR");
    check_empty("pods.default.svc.cluster.local PTR");
}

#[test]
fn names_outside_the_cluster_are_for_others() {
    for name in [
        "example.org",
        "local",
        "mycluster.local",
        "cluster.local.example.org",
    ] {
        assert_eq!(ask(&format!("{name} A")), "elsewhere", "{name}");
    }
}

#[test]
fn nothing_is_denied_before_everything_is_known() {
    let index = ZoneIndex::default();
    for question in [
        "web.default.svc.cluster.local A",
        "nobody.cluster.local A",
        "7.0.96.10.in-addr.arpa PTR",
        "9.9.9.9.in-addr.arpa PTR",
    ] {
        let answer = ask_of(&fixture::settings(), &index, question);
        assert!(answer.starts_with("ServFail\n! "), "{question}: {answer}");
    }
    assert_eq!(
        ask_of(&fixture::settings(), &index, "example.org A"),
        "elsewhere"
    );
}

#[test]
fn pod_names_are_off_unless_wanted() {
    check_absent("10-1-0-1.default.pod.cluster.local A");
    check_absent("default.pod.cluster.local A");
}

#[test]
fn pod_names_spell_addresses() {
    let settings = ZoneSettings {
        pod_names: PodNames::Insecure,
        ..fixture::settings()
    };
    let index = fixture::index();
    let lines = |question: &str| ask_of(&settings, &index, question);
    assert_eq!(
        lines("10-1-0-1.default.pod.cluster.local A"),
        "NoError\n10-1-0-1.default.pod.cluster.local. 5 IN A 10.1.0.1"
    );
    assert_eq!(
        lines("1234-abcd--1.default.pod.cluster.local AAAA"),
        "NoError\n1234-abcd--1.default.pod.cluster.local. 5 IN AAAA 1234:abcd::1"
    );
    for (question, code) in [
        ("1234-abcd--1.default.pod.cluster.local A", "NoError\n!"),
        ("default.pod.cluster.local A", "NoError\n!"),
        ("10-1-0-1.nobody.pod.cluster.local A", "NXDomain"),
        ("10-1-0-256.default.pod.cluster.local A", "NXDomain"),
        ("web.default.pod.cluster.local A", "NXDomain"),
        ("nobody.pod.cluster.local A", "NXDomain"),
        ("x.10-1-0-1.default.pod.cluster.local A", "NXDomain"),
    ] {
        let answer = lines(question);
        assert!(answer.starts_with(code), "{question}: {answer}");
    }
}

#[test]
fn a_label_with_a_dot_inside_is_no_two_labels() {
    check(
        r"web\.default.svc.cluster.local A",
        &["NXDomain", super::SOA],
    );
}
