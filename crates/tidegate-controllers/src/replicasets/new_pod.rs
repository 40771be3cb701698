//! The pod that a ReplicaSet creates.

use k8s_openapi::api::apps::v1::ReplicaSet;
use k8s_openapi::api::core::v1::Pod;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;

use crate::object;

/// A pod as the template describes it, managed by the ReplicaSet; the API server names it.
pub(super) fn new_pod(replica_set: &ReplicaSet) -> Pod {
    let template = replica_set
        .spec
        .as_ref()
        .and_then(|spec| spec.template.clone());
    let template = template.unwrap_or_default();
    let from_template = template.metadata.unwrap_or_default();
    Pod {
        metadata: ObjectMeta {
            namespace: replica_set.metadata.namespace.clone(),
            generate_name: Some(format!("{}-", object::name(&replica_set.metadata))),
            labels: from_template.labels,
            annotations: from_template.annotations,
            finalizers: from_template.finalizers,
            owner_references: object::managed_by(replica_set).map(|owner| vec![owner]),
            ..ObjectMeta::default()
        },
        spec: template.spec,
        status: None,
    }
}
