//! The pod that a StatefulSet creates.

use k8s_openapi::api::apps::v1::{ControllerRevision, StatefulSet};
use k8s_openapi::api::core::v1::Pod;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;

use super::identity::{REVISION_LABEL, labels, pod_name};
use super::revisions::template_of;
use crate::object;

/// The pod with this ordinal, as a revision describes it. Its host name and sub-domain are what
/// its name in the cluster's DNS is made of.
pub(super) fn new_pod(
    stateful_set: &StatefulSet,
    revision: &ControllerRevision,
    ordinal: i32,
) -> Pod {
    let template = template_of(revision);
    let from_template = template.metadata.unwrap_or_default();
    let name = pod_name(stateful_set, ordinal);
    let mut own_labels = from_template.labels.unwrap_or_default();
    own_labels.extend(labels(&name, ordinal));
    let revision = object::name(&revision.metadata).to_owned();
    own_labels.insert(REVISION_LABEL.to_owned(), revision);
    let mut spec = template.spec.unwrap_or_default();
    spec.hostname = Some(name.clone());
    let service = stateful_set.spec.as_ref();
    spec.subdomain = service.and_then(|spec| spec.service_name.clone());
    Pod {
        metadata: ObjectMeta {
            namespace: stateful_set.metadata.namespace.clone(),
            name: Some(name),
            labels: Some(own_labels),
            annotations: from_template.annotations,
            finalizers: from_template.finalizers,
            owner_references: object::managed_by(stateful_set).map(|owner| vec![owner]),
            ..ObjectMeta::default()
        },
        spec: Some(spec),
        status: None,
    }
}
