//! Who owns an object, and who must agree to its deletion.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::OwnerReference;

use super::super::formats::qualified_name;
use super::super::{Cause, FieldPath};
use super::as_json;

/// Checks the owners; at most one of them controls the object.
pub(super) fn check_owners(path: &FieldPath, owners: &[OwnerReference]) -> Vec<Cause> {
    let mut causes = Vec::new();
    let mut controller: Option<&OwnerReference> = None;
    for owner in owners {
        for (field, value, complaint) in [
            (
                "apiVersion",
                &owner.api_version,
                "version must not be empty",
            ),
            ("kind", &owner.kind, "must not be empty"),
            ("name", &owner.name, "must not be empty"),
            ("uid", &owner.uid, "must not be empty"),
        ] {
            if value.is_empty() {
                causes.push(Cause::invalid(
                    &path.child(field),
                    value.as_str(),
                    complaint,
                ));
            }
        }
        if owner.kind == "Event" {
            let complaint = format!(
                "{}, Kind=Event is disallowed from being an owner",
                owner.api_version
            );
            causes.push(Cause::invalid(path, as_json(owner), complaint));
        }
        if owner.controller == Some(true) {
            if let Some(first) = controller {
                let complaint = format!(
                    "Only one reference can have Controller set to true. Found \"true\" in \
                     references for {} and {}",
                    first.name, owner.name
                );
                causes.push(Cause::invalid(path, as_json(owners), complaint));
            }
            controller = controller.or(Some(owner));
        }
    }
    causes
}

/// Checks a finalizer: a name of the API's own, or one with a prefix.
pub(super) fn check_finalizer(path: &FieldPath, finalizer: &str) -> Vec<Cause> {
    let faults = qualified_name(finalizer);
    let mut causes: Vec<Cause> = faults
        .iter()
        .map(|fault| Cause::invalid(path, finalizer, fault))
        .collect();
    let is_standard = matches!(finalizer, "kubernetes" | "orphan" | "foregroundDeletion");
    if causes.is_empty() && !finalizer.contains('/') && !is_standard {
        let complaint = "name is neither a standard finalizer name nor is it fully qualified";
        causes.push(Cause::invalid(path, finalizer, complaint));
    }
    causes
}
