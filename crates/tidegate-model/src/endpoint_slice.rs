//! An EndpointSlice as the proxy and the DNS server see it.

use std::fmt;
use std::net::IpAddr;

use k8s_openapi::api::discovery::v1 as api;
use serde::{Deserialize, Serialize};

use crate::{IpFamily, Protocol, ServiceKey, labels};

/// Namespace and name of an EndpointSlice.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct SliceKey {
    /// The namespace that slice and Service share.
    pub namespace: String,
    /// The slice's name.
    pub name: String,
}

impl fmt::Display for SliceKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.namespace, self.name)
    }
}

/// A part of a Service's endpoints: one family, one list of ports.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EndpointSlice {
    /// Namespace and name.
    pub key: SliceKey,
    /// The Service that these endpoints belong to.
    pub service: ServiceKey,
    /// The family of every address in the slice.
    pub family: IpFamily,
    /// Whether the slice is labelled as belonging to a headless Service.
    pub headless: bool,
    /// The ports that every endpoint of the slice has.
    pub ports: Vec<EndpointPort>,
    /// The endpoints in the order of the object.
    pub endpoints: Vec<Endpoint>,
}

/// A port that all endpoints of a slice have.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EndpointPort {
    /// The Service port's name that this port answers for; empty for the unnamed one.
    pub name: String,
    /// The transport protocol.
    pub protocol: Protocol,
    /// The number on the pod.
    pub port: u16,
}

/// One backend of a Service, on all the slice's ports.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Endpoint {
    /// The pod's address: the first of the list, as every consumer upstream takes it.
    pub ip: IpAddr,
    /// New connections are welcome. Unset in the API counts as true.
    pub ready: bool,
    /// It answers, be it on its way out or not. Unset counts as `ready`.
    pub serving: bool,
    /// It is being deleted. Unset counts as false.
    pub terminating: bool,
    /// The node that runs it.
    pub node: Option<String>,
    /// The zone of that node.
    pub zone: Option<String>,
    /// The host name that it is published under, where the pod asked for one.
    pub hostname: Option<String>,
    /// The pod behind it, where the slice names one.
    pub pod: Option<String>,
    /// Zones that should use this endpoint (`hints.forZones`).
    pub zone_hints: Vec<String>,
    /// Nodes that should use this endpoint (`hints.forNodes`).
    pub node_hints: Vec<String>,
}

impl EndpointSlice {
    /// Reads an API object; `None` if it names no Service or its addresses are host names
    /// (`addressType: FQDN`), which no proxy serves.
    ///
    /// Ports without a number and addresses that don't parse are left out.
    pub fn from_api(object: &api::EndpointSlice) -> Option<Self> {
        let namespace = object.metadata.namespace.clone()?;
        let object_labels = object.metadata.labels.as_ref()?;
        let family = match object.address_type.as_str() {
            "IPv4" => IpFamily::V4,
            "IPv6" => IpFamily::V6,
            _ => return None,
        };
        Some(Self {
            service: ServiceKey::new(namespace.clone(), object_labels.get(labels::SERVICE_NAME)?),
            key: SliceKey {
                namespace,
                name: object.metadata.name.clone()?,
            },
            family,
            headless: object_labels.contains_key(labels::HEADLESS),
            ports: object
                .ports
                .iter()
                .flatten()
                .filter_map(EndpointPort::from_api)
                .collect(),
            endpoints: object
                .endpoints
                .iter()
                .flatten()
                .filter_map(|endpoint| Endpoint::from_api(endpoint, family))
                .collect(),
        })
    }
}

impl EndpointPort {
    fn from_api(port: &api::EndpointPort) -> Option<Self> {
        Some(Self {
            name: port.name.clone().unwrap_or_default(),
            protocol: port.protocol.as_deref().unwrap_or_default().parse().ok()?,
            port: port
                .port
                .and_then(|number| u16::try_from(number).ok())
                .filter(|number| *number != 0)?,
        })
    }
}

impl Endpoint {
    fn from_api(endpoint: &api::Endpoint, family: IpFamily) -> Option<Self> {
        let ip: IpAddr = endpoint.addresses.first()?.parse().ok()?;
        if IpFamily::of(ip) != family {
            return None;
        }
        let conditions = endpoint.conditions.clone().unwrap_or_default();
        let ready = conditions.ready.unwrap_or(true);
        let hints = endpoint.hints.clone().unwrap_or_default();
        let target = endpoint
            .target_ref
            .as_ref()
            .filter(|target| target.kind.as_deref() == Some("Pod"));
        Some(Self {
            ip,
            ready,
            serving: conditions.serving.unwrap_or(ready),
            terminating: conditions.terminating.unwrap_or(false),
            node: endpoint.node_name.clone(),
            zone: endpoint.zone.clone(),
            hostname: endpoint.hostname.clone().filter(|name| !name.is_empty()),
            pod: target.and_then(|target| target.name.clone()),
            zone_hints: hints
                .for_zones
                .into_iter()
                .flatten()
                .map(|zone| zone.name)
                .collect(),
            node_hints: hints
                .for_nodes
                .into_iter()
                .flatten()
                .map(|node| node.name)
                .collect(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn slice(value: serde_json::Value) -> Option<EndpointSlice> {
        EndpointSlice::from_api(&serde_json::from_value(value).expect("an EndpointSlice"))
    }

    #[test]
    fn unset_conditions_mean_ready_serving_and_staying() {
        let read = slice(json!({
            "metadata": {"namespace": "default", "name": "web-1", "labels": {"kubernetes.io/service-name": "web"}},
            "addressType": "IPv4", "ports": [{"port": 80}, {"name": "none"}],
            "endpoints": [{"addresses": ["10.0.0.1"]}, {"addresses": ["10.0.0.2"], "conditions": {"ready": false}}, {"addresses": ["fd00::1"]}]
        }))
        .expect("names a Service");
        let flags: Vec<_> = read
            .endpoints
            .iter()
            .map(|e| (e.ready, e.serving, e.terminating))
            .collect();
        assert_eq!(flags, [(true, true, false), (false, false, false)]);
        assert_eq!(read.ports.len(), 1, "a port without a number is left out");
    }

    #[test]
    fn slices_without_a_service_or_with_host_names_are_ignored() {
        assert_eq!(
            slice(
                json!({"metadata": {"namespace": "default", "name": "x"}, "addressType": "IPv4", "endpoints": []})
            ),
            None
        );
        let labels = json!({"kubernetes.io/service-name": "web"});
        assert_eq!(
            slice(
                json!({"metadata": {"namespace": "default", "name": "x", "labels": labels}, "addressType": "FQDN", "endpoints": []})
            ),
            None
        );
    }
}
