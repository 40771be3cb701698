//! Namespaces: defaults and validation.

use k8s_openapi::api::core::v1::{Namespace, NamespaceStatus};

use super::Invalid;
use super::object_meta::{self, NameFormat, Scope};

/// The label by which namespaces can be selected; its value is the name.
const NAME_LABEL: &str = "kubernetes.io/metadata.name";

const KIND: (&str, &str) = ("", "Namespace");

/// Labels a namespace with its name, which no one can change. Calling it again changes nothing.
pub fn defaults(namespace: &mut Namespace) {
    let Some(name) = namespace.metadata.name.clone() else {
        return;
    };
    namespace
        .metadata
        .labels
        .get_or_insert_default()
        .insert(NAME_LABEL.to_owned(), name);
}

/// Makes a new namespace active, and keeps it from vanishing before it is empty.
pub fn prepare_for_create(namespace: &mut Namespace) {
    const FINALIZER: &str = "kubernetes";
    namespace.status = Some(NamespaceStatus {
        phase: Some("Active".to_owned()),
        ..NamespaceStatus::default()
    });
    let finalizers = namespace
        .spec
        .get_or_insert_default()
        .finalizers
        .get_or_insert_default();
    if !finalizers.iter().any(|finalizer| finalizer == FINALIZER) {
        finalizers.push(FINALIZER.to_owned());
    }
}

/// Checks a new namespace.
///
/// # Errors
/// [`Invalid`] with every fault.
pub fn validate_create(namespace: &Namespace) -> Result<(), Invalid> {
    let causes = object_meta::check(&namespace.metadata, Scope::Cluster, NameFormat::Label);
    Invalid::unless_empty(KIND, namespace.metadata.name.as_deref(), causes)
}

/// Checks a changed namespace against what it was.
///
/// # Errors
/// [`Invalid`] with every fault.
pub fn validate_update(old: &Namespace, new: &Namespace) -> Result<(), Invalid> {
    let mut causes = object_meta::check_update(&old.metadata, &new.metadata);
    causes.extend(object_meta::check(
        &new.metadata,
        Scope::Cluster,
        NameFormat::Label,
    ));
    Invalid::unless_empty(KIND, new.metadata.name.as_deref(), causes)
}
