//! The fields of a pod (or pod template) outside of its containers.

use std::collections::BTreeSet;

use k8s_openapi::api::core::v1::{PodDNSConfig, PodSpec};

use super::super::addresses::check_ip;
use super::super::formats::{dns_label, dns_subdomain, in_range};
use super::super::labels::check_labels;
use super::super::{Cause, FieldPath};
use super::containers::check_containers;
use super::mounts::check_volumes;

/// The most name servers that a resolver reads, and that a pod may name.
const NAME_SERVERS: usize = 3;
/// The most search domains that a pod may name.
const SEARCH_DOMAINS: usize = 32;

/// Checks a pod's specification, after its defaults.
pub(in crate::objects) fn check_spec(path: &FieldPath, spec: &PodSpec) -> Vec<Cause> {
    let (mut causes, volumes) = check_volumes(&path.child("volumes"), spec);
    causes.extend(check_containers(path, spec, &volumes));
    causes.extend(check_choice(
        &path.child("restartPolicy"),
        spec.restart_policy.as_deref(),
        &["Always", "OnFailure", "Never"],
    ));
    causes.extend(check_choice(
        &path.child("dnsPolicy"),
        spec.dns_policy.as_deref(),
        &["ClusterFirstWithHostNet", "ClusterFirst", "Default", "None"],
    ));
    if let Some(selector) = &spec.node_selector {
        causes.extend(check_labels(&path.child("nodeSelector"), selector));
    }
    causes.extend(check_dns_config(&path.child("dnsConfig"), spec));
    causes.extend(check_host_names(path, spec));
    causes.extend(check_times(path, spec));
    causes.extend(check_user_ids(&path.child("securityContext"), spec));
    causes.extend(check_host_aliases(&path.child("hostAliases"), spec));
    causes
}

/// Checks a value that must be one of a few; an absent one is missed.
pub(super) fn check_choice(
    path: &FieldPath,
    value: Option<&str>,
    choices: &[&str],
) -> Option<Cause> {
    match value.unwrap_or_default() {
        "" => Some(Cause::required(path, "")),
        value if choices.contains(&value) => None,
        value => Some(Cause::unsupported(path, value, choices)),
    }
}

/// Checks an integer that must not be negative.
pub(in crate::objects) fn check_not_negative(
    path: &FieldPath,
    value: Option<i64>,
) -> Option<Cause> {
    let value = value.filter(|&value| value < 0)?;
    Some(Cause::invalid(
        path,
        value,
        "must be greater than or equal to 0",
    ))
}

fn check_dns_config(path: &FieldPath, spec: &PodSpec) -> Vec<Cause> {
    let has_no_policy = spec.dns_policy.as_deref() == Some("None");
    let Some(config) = &spec.dns_config else {
        let detail = "must provide `dnsConfig` when `dnsPolicy` is None";
        return has_no_policy
            .then(|| Cause::required(path, detail))
            .into_iter()
            .collect();
    };
    let mut causes = check_name_servers(&path.child("nameservers"), config, has_no_policy);
    let searches = config.searches.as_deref().unwrap_or_default();
    let search_path = path.child("searches");
    if searches.len() > SEARCH_DOMAINS {
        let complaint = format!("must not have more than {SEARCH_DOMAINS} search paths");
        causes.push(Cause::invalid(&search_path, searches, complaint));
    }
    for (index, search) in searches
        .iter()
        .enumerate()
        .filter(|(_, search)| *search != ".")
    {
        let path = search_path.index(index);
        // Unlike other names, search domains may have underscores and a dot at the end.
        let name = search.strip_suffix('.').unwrap_or(search).replace('_', "a");
        let faults = dns_subdomain(&name);
        causes.extend(
            faults
                .iter()
                .map(|fault| Cause::invalid(&path, search.as_str(), fault)),
        );
    }
    for (index, option) in config.options.iter().flatten().enumerate() {
        if option.name.as_deref().unwrap_or_default().is_empty() {
            let path = path.child("options").index(index);
            causes.push(Cause::required(&path, "must not be empty"));
        }
    }
    causes
}

fn check_name_servers(path: &FieldPath, config: &PodDNSConfig, is_needed: bool) -> Vec<Cause> {
    let servers = config.nameservers.as_deref().unwrap_or_default();
    let mut causes = Vec::new();
    if servers.is_empty() && is_needed {
        let detail = "must provide at least one DNS nameserver when `dnsPolicy` is None";
        causes.push(Cause::required(path, detail));
    }
    if servers.len() > NAME_SERVERS {
        let complaint = format!("must not have more than {NAME_SERVERS} nameservers");
        causes.push(Cause::invalid(path, servers, complaint));
    }
    let servers = servers.iter().enumerate();
    causes.extend(servers.filter_map(|(index, server)| check_ip(&path.index(index), server)));
    causes
}

fn check_host_names(path: &FieldPath, spec: &PodSpec) -> Vec<Cause> {
    let names = [("hostname", &spec.hostname), ("subdomain", &spec.subdomain)];
    let mut causes = Vec::new();
    for (field, name) in names {
        let Some(name) = name.as_deref().filter(|name| !name.is_empty()) else {
            continue;
        };
        let path = path.child(field);
        causes.extend(
            dns_label(name)
                .iter()
                .map(|fault| Cause::invalid(&path, name, fault)),
        );
    }
    causes
}

fn check_times(path: &FieldPath, spec: &PodSpec) -> Vec<Cause> {
    let grace = path.child("terminationGracePeriodSeconds");
    let mut causes = Vec::new();
    causes.extend(check_not_negative(
        &grace,
        spec.termination_grace_period_seconds,
    ));
    if let Some(seconds) = spec.active_deadline_seconds {
        let path = path.child("activeDeadlineSeconds");
        let faults = in_range(seconds, 1, i32::MAX.into());
        causes.extend(
            faults
                .iter()
                .map(|fault| Cause::invalid(&path, seconds, fault)),
        );
    }
    causes
}

fn check_user_ids(path: &FieldPath, spec: &PodSpec) -> Vec<Cause> {
    let Some(context) = &spec.security_context else {
        return Vec::new();
    };
    let ids = [
        ("runAsUser", context.run_as_user),
        ("runAsGroup", context.run_as_group),
        ("fsGroup", context.fs_group),
    ];
    check_ids(path, &ids)
}

/// Checks numbers of users and groups.
pub(super) fn check_ids(path: &FieldPath, ids: &[(&str, Option<i64>)]) -> Vec<Cause> {
    let mut causes = Vec::new();
    for (field, id) in ids {
        let Some(id) = *id else { continue };
        let faults = in_range(id, 0, u32::MAX.into());
        causes.extend(
            faults
                .iter()
                .map(|fault| Cause::invalid(&path.child(field), id, fault)),
        );
    }
    causes
}

fn check_host_aliases(path: &FieldPath, spec: &PodSpec) -> Vec<Cause> {
    let mut causes = Vec::new();
    let mut seen = BTreeSet::new();
    for (index, alias) in spec.host_aliases.iter().flatten().enumerate() {
        let path = path.index(index);
        causes.extend(check_ip(&path.child("ip"), &alias.ip));
        if !seen.insert(alias.ip.as_str()) {
            causes.push(Cause::duplicate(&path.child("ip"), alias.ip.as_str()));
        }
        let names_path = path.child("hostnames");
        for (index, name) in alias.hostnames.iter().flatten().enumerate() {
            let path = names_path.index(index);
            let faults = dns_subdomain(name);
            causes.extend(
                faults
                    .iter()
                    .map(|fault| Cause::invalid(&path, name.as_str(), fault)),
            );
        }
    }
    causes
}
