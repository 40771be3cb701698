//! Events: validation (core/v1, the form that `kubectl describe` reads).

use k8s_openapi::api::core::v1::Event;

use super::object_meta::{self, NameFormat, Scope};
use super::{Cause, FieldPath, Invalid};

const KIND: (&str, &str) = ("", "Event");

/// The namespace that tells of objects without a namespace.
const CLUSTER_EVENTS: &str = "default";

/// Checks an event, new or changed: it must live where the object lives that it tells of.
///
/// # Errors
/// [`Invalid`] with every fault.
pub fn validate(event: &Event) -> Result<(), Invalid> {
    let mut causes =
        object_meta::check(&event.metadata, Scope::Namespaced, NameFormat::PathSegment);
    let own = event.metadata.namespace.as_deref().unwrap_or_default();
    let involved = event
        .involved_object
        .namespace
        .as_deref()
        .unwrap_or_default();
    let is_at_home = match involved {
        "" => matches!(own, CLUSTER_EVENTS | "kube-system"),
        involved => involved == own,
    };
    if !is_at_home {
        let path = FieldPath::root("involvedObject").child("namespace");
        causes.push(Cause::invalid(
            &path,
            involved,
            "does not match event.namespace",
        ));
    }
    Invalid::unless_empty(KIND, event.metadata.name.as_deref(), causes)
}
