//! Validation of `metadata`, which all kinds have in common (apimachinery's `ValidateObjectMeta`).

mod references;
mod updates;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use serde_json::Value;

use references::{check_finalizer, check_owners};
pub use updates::check_update;

use super::formats::{dns_label, dns_subdomain};
use super::labels::{check_annotations, check_labels};
use super::{Cause, FieldPath};

/// What `metadata.name` of a kind must look like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NameFormat {
    /// A single DNS label: Services and namespaces.
    Label,
    /// Labels joined by dots: most kinds.
    Subdomain,
    /// Anything that can be one segment of a URL path: events.
    PathSegment,
}

impl NameFormat {
    /// What is wrong with a name; an empty list means that it is good.
    pub fn complaints(self, name: &str) -> Vec<String> {
        match self {
            Self::Label => dns_label(name),
            Self::Subdomain => dns_subdomain(name),
            Self::PathSegment => path_segment(name),
        }
    }
}

fn path_segment(name: &str) -> Vec<String> {
    if matches!(name, "." | "..") {
        return vec![format!("may not be '{name}'")];
    }
    let banned = ['/', '%'].into_iter().filter(|&c| name.contains(c));
    banned.map(|c| format!("may not contain '{c}'")).collect()
}

/// Whether a kind's objects live in a namespace.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// The object must name its namespace.
    Namespaced,
    /// The object may not name one.
    Cluster,
}

/// Checks the metadata of any object, new or changed.
pub fn check(meta: &ObjectMeta, scope: Scope, format: NameFormat) -> Vec<Cause> {
    let path = FieldPath::root("metadata");
    let mut causes = check_names(&path, meta, format);
    causes.extend(check_namespace(&path, meta, scope));
    if meta.generation.unwrap_or(0) < 0 {
        let complaint = "must be greater than or equal to 0";
        causes.push(Cause::invalid(
            &path.child("generation"),
            meta.generation,
            complaint,
        ));
    }
    if let Some(labels) = &meta.labels {
        causes.extend(check_labels(&path.child("labels"), labels));
    }
    if let Some(annotations) = &meta.annotations {
        causes.extend(check_annotations(&path.child("annotations"), annotations));
    }
    let owners = meta.owner_references.as_deref().unwrap_or_default();
    causes.extend(check_owners(&path.child("ownerReferences"), owners));
    for finalizer in meta.finalizers.iter().flatten() {
        causes.extend(check_finalizer(&path.child("finalizers"), finalizer));
    }
    causes
}

fn check_names(path: &FieldPath, meta: &ObjectMeta, format: NameFormat) -> Vec<Cause> {
    let mut causes = Vec::new();
    if let Some(prefix) = meta
        .generate_name
        .as_deref()
        .filter(|prefix| !prefix.is_empty())
    {
        // A random suffix follows, so a prefix may end in a hyphen that a name may not end in.
        let as_name = match prefix.strip_suffix('-') {
            Some(stem) if !stem.is_empty() => format!("{stem}a"),
            _ => prefix.to_owned(),
        };
        let path = path.child("generateName");
        let complaints = format.complaints(&as_name);
        causes.extend(
            complaints
                .iter()
                .map(|text| Cause::invalid(&path, prefix, text)),
        );
    }
    let name_path = path.child("name");
    match meta.name.as_deref().unwrap_or_default() {
        "" => causes.push(Cause::required(
            &name_path,
            "name or generateName is required",
        )),
        name => {
            let complaints = format.complaints(name);
            causes.extend(
                complaints
                    .iter()
                    .map(|text| Cause::invalid(&name_path, name, text)),
            );
        }
    }
    causes
}

fn check_namespace(path: &FieldPath, meta: &ObjectMeta, scope: Scope) -> Vec<Cause> {
    let path = path.child("namespace");
    let namespace = meta.namespace.as_deref().unwrap_or_default();
    match scope {
        Scope::Namespaced if namespace.is_empty() => vec![Cause::required(&path, "")],
        Scope::Namespaced => dns_label(namespace)
            .iter()
            .map(|complaint| Cause::invalid(&path, namespace, complaint))
            .collect(),
        Scope::Cluster if namespace.is_empty() => Vec::new(),
        Scope::Cluster => vec![Cause::forbidden(&path, "not allowed on this type")],
    }
}

/// The complaint about a field that may not change.
pub(crate) fn immutable(path: &FieldPath, new: Value) -> Cause {
    Cause::invalid(path, new, "field is immutable")
}

/// The JSON form of a part of an object, as messages quote it.
pub(crate) fn as_json<T: serde::Serialize + ?Sized>(value: &T) -> Value {
    // Only maps with keys that aren't strings fail to serialise, and the API has none.
    serde_json::to_value(value).unwrap_or(Value::Null)
}

#[cfg(test)]
mod tests;
