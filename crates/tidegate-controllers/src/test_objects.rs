//! Objects for tests, as short as they can be written.

use std::sync::Arc;

use k8s_openapi::api::core::v1::{Node, Pod, Service};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

/// Any object from its JSON.
pub(crate) fn object<K: DeserializeOwned>(value: Value) -> K {
    serde_json::from_value(value).expect("an object of this kind")
}

/// The Service `default/web` with these fields in its spec.
pub(crate) fn service(spec: Value) -> Service {
    let mut all = json!({
        "selector": {"app": "web"}, "clusterIP": "10.96.0.9", "ipFamilies": ["IPv4"],
        "ports": [{"port": 80, "targetPort": 8080, "protocol": "TCP"}],
    });
    let fields = spec.as_object().cloned().unwrap_or_default();
    all.as_object_mut().expect("an object").extend(fields);
    object(json!({
        "metadata": {"namespace": "default", "name": "web", "uid": "service-uid", "labels": {"team": "a"}},
        "spec": all,
    }))
}

/// A pod of `default/web` on node `node-1`, running and ready.
#[derive(Clone, Debug)]
pub(crate) struct PodSketch {
    pub(crate) name: String,
    pub(crate) ips: Vec<String>,
    pub(crate) node: String,
    pub(crate) phase: &'static str,
    pub(crate) ready: bool,
    pub(crate) terminating: bool,
    pub(crate) spec: Value,
}

impl PodSketch {
    pub(crate) fn new(name: impl Into<String>, ip: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            ips: vec![ip.into()],
            node: "node-1".to_owned(),
            phase: "Running",
            ready: true,
            terminating: false,
            spec: json!({"containers": []}),
        }
    }

    pub(crate) fn build(&self) -> Arc<Pod> {
        let mut spec = self.spec.clone();
        spec["nodeName"] = json!(self.node);
        let ips: Vec<_> = self.ips.iter().map(|ip| json!({"ip": ip})).collect();
        let mut metadata = json!({
            "namespace": "default", "name": self.name, "uid": format!("uid-{}", self.name),
            "labels": {"app": "web"},
        });
        if self.terminating {
            metadata["deletionTimestamp"] = json!("2026-01-01T00:00:00Z");
        }
        Arc::new(object(
            json!({"metadata": metadata, "spec": spec, "status": {
                "phase": self.phase, "podIP": self.ips.first(), "podIPs": ips,
                "conditions": [{"type": "Ready", "status": if self.ready { "True" } else { "False" }}],
            }}),
        ))
    }
}

/// A ready node with four processors.
pub(crate) fn node(name: &str, zone: &str) -> Arc<Node> {
    Arc::new(object(json!({
        "metadata": {"name": name, "labels": {"topology.kubernetes.io/zone": zone}},
        "status": {"allocatable": {"cpu": "4"}, "conditions": [{"type": "Ready", "status": "True"}]},
    })))
}
