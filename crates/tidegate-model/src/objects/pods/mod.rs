//! Pods: defaults, validation, and what may change once a pod exists.
//!
//! Tidegate runs pods as processes without a container engine, so resources, volumes and security
//! settings are checked only as far as it acts on them; the rest is stored as it was sent.

mod containers;
mod defaults;
mod mounts;
mod probes;
mod quality_of_service;
mod spec;
mod updates;

use k8s_openapi::api::core::v1::{Pod, PodStatus};

pub(super) use defaults::default_spec;
pub(super) use spec::{check_not_negative, check_spec};

use super::object_meta::{self, NameFormat, Scope};
use super::{FieldPath, Invalid};

const KIND: (&str, &str) = ("", "Pod");

/// Fills in the defaults of a pod (core/v1 `SetDefaults_Pod` and below).
///
/// Calling it again changes nothing.
pub fn defaults(pod: &mut Pod) {
    let spec = pod.spec.get_or_insert_default();
    defaults::default_spec(spec);
    defaults::default_requests(spec);
    spec.enable_service_links.get_or_insert(true);
}

/// Gives a new pod its first status, whatever its author sent.
pub fn prepare_for_create(pod: &mut Pod) {
    let class = pod.spec.as_ref().map(quality_of_service::class);
    pod.status = Some(PodStatus {
        phase: Some("Pending".to_owned()),
        qos_class: class.map(str::to_owned),
        ..PodStatus::default()
    });
}

/// Checks a new pod, after its defaults.
///
/// # Errors
/// [`Invalid`] with every fault.
pub fn validate_create(pod: &Pod) -> Result<(), Invalid> {
    let mut causes = object_meta::check(&pod.metadata, Scope::Namespaced, NameFormat::Subdomain);
    let spec = pod.spec.clone().unwrap_or_default();
    causes.extend(check_spec(&FieldPath::root("spec"), &spec));
    Invalid::unless_empty(KIND, pod.metadata.name.as_deref(), causes)
}

/// Checks a changed pod against what it was: images, a deadline and tolerations may change.
///
/// The node of a pod is set by binding, not by an update.
///
/// # Errors
/// [`Invalid`] with every fault.
pub fn validate_update(old: &Pod, new: &Pod) -> Result<(), Invalid> {
    let mut causes = object_meta::check(&new.metadata, Scope::Namespaced, NameFormat::Subdomain);
    causes.extend(object_meta::check_update(&old.metadata, &new.metadata));
    let (old_spec, new_spec) = (
        old.spec.clone().unwrap_or_default(),
        new.spec.clone().unwrap_or_default(),
    );
    causes.extend(updates::check(&old_spec, &new_spec));
    Invalid::unless_empty(KIND, new.metadata.name.as_deref(), causes)
}

#[cfg(test)]
mod tests;
