//! Node ports and the health-check node port: who gets which.

use std::collections::{BTreeMap, BTreeSet};

use k8s_openapi::api::core::v1::ServiceSpec;

use super::PortRefused;
use super::facts::{Facts, LOAD_BALANCER, NODE_PORT, node_port};
use super::operation::{Fault, Operation};
use crate::objects::{Cause, FieldPath};

fn has_node_port_type(spec: &ServiceSpec) -> bool {
    matches!(spec.service_type(), NODE_PORT | LOAD_BALANCER)
}

fn refused(index: usize, port: i32, reason: &PortRefused) -> Fault {
    let path = FieldPath::root("spec")
        .child("ports")
        .index(index)
        .child("nodePort");
    Fault::Field(Cause::invalid(&path, port, reason.to_string()))
}

/// Gives a new Service its node ports.
pub(super) fn allocate_new(spec: &mut ServiceSpec, operation: &mut Operation) -> Result<(), Fault> {
    if has_node_port_type(spec) {
        share_by_port_number(spec, operation)?;
    }
    if spec.needs_health_check_port() {
        allocate_health_check(spec, operation)?;
    }
    Ok(())
}

/// Ports with the same number share a node port, as DNS on TCP and UDP does, unless the user gave
/// them different ones.
fn share_by_port_number(spec: &mut ServiceSpec, operation: &mut Operation) -> Result<(), Fault> {
    let may_allocate = spec.needs_node_port();
    let asked: Vec<(i32, i32)> = spec
        .port_list()
        .iter()
        .map(|port| (port.port, node_port(port)))
        .collect();
    let mut given: BTreeMap<i32, i32> = BTreeMap::new();
    for (index, port) in spec.ports.iter_mut().flatten().enumerate() {
        if node_port(port) == 0 && !may_allocate {
            continue;
        }
        if let Some(&shared) = given.get(&port.port) {
            match node_port(port) {
                0 => port.node_port = Some(shared),
                own if own != shared => {
                    operation
                        .take_port(own)
                        .map_err(|reason| refused(index, own, &reason))?;
                }
                _ => {}
            }
            continue;
        }
        let wish = asked
            .iter()
            .find(|(number, wish)| *number == port.port && *wish != 0);
        let node_port = match wish {
            Some(&(_, wish)) => {
                operation
                    .take_port(wish)
                    .map_err(|reason| refused(index, wish, &reason))?;
                wish
            }
            None => operation.take_any_port()?,
        };
        port.node_port = Some(node_port);
        given.insert(port.port, node_port);
    }
    Ok(())
}

/// Gives a changed Service the node ports that it lacks, and releases those that it dropped.
pub(super) fn allocate_changed(
    old: &ServiceSpec,
    new: &mut ServiceSpec,
    operation: &mut Operation,
) -> Result<(), Fault> {
    let held = used(old);
    if has_node_port_type(new) {
        allocate_missing(&held, new, operation)?;
    }
    for &port in held.difference(&used(new)) {
        operation.release_port(port);
    }
    match (old.needs_health_check_port(), new.needs_health_check_port()) {
        (false, true) => allocate_health_check(new, operation)?,
        (true, false) => operation.release_port(old.health_check_node_port.unwrap_or(0)),
        _ => {}
    }
    Ok(())
}

fn allocate_missing(
    held: &BTreeSet<i32>,
    spec: &mut ServiceSpec,
    operation: &mut Operation,
) -> Result<(), Fault> {
    let may_allocate = spec.needs_node_port();
    let mut seen: Vec<(String, i32)> = Vec::new();
    for (index, port) in spec.ports.iter_mut().flatten().enumerate() {
        match node_port(port) {
            0 if !may_allocate => continue,
            0 => port.node_port = Some(operation.take_any_port()?),
            wish if held.contains(&wish) || seen.iter().any(|(_, port)| *port == wish) => {}
            wish => {
                operation
                    .take_port(wish)
                    .map_err(|reason| refused(index, wish, &reason))?;
            }
        }
        let entry = (port.protocol.clone().unwrap_or_default(), node_port(port));
        if seen.contains(&entry) {
            let (protocol, port) = entry;
            return Err(Fault::Internal(format!(
                "duplicate nodePort: {{{protocol} {port}}}"
            )));
        }
        seen.push(entry);
    }
    Ok(())
}

fn allocate_health_check(spec: &mut ServiceSpec, operation: &mut Operation) -> Result<(), Fault> {
    let wish = spec.health_check_node_port.unwrap_or(0);
    if wish != 0 {
        return operation.take_port(wish).map_err(|reason| {
            Fault::Internal(format!(
                "failed to allocate requested HealthCheck NodePort {wish}: {reason}"
            ))
        });
    }
    let port = operation.take_free_port().map_err(|reason| {
        Fault::Internal(format!(
            "failed to allocate a HealthCheck NodePort {wish}: {reason}"
        ))
    })?;
    spec.health_check_node_port = Some(port);
    Ok(())
}

/// The node ports that a Service's ports hold, each number once.
///
/// Upstream tolerates node ports on an `ExternalName` Service, where they mean nothing: they aren't
/// its own, and must not be given back as if they were.
pub(super) fn used(spec: &ServiceSpec) -> BTreeSet<i32> {
    let ports = spec.port_list().iter().filter(|_| has_node_port_type(spec));
    ports.map(node_port).filter(|&port| port != 0).collect()
}
