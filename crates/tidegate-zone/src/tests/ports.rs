use super::{check, check_absent, check_empty};

#[test]
fn a_named_port_of_a_balanced_service_is_the_services_own() {
    check(
        "_http._tcp.web.default.svc.cluster.local SRV",
        &[
            "NoError",
            "_http._tcp.web.default.svc.cluster.local. 5 IN SRV 0 100 80 web.default.svc.cluster.local.",
            "+ web.default.svc.cluster.local. 5 IN A 10.96.0.7",
        ],
    );
    check(
        "_dns._udp.web.default.svc.cluster.local SRV",
        &[
            "NoError",
            "_dns._udp.web.default.svc.cluster.local. 5 IN SRV 0 100 53 web.default.svc.cluster.local.",
            "+ web.default.svc.cluster.local. 5 IN A 10.96.0.7",
        ],
    );
}

#[test]
fn weights_count_every_address_and_repetitions_are_left_out() {
    check(
        "_http._tcp.dual.default.svc.cluster.local SRV",
        &[
            "NoError",
            "_http._tcp.dual.default.svc.cluster.local. 5 IN SRV 0 50 80 dual.default.svc.cluster.local.",
            "+ dual.default.svc.cluster.local. 5 IN A 10.96.0.9",
            "+ dual.default.svc.cluster.local. 5 IN AAAA fd00:96::9",
        ],
    );
}

#[test]
fn a_named_port_of_a_headless_service_is_the_endpoints() {
    check(
        "_http._tcp.pods.default.svc.cluster.local SRV",
        &[
            "NoError",
            "_http._tcp.pods.default.svc.cluster.local. 5 IN SRV 0 20 8080 pod-0.pods.default.svc.cluster.local.",
            "_http._tcp.pods.default.svc.cluster.local. 5 IN SRV 0 20 8080 10-1-0-3.pods.default.svc.cluster.local.",
            "_http._tcp.pods.default.svc.cluster.local. 5 IN SRV 0 20 8080 twin.pods.default.svc.cluster.local.",
            "+ pod-0.pods.default.svc.cluster.local. 5 IN A 10.1.0.2",
            "+ pod-0.pods.default.svc.cluster.local. 5 IN AAAA fd00:1::2",
            "+ 10-1-0-3.pods.default.svc.cluster.local. 5 IN A 10.1.0.3",
            "+ twin.pods.default.svc.cluster.local. 5 IN A 10.1.0.4",
            "+ twin.pods.default.svc.cluster.local. 5 IN A 10.1.0.5",
        ],
    );
}

#[test]
fn the_services_own_name_has_every_port_also_the_unnamed_one() {
    check(
        "bare.default.svc.cluster.local SRV",
        &[
            "NoError",
            "bare.default.svc.cluster.local. 5 IN SRV 0 100 80 bare.default.svc.cluster.local.",
            "+ bare.default.svc.cluster.local. 5 IN A 10.96.0.8",
        ],
    );
    check(
        "v4only.default.svc.cluster.local SRV",
        &[
            "NoError",
            "v4only.default.svc.cluster.local. 5 IN SRV 0 100 80 10-1-0-9.v4only.default.svc.cluster.local.",
            "+ 10-1-0-9.v4only.default.svc.cluster.local. 5 IN A 10.1.0.9",
        ],
    );
    check(
        "pod-0.pods.default.svc.cluster.local SRV",
        &[
            "NoError",
            "pod-0.pods.default.svc.cluster.local. 5 IN SRV 0 50 8080 pod-0.pods.default.svc.cluster.local.",
            "+ pod-0.pods.default.svc.cluster.local. 5 IN A 10.1.0.2",
            "+ pod-0.pods.default.svc.cluster.local. 5 IN AAAA fd00:1::2",
        ],
    );
}

#[test]
fn an_unnamed_port_has_no_name_of_its_own() {
    check_absent("_._tcp.bare.default.svc.cluster.local SRV");
    check_absent("_http._tcp.bare.default.svc.cluster.local SRV");
}

#[test]
fn a_service_without_ports_has_no_srv() {
    check_empty("more.default.svc.cluster.local SRV");
    check_absent("_http._tcp.more.default.svc.cluster.local SRV");
}

#[test]
fn ports_are_found_by_name_and_protocol_together() {
    check_absent("_http._udp.web.default.svc.cluster.local SRV");
    check_absent("_https._tcp.web.default.svc.cluster.local SRV");
    check_absent("http.tcp.web.default.svc.cluster.local SRV");
    check_absent("_http._tcp.waiting.default.svc.cluster.local SRV");
}

#[test]
fn a_ports_name_has_srv_only_and_its_parent_nothing() {
    check_empty("_http._tcp.web.default.svc.cluster.local A");
    check_empty("_tcp.web.default.svc.cluster.local SRV");
    check_absent("_sctp.web.default.svc.cluster.local SRV");
}
