//! `clusterIP`, `clusterIPs`, `ipFamilies` and `ipFamilyPolicy`, and how they fit together.

use k8s_openapi::api::core::v1::ServiceSpec;

use super::super::facts::{
    EXTERNAL_NAME, Facts, NO_CLUSTER_IP, PREFER_DUAL_STACK, REQUIRE_DUAL_STACK, SINGLE_STACK,
};
use super::super::families::parse_family;
use super::spec_field;
use crate::IpFamily;
use crate::objects::Cause;
use crate::objects::addresses::{check_ip, family_of};

/// Checks the four fields. It runs before allocation too, when addresses may still be missing.
///
/// Addresses that the Service already had are accepted in any form.
pub(in crate::service_api) fn check_cluster_ip_fields(
    old: Option<&ServiceSpec>,
    spec: &ServiceSpec,
) -> Vec<Cause> {
    if spec.service_type() == EXTERNAL_NAME {
        return Vec::new();
    }
    let mut causes: Vec<Cause> = check_in_step(spec).into_iter().collect();
    causes.extend(check_families(spec));
    causes.extend(check_policy(spec));
    let known = old
        .map(|old| old.cluster_ip_list().to_vec())
        .unwrap_or_default();
    let malformed = check_addresses(spec, &known);
    let is_malformed = !malformed.is_empty();
    causes.extend(malformed);
    let list = spec_field("clusterIPs");
    let ips = spec.cluster_ip_list();
    if ips.len() > 2 {
        causes.push(Cause::invalid(&list, ips, "may only hold up to 2 values"));
    }
    // What follows makes no sense about addresses that aren't any.
    if is_malformed {
        return causes;
    }
    if ips.len() > 1 && !is_one_of_each_family(ips) {
        let complaint = "may specify no more than one IP for each IP family";
        causes.push(Cause::invalid(&list, ips, complaint));
    }
    if !spec.is_headless() {
        causes.extend(check_addresses_match_families(spec));
    }
    causes
}

fn check_in_step(spec: &ServiceSpec) -> Option<Cause> {
    let list = spec_field("clusterIPs");
    let ips = spec.cluster_ip_list();
    match (spec.cluster_ip.as_deref(), ips.first()) {
        (Some(_), None) => Some(Cause::required(&list, "")),
        (Some(ip), Some(first)) if ip != first => Some(Cause::invalid(
            &list,
            ips,
            "first value must match `clusterIP`",
        )),
        (None, Some(_)) => Some(Cause::invalid(
            &list,
            ips,
            "must be empty when `clusterIP` is not specified",
        )),
        _ => None,
    }
}

fn check_families(spec: &ServiceSpec) -> Vec<Cause> {
    let path = spec_field("ipFamilies");
    let families = spec.family_list();
    let mut causes = Vec::new();
    for (index, family) in families.iter().enumerate() {
        let path = path.index(index);
        if parse_family(family).is_none() {
            causes.push(Cause::unsupported(
                &path,
                family.as_str(),
                &["IPv4", "IPv6"],
            ));
        }
        if families[..index].contains(family) {
            causes.push(Cause::duplicate(&path, family.as_str()));
        }
    }
    causes
}

fn check_policy(spec: &ServiceSpec) -> Option<Cause> {
    let policies = [PREFER_DUAL_STACK, REQUIRE_DUAL_STACK, SINGLE_STACK];
    let policy = spec.ip_family_policy.as_deref()?;
    (!policies.contains(&policy))
        .then(|| Cause::unsupported(&spec_field("ipFamilyPolicy"), policy, &policies))
}

fn check_addresses(spec: &ServiceSpec, known: &[String]) -> Vec<Cause> {
    let list = spec_field("clusterIPs");
    let ips = spec.cluster_ip_list();
    let mut causes = Vec::new();
    for (index, ip) in ips.iter().enumerate() {
        if index == 0 && ip == NO_CLUSTER_IP {
            if ips.len() > 1 {
                let complaint = "'None' must be the first and only value";
                causes.push(Cause::invalid(&list, ips, complaint));
            }
        } else if !known.contains(ip) {
            causes.extend(check_ip(&list.index(index), ip));
        }
    }
    causes
}

fn is_one_of_each_family(ips: &[String]) -> bool {
    let count = |wanted| {
        ips.iter()
            .filter(|ip| family_of(ip) == Some(wanted))
            .count()
    };
    count(IpFamily::V4) == 1 && count(IpFamily::V6) == 1
}

fn check_addresses_match_families(spec: &ServiceSpec) -> Vec<Cause> {
    let list = spec_field("clusterIPs");
    let pairs = spec
        .cluster_ip_list()
        .iter()
        .zip(spec.family_list())
        .enumerate();
    pairs
        .filter_map(|(index, (ip, family))| {
            let wanted = parse_family(family)?;
            (family_of(ip)? != wanted).then(|| {
                let complaint =
                    format!("expected an {wanted} value as indicated by `ipFamilies[{index}]`");
                Cause::invalid(&list.index(index), ip.as_str(), complaint)
            })
        })
        .collect()
}
