//! Old sets that nobody can want back any more.

use std::sync::Arc;

use k8s_openapi::api::apps::v1::{Deployment, ReplicaSet};

use super::fleet::Fleet;
use super::revision::revision;

/// Old sets beyond the history limit, the oldest revisions first. Sets that still have pods or
/// have not caught up with their spec are kept.
pub(super) fn expired(deployment: &Deployment, fleet: &Fleet) -> Vec<Arc<ReplicaSet>> {
    let limit = deployment
        .spec
        .as_ref()
        .and_then(|spec| spec.revision_history_limit);
    let limit = usize::try_from(limit.unwrap_or(10)).unwrap_or(0);
    let mut old: Vec<_> = (fleet.old.iter())
        .filter_map(|ship| ship.stored.as_ref())
        .filter(|set| set.metadata.deletion_timestamp.is_none())
        .collect();
    old.sort_by_key(|set| revision(set));
    let beyond = old.len().saturating_sub(limit);
    let expired = old.into_iter().take(beyond).filter(|set| is_empty(set));
    expired.cloned().collect()
}

fn is_empty(set: &ReplicaSet) -> bool {
    let status = set.status.clone().unwrap_or_default();
    let asked_for = set
        .spec
        .as_ref()
        .and_then(|spec| spec.replicas)
        .unwrap_or(1);
    status.replicas == 0 && asked_for == 0 && status.observed_generation >= set.metadata.generation
}
