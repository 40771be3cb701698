use super::{check, check_absent, check_empty};

#[test]
fn a_service_has_its_virtual_addresses_with_or_without_endpoints() {
    check(
        "web.default.svc.cluster.local A",
        &["NoError", "web.default.svc.cluster.local. 5 IN A 10.96.0.7"],
    );
    check(
        "bare.default.svc.cluster.local A",
        &[
            "NoError",
            "bare.default.svc.cluster.local. 5 IN A 10.96.0.8",
        ],
    );
    check(
        "six.default.svc.cluster.local AAAA",
        &[
            "NoError",
            "six.default.svc.cluster.local. 5 IN AAAA fd00:96::6",
        ],
    );
}

#[test]
fn each_family_of_a_dual_stack_service_has_its_own_type() {
    check(
        "dual.default.svc.cluster.local A",
        &[
            "NoError",
            "dual.default.svc.cluster.local. 5 IN A 10.96.0.9",
        ],
    );
    check(
        "dual.default.svc.cluster.local AAAA",
        &[
            "NoError",
            "dual.default.svc.cluster.local. 5 IN AAAA fd00:96::9",
        ],
    );
    check_empty("web.default.svc.cluster.local AAAA");
    check_empty("six.default.svc.cluster.local A");
}

#[test]
fn a_headless_service_has_its_ready_endpoints() {
    check(
        "pods.default.svc.cluster.local A",
        &[
            "NoError",
            "pods.default.svc.cluster.local. 5 IN A 10.1.0.2",
            "pods.default.svc.cluster.local. 5 IN A 10.1.0.3",
            "pods.default.svc.cluster.local. 5 IN A 10.1.0.4",
            "pods.default.svc.cluster.local. 5 IN A 10.1.0.5",
        ],
    );
    check(
        "pods.default.svc.cluster.local AAAA",
        &[
            "NoError",
            "pods.default.svc.cluster.local. 5 IN AAAA fd00:1::2",
        ],
    );
    check(
        "more.default.svc.cluster.local A",
        &["NoError", "more.default.svc.cluster.local. 5 IN A 10.1.0.2"],
    );
}

#[test]
fn a_headless_service_without_ready_endpoints_does_not_exist() {
    check_absent("waiting.default.svc.cluster.local A");
    check_absent("waiting.default.svc.cluster.local SRV");
    check_absent("waiting.default.svc.cluster.local TXT");
}

#[test]
fn a_headless_service_of_the_other_family_exists_without_addresses() {
    check_empty("v4only.default.svc.cluster.local AAAA");
}

#[test]
fn endpoints_have_names() {
    check(
        "pod-0.pods.default.svc.cluster.local A",
        &[
            "NoError",
            "pod-0.pods.default.svc.cluster.local. 5 IN A 10.1.0.2",
        ],
    );
    check(
        "pod-0.pods.default.svc.cluster.local AAAA",
        &[
            "NoError",
            "pod-0.pods.default.svc.cluster.local. 5 IN AAAA fd00:1::2",
        ],
    );
    check(
        "10-1-0-3.pods.default.svc.cluster.local A",
        &[
            "NoError",
            "10-1-0-3.pods.default.svc.cluster.local. 5 IN A 10.1.0.3",
        ],
    );
    check(
        "twin.pods.default.svc.cluster.local A",
        &[
            "NoError",
            "twin.pods.default.svc.cluster.local. 5 IN A 10.1.0.4",
            "twin.pods.default.svc.cluster.local. 5 IN A 10.1.0.5",
        ],
    );
}

#[test]
fn an_endpoint_that_is_not_ready_has_no_name() {
    check_absent("unready.pods.default.svc.cluster.local A");
}

#[test]
fn endpoints_of_a_balanced_service_have_names_too() {
    check(
        "10-1-0-1.web.default.svc.cluster.local A",
        &[
            "NoError",
            "10-1-0-1.web.default.svc.cluster.local. 5 IN A 10.1.0.1",
        ],
    );
    check_absent("bogus.web.default.svc.cluster.local A");
}

#[test]
fn letter_case_makes_no_difference_and_is_echoed() {
    check(
        "WeB.Default.SVC.Cluster.LOCAL A",
        &["NoError", "WeB.Default.SVC.Cluster.LOCAL. 5 IN A 10.96.0.7"],
    );
    check(
        "POD-0.pods.default.svc.cluster.local A",
        &[
            "NoError",
            "POD-0.pods.default.svc.cluster.local. 5 IN A 10.1.0.2",
        ],
    );
    check(
        "_HTTP._TCP.web.default.svc.cLuStEr.local SRV",
        &[
            "NoError",
            "_HTTP._TCP.web.default.svc.cLuStEr.local. 5 IN SRV 0 100 80 web.default.svc.cLuStEr.local.",
            "+ web.default.svc.cLuStEr.local. 5 IN A 10.96.0.7",
        ],
    );
    check(
        "nobody.cLuStEr.local A",
        &[
            "NXDomain",
            "! cLuStEr.local. 5 IN SOA ns.dns.cLuStEr.local. hostmaster.cLuStEr.local. 1700000000 7200 1800 86400 5",
        ],
    );
}
