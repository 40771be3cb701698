//! What may not change once a Service exists.
//!
//! The first address and family stay for life, because clients remember them; a second one may
//! come and go. Only an `ExternalName` Service has no such memory.

use k8s_openapi::api::core::v1::ServiceSpec;

use super::super::facts::{EXTERNAL_NAME, Facts, LOAD_BALANCER, SINGLE_STACK};
use super::spec_field;
use crate::objects::{Cause, FieldPath};

const MAY_NOT_CHANGE: &str = "may not change once set";

/// Compares a changed specification with what it was.
pub(super) fn check(old: &ServiceSpec, new: &ServiceSpec) -> Vec<Cause> {
    let mut causes = Vec::new();
    if old.service_type() != EXTERNAL_NAME && new.service_type() != EXTERNAL_NAME {
        causes.extend(check_cluster_ips(old, new));
        causes.extend(check_families(old, new));
    }
    let both_balance = [old, new]
        .iter()
        .all(|spec| spec.service_type() == LOAD_BALANCER);
    if both_balance && old.load_balancer_class != new.load_balancer_class {
        let class = new.load_balancer_class.clone();
        causes.push(Cause::invalid(
            &spec_field("loadBalancerClass"),
            class,
            MAY_NOT_CHANGE,
        ));
    }
    let both_check = [old, new].iter().all(|spec| spec.needs_health_check_port());
    if both_check && old.health_check_node_port != new.health_check_node_port {
        causes.push(Cause::forbidden(
            &spec_field("healthCheckNodePort"),
            "field is immutable",
        ));
    }
    causes
}

fn check_cluster_ips(old: &ServiceSpec, new: &ServiceSpec) -> Vec<Cause> {
    if old.is_headless() && new.is_headless() {
        return Vec::new();
    }
    let path = spec_field("clusterIPs");
    let (before, after) = (old.cluster_ip_list(), new.cluster_ip_list());
    let changed = |index| Cause::invalid(&path.index(index), after, MAY_NOT_CHANGE);
    if before.len() == after.len() {
        let pairs = before.iter().zip(after).enumerate();
        let differing = pairs.filter(|(_, (before, after))| before != after);
        return differing.map(|(index, _)| changed(index)).collect();
    }
    let mut causes = Vec::new();
    match (before.first(), after.first()) {
        (Some(_), None) => causes.push(Cause::invalid(
            &path.index(0),
            after,
            "primary clusterIP can not be unset",
        )),
        (Some(before), Some(after)) if before != after => causes.push(changed(0)),
        _ => {}
    }
    if before.len() > after.len() && after.len() == 1 {
        causes.extend(check_policy_releases(new, "clusterIP"));
    }
    causes
}

fn check_families(old: &ServiceSpec, new: &ServiceSpec) -> Vec<Cause> {
    // Nothing is allocated for a headless Service, so its families may change.
    if old.is_headless() || new.is_headless() {
        return Vec::new();
    }
    let path: FieldPath = spec_field("ipFamilies").index(0);
    let (before, after) = (old.family_list(), new.family_list());
    if before.len() == after.len() {
        let pairs = before.iter().zip(after);
        let differing = pairs.filter(|(before, after)| before != after);
        return differing
            .map(|_| Cause::invalid(&path, after, MAY_NOT_CHANGE))
            .collect();
    }
    let mut causes = Vec::new();
    if before.len() > after.len() && new.cluster_ip_list().is_empty() {
        causes.push(Cause::invalid(
            &path,
            after,
            "primary ipFamily can not be unset",
        ));
    }
    if let (Some(first), Some(now)) = (before.first(), after.first())
        && first != now
    {
        causes.push(Cause::invalid(&path, new.cluster_ip_list(), MAY_NOT_CHANGE));
    }
    if before.len() > after.len() && after.len() == 1 {
        causes.extend(check_policy_releases(new, "ipFamily"));
    }
    causes
}

fn check_policy_releases(spec: &ServiceSpec, what: &str) -> Option<Cause> {
    (spec.policy() != SINGLE_STACK).then(|| {
        let complaint = format!("must be set to 'SingleStack' when releasing the secondary {what}");
        let policy = spec.ip_family_policy.clone();
        Cause::invalid(&spec_field("ipFamilyPolicy"), policy, complaint)
    })
}
