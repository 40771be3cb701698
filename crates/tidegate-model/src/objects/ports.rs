//! Checks of ports and protocols that Services, pods and endpoints share.

use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;

use super::formats::{port_name, port_number};
use super::{Cause, FieldPath};

/// Checks a port that is a number or the name of a container's port.
pub(crate) fn check_port_or_name(path: &FieldPath, port: &IntOrString) -> Vec<Cause> {
    match port {
        IntOrString::Int(number) => check_port_number(path, *number),
        IntOrString::String(name) => check_port_name(path, name),
    }
}

/// Checks the number of a port.
pub(crate) fn check_port_number(path: &FieldPath, port: i32) -> Vec<Cause> {
    let faults = port_number(port.into());
    faults
        .iter()
        .map(|fault| Cause::invalid(path, port, fault))
        .collect()
}

/// Checks the name of a container's port.
pub(crate) fn check_port_name(path: &FieldPath, name: &str) -> Vec<Cause> {
    let faults = port_name(name);
    faults
        .iter()
        .map(|fault| Cause::invalid(path, name, fault))
        .collect()
}

/// Checks a transport protocol, which defaulting must have filled in.
pub(crate) fn check_protocol(path: &FieldPath, protocol: Option<&str>) -> Option<Cause> {
    match protocol.unwrap_or_default() {
        "" => Some(Cause::required(path, "")),
        "SCTP" | "TCP" | "UDP" => None,
        other => Some(Cause::unsupported(path, other, &["SCTP", "TCP", "UDP"])),
    }
}
