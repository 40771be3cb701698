//! A Service as the proxy and the DNS server see it.

use std::net::IpAddr;
use std::time::Duration;

use ipnet::IpNet;
use k8s_openapi::api::core::v1 as api;
use serde::{Deserialize, Serialize};

use crate::{
    ClusterIp, ExternalIp, LoadBalancerIp, NodePort, Protocol, ServiceKey, ServicePortName,
};

/// Labels and annotations that change what is done with an object.
pub mod labels {
    /// On a Service: another proxy serves it, whoever carries this name.
    pub const SERVICE_PROXY_NAME: &str = "service.kubernetes.io/service-proxy-name";
    /// On a Service or a slice: it has no frontends.
    pub const HEADLESS: &str = "service.kubernetes.io/headless";
    /// On a slice: the name of the Service that it belongs to.
    pub const SERVICE_NAME: &str = "kubernetes.io/service-name";
    /// On a Service, as an annotation: the scheduler that picks among its backends.
    pub const SCHEDULER: &str = "tidegate.dev/scheduler";
}

/// A Service with every default filled in and everything that no consumer needs left out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Service {
    /// Namespace and name.
    pub key: ServiceKey,
    /// How clients find its pods.
    pub role: ServiceRole,
    /// Virtual addresses, at most one a family; empty unless [`ServiceRole::Balanced`].
    pub cluster_ips: Vec<ClusterIp>,
    /// The ports in the order of the manifest.
    pub ports: Vec<ServicePort>,
    /// `spec.externalIPs`.
    pub external_ips: Vec<ExternalIp>,
    /// Ingress addresses that the node itself must answer (`ipMode` is `VIP` or unset).
    pub load_balancer_ips: Vec<LoadBalancerIp>,
    /// Who may use the load-balancer addresses; empty for everyone.
    pub source_ranges: Vec<IpNet>,
    /// Whether a client stays with its backend.
    pub affinity: SessionAffinity,
    /// Which backends cluster-IP traffic may reach.
    pub internal_policy: TrafficPolicy,
    /// Which backends node-port, external and load-balancer traffic may reach.
    pub external_policy: TrafficPolicy,
    /// Where a load balancer asks whether this node has local backends.
    pub health_check_node_port: Option<NodePort>,
    /// The scheduler that the annotation `tidegate.dev/scheduler` asks for.
    pub scheduler: Option<Scheduler>,
    /// The other proxy that serves this Service, by the label's value.
    pub proxy_name: Option<String>,
}

/// How clients find the pods of a Service.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ServiceRole {
    /// Through virtual addresses that the proxy balances.
    Balanced,
    /// Through DNS only: `clusterIP: None`.
    Headless,
    /// Through a CNAME to this name, without a trailing dot.
    External(String),
}

/// A port of a Service.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ServicePort {
    /// The port's name, empty for the single unnamed one.
    pub name: String,
    /// The transport protocol.
    pub protocol: Protocol,
    /// The port on the cluster IP and on external addresses.
    pub port: u16,
    /// The port on the nodes' own addresses.
    pub node_port: Option<NodePort>,
}

/// Whether consecutive connections of one client address reach one backend.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize,
)]
pub enum SessionAffinity {
    /// Every connection is a new choice.
    #[default]
    None,
    /// The same backend as long as connections are less than this apart.
    ClientIp(Duration),
}

/// Which backends a kind of traffic may reach.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize,
)]
pub enum TrafficPolicy {
    /// Backends on every node.
    #[default]
    Cluster,
    /// Backends on this node only.
    Local,
}

/// The name of a way to pick among backends: `random`, `rr`, `lc`, ….
///
/// Which names exist is a property of the proxy mode, so any name is kept here.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Scheduler(pub String);

/// Upstream's default of `sessionAffinityConfig.clientIP.timeoutSeconds`: three hours.
const DEFAULT_AFFINITY_SECONDS: u64 = 10_800;

impl Service {
    /// Reads an API object that has passed (or should have passed) validation.
    ///
    /// Values that no valid object has (an unknown protocol, a port out of range, an address that
    /// doesn't parse) are left out: what remains is safe to program.
    pub fn from_api(object: &api::Service) -> Option<Self> {
        let key = ServiceKey::new(
            object.metadata.namespace.clone()?,
            object.metadata.name.clone()?,
        );
        let spec = object.spec.clone().unwrap_or_default();
        let annotation = |name| {
            object
                .metadata
                .annotations
                .as_ref()
                .and_then(|all| all.get(name))
                .cloned()
        };
        let label = |name| {
            object
                .metadata
                .labels
                .as_ref()
                .and_then(|all| all.get(name))
                .cloned()
        };
        let addresses = cluster_addresses(&spec);
        let role = match spec.type_.as_deref() {
            Some("ExternalName") => {
                let name = spec.external_name.clone().unwrap_or_default();
                ServiceRole::External(name.trim_end_matches('.').to_owned())
            }
            _ if addresses.iter().any(|address| address == "None") => ServiceRole::Headless,
            _ => ServiceRole::Balanced,
        };
        let cluster_ips = match role {
            ServiceRole::Balanced => parse_all(&addresses).map(ClusterIp).collect(),
            ServiceRole::Headless | ServiceRole::External(_) => Vec::new(),
        };
        Some(Self {
            key,
            role,
            cluster_ips,
            ports: spec
                .ports
                .iter()
                .flatten()
                .filter_map(ServicePort::from_api)
                .collect(),
            external_ips: parse_all(spec.external_ips.as_deref().unwrap_or_default())
                .map(ExternalIp)
                .collect(),
            load_balancer_ips: load_balancer_ips(object),
            source_ranges: spec
                .load_balancer_source_ranges
                .iter()
                .flatten()
                .filter_map(|range| range.trim().parse().ok())
                .collect(),
            affinity: affinity(&spec),
            internal_policy: policy(spec.internal_traffic_policy.as_deref()),
            external_policy: policy(spec.external_traffic_policy.as_deref()),
            health_check_node_port: spec.health_check_node_port.and_then(node_port),
            scheduler: annotation(labels::SCHEDULER).map(Scheduler),
            proxy_name: label(labels::SERVICE_PROXY_NAME),
        })
    }

    /// The full name of one of this Service's ports.
    pub fn port_name(&self, port: &ServicePort) -> ServicePortName {
        ServicePortName {
            service: self.key.clone(),
            port: port.name.clone(),
            protocol: port.protocol,
        }
    }
}

impl ServicePort {
    fn from_api(port: &api::ServicePort) -> Option<Self> {
        Some(Self {
            name: port.name.clone().unwrap_or_default(),
            protocol: port.protocol.as_deref().unwrap_or_default().parse().ok()?,
            port: u16::try_from(port.port)
                .ok()
                .filter(|number| *number != 0)?,
            node_port: port.node_port.and_then(node_port),
        })
    }
}

/// `clusterIPs`, or the older `clusterIP` alone where a client set only that.
fn cluster_addresses(spec: &api::ServiceSpec) -> Vec<String> {
    match spec.cluster_ips.as_deref() {
        Some(all) if !all.is_empty() => all.to_vec(),
        _ => spec
            .cluster_ip
            .iter()
            .filter(|address| !address.is_empty())
            .cloned()
            .collect(),
    }
}

fn parse_all(addresses: &[String]) -> impl Iterator<Item = IpAddr> {
    addresses.iter().filter_map(|address| address.parse().ok())
}

fn load_balancer_ips(object: &api::Service) -> Vec<LoadBalancerIp> {
    let balancer = object
        .status
        .as_ref()
        .and_then(|status| status.load_balancer.as_ref());
    let ingress = balancer
        .and_then(|balancer| balancer.ingress.as_deref())
        .unwrap_or_default();
    ingress
        .iter()
        .filter(|ingress| ingress.ip_mode.as_deref().unwrap_or("VIP") == "VIP")
        .filter_map(|ingress| ingress.ip.as_ref()?.parse().ok().map(LoadBalancerIp))
        .collect()
}

fn affinity(spec: &api::ServiceSpec) -> SessionAffinity {
    if spec.session_affinity.as_deref() != Some("ClientIP") {
        return SessionAffinity::None;
    }
    let client_ip = spec
        .session_affinity_config
        .as_ref()
        .and_then(|config| config.client_ip.as_ref());
    let seconds = client_ip
        .and_then(|config| config.timeout_seconds)
        .and_then(|seconds| u64::try_from(seconds).ok())
        .filter(|seconds| *seconds > 0)
        .unwrap_or(DEFAULT_AFFINITY_SECONDS);
    SessionAffinity::ClientIp(Duration::from_secs(seconds))
}

fn policy(name: Option<&str>) -> TrafficPolicy {
    match name {
        Some("Local") => TrafficPolicy::Local,
        _ => TrafficPolicy::Cluster,
    }
}

fn node_port(number: i32) -> Option<NodePort> {
    u16::try_from(number)
        .ok()
        .filter(|number| *number != 0)
        .map(NodePort)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn service(spec: serde_json::Value, status: serde_json::Value) -> Service {
        let object = json!({"metadata": {"namespace": "default", "name": "web"}, "spec": spec, "status": status});
        let object: api::Service = serde_json::from_value(object).expect("a Service");
        Service::from_api(&object).expect("has a name")
    }

    #[test]
    fn affinity_without_a_time_out_lasts_three_hours() {
        let web = service(json!({"sessionAffinity": "ClientIP"}), json!({}));
        assert_eq!(
            web.affinity,
            SessionAffinity::ClientIp(Duration::from_secs(10_800))
        );
    }

    #[test]
    fn a_proxied_ingress_is_not_ours() {
        let status = json!({"loadBalancer": {"ingress": [
            {"ip": "192.0.2.1", "ipMode": "Proxy"}, {"ip": "192.0.2.2", "ipMode": "VIP"}, {"ip": "192.0.2.3"}, {"hostname": "x"}]}});
        let web = service(json!({"type": "LoadBalancer"}), status);
        let ours: Vec<String> = web
            .load_balancer_ips
            .iter()
            .map(ToString::to_string)
            .collect();
        assert_eq!(ours, ["192.0.2.2", "192.0.2.3"]);
    }

    #[test]
    fn headless_and_external_name_services_have_no_frontend() {
        let headless = service(
            json!({"clusterIP": "None", "clusterIPs": ["None"]}),
            json!({}),
        );
        assert_eq!(
            (headless.role, headless.cluster_ips),
            (ServiceRole::Headless, vec![])
        );
        let external = service(
            json!({"type": "ExternalName", "externalName": "db.example.org."}),
            json!({}),
        );
        assert_eq!(
            external.role,
            ServiceRole::External("db.example.org".to_owned())
        );
    }

    #[test]
    fn values_that_no_valid_service_has_are_left_out() {
        let web = service(
            json!({"clusterIPs": ["10.96.0.7", "nonsense"], "ports": [{"port": 80}, {"port": 70000}, {"port": 81, "protocol": "tcp"}]}),
            json!({}),
        );
        assert_eq!(web.cluster_ips.len(), 1);
        assert_eq!(web.ports.len(), 1);
    }
}
