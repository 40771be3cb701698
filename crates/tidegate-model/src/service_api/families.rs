//! Which IP families a Service gets on this cluster (upstream's `initIPFamilyFields`).
//!
//! The answer depends on what the user said (`ipFamilyPolicy`, `ipFamilies`, `clusterIPs`), on
//! what the Service had before, and on the families that the cluster has. A Service never turns
//! from single- to dual-stack or back unless its policy says so.

use k8s_openapi::api::core::v1::ServiceSpec;

use super::ServiceNetwork;
use super::facts::{
    EXTERNAL_NAME, Facts, NO_CLUSTER_IP, PREFER_DUAL_STACK, REQUIRE_DUAL_STACK, SINGLE_STACK,
};
use super::validation::cluster_ips::check_cluster_ip_fields;
use crate::IpFamily;
use crate::objects::addresses::family_of;
use crate::objects::{Cause, FieldPath};

/// Fills in `ipFamilyPolicy` and `ipFamilies`.
///
/// Returns what is wrong with the request; the first step that finds a fault ends the work, so
/// that later steps don't complain about its consequences.
pub(super) fn init_family_fields(
    old: Option<&ServiceSpec>,
    new: &mut ServiceSpec,
    network: &ServiceNetwork,
) -> Result<(), Vec<Cause>> {
    if new.service_type() == EXTERNAL_NAME || old.is_some_and(|old| keeps_preferred_stack(old, new))
    {
        return Ok(());
    }
    init_policy(old, new);
    none_of(check_cluster_ip_fields(old, new))?;
    let mut causes = Vec::new();
    if let Some(old) = old {
        causes.extend(release_second_family(old, new));
    }
    causes.extend(check_single_stack(new));
    causes.extend(infer_families(new, network));
    none_of(causes)?;
    if new.is_headless() && !new.has_selector() {
        // Someone else manages the endpoints, which may have any family.
        default_families(new, network, true);
        return Ok(());
    }
    none_of(check_configured(new, network))?;
    default_families(new, network, network.is_dual_stack());
    Ok(())
}

fn none_of(causes: Vec<Cause>) -> Result<(), Vec<Cause>> {
    if causes.is_empty() {
        Ok(())
    } else {
        Err(causes)
    }
}

fn path(field: &str) -> FieldPath {
    FieldPath::root("spec").child(field)
}

/// True if a Service that prefers dual-stack is left as it was.
///
/// It must not change because the cluster became dual-stack (or ceased to be) in the meantime.
pub(super) fn keeps_preferred_stack(old: &ServiceSpec, new: &ServiceSpec) -> bool {
    old.type_ == new.type_
        && new.needs_cluster_ip()
        && new.policy() == PREFER_DUAL_STACK
        && matches!(old.policy(), "" | PREFER_DUAL_STACK)
        && old.cluster_ip_list() == new.cluster_ip_list()
        && old.family_list() == new.family_list()
}

fn init_policy(old: Option<&ServiceSpec>, new: &mut ServiceSpec) {
    if new.ip_family_policy.is_some() {
        return;
    }
    let is_unmanaged = new.cluster_ip.as_deref() == Some(NO_CLUSTER_IP) && !new.has_selector();
    let fresh = if is_unmanaged {
        REQUIRE_DUAL_STACK
    } else {
        SINGLE_STACK
    };
    let former = old.and_then(|old| old.ip_family_policy.clone());
    new.ip_family_policy = Some(former.unwrap_or_else(|| fresh.to_owned()));
}

/// Gives up the second family if the policy says so, and complains if it is dropped otherwise.
fn release_second_family(old: &ServiceSpec, new: &mut ServiceSpec) -> Vec<Cause> {
    if new.policy() == SINGLE_STACK {
        // An unchanged list with a changed policy is clear intent.
        if old.cluster_ip_list() == new.cluster_ip_list() {
            new.cluster_ips.iter_mut().for_each(|ips| ips.truncate(1));
        }
        if old.family_list() == new.family_list() {
            new.ip_families
                .iter_mut()
                .for_each(|families| families.truncate(1));
        }
        return Vec::new();
    }
    let is_reduced = |old: &[String], new: &[String]| !new.is_empty() && new.len() < old.len();
    let mut causes = Vec::new();
    let mut complain = |what: &str| {
        let complaint = format!("must be 'SingleStack' to release the secondary {what}");
        causes.push(Cause::invalid(
            &path("ipFamilyPolicy"),
            new.policy(),
            complaint,
        ));
    };
    if is_reduced(old.cluster_ip_list(), new.cluster_ip_list()) {
        complain("cluster IP");
    }
    if is_reduced(old.family_list(), new.family_list()) {
        complain("IP family");
    }
    causes
}

fn check_single_stack(spec: &ServiceSpec) -> Vec<Cause> {
    if spec.policy() != SINGLE_STACK {
        return Vec::new();
    }
    let counts = [
        (spec.cluster_ip_list().len(), "cluster IPs"),
        (spec.family_list().len(), "IP families"),
    ];
    let doubled = counts.into_iter().filter(|(count, _)| *count == 2);
    doubled
        .map(|(_, what)| {
            let complaint = format!(
                "must be 'RequireDualStack' or 'PreferDualStack' when multiple {what} are specified"
            );
            Cause::invalid(&path("ipFamilyPolicy"), spec.policy(), complaint)
        })
        .collect()
}

/// Adds the families of addresses that were given without one.
fn infer_families(spec: &mut ServiceSpec, network: &ServiceNetwork) -> Vec<Cause> {
    let mut causes = Vec::new();
    let given = spec.cluster_ip_list().to_vec();
    for (index, ip) in given
        .iter()
        .enumerate()
        .take_while(|(_, ip)| *ip != NO_CLUSTER_IP)
    {
        if index < spec.family_list().len() {
            continue;
        }
        let Some(family) = family_of(ip) else {
            continue;
        };
        if network.has_family(family) {
            spec.ip_families
                .get_or_insert_default()
                .push(family.to_string());
        } else {
            let complaint = format!("{family} is not configured on this cluster");
            let place = path("clusterIPs").index(index);
            causes.push(Cause::invalid(&place, given.clone(), complaint));
        }
    }
    causes
}

fn check_configured(spec: &ServiceSpec, network: &ServiceNetwork) -> Vec<Cause> {
    let mut causes = Vec::new();
    if spec.policy() == REQUIRE_DUAL_STACK && !network.is_dual_stack() {
        let complaint = "this cluster is not configured for dual-stack services";
        causes.push(Cause::invalid(
            &path("ipFamilyPolicy"),
            spec.policy(),
            complaint,
        ));
    }
    for (index, name) in spec.family_list().iter().enumerate() {
        let is_configured = parse_family(name).is_some_and(|family| network.has_family(family));
        if !is_configured {
            let complaint = "not configured on this cluster";
            let place = path("ipFamilies").index(index);
            causes.push(Cause::invalid(&place, name.as_str(), complaint));
        }
    }
    causes
}

fn default_families(spec: &mut ServiceSpec, network: &ServiceNetwork, may_have_both: bool) {
    let wants_both = spec.policy() != SINGLE_STACK && may_have_both;
    let families = spec.ip_families.get_or_insert_default();
    if families.is_empty() {
        families.push(network.default_family().to_string());
    }
    if let ([only], true) = (families.as_slice(), wants_both) {
        let other = match parse_family(only) {
            Some(IpFamily::V6) => IpFamily::V4,
            _ => IpFamily::V6,
        };
        families.push(other.to_string());
    }
}

/// Reads a family's name as the API spells it.
pub(super) fn parse_family(name: &str) -> Option<IpFamily> {
    IpFamily::ALL
        .into_iter()
        .find(|family| family.to_string() == name)
}
