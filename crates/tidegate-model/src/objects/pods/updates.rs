//! What may change in a pod that exists: almost nothing, because it is already running.

use k8s_openapi::api::core::v1::{Container, PodSpec};

use super::super::object_meta::as_json;
use super::super::{Cause, FieldPath};
use super::spec::{check_not_negative, check_spec};

const MUTABLE_FIELDS: &str = "`spec.containers[*].image`,`spec.initContainers[*].image`,\
     `spec.activeDeadlineSeconds`,`spec.tolerations` (only additions to existing tolerations),\
     `spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)";

/// Compares a changed specification with what it was.
pub(super) fn check(old: &PodSpec, new: &PodSpec) -> Vec<Cause> {
    let path = FieldPath::root("spec");
    let mut causes = check_spec(&path, new);
    if old.containers.len() != new.containers.len() {
        let complaint = "pod updates may not add or remove containers";
        causes.push(Cause::forbidden(&path.child("containers"), complaint));
        return causes;
    }
    causes.extend(check_deadline(
        &path.child("activeDeadlineSeconds"),
        old,
        new,
    ));
    causes.extend(check_tolerations(&path.child("tolerations"), old, new));
    let differing = differing_fields(old, new);
    if !differing.is_empty() {
        // Upstream appends a Go diff here; the names of the fields say the same in less space.
        let complaint = format!(
            "pod updates may not change fields other than {MUTABLE_FIELDS}\nchanged: {}",
            differing.join(", ")
        );
        causes.push(Cause::forbidden(&path, complaint));
    }
    causes
}

/// A deadline can be set or come closer, never move away.
fn check_deadline(path: &FieldPath, old: &PodSpec, new: &PodSpec) -> Option<Cause> {
    let before = old.active_deadline_seconds?;
    match new.active_deadline_seconds {
        None => {
            let complaint = "must not update from a positive integer to nil value";
            Some(Cause::invalid(path, serde_json::Value::Null, complaint))
        }
        Some(now) if now < 0 => check_not_negative(path, Some(now)),
        Some(now) if now > before => {
            let complaint = "must be less than or equal to previous value";
            Some(Cause::invalid(path, now, complaint))
        }
        Some(_) => None,
    }
}

fn check_tolerations(path: &FieldPath, old: &PodSpec, new: &PodSpec) -> Option<Cause> {
    let after = new.tolerations.as_deref().unwrap_or_default();
    let mut before = old.tolerations.iter().flatten();
    let is_kept = before.all(|former| {
        after.iter().any(|toleration| {
            let mut former = former.clone();
            former.toleration_seconds = toleration.toleration_seconds;
            former == *toleration
        })
    });
    (!is_kept).then(|| {
        let complaint = "existing toleration can not be modified except its tolerationSeconds";
        Cause::forbidden(path, complaint)
    })
}

/// The fields of the specification that changed although they may not.
fn differing_fields(old: &PodSpec, new: &PodSpec) -> Vec<String> {
    let mut allowed = new.clone();
    keep_images(&old.containers, &mut allowed.containers);
    let former = old.init_containers.as_deref().unwrap_or_default();
    keep_images(
        former,
        allowed.init_containers.as_deref_mut().unwrap_or_default(),
    );
    allowed.active_deadline_seconds = old.active_deadline_seconds;
    allowed.tolerations.clone_from(&old.tolerations);
    let grace = (
        old.termination_grace_period_seconds,
        new.termination_grace_period_seconds,
    );
    if matches!(grace, (Some(..0), Some(1))) {
        allowed.termination_grace_period_seconds = grace.0;
    }
    if allowed == *old {
        return Vec::new();
    }
    let (old, new) = (as_json(old), as_json(&allowed));
    let (Some(old), Some(new)) = (old.as_object(), new.as_object()) else {
        return Vec::new();
    };
    let mut names: Vec<&String> = old.keys().chain(new.keys()).collect();
    names.sort_unstable();
    names.dedup();
    names.retain(|name| old.get(*name) != new.get(*name));
    names
        .into_iter()
        .map(|name| format!("spec.{name}"))
        .collect()
}

fn keep_images(old: &[Container], new: &mut [Container]) {
    for (old, new) in old.iter().zip(new) {
        new.image.clone_from(&old.image);
    }
}
