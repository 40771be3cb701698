//! How a Service is reached from outside, and which endpoints answer: load balancers, source
//! ranges, traffic policies.

use k8s_openapi::api::core::v1::{Service, ServiceSpec};

use super::super::facts::{Facts, LOAD_BALANCER};
use super::spec_field;
use crate::objects::addresses::check_cidr;
use crate::objects::formats::{port_number, qualified_name};
use crate::objects::{Cause, FieldPath};

const ONLY_FOR_LOAD_BALANCER: &str = "may only be used when `type` is 'LoadBalancer'";
const SOURCE_RANGES_ANNOTATION: &str = "service.beta.kubernetes.io/load-balancer-source-ranges";

/// Checks the fields in upstream's order.
pub(super) fn check(
    service: &Service,
    spec: &ServiceSpec,
    old: Option<&ServiceSpec>,
) -> Vec<Cause> {
    let mut causes = check_source_ranges(service, spec, old);
    causes.extend(check_allocation_flag(spec));
    causes.extend(check_class(spec));
    causes.extend(check_external_traffic_policy(spec));
    causes.extend(check_health_check_port(spec));
    causes.extend(check_internal_traffic_policy(spec));
    causes.extend(check_traffic_distribution(spec));
    causes
}

fn is_load_balancer(spec: &ServiceSpec) -> bool {
    spec.service_type() == LOAD_BALANCER
}

fn check_source_ranges(
    service: &Service,
    spec: &ServiceSpec,
    old: Option<&ServiceSpec>,
) -> Vec<Cause> {
    let mut causes = Vec::new();
    if let Some(ranges) = spec.load_balancer_source_ranges.as_deref() {
        // The capital is upstream's.
        let path = spec_field("LoadBalancerSourceRanges");
        if !is_load_balancer(spec) {
            causes.push(Cause::forbidden(&path, ONLY_FOR_LOAD_BALANCER));
        }
        let known = old.and_then(|old| old.load_balancer_source_ranges.as_deref());
        for (index, range) in ranges.iter().enumerate() {
            if !known.is_some_and(|known| known.contains(range)) {
                // Blanks around a range are tolerated: the annotation that came before this field
                // took them.
                causes.extend(check_cidr(&path.index(index), range.trim()));
            }
        }
        return causes;
    }
    let annotations = service.metadata.annotations.as_ref();
    if let Some(ranges) = annotations.and_then(|all| all.get(SOURCE_RANGES_ANNOTATION)) {
        let path = FieldPath::root("metadata")
            .child("annotations")
            .key(SOURCE_RANGES_ANNOTATION);
        if !is_load_balancer(spec) {
            causes.push(Cause::forbidden(&path, ONLY_FOR_LOAD_BALANCER));
        }
        let ranges = ranges.trim();
        let listed = ranges
            .split(',')
            .map(str::trim)
            .filter(|_| !ranges.is_empty());
        causes.extend(listed.filter_map(|range| check_cidr(&path, range)));
    }
    causes
}

fn check_allocation_flag(spec: &ServiceSpec) -> Option<Cause> {
    match (
        is_load_balancer(spec),
        spec.allocate_load_balancer_node_ports,
    ) {
        (false, Some(_)) => Some(Cause::forbidden(
            &spec_field("allocateLoadBalancerNodePorts"),
            ONLY_FOR_LOAD_BALANCER,
        )),
        // The path without `spec` is upstream's.
        (true, None) => Some(Cause::required(
            &FieldPath::root("allocateLoadBalancerNodePorts"),
            "",
        )),
        _ => None,
    }
}

fn check_class(spec: &ServiceSpec) -> Vec<Cause> {
    let path = spec_field("loadBalancerClass");
    match spec.load_balancer_class.as_deref() {
        None => Vec::new(),
        Some(_) if !is_load_balancer(spec) => vec![Cause::forbidden(&path, ONLY_FOR_LOAD_BALANCER)],
        Some(class) => {
            let faults = qualified_name(class);
            faults
                .iter()
                .map(|fault| Cause::invalid(&path, class, fault))
                .collect()
        }
    }
}

fn check_external_traffic_policy(spec: &ServiceSpec) -> Option<Cause> {
    let path = spec_field("externalTrafficPolicy");
    match (
        spec.is_externally_accessible(),
        spec.external_traffic_policy.as_deref(),
    ) {
        (false, Some(policy)) => Some(Cause::invalid(
            &path,
            policy,
            "may only be set for externally-accessible services",
        )),
        (true, None) => Some(Cause::required(&path, "")),
        (false, None) | (true, Some("Cluster" | "Local")) => None,
        (true, Some(other)) => Some(Cause::unsupported(&path, other, &["Cluster", "Local"])),
    }
}

fn check_health_check_port(spec: &ServiceSpec) -> Vec<Cause> {
    let path = spec_field("healthCheckNodePort");
    match (
        spec.needs_health_check_port(),
        spec.health_check_node_port.unwrap_or(0),
    ) {
        (false, 0) => Vec::new(),
        (false, port) => {
            let complaint = "may only be set when `type` is 'LoadBalancer' and \
                             `externalTrafficPolicy` is 'Local'";
            vec![Cause::invalid(&path, port, complaint)]
        }
        (true, 0) => vec![Cause::required(&path, "")],
        (true, port) => {
            let faults = port_number(port.into());
            faults
                .iter()
                .map(|fault| Cause::invalid(&path, port, fault))
                .collect()
        }
    }
}

fn check_internal_traffic_policy(spec: &ServiceSpec) -> Option<Cause> {
    let path = spec_field("internalTrafficPolicy");
    match spec.internal_traffic_policy.as_deref() {
        None => spec.needs_cluster_ip().then(|| Cause::required(&path, "")),
        Some("Cluster" | "Local") => None,
        Some(other) => Some(Cause::unsupported(&path, other, &["Cluster", "Local"])),
    }
}

fn check_traffic_distribution(spec: &ServiceSpec) -> Option<Cause> {
    let choices = ["PreferClose", "PreferSameZone", "PreferSameNode"];
    let choice = spec.traffic_distribution.as_deref()?;
    (!choices.contains(&choice))
        .then(|| Cause::unsupported(&spec_field("trafficDistribution"), choice, &choices))
}
