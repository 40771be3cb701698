//! What may not change in the metadata of an object that exists.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use serde_json::Value;

use super::super::{Cause, FieldPath};
use super::{as_json, immutable};

/// Checks what may not change in the metadata of an object that exists.
///
/// Fields that the API server itself sets are compared too, so it must carry them over from
/// `old` before it asks.
pub fn check_update(old: &ObjectMeta, new: &ObjectMeta) -> Vec<Cause> {
    let path = FieldPath::root("metadata");
    let mut causes = Vec::new();
    let mut keep = |field: &str, old: Value, new: Value| {
        if old != new {
            causes.push(immutable(&path.child(field), new));
        }
    };
    keep("name", as_json(&old.name), as_json(&new.name));
    keep(
        "namespace",
        as_json(&old.namespace),
        as_json(&new.namespace),
    );
    keep("uid", as_json(&old.uid), as_json(&new.uid));
    keep(
        "creationTimestamp",
        as_json(&old.creation_timestamp),
        as_json(&new.creation_timestamp),
    );
    keep(
        "deletionTimestamp",
        as_json(&old.deletion_timestamp),
        as_json(&new.deletion_timestamp),
    );
    keep(
        "deletionGracePeriodSeconds",
        as_json(&old.deletion_grace_period_seconds),
        as_json(&new.deletion_grace_period_seconds),
    );
    if old.deletion_timestamp.is_some() {
        causes.extend(check_no_new_finalizers(&path.child("finalizers"), old, new));
    }
    causes
}

fn check_no_new_finalizers(path: &FieldPath, old: &ObjectMeta, new: &ObjectMeta) -> Option<Cause> {
    let known = old.finalizers.as_deref().unwrap_or_default();
    let added: Vec<&str> = new
        .finalizers
        .iter()
        .flatten()
        .filter(|finalizer| !known.contains(finalizer))
        .map(String::as_str)
        .collect();
    if added.is_empty() {
        return None;
    }
    let added: Vec<String> = added.iter().map(|name| format!("{name:?}")).collect();
    let complaint = format!(
        "no new finalizers can be added if the object is being deleted, found new finalizers \
         []string{{{}}}",
        added.join(", ")
    );
    Some(Cause::forbidden(path, complaint))
}
