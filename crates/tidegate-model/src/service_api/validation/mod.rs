//! What a Service must look like to be stored (core/v1 `ValidateService` and its relatives).
//!
//! The order of the checks is upstream's, because it is the order of the faults in a message.

mod changes;
pub(super) mod cluster_ips;
mod exposure;
mod ports;
mod status;

use k8s_openapi::api::core::v1::{Service, ServiceSpec};

use super::facts::{EXTERNAL_NAME, Facts, KIND, LOAD_BALANCER, NODE_PORT, spec_of};
use super::warnings::{TOPOLOGY_HINTS, TOPOLOGY_MODE};
use crate::objects::addresses::{check_ip, check_not_special};
use crate::objects::formats::dns_subdomain;
use crate::objects::labels::check_labels;
use crate::objects::object_meta::{self, NameFormat, Scope};
use crate::objects::{Cause, FieldPath, Invalid};

/// The longest affinity that a user may ask for, in seconds: one day.
const LONGEST_AFFINITY: i32 = 86_400;

/// Checks a new Service, after its defaults and allocations.
///
/// # Errors
/// [`Invalid`] with every fault.
pub fn validate_create(service: &Service) -> Result<(), Invalid> {
    verdict(service, check_service(service, None))
}

/// Checks a changed Service, after its defaults and allocations, against what it was.
///
/// # Errors
/// [`Invalid`] with every fault.
pub fn validate_update(old: &Service, new: &Service) -> Result<(), Invalid> {
    let mut causes = object_meta::check_update(&old.metadata, &new.metadata);
    causes.extend(changes::check(&spec_of(old), &spec_of(new)));
    causes.extend(check_service(new, Some(old)));
    verdict(new, causes)
}

/// Checks a Service whose status was changed.
///
/// # Errors
/// [`Invalid`] with every fault.
pub fn validate_status_update(old: &Service, new: &Service) -> Result<(), Invalid> {
    let mut causes = object_meta::check_update(&old.metadata, &new.metadata);
    causes.extend(status::check(old, new));
    verdict(new, causes)
}

fn verdict(service: &Service, causes: Vec<Cause>) -> Result<(), Invalid> {
    Invalid::unless_empty(KIND, service.metadata.name.as_deref(), causes)
}

/// The place of a field of the specification.
fn spec_field(name: &str) -> FieldPath {
    FieldPath::root("spec").child(name)
}

fn check_service(service: &Service, old: Option<&Service>) -> Vec<Cause> {
    let mut causes = object_meta::check(&service.metadata, Scope::Namespaced, NameFormat::Label);
    causes.extend(check_topology_annotations(service));
    let spec = &*spec_of(service);
    let old = old.map(spec_of);
    let old = old.as_deref();
    causes.extend(check_type_needs(spec));
    causes.extend(ports::check_each(spec));
    if let Some(selector) = &spec.selector {
        causes.extend(check_labels(&spec_field("selector"), selector));
    }
    causes.extend(check_affinity(spec));
    causes.extend(cluster_ips::check_cluster_ip_fields(old, spec));
    causes.extend(check_external_ips(old, spec));
    causes.extend(check_type(spec));
    causes.extend(ports::check_together(spec));
    causes.extend(exposure::check(service, spec, old));
    causes
}

fn check_topology_annotations(service: &Service) -> Option<Cause> {
    let annotations = service.metadata.annotations.as_ref()?;
    let (hints, mode) = (
        annotations.get(TOPOLOGY_HINTS)?,
        annotations.get(TOPOLOGY_MODE)?,
    );
    (hints != mode).then(|| {
        let path = FieldPath::root("metadata")
            .child("annotations")
            .key(TOPOLOGY_MODE);
        let complaint = format!("must match annotations[{TOPOLOGY_HINTS}] when both are specified");
        Cause::invalid(&path, mode.as_str(), complaint)
    })
}

fn check_type_needs(spec: &ServiceSpec) -> Vec<Cause> {
    let mut causes = Vec::new();
    let service_type = spec.service_type();
    if spec.port_list().is_empty() && !spec.is_headless() && service_type != EXTERNAL_NAME {
        causes.push(Cause::required(&spec_field("ports"), ""));
    }
    match service_type {
        LOAD_BALANCER | NODE_PORT if spec.is_headless() => {
            let complaint = format!("may not be set to 'None' for {service_type} services");
            causes.push(Cause::invalid(
                &spec_field("clusterIPs").index(0),
                "None",
                complaint,
            ));
        }
        EXTERNAL_NAME => causes.extend(check_external_name(spec)),
        _ => {}
    }
    causes
}

fn check_external_name(spec: &ServiceSpec) -> Vec<Cause> {
    let mut causes: Vec<Cause> = [
        ("clusterIPs", spec.cluster_ips.is_some()),
        ("ipFamilies", spec.ip_families.is_some()),
        ("ipFamilyPolicy", spec.ip_family_policy.is_some()),
    ]
    .into_iter()
    .filter(|(_, is_set)| *is_set)
    .map(|(field, _)| {
        Cause::forbidden(
            &spec_field(field),
            "may not be set for ExternalName services",
        )
    })
    .collect();
    let path = spec_field("externalName");
    let name = spec.external_name.as_deref().unwrap_or_default();
    // A trailing dot marks the name as complete, which it is in any case.
    match name.strip_suffix('.').unwrap_or(name) {
        "" => causes.push(Cause::required(&path, "")),
        name => {
            let faults = dns_subdomain(name);
            causes.extend(
                faults
                    .iter()
                    .map(|fault| Cause::invalid(&path, name, fault)),
            );
        }
    }
    causes
}

fn check_affinity(spec: &ServiceSpec) -> Vec<Cause> {
    let config = spec.session_affinity_config.as_ref();
    let path = spec_field("sessionAffinityConfig");
    let affinity = spec_field("sessionAffinity");
    match spec.session_affinity.as_deref().unwrap_or_default() {
        "" => vec![Cause::required(&affinity, "")],
        "ClientIP" => {
            let missing = "when session affinity type is ClientIP";
            let Some(config) = config else {
                return vec![Cause::required(&path, missing)];
            };
            let path = path.child("clientIP");
            let Some(config) = &config.client_ip else {
                return vec![Cause::required(&path, missing)];
            };
            let path = path.child("timeoutSeconds");
            match config.timeout_seconds {
                None => vec![Cause::required(&path, missing)],
                Some(seconds) if !(1..=LONGEST_AFFINITY).contains(&seconds) => {
                    let complaint =
                        format!("must be greater than 0 and less than {LONGEST_AFFINITY}");
                    vec![Cause::invalid(&path, seconds, complaint)]
                }
                Some(_) => Vec::new(),
            }
        }
        "None" => {
            let complaint = "must not be set when session affinity is None";
            config
                .map(|_| Cause::forbidden(&path, complaint))
                .into_iter()
                .collect()
        }
        other => vec![Cause::unsupported(&affinity, other, &["ClientIP", "None"])],
    }
}

fn check_external_ips(old: Option<&ServiceSpec>, spec: &ServiceSpec) -> Vec<Cause> {
    let known = old
        .and_then(|old| old.external_ips.as_deref())
        .unwrap_or_default();
    let path = spec_field("externalIPs");
    let ips = spec.external_ips.as_deref().unwrap_or_default();
    let judge = |(index, ip): (usize, &String)| {
        let path = path.index(index);
        let malformed = if known.contains(ip) {
            None
        } else {
            check_ip(&path, ip)
        };
        malformed.or_else(|| check_not_special(&path, ip))
    };
    ips.iter().enumerate().filter_map(judge).collect()
}

fn check_type(spec: &ServiceSpec) -> Option<Cause> {
    let types = ["ClusterIP", "ExternalName", "LoadBalancer", "NodePort"];
    match spec.service_type() {
        "" => Some(Cause::required(&spec_field("type"), "")),
        known if types.contains(&known) => None,
        other => Some(Cause::unsupported(&spec_field("type"), other, &types)),
    }
}
