//! The ports of a Service, each by itself and all together.

use std::collections::BTreeSet;

use k8s_openapi::api::core::v1::{ServicePort, ServiceSpec};
use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;

use super::super::facts::{CLUSTER_IP, Facts, node_port};
use super::spec_field;
use crate::objects::formats::{dns_label, qualified_name};
use crate::objects::{Cause, FieldPath, check_port_number, check_port_or_name, check_protocol};

/// Checks names, numbers and protocols.
pub(super) fn check_each(spec: &ServiceSpec) -> Vec<Cause> {
    let path = spec_field("ports");
    let needs_names = spec.port_list().len() > 1;
    let mut names = BTreeSet::new();
    let mut causes = Vec::new();
    for (index, port) in spec.port_list().iter().enumerate() {
        let path = path.index(index);
        causes.extend(check_name(
            &path.child("name"),
            port,
            needs_names,
            &mut names,
        ));
        causes.extend(check_port_number(&path.child("port"), port.port));
        causes.extend(check_protocol(
            &path.child("protocol"),
            port.protocol.as_deref(),
        ));
        let target = port.target_port.clone().unwrap_or(IntOrString::Int(0));
        causes.extend(check_port_or_name(&path.child("targetPort"), &target));
        if let Some(protocol) = port.app_protocol.as_deref() {
            let path = path.child("appProtocol");
            let faults = qualified_name(protocol);
            causes.extend(
                faults
                    .iter()
                    .map(|fault| Cause::invalid(&path, protocol, fault)),
            );
        }
    }
    causes
}

fn check_name<'a>(
    path: &FieldPath,
    port: &'a ServicePort,
    is_needed: bool,
    names: &mut BTreeSet<&'a str>,
) -> Vec<Cause> {
    let Some(name) = port.name.as_deref() else {
        return is_needed
            .then(|| Cause::required(path, ""))
            .into_iter()
            .collect();
    };
    let faults = dns_label(name);
    let mut causes: Vec<Cause> = faults
        .iter()
        .map(|fault| Cause::invalid(path, name, fault))
        .collect();
    if !names.insert(name) {
        causes.push(Cause::duplicate(path, name));
    }
    causes
}

/// Checks what no port can see by itself: node ports on a type without them, and duplicates.
pub(super) fn check_together(spec: &ServiceSpec) -> Vec<Cause> {
    let path = spec_field("ports");
    let ports = || spec.port_list().iter().enumerate();
    let mut causes = Vec::new();
    if spec.service_type() == CLUSTER_IP {
        let complaint = "may not be used when `type` is 'ClusterIP'";
        let with_node_port = ports().filter(|(_, port)| node_port(port) != 0);
        causes.extend(
            with_node_port.map(|(index, _)| {
                Cause::forbidden(&path.index(index).child("nodePort"), complaint)
            }),
        );
    }
    let mut seen = BTreeSet::new();
    for (index, port) in ports().filter(|(_, port)| node_port(port) != 0) {
        if !seen.insert((port.protocol.as_deref(), node_port(port))) {
            causes.push(Cause::duplicate(
                &path.index(index).child("nodePort"),
                node_port(port),
            ));
        }
    }
    let mut seen = BTreeSet::new();
    for (index, port) in ports() {
        if !seen.insert((port.protocol.as_deref(), port.port)) {
            causes.push(Cause::duplicate_printed(
                &path.index(index),
                &as_upstream_key(port),
            ));
        }
    }
    causes
}

/// Prints the part of a port that must be unique, as upstream's internal type would look.
fn as_upstream_key(port: &ServicePort) -> String {
    let protocol = port.protocol.as_deref().unwrap_or_default();
    format!(
        r#"{{"Name":"","Protocol":{},"AppProtocol":null,"Port":{},"TargetPort":0,"NodePort":0}}"#,
        serde_json::Value::from(protocol),
        port.port
    )
}
