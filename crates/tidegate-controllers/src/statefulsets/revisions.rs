//! Revisions: what a StatefulSet's pods were and are made from.
//!
//! They are kept as upstream keeps them, as patches of the set, because `kubectl rollout history`
//! reads them and `kubectl rollout undo` applies them.

use std::collections::BTreeSet;
use std::sync::Arc;

use k8s_openapi::api::apps::v1::{ControllerRevision, StatefulSet};
use k8s_openapi::api::core::v1::{Pod, PodTemplateSpec};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use k8s_openapi::apimachinery::pkg::runtime::RawExtension;
use serde_json::{Value, json};

use super::identity::revision_of;
use crate::{object, template_hash};

const HASH_LABEL: &str = "controller.kubernetes.io/hash";

/// The newest revision, as it should be and as it is stored.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Newest {
    /// It is there.
    Stored(Arc<ControllerRevision>),
    /// It is to be created.
    Missing(Box<ControllerRevision>),
    /// The set went back to it: it is to get this higher number.
    Returned(Arc<ControllerRevision>, i64),
}

/// Finds the revision of the set's present template among those that it has.
pub(super) fn newest(stateful_set: &StatefulSet, known: &[Arc<ControllerRevision>]) -> Newest {
    let data = data_of(stateful_set);
    let highest = known.iter().map(|revision| revision.revision).max();
    let next = highest.unwrap_or(0).saturating_add(1);
    let equal = known
        .iter()
        .filter(|revision| revision.data.as_ref().is_some_and(|known| known.0 == data));
    match equal.max_by_key(|revision| revision.revision) {
        Some(equal) if Some(equal.revision) == highest => Newest::Stored(Arc::clone(equal)),
        Some(equal) => Newest::Returned(Arc::clone(equal), next),
        None => Newest::Missing(Box::new(new_revision(stateful_set, data, next))),
    }
}

/// The template that a revision keeps; an empty one if someone else wrote what is no template.
pub(super) fn template_of(revision: &ControllerRevision) -> PodTemplateSpec {
    let data = revision.data.as_ref();
    let template = data.map(|data| data.0["spec"]["template"].clone());
    serde_json::from_value(template.unwrap_or_default()).unwrap_or_default()
}

/// Revisions that nothing is made from any more, beyond the history limit, the oldest first.
pub(super) fn expired(
    stateful_set: &StatefulSet,
    known: &[Arc<ControllerRevision>],
    in_use: [&ControllerRevision; 2],
    pods: &[Arc<Pod>],
) -> Vec<Arc<ControllerRevision>> {
    let spec = stateful_set.spec.as_ref();
    let limit = spec.and_then(|spec| spec.revision_history_limit);
    let limit = usize::try_from(limit.unwrap_or(10)).unwrap_or(0);
    let of_pods = pods.iter().map(|pod| revision_of(pod));
    let in_use: BTreeSet<&str> = (in_use.iter())
        .map(|revision| object::name(&revision.metadata))
        .chain(of_pods)
        .collect();
    let unused = known.iter();
    let mut unused: Vec<_> = unused
        .filter(|revision| !in_use.contains(object::name(&revision.metadata)))
        .cloned()
        .collect();
    unused.sort_by_key(|revision| revision.revision);
    unused.truncate(unused.len().saturating_sub(limit));
    unused
}

fn new_revision(stateful_set: &StatefulSet, data: Value, number: i64) -> ControllerRevision {
    let status = stateful_set.status.as_ref();
    let collisions = status
        .and_then(|status| status.collision_count)
        .unwrap_or(0);
    let hash = template_hash::hash(data.to_string().as_bytes(), collisions);
    let spec = stateful_set.spec.as_ref();
    let template = spec.and_then(|spec| spec.template.metadata.as_ref());
    let mut labels = template
        .and_then(|metadata| metadata.labels.clone())
        .unwrap_or_default();
    labels.insert(HASH_LABEL.to_owned(), hash.clone());
    ControllerRevision {
        metadata: ObjectMeta {
            namespace: stateful_set.metadata.namespace.clone(),
            name: Some(format!("{}-{hash}", object::name(&stateful_set.metadata))),
            labels: Some(labels),
            annotations: stateful_set.metadata.annotations.clone(),
            owner_references: object::managed_by(stateful_set).map(|owner| vec![owner]),
            ..ObjectMeta::default()
        },
        data: Some(RawExtension(data)),
        revision: number,
    }
}

/// A patch that gives a set this one's template.
fn data_of(stateful_set: &StatefulSet) -> Value {
    let template = stateful_set.spec.as_ref().map(|spec| &spec.template);
    let mut template = json!(template);
    template["$patch"] = json!("replace");
    json!({"spec": {"template": template}})
}
