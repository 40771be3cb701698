//! ReplicaSets: defaults and validation (apps/v1).

use k8s_openapi::api::apps::v1::ReplicaSet;

use super::object_meta::{self, NameFormat, Scope};
use super::pod_templates::{check_selected_template, check_selector_stays, default_template};
use super::pods::check_not_negative;
use super::{Cause, FieldPath, Invalid};

const KIND: (&str, &str) = ("apps", "ReplicaSet");

/// Fills in the defaults of a ReplicaSet and of its pods. Calling it again changes nothing.
pub fn defaults(replica_set: &mut ReplicaSet) {
    let spec = replica_set.spec.get_or_insert_default();
    spec.replicas.get_or_insert(1);
    spec.template.iter_mut().for_each(default_template);
}

/// Checks a new ReplicaSet, after its defaults.
///
/// # Errors
/// [`Invalid`] with every fault.
pub fn validate_create(replica_set: &ReplicaSet) -> Result<(), Invalid> {
    let causes = check(replica_set);
    Invalid::unless_empty(KIND, replica_set.metadata.name.as_deref(), causes)
}

/// Checks a changed ReplicaSet against what it was: its selector stays.
///
/// # Errors
/// [`Invalid`] with every fault.
pub fn validate_update(old: &ReplicaSet, new: &ReplicaSet) -> Result<(), Invalid> {
    let mut causes = object_meta::check_update(&old.metadata, &new.metadata);
    causes.extend(check(new));
    if let (Some(old), Some(new)) = (&old.spec, &new.spec) {
        causes.extend(check_selector_stays(&old.selector, &new.selector));
    }
    Invalid::unless_empty(KIND, new.metadata.name.as_deref(), causes)
}

fn check(replica_set: &ReplicaSet) -> Vec<Cause> {
    let mut causes = object_meta::check(
        &replica_set.metadata,
        Scope::Namespaced,
        NameFormat::Subdomain,
    );
    let spec = replica_set.spec.clone().unwrap_or_default();
    let path = FieldPath::root("spec");
    for (field, value) in [
        ("replicas", spec.replicas),
        ("minReadySeconds", spec.min_ready_seconds),
    ] {
        causes.extend(check_not_negative(&path.child(field), value.map(i64::from)));
    }
    match &spec.template {
        Some(template) => causes.extend(check_selected_template(
            "ReplicaSet",
            &path,
            &spec.selector,
            template,
        )),
        None => causes.push(Cause::required(&path.child("template"), "")),
    }
    causes
}
