//! Small questions about a Service's specification that many rules ask.

use std::borrow::Cow;

use k8s_openapi::api::core::v1::{Service, ServicePort, ServiceSpec};
use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;

pub(super) const CLUSTER_IP: &str = "ClusterIP";
pub(super) const NODE_PORT: &str = "NodePort";
pub(super) const LOAD_BALANCER: &str = "LoadBalancer";
pub(super) const EXTERNAL_NAME: &str = "ExternalName";

pub(super) const SINGLE_STACK: &str = "SingleStack";
pub(super) const PREFER_DUAL_STACK: &str = "PreferDualStack";
pub(super) const REQUIRE_DUAL_STACK: &str = "RequireDualStack";

/// The value of `clusterIP` that makes a Service headless.
pub(super) const NO_CLUSTER_IP: &str = "None";

/// The kind in error messages: core group, `Service`.
pub(super) const KIND: (&str, &str) = ("", "Service");

/// Questions about a specification after [`super::defaults()`], where an empty value is absent.
pub(super) trait Facts {
    fn service_type(&self) -> &str;
    fn cluster_ip_list(&self) -> &[String];
    fn family_list(&self) -> &[String];
    fn port_list(&self) -> &[ServicePort];
    fn is_headless(&self) -> bool;
    fn has_selector(&self) -> bool;
    fn needs_cluster_ip(&self) -> bool;
    fn needs_node_port(&self) -> bool;
    fn needs_health_check_port(&self) -> bool;
    fn is_externally_accessible(&self) -> bool;
    fn policy(&self) -> &str;
}

impl Facts for ServiceSpec {
    fn service_type(&self) -> &str {
        self.type_.as_deref().unwrap_or_default()
    }

    fn cluster_ip_list(&self) -> &[String] {
        self.cluster_ips.as_deref().unwrap_or_default()
    }

    fn family_list(&self) -> &[String] {
        self.ip_families.as_deref().unwrap_or_default()
    }

    fn port_list(&self) -> &[ServicePort] {
        self.ports.as_deref().unwrap_or_default()
    }

    fn is_headless(&self) -> bool {
        matches!(self.cluster_ip_list(), [only] if only == NO_CLUSTER_IP)
    }

    fn has_selector(&self) -> bool {
        self.selector
            .as_ref()
            .is_some_and(|selector| !selector.is_empty())
    }

    fn needs_cluster_ip(&self) -> bool {
        matches!(self.service_type(), CLUSTER_IP | NODE_PORT | LOAD_BALANCER)
    }

    /// True if a port without a node port gets one.
    fn needs_node_port(&self) -> bool {
        match self.service_type() {
            NODE_PORT => true,
            LOAD_BALANCER => self.allocate_load_balancer_node_ports != Some(false),
            _ => false,
        }
    }

    fn needs_health_check_port(&self) -> bool {
        self.service_type() == LOAD_BALANCER
            && self.external_traffic_policy.as_deref() == Some("Local")
    }

    fn is_externally_accessible(&self) -> bool {
        match self.service_type() {
            NODE_PORT | LOAD_BALANCER => true,
            CLUSTER_IP => self
                .external_ips
                .as_ref()
                .is_some_and(|ips| !ips.is_empty()),
            _ => false,
        }
    }

    fn policy(&self) -> &str {
        self.ip_family_policy.as_deref().unwrap_or_default()
    }
}

/// A Service's specification, empty where it has none.
pub(super) fn spec_of(service: &Service) -> Cow<'_, ServiceSpec> {
    match &service.spec {
        Some(spec) => Cow::Borrowed(spec),
        None => Cow::Owned(ServiceSpec::default()),
    }
}

/// A port's node port, 0 if it has none.
pub(super) fn node_port(port: &ServicePort) -> i32 {
    port.node_port.unwrap_or(0)
}

/// True for a target port that the user left out: absent, 0 or an empty name.
pub(super) fn is_unset_target(target: Option<&IntOrString>) -> bool {
    match target {
        None | Some(IntOrString::Int(0)) => true,
        Some(IntOrString::Int(_)) => false,
        Some(IntOrString::String(name)) => name.is_empty(),
    }
}
