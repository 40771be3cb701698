use serde_json::json;

use super::fixture::{self, entry, slice};
use super::{SOA, ask_of, check, check_empty};
use crate::{ClusterDomain, ZoneIndex, ZoneSettings};

fn ask_servers(name_servers: &[&str], index: &ZoneIndex, question: &str) -> String {
    let addresses = name_servers
        .iter()
        .map(|text| text.parse().expect("an address"));
    let settings = ZoneSettings {
        name_servers: addresses.collect(),
        ..fixture::settings()
    };
    ask_of(&settings, index, question)
}

#[test]
fn the_zone_says_which_schema_it_follows() {
    check(
        "dns-version.cluster.local TXT",
        &["NoError", "dns-version.cluster.local. 28800 IN TXT 1.1.0"],
    );
    check_empty("dns-version.cluster.local A");
}

#[test]
fn the_apex_has_an_soa() {
    check("cluster.local SOA", &["NoError", &SOA[2..]]);
}

#[test]
fn the_soa_is_never_kept_for_more_than_five_minutes() {
    let settings = ZoneSettings {
        ttl: 3600,
        ..fixture::settings()
    };
    let answer = ask_of(&settings, &fixture::index(), "cluster.local SOA");
    assert_eq!(
        answer,
        "NoError\ncluster.local. 300 IN SOA ns.dns.cluster.local. hostmaster.cluster.local. 1700000000 7200 1800 86400 3600"
    );
}

#[test]
fn the_services_in_front_of_the_server_are_its_names() {
    let index = fixture::index();
    fixture::set(
        &index,
        entry(
            "kube-dns",
            json!({"clusterIPs": ["10.96.0.10"], "ports": [{"name": "dns", "port": 53, "protocol": "UDP"}]}),
            &[slice(
                "IPv4",
                &json!([]),
                json!([{"addresses": ["10.1.0.53"]}]),
            )],
        ),
    );
    let expected = "NoError\ncluster.local. 5 IN NS kube-dns.default.svc.cluster.local.\n\
                    + kube-dns.default.svc.cluster.local. 5 IN A 10.96.0.10";
    assert_eq!(
        ask_servers(&["10.96.0.10"], &index, "cluster.local NS"),
        expected
    );
    assert_eq!(
        ask_servers(&["10.1.0.53"], &index, "cluster.local NS"),
        expected
    );
    assert_eq!(
        ask_servers(&["10.1.0.53", "10.96.0.10"], &index, "cluster.local NS"),
        expected
    );
    assert_eq!(
        ask_servers(&["10.1.0.53"], &index, "ns.dns.cluster.local A"),
        "NoError\nns.dns.cluster.local. 5 IN A 10.96.0.10"
    );
}

#[test]
fn a_headless_service_in_front_gives_the_servers_own_name() {
    assert_eq!(
        ask_servers(&["10.1.0.3"], &fixture::index(), "cluster.local NS"),
        "NoError\ncluster.local. 5 IN NS 10-1-0-3.pods.default.svc.cluster.local.\n\
         + 10-1-0-3.pods.default.svc.cluster.local. 5 IN A 10.1.0.3"
    );
}

#[test]
fn without_such_a_service_the_server_has_a_name_of_its_own() {
    let own = ["127.0.0.1", "192.0.2.53", "2001:db8::53"];
    let index = fixture::index();
    assert_eq!(
        ask_servers(&own, &index, "cluster.local NS"),
        "NoError\ncluster.local. 5 IN NS ns.dns.cluster.local.\n\
         + ns.dns.cluster.local. 5 IN A 192.0.2.53\n\
         + ns.dns.cluster.local. 5 IN AAAA 2001:db8::53"
    );
    assert_eq!(
        ask_servers(&own, &index, "ns.dns.cluster.local AAAA"),
        "NoError\nns.dns.cluster.local. 5 IN AAAA 2001:db8::53"
    );
}

#[test]
fn a_domain_is_labels_with_dots_between() {
    for good in ["cluster.local", "cluster.local.", "k8s", "a-1.Example"] {
        let domain: ClusterDomain = good.parse().expect("a domain");
        let plain = good.trim_end_matches('.').to_ascii_lowercase();
        assert_eq!(domain.to_string(), plain);
    }
    let long = "a.".repeat(30);
    for bad in ["", ".", "a..b", "-a", "a_b", "ü", ".a", &long] {
        let error = bad.parse::<ClusterDomain>().expect_err(bad);
        assert!(error.to_string().contains("cluster domain"), "{error}");
    }
}

#[test]
fn the_default_domain_is_the_usual_one() {
    assert_eq!(ClusterDomain::default().to_string(), "cluster.local");
}
