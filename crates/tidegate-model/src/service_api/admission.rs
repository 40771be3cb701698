//! The order of work on a Service that a user creates or changes.

use k8s_openapi::api::core::v1::Service;

use super::allocation::{allocate_create, allocate_update};
use super::facts::spec_of;
use super::transitions::{
    normalize_cluster_ips, patch_allocated_values, prepare_for_create, prepare_for_status_update,
    prepare_for_update,
};
use super::{
    Allocator, ClaimChange, Rejection, defaults, validate_create, validate_status_update,
    validate_update,
};
use crate::objects::Invalid;

/// Makes a new Service ready to be stored.
///
/// Its metadata must be complete (name, namespace). On success the Service has every default,
/// address and node port, and the returned claims belong to it.
///
/// # Errors
/// [`Rejection`] with upstream's message. The Service may have been changed by then and mustn't be
/// used.
pub fn create(service: &mut Service, allocator: &mut Allocator) -> Result<ClaimChange, Rejection> {
    defaults(service);
    prepare_for_create(service);
    normalize_cluster_ips(None, service.spec.get_or_insert_default());
    let change = allocate_create(service, allocator)?;
    validate_create(service)?;
    Ok(change)
}

/// Makes a changed Service ready to be stored in place of `old`.
///
/// What the user left out of `new` and the cluster had allocated is kept. The caller must have
/// carried over the metadata that only the server sets.
///
/// # Errors
/// [`Rejection`] with upstream's message. `new` may have been changed by then and mustn't be used.
pub fn update(
    old: &Service,
    new: &mut Service,
    allocator: &mut Allocator,
) -> Result<ClaimChange, Rejection> {
    defaults(new);
    prepare_for_update(old, new);
    let old_spec = spec_of(old);
    let spec = new.spec.get_or_insert_default();
    patch_allocated_values(&old_spec, spec);
    normalize_cluster_ips(Some(&old_spec), spec);
    let change = allocate_update(old, new, allocator)?;
    validate_update(old, new)?;
    Ok(change)
}

/// Makes a Service with a new status ready to be stored: its specification stays as it was.
///
/// # Errors
/// [`Invalid`] with upstream's message.
pub fn update_status(old: &Service, new: &mut Service) -> Result<(), Invalid> {
    prepare_for_status_update(old, new);
    defaults(new);
    validate_status_update(old, new)
}
