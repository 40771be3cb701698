use hickory_proto::rr::RecordType;

use super::{ask_of, check, check_absent, check_empty, fixture};

#[test]
fn an_external_name_is_an_alias_whose_end_is_elsewhere() {
    for kind in [RecordType::A, RecordType::AAAA] {
        check(
            &format!("outside.default.svc.cluster.local {kind}"),
            &[
                "NoError",
                "outside.default.svc.cluster.local. 5 IN CNAME db.example.org.",
                "-> db.example.org.",
            ],
        );
    }
}

#[test]
fn the_alias_alone_needs_nobody_else() {
    check(
        "outside.default.svc.cluster.local CNAME",
        &[
            "NoError",
            "outside.default.svc.cluster.local. 5 IN CNAME db.example.org.",
        ],
    );
}

#[test]
fn an_external_name_has_no_other_types_and_nothing_below_it() {
    check_empty("outside.default.svc.cluster.local SRV");
    check_empty("outside.default.svc.cluster.local TXT");
    check_absent("x.outside.default.svc.cluster.local A");
    check_absent("_http._tcp.outside.default.svc.cluster.local SRV");
}

#[test]
fn an_address_or_nonsense_as_external_name_is_no_name() {
    check_absent("literal.default.svc.cluster.local A");
    check_absent("literal6.default.svc.cluster.local AAAA");
    check_absent("nonsense.default.svc.cluster.local CNAME");
}

#[test]
fn an_alias_into_the_cluster_brings_its_addresses_along() {
    check(
        "inside.default.svc.cluster.local A",
        &[
            "NoError",
            "inside.default.svc.cluster.local. 5 IN CNAME web.default.svc.cluster.local.",
            "web.default.svc.cluster.local. 5 IN A 10.96.0.7",
        ],
    );
    check(
        "inside-pods.default.svc.cluster.local AAAA",
        &[
            "NoError",
            "inside-pods.default.svc.cluster.local. 5 IN CNAME pods.default.svc.cluster.local.",
            "pods.default.svc.cluster.local. 5 IN AAAA fd00:1::2",
        ],
    );
    check(
        "two-steps.default.svc.cluster.local A",
        &[
            "NoError",
            "two-steps.default.svc.cluster.local. 5 IN CNAME outside.default.svc.cluster.local.",
            "outside.default.svc.cluster.local. 5 IN CNAME db.example.org.",
            "-> db.example.org.",
        ],
    );
}

#[test]
fn an_alias_that_leads_nowhere_is_left_out() {
    check_empty("nowhere.default.svc.cluster.local A");
    check_empty("inside.default.svc.cluster.local AAAA");
    check_empty("self.default.svc.cluster.local A");
    check_empty("ping.default.svc.cluster.local A");
}

#[test]
fn ten_aliases_are_followed_and_no_more() {
    let index = fixture::index();
    for step in 0..11 {
        let target = match step {
            0 => "web.default.svc.cluster.local".to_owned(),
            _ => format!("step{}.default.svc.cluster.local", step - 1),
        };
        fixture::set(&index, fixture::external(&format!("step{step}"), &target));
    }
    let answers = |question: &str| {
        let text = ask_of(&fixture::settings(), &index, question);
        text.matches(" CNAME ").count()
    };
    assert_eq!(answers("step9.default.svc.cluster.local A"), 10);
    assert_eq!(answers("step10.default.svc.cluster.local A"), 0);
}
