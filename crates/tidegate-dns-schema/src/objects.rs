//! What the API has of a cluster.

use serde_json::{Value, json};

/// Objects as the API has them.
#[derive(Clone, Debug, Default)]
pub struct Objects {
    /// The names of the namespaces.
    pub namespaces: Vec<&'static str>,
    /// Services.
    pub services: Vec<Value>,
    /// EndpointSlices.
    pub slices: Vec<Value>,
    /// Namespace, name and address of each pod.
    pub pods: Vec<(&'static str, &'static str, &'static str)>,
}

impl Objects {
    /// What is left of a cluster that can't have IPv6. Services that had nothing else are gone.
    pub(crate) fn without_ipv6(mut self) -> Self {
        let all = std::mem::take(&mut self.services);
        let left = all.into_iter().filter(|service| self.has_ipv4(service));
        self.services = left.map(without_ipv6_addresses).collect();
        self.slices
            .retain(|slice| slice["addressType"] != json!("IPv6"));
        self.pods.retain(|(_, _, address)| !address.contains(':'));
        self
    }

    /// Whether a Service has an IPv4 address or endpoint, or neither of any family.
    fn has_ipv4(&self, service: &Value) -> bool {
        let metadata = &service["metadata"];
        let is_its = |slice: &&Value| {
            slice["metadata"]["namespace"] == metadata["namespace"]
                && slice["metadata"]["labels"]["kubernetes.io/service-name"] == metadata["name"]
        };
        let mut families = self.slices.iter().filter(is_its).peekable();
        match service["spec"]["clusterIPs"].as_array() {
            Some(addresses) if addresses[0] != "None" => !addresses.iter().all(is_ipv6),
            _ => families.peek().is_none() || families.any(|slice| slice["addressType"] == "IPv4"),
        }
    }

    /// Adds a Service called `NAMESPACE/NAME`, whose addresses are said in one of the two ways.
    pub(crate) fn service(&mut self, name: &str, mut spec: Value) {
        let (namespace, name) = parts(name);
        let metadata = json!({"namespace": namespace, "name": name});
        if let Some(all) = spec["clusterIPs"].as_array().cloned() {
            spec["clusterIP"] = all[0].clone();
            if all.len() > 1 {
                spec["ipFamilyPolicy"] = json!("PreferDualStack");
            }
        } else if let Some(only) = spec.get("clusterIP").cloned() {
            spec["clusterIPs"] = json!([only]);
        }
        self.services
            .push(json!({"metadata": metadata, "spec": spec}));
    }

    /// Adds a slice of a Service called `NAMESPACE/NAME`.
    pub(crate) fn slice(&mut self, service: &str, ports: Value, endpoints: Value) {
        let (namespace, service) = parts(service);
        let first = endpoints[0]["addresses"][0].as_str().unwrap_or_default();
        let family = if first.contains(':') { "IPv6" } else { "IPv4" };
        let metadata = json!({
            "namespace": namespace, "name": format!("{service}-{}", self.slices.len()),
            "labels": {"kubernetes.io/service-name": service}
        });
        self.slices.push(
            json!({"metadata": metadata, "addressType": family, "ports": ports, "endpoints": endpoints}),
        );
    }
}

fn is_ipv6(address: &Value) -> bool {
    address.as_str().is_some_and(|text| text.contains(':'))
}

fn without_ipv6_addresses(mut service: Value) -> Value {
    if let Some(addresses) = service["spec"]["clusterIPs"].as_array_mut() {
        addresses.retain(|address| !is_ipv6(address));
        service["spec"]["clusterIP"] = addresses[0].clone();
    }
    service
}

fn parts(name: &str) -> (&str, &str) {
    name.split_once('/').expect("a namespace and a name")
}
