//! Cluster addresses and node ports of one Service: what it takes, and what it gives back.
//!
//! Upstream's allocators keep their own records and are rolled back when a later step fails. Here
//! allocation is a value: the [`ClaimChange`] that the API server stores in the same transaction
//! as the Service, so that nothing can leak and a lost race is simply tried again.

use k8s_openapi::api::core::v1::{Service, ServiceSpec};

use super::claims::held_addresses;
use super::facts::{EXTERNAL_NAME, Facts, KIND, spec_of};
use super::families::{init_family_fields, keeps_preferred_stack};
use super::operation::{Fault, Operation};
use super::{ClaimChange, Claims, ServiceNetwork, node_ports};
use crate::objects::{Cause, Invalid};

/// What a Service's allocation needs to know about the cluster.
pub struct Allocator<'a> {
    /// The cluster's ranges.
    pub network: &'a ServiceNetwork,
    /// What is taken.
    pub claims: &'a dyn Claims,
    /// Gets a bound, returns an evenly distributed number below it.
    pub random: &'a mut dyn FnMut(u64) -> u64,
    /// Nothing will be stored. A cluster address that would be picked is shown as the network's
    /// own address, which no Service can have, as upstream shows it.
    pub dry_run: bool,
}

/// Why a Service isn't stored.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum Rejection {
    /// The user's request is at fault: HTTP 422.
    #[error(transparent)]
    Invalid(#[from] Invalid),
    /// The cluster can't do it, such as when a range is full: HTTP 500, reason `InternalError`.
    #[error("Internal error occurred: {0}")]
    Internal(String),
}

/// Gives a new Service its families, addresses and node ports.
pub(super) fn allocate_create(
    service: &mut Service,
    allocator: &mut Allocator,
) -> Result<ClaimChange, Rejection> {
    let name = service.metadata.name.clone().unwrap_or_default();
    let spec = service.spec.get_or_insert_default();
    init_family_fields(None, spec, allocator.network).map_err(|causes| invalid(&name, causes))?;
    let mut operation = Operation::start(allocator);
    let done = take_all_addresses(&name, spec, &mut operation)
        .and_then(|()| node_ports::allocate_new(spec, &mut operation));
    conclude(&name, done, operation)
}

/// Gives a changed Service what it now lacks, and gives back what it no longer needs.
pub(super) fn allocate_update(
    old: &Service,
    new: &mut Service,
    allocator: &mut Allocator,
) -> Result<ClaimChange, Rejection> {
    let name = new.metadata.name.clone().unwrap_or_default();
    let old = spec_of(old);
    let spec = new.spec.get_or_insert_default();
    init_family_fields(Some(&old), spec, allocator.network)
        .map_err(|causes| invalid(&name, causes))?;
    let mut operation = Operation::start(allocator);
    let done = change_addresses(&name, &old, spec, &mut operation)
        .and_then(|()| node_ports::allocate_changed(&old, spec, &mut operation));
    conclude(&name, done, operation)
}

fn take_all_addresses(
    name: &str,
    spec: &mut ServiceSpec,
    operation: &mut Operation,
) -> Result<(), Fault> {
    if spec.service_type() == EXTERNAL_NAME || spec.is_headless() {
        return Ok(());
    }
    operation.take_addresses(name, spec, 0)
}

fn change_addresses(
    name: &str,
    old: &ServiceSpec,
    new: &mut ServiceSpec,
    operation: &mut Operation,
) -> Result<(), Fault> {
    if keeps_preferred_stack(old, new) {
        return Ok(());
    }
    match (
        old.service_type() == EXTERNAL_NAME,
        new.service_type() == EXTERNAL_NAME,
    ) {
        (true, false) => return take_all_addresses(name, new, operation),
        (true, true) => return Ok(()),
        (false, true) => operation.release_addresses(held_addresses(old)),
        (false, false) if old.is_headless() => {}
        (false, false) => match (old.family_list().len(), new.family_list().len()) {
            (1, 2) => operation.take_addresses(name, new, 1)?,
            (2, 1) => operation.release_addresses(held_addresses(old).skip(1)),
            _ => {}
        },
    }
    Ok(())
}

fn conclude(
    name: &str,
    done: Result<(), Fault>,
    operation: Operation,
) -> Result<ClaimChange, Rejection> {
    match done {
        Ok(()) => Ok(operation.finish()),
        Err(Fault::Field(cause)) => Err(invalid(name, vec![cause])),
        Err(Fault::Internal(message)) => Err(Rejection::Internal(message)),
    }
}

fn invalid(name: &str, causes: Vec<Cause>) -> Rejection {
    let (group, kind) = KIND;
    Rejection::Invalid(Invalid {
        group: group.to_owned(),
        kind: kind.to_owned(),
        name: name.to_owned(),
        causes,
    })
}
