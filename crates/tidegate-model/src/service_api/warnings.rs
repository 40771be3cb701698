//! What is allowed but probably not meant: the `Warning: 299` headers of an answer.

use std::net::IpAddr;

use k8s_openapi::api::core::v1::Service;

use super::facts::{CLUSTER_IP, EXTERNAL_NAME, Facts, NO_CLUSTER_IP, spec_of};
use crate::objects::FieldPath;
use crate::objects::addresses::{masked, parse_cidr_lenient, parse_lenient};

pub(super) const TOPOLOGY_HINTS: &str = "service.kubernetes.io/topology-aware-hints";
pub(super) const TOPOLOGY_MODE: &str = "service.kubernetes.io/topology-mode";

/// The warnings for a Service that was created or changed, in upstream's words and order.
pub fn warnings(service: &Service) -> Vec<String> {
    let spec = spec_of(service);
    let path = |field: &str| FieldPath::root("spec").child(field);
    let mut found = Vec::new();
    if service
        .metadata
        .annotations
        .iter()
        .flatten()
        .any(|(key, _)| key == TOPOLOGY_HINTS)
    {
        found.push(format!(
            "annotation {TOPOLOGY_HINTS} is deprecated, please use {TOPOLOGY_MODE} instead"
        ));
    }
    let list = path("clusterIPs");
    for (index, ip) in spec.cluster_ip_list().iter().enumerate() {
        found.extend(unusual_ip(&list.index(index), ip));
    }
    let external_ips = spec.external_ips.as_deref().unwrap_or_default();
    let is_headless =
        spec.service_type() == CLUSTER_IP && spec.cluster_ip.as_deref() == Some(NO_CLUSTER_IP);
    if is_headless {
        let ignored = |what: &str| format!("spec.{what} is ignored for headless services");
        found.extend(
            spec.load_balancer_ip
                .as_ref()
                .map(|_| ignored("loadBalancerIP")),
        );
        found.extend(external_ips.first().map(|_| ignored("externalIPs")));
        let has_affinity = spec.session_affinity.as_deref() != Some("None");
        found.extend(has_affinity.then(|| ignored("SessionAffinity")));
    }
    for (index, ip) in external_ips.iter().enumerate() {
        found.extend(unusual_ip(&path("externalIPs").index(index), ip));
    }
    let is_alias = spec.service_type() == EXTERNAL_NAME;
    if !external_ips.is_empty() && !is_headless && !is_alias {
        found.push(
            "spec.externalIPs is deprecated and may no longer be implemented in some clusters"
                .to_owned(),
        );
    }
    let balancer_ip = spec.load_balancer_ip.as_deref().unwrap_or_default();
    found.extend(unusual_ip(&path("loadBalancerIP"), balancer_ip));
    let ranges = spec
        .load_balancer_source_ranges
        .as_deref()
        .unwrap_or_default();
    for (index, range) in ranges.iter().enumerate() {
        found.extend(unusual_cidr(
            &path("loadBalancerSourceRanges").index(index),
            range.trim(),
        ));
    }
    if is_alias && !external_ips.is_empty() {
        found.push(r#"spec.externalIPs is ignored when spec.type is "ExternalName""#.to_owned());
    }
    if !is_alias && spec.external_name.is_some() {
        found.push(
            r#"spec.externalName is ignored when spec.type is not "ExternalName""#.to_owned(),
        );
    }
    if spec.traffic_distribution.as_deref() == Some("PreferClose") {
        found.push(
            r#"spec.trafficDistribution: "PreferClose" is deprecated; use "PreferSameZone""#
                .to_owned(),
        );
    }
    found
}

/// Warns of an address that isn't written as everyone writes it.
fn unusual_ip(path: &FieldPath, value: &str) -> Option<String> {
    let canonical = parse_lenient(value)?;
    match value.parse::<IpAddr>() {
        Ok(address) if address.is_ipv6() && canonical.is_ipv6() => (address.to_string() != value)
            .then(|| {
                format!(
                    "{path}: IPv6 address {value:?} should be in RFC 5952 canonical format \
                     ({:?})",
                    address.to_string()
                )
            }),
        Ok(address) if address == canonical => None,
        _ => Some(format!(
            "{path}: non-standard IP address {value:?} will be considered invalid in a future \
             Kubernetes release: use {:?}",
            canonical.to_string()
        )),
    }
}

/// Warns of a network that isn't written as everyone writes it, or that says less than it seems.
fn unusual_cidr(path: &FieldPath, value: &str) -> Vec<String> {
    let Some((address, prefix)) = parse_cidr_lenient(value) else {
        return Vec::new();
    };
    let network = masked(address, prefix);
    let mut found = Vec::new();
    if network != address {
        let bits = if address.is_ipv4() { 32 } else { 128 };
        found.push(format!(
            "{path}: CIDR value {value:?} is ambiguous in this context (should be {:?} or {:?}?)",
            format!("{network}/{prefix}"),
            format!("{address}/{bits}")
        ));
    }
    let canonical = format!("{network}/{prefix}");
    let (address_text, prefix_text) = value.split_once('/').unwrap_or((value, ""));
    let is_mapped = matches!(address, IpAddr::V6(v6) if v6.to_ipv4_mapped().is_some());
    if is_mapped || address_text.parse::<IpAddr>().is_err() || prefix_text != prefix.to_string() {
        found.push(format!(
            "{path}: non-standard CIDR value {value:?} will be considered invalid in a future \
             Kubernetes release: use {canonical:?}"
        ));
    }
    if found.is_empty() && address.is_ipv6() && canonical != value {
        found.push(format!(
            "{path}: IPv6 CIDR value {value:?} should be in RFC 5952 canonical format \
             ({canonical:?})"
        ));
    }
    found
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::service_api::defaults;

    fn warned(value: Value) -> Vec<String> {
        let mut service: Service = serde_json::from_value(value).expect("a Service");
        defaults(&mut service);
        warnings(&service)
    }

    #[test]
    fn nothing_unusual_gives_no_warning() {
        assert!(warned(json!({"spec": {"ports": [{"port": 80}]}})).is_empty());
    }

    #[test]
    fn ignored_and_deprecated_fields() {
        let headless = warned(json!({"spec": {
            "clusterIP": "None", "sessionAffinity": "ClientIP", "externalIPs": ["192.0.2.1"],
            "loadBalancerIP": "192.0.2.2", "trafficDistribution": "PreferClose",
        }}));
        assert_eq!(
            headless,
            [
                "spec.loadBalancerIP is ignored for headless services",
                "spec.externalIPs is ignored for headless services",
                "spec.SessionAffinity is ignored for headless services",
                r#"spec.trafficDistribution: "PreferClose" is deprecated; use "PreferSameZone""#,
            ]
        );
        let alias = warned(json!({"spec": {
            "type": "ExternalName", "externalName": "a", "externalIPs": ["192.0.2.1"],
        }}));
        assert_eq!(
            alias,
            [r#"spec.externalIPs is ignored when spec.type is "ExternalName""#]
        );
        let hints = warned(json!({
            "metadata": {"annotations": {"service.kubernetes.io/topology-aware-hints": "Auto"}},
            "spec": {"externalName": "a.b"},
        }));
        assert_eq!(
            hints,
            [
                "annotation service.kubernetes.io/topology-aware-hints is deprecated, please use \
                 service.kubernetes.io/topology-mode instead",
                r#"spec.externalName is ignored when spec.type is not "ExternalName""#,
            ]
        );
    }

    #[test]
    fn unusual_spellings_of_addresses() {
        let found = warned(json!({"spec": {
            "type": "LoadBalancer",
            "clusterIPs": ["10.096.0.1", "FD00::1"],
            "loadBalancerSourceRanges": ["10.0.0.1/8", "2001:DB8::/32"],
        }}));
        assert_eq!(
            found,
            [
                "spec.clusterIPs[0]: non-standard IP address \"10.096.0.1\" will be considered \
                 invalid in a future Kubernetes release: use \"10.96.0.1\"",
                "spec.clusterIPs[1]: IPv6 address \"FD00::1\" should be in RFC 5952 canonical \
                 format (\"fd00::1\")",
                "spec.loadBalancerSourceRanges[0]: CIDR value \"10.0.0.1/8\" is ambiguous in this \
                 context (should be \"10.0.0.0/8\" or \"10.0.0.1/32\"?)",
                "spec.loadBalancerSourceRanges[1]: IPv6 CIDR value \"2001:DB8::/32\" should be in \
                 RFC 5952 canonical format (\"2001:db8::/32\")",
            ]
        );
    }
}
