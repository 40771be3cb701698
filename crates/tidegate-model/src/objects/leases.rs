//! Leases: validation (coordination.k8s.io/v1).

use k8s_openapi::api::coordination::v1::{Lease, LeaseSpec};

use super::object_meta::{self, NameFormat, Scope};
use super::pods::check_not_negative;
use super::{Cause, FieldPath, Invalid};

const KIND: (&str, &str) = ("coordination.k8s.io", "Lease");

/// Checks a new lease.
///
/// # Errors
/// [`Invalid`] with every fault.
pub fn validate_create(lease: &Lease) -> Result<(), Invalid> {
    Invalid::unless_empty(KIND, lease.metadata.name.as_deref(), check(lease))
}

/// Checks a changed lease against what it was.
///
/// # Errors
/// [`Invalid`] with every fault.
pub fn validate_update(old: &Lease, new: &Lease) -> Result<(), Invalid> {
    let mut causes = object_meta::check_update(&old.metadata, &new.metadata);
    causes.extend(check(new));
    Invalid::unless_empty(KIND, new.metadata.name.as_deref(), causes)
}

fn check(lease: &Lease) -> Vec<Cause> {
    let mut causes = object_meta::check(&lease.metadata, Scope::Namespaced, NameFormat::Subdomain);
    if let Some(spec) = &lease.spec {
        causes.extend(check_spec(&FieldPath::root("spec"), spec));
    }
    causes
}

fn check_spec(path: &FieldPath, spec: &LeaseSpec) -> Vec<Cause> {
    let mut causes = Vec::new();
    if spec.holder_identity.as_deref() == Some("") {
        causes.push(Cause::invalid(
            &path.child("holderIdentity"),
            "",
            "must not be empty",
        ));
    }
    if let Some(seconds) = spec.lease_duration_seconds.filter(|&seconds| seconds <= 0) {
        let path = path.child("leaseDurationSeconds");
        causes.push(Cause::invalid(&path, seconds, "must be greater than 0"));
    }
    let transitions = spec.lease_transitions.map(i64::from);
    causes.extend(check_not_negative(
        &path.child("leaseTransitions"),
        transitions,
    ));
    causes
}
