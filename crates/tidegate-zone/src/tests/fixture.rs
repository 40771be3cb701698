//! A cluster with one Service of every kind.

use serde_json::{Value, json};
use tidegate_model::{EndpointSlice, Service, ServiceKey};

use crate::{EndpointLabels, ReverseZone, ServiceEntry, ZoneIndex, ZoneSettings};

pub(super) fn settings() -> ZoneSettings {
    ZoneSettings {
        reverse_zones: vec![
            reverse_zone("10.96.0.0/16", false),
            reverse_zone("0.0.0.0/0", true),
            reverse_zone("::/0", true),
        ],
        ..ZoneSettings::default()
    }
}

pub(super) fn reverse_zone(network: &str, fallthrough: bool) -> ReverseZone {
    let network = network.parse().expect("a network");
    ReverseZone {
        network,
        fallthrough,
    }
}

pub(super) fn index() -> ZoneIndex {
    let index = empty_index();
    for (key, entry) in services() {
        index.set(&key, entry);
    }
    index
}

/// A synced zone with two namespaces and nothing in them.
pub(super) fn empty_index() -> ZoneIndex {
    let index = ZoneIndex::default();
    index.set_namespaces(["default", "kube-system"]);
    index.publish(1_700_000_000);
    index
}

/// A Service's name and what it has.
pub(super) type Named = (ServiceKey, ServiceEntry);

fn services() -> Vec<Named> {
    let http = json!([{"name": "http", "port": 8080}]);
    vec![
        // Balanced: two ports, one without a name's worth of SRV elsewhere; pods behind it.
        entry(
            "web",
            json!({"clusterIPs": ["10.96.0.7"], "ports": [{"name": "http", "port": 80}, {"name": "dns", "port": 53, "protocol": "UDP"}]}),
            &[slice("IPv4", &http, json!([{"addresses": ["10.1.0.1"]}]))],
        ),
        entry(
            "bare",
            json!({"clusterIPs": ["10.96.0.8"], "ports": [{"port": 80}]}),
            &[],
        ),
        entry(
            "dual",
            json!({"clusterIPs": ["10.96.0.9", "fd00:96::9"], "ports": [{"name": "http", "port": 80}]}),
            &[],
        ),
        entry(
            "six",
            json!({"clusterIPs": ["fd00:96::6"], "ports": [{"name": "http", "port": 80}]}),
            &[],
        ),
        // Headless: named and unnamed hosts, two pods of one name, an unready one, both families.
        entry(
            "pods",
            json!({"clusterIP": "None", "ports": [{"name": "http", "port": 80}]}),
            &[
                slice(
                    "IPv4",
                    &http,
                    json!([
                        {"addresses": ["10.1.0.2"], "hostname": "pod-0", "conditions": {"ready": true}},
                        {"addresses": ["10.1.0.3"]},
                        {"addresses": ["10.1.0.4"], "hostname": "twin"},
                        {"addresses": ["10.1.0.5"], "hostname": "twin"},
                        {"addresses": ["10.1.0.6"], "hostname": "unready", "conditions": {"ready": false, "serving": true}}
                    ]),
                ),
                slice(
                    "IPv6",
                    &http,
                    json!([{"addresses": ["fd00:1::2"], "hostname": "pod-0"}]),
                ),
            ],
        ),
        // The same pod as `web`'s and `pods`' first ones, in another Service.
        entry(
            "more",
            json!({"clusterIP": "None"}),
            &[slice(
                "IPv4",
                &json!([]),
                json!([{"addresses": ["10.1.0.2"], "hostname": "pod-0"}]),
            )],
        ),
        entry(
            "v4only",
            json!({"clusterIP": "None", "ports": [{"port": 80}]}),
            &[slice(
                "IPv4",
                &json!([{"name": "", "port": 80}]),
                json!([{"addresses": ["10.1.0.9"]}]),
            )],
        ),
        entry(
            "waiting",
            json!({"clusterIP": "None", "ports": [{"name": "http", "port": 80}]}),
            &[slice(
                "IPv4",
                &http,
                json!([{"addresses": ["10.1.0.8"], "conditions": {"ready": false}}]),
            )],
        ),
        external("outside", "db.example.org"),
        external("inside", "web.default.svc.cluster.local"),
        external("inside-pods", "pods.default.svc.cluster.local"),
        external("nowhere", "nobody.default.svc.cluster.local"),
        external("self", "self.default.svc.cluster.local"),
        external("ping", "pong.default.svc.cluster.local"),
        external("pong", "ping.default.svc.cluster.local"),
        external("two-steps", "outside.default.svc.cluster.local"),
        external("literal", "192.0.2.1"),
        external("literal6", "2001:db8::1"),
        external("nonsense", "a..b"),
    ]
}

pub(super) fn entry(name: &str, spec: Value, slices: &[Value]) -> Named {
    let (service, slices) = parts(name, spec, slices);
    let entry = ServiceEntry::new(&service, &slices, EndpointLabels::Address);
    (service.key, entry)
}

pub(super) fn parts(name: &str, spec: Value, slices: &[Value]) -> (Service, Vec<EndpointSlice>) {
    let object = json!({"metadata": {"namespace": "default", "name": name}, "spec": spec});
    let service = serde_json::from_value(object).expect("a Service");
    let slices = slices
        .iter()
        .map(|slice| serde_json::from_value(slice.clone()).expect("an EndpointSlice"))
        .map(|slice| EndpointSlice::from_api(&slice).expect("a slice of a Service"))
        .collect();
    (Service::from_api(&service).expect("a name"), slices)
}

pub(super) fn external(name: &str, target: &str) -> Named {
    entry(
        name,
        json!({"type": "ExternalName", "externalName": target, "ports": [{"name": "http", "port": 80}]}),
        &[],
    )
}

/// A slice; its own name and Service don't matter to the zone.
pub(super) fn slice(family: &str, ports: &Value, endpoints: Value) -> Value {
    json!({
        "metadata": {"namespace": "default", "name": "slice", "labels": {"kubernetes.io/service-name": "any"}},
        "addressType": family, "ports": ports, "endpoints": endpoints
    })
}

pub(super) fn set(index: &ZoneIndex, (key, entry): Named) {
    index.set(&key, entry);
}
