//! What operators can choose.

use serde_json::json;

use super::ask_of;
use super::fixture::{self, slice};
use crate::{EndpointLabels, PodNames, ServiceEntry, ZoneIndex, ZoneSettings};

/// The answer without the SOA record of a "no".
fn ask(settings: &ZoneSettings, index: &ZoneIndex, question: &str) -> String {
    let text = ask_of(settings, index, question);
    let lines: Vec<&str> = text.lines().filter(|line| !line.starts_with('!')).collect();
    lines.join("\n")
}

#[test]
fn a_verified_pod_name_needs_a_pod_of_that_namespace() {
    let settings = ZoneSettings {
        pod_names: PodNames::Verified,
        ..fixture::settings()
    };
    let index = fixture::index();
    let question = "10-1-0-2.default.pod.cluster.local A";
    assert_eq!(ask(&settings, &index, question), "NXDomain");
    let address = "10.1.0.2".parse().expect("an address");
    index.add_pod("default", address);
    index.add_pod("kube-system", address);
    assert_eq!(
        ask(&settings, &index, question),
        "NoError\n10-1-0-2.default.pod.cluster.local. 5 IN A 10.1.0.2"
    );
    assert_eq!(index.namespace_of_pod(address), None, "two have it");
    index.remove_pod("default", address);
    assert_eq!(ask(&settings, &index, question), "NXDomain");
    assert_eq!(
        index.namespace_of_pod(address).as_deref(),
        Some(&b"kube-system"[..])
    );
    index.remove_pod("kube-system", address);
    index.remove_pod("kube-system", address);
    assert_eq!(index.namespace_of_pod(address), None);
    assert_eq!(
        ask(&settings, &index, "default.pod.cluster.local A"),
        "NoError"
    );
}

#[test]
fn hidden_namespaces_have_no_names_either_way() {
    let settings = ZoneSettings {
        namespaces: vec!["kube-system".to_owned()],
        pod_names: PodNames::Insecure,
        ..fixture::settings()
    };
    let index = fixture::index();
    for absent in [
        "web.default.svc.cluster.local A",
        "_http._tcp.web.default.svc.cluster.local SRV",
        "default.svc.cluster.local A",
        "10-1-0-2.default.pod.cluster.local A",
        "default.pod.cluster.local A",
        "7.0.96.10.in-addr.arpa PTR",
    ] {
        assert_eq!(ask(&settings, &index, absent), "NXDomain", "{absent}");
    }
    let pointer = "2.0.1.10.in-addr.arpa PTR";
    assert_eq!(ask(&settings, &index, pointer), "elsewhere");
    assert_eq!(
        ask(&settings, &index, "kube-system.svc.cluster.local A"),
        "NoError"
    );
}

#[test]
fn empty_services_can_be_hidden() {
    let settings = ZoneSettings {
        hides_empty_services: true,
        ..fixture::settings()
    };
    let index = fixture::index();
    let bare = "bare.default.svc.cluster.local A";
    assert_eq!(ask(&settings, &index, bare), "NXDomain");
    let dual = "_http._tcp.dual.default.svc.cluster.local SRV";
    assert_eq!(ask(&settings, &index, dual), "NXDomain");
    let web = ask(&settings, &index, "web.default.svc.cluster.local A");
    assert!(web.contains("10.96.0.7"), "{web}");
}

#[test]
fn endpoints_can_be_named_after_their_pods() {
    let slices = [slice(
        "IPv4",
        &json!([{"name": "http", "port": 80}]),
        json!([
            {"addresses": ["10.1.0.1"], "targetRef": {"kind": "Pod", "name": "web-abc"}},
            {"addresses": ["10.1.0.2"], "targetRef": {"kind": "Pod", "name": "x".repeat(64)}},
            {"addresses": ["10.1.0.3"], "targetRef": {"kind": "Pod", "name": "a.b"}},
            {"addresses": ["10.1.0.4"], "hostname": "own", "targetRef": {"kind": "Pod", "name": "web-def"}}
        ]),
    )];
    let (service, slices) = fixture::parts("web", json!({"clusterIP": "None"}), &slices);
    let index = fixture::empty_index();
    let entry = ServiceEntry::new(&service, &slices, EndpointLabels::PodName);
    index.set(&service.key, entry);
    let names = [
        ("web-abc", "10.1.0.1"),
        ("10-1-0-2", "10.1.0.2"),
        ("10-1-0-3", "10.1.0.3"),
        ("own", "10.1.0.4"),
    ];
    for (label, address) in names {
        let name = format!("{label}.web.default.svc.cluster.local");
        let answer = ask(&fixture::settings(), &index, &format!("{name} A"));
        assert_eq!(answer, format!("NoError\n{name}. 5 IN A {address}"));
    }
}

#[test]
fn several_domains_have_the_same_names() {
    let settings = ZoneSettings {
        domains: ["cluster.local", "k8s.example"]
            .map(|name| name.parse().expect("a domain"))
            .into(),
        ..fixture::settings()
    };
    let index = fixture::index();
    for domain in ["cluster.local", "k8s.example"] {
        let name = format!("web.default.svc.{domain}");
        let answer = ask(&settings, &index, &format!("{name} A"));
        assert_eq!(answer, format!("NoError\n{name}. 5 IN A 10.96.0.7"));
    }
}

#[test]
fn a_name_that_falls_through_is_for_others() {
    let settings = ZoneSettings {
        fallthrough: vec![
            tidegate_dns_wire::LowerName::from_text("svc.cluster.local").expect("a name"),
        ],
        ..fixture::settings()
    };
    let index = fixture::index();
    let absent = "nobody.default.svc.cluster.local A";
    assert_eq!(ask(&settings, &index, absent), "elsewhere");
    assert_eq!(ask(&settings, &index, "foo.cluster.local A"), "NXDomain");
    let empty = ask(&settings, &index, "web.default.svc.cluster.local AAAA");
    assert_eq!(empty, "NoError", "a name that exists doesn't fall through");
}
