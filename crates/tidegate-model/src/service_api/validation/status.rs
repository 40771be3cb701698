//! The status that a load-balancer controller writes.

use k8s_openapi::api::core::v1::{LoadBalancerIngress, Service};

use super::super::facts::{Facts, LOAD_BALANCER, spec_of};
use crate::objects::addresses::{check_ip, parse_lenient};
use crate::objects::formats::dns_subdomain;
use crate::objects::{Cause, FieldPath};

/// Checks the addresses under which a load balancer says it can be reached.
pub(super) fn check(old: &Service, new: &Service) -> Vec<Cause> {
    let path = FieldPath::root("status")
        .child("loadBalancer")
        .child("ingress");
    let known: Vec<&str> = ingress_of(old)
        .iter()
        .filter_map(|old| old.ip.as_deref())
        .collect();
    let ingress = ingress_of(new);
    if spec_of(new).service_type() != LOAD_BALANCER && !ingress.is_empty() {
        let complaint = "may only be used when `spec.type` is 'LoadBalancer'";
        return vec![Cause::forbidden(&path, complaint)];
    }
    let ingress = ingress.iter().enumerate();
    ingress
        .flat_map(|(index, ingress)| check_one(&path.index(index), ingress, &known))
        .collect()
}

fn ingress_of(service: &Service) -> &[LoadBalancerIngress] {
    let status = service
        .status
        .as_ref()
        .and_then(|status| status.load_balancer.as_ref());
    status
        .and_then(|status| status.ingress.as_deref())
        .unwrap_or_default()
}

fn check_one(path: &FieldPath, ingress: &LoadBalancerIngress, known: &[&str]) -> Vec<Cause> {
    let mut causes = Vec::new();
    let ip = ingress.ip.as_deref().unwrap_or_default();
    if !ip.is_empty() && !known.contains(&ip) {
        causes.extend(check_ip(&path.child("ip"), ip));
    }
    let mode_path = path.child("ipMode");
    match ingress.ip_mode.as_deref() {
        None if ip.is_empty() => {}
        None => causes.push(Cause::required(
            &mode_path,
            "must be specified when `ip` is set",
        )),
        Some(_) if ip.is_empty() => {
            let complaint = "may not be specified when `ip` is not set";
            causes.push(Cause::forbidden(&mode_path, complaint));
        }
        Some("Proxy" | "VIP") => {}
        Some(other) => causes.push(Cause::unsupported(&mode_path, other, &["Proxy", "VIP"])),
    }
    if let Some(hostname) = ingress.hostname.as_deref().filter(|name| !name.is_empty()) {
        let path = path.child("hostname");
        let faults = dns_subdomain(hostname);
        causes.extend(
            faults
                .iter()
                .map(|fault| Cause::invalid(&path, hostname, fault)),
        );
        if parse_lenient(hostname).is_some() {
            let complaint = "must be a DNS name, not an IP address";
            causes.push(Cause::invalid(&path, hostname, complaint));
        }
    }
    causes
}
