//! Revisions: the numbers by which `kubectl rollout undo` and `history` know templates.

use std::collections::BTreeMap;

use k8s_openapi::api::apps::v1::{Deployment, ReplicaSet};

use super::fleet::{Fleet, Ship};
use crate::object;

/// The number of a template, on the Deployment and on its sets.
pub(super) const REVISION: &str = "deployment.kubernetes.io/revision";
/// The numbers a set had before it became current again.
const REVISION_HISTORY: &str = "deployment.kubernetes.io/revision-history";
/// How many pods the Deployment wanted when the set was last scaled.
pub(super) const DESIRED_REPLICAS: &str = "deployment.kubernetes.io/desired-replicas";
/// How many pods, surge included, it allowed then.
pub(super) const MAX_REPLICAS: &str = "deployment.kubernetes.io/max-replicas";

/// Annotations of a Deployment that say nothing about its sets.
const NOT_COPIED: [&str; 6] = [
    "kubectl.kubernetes.io/last-applied-configuration",
    "deprecated.deployment.rollback.to",
    REVISION,
    REVISION_HISTORY,
    DESIRED_REPLICAS,
    MAX_REPLICAS,
];
/// The longest history that is kept in an annotation, in characters.
const LONGEST_HISTORY: usize = 2000;

/// Gives the current set the highest revision and the Deployment's annotations; answers the
/// revision that the Deployment should carry.
pub(super) fn sync_revision(deployment: &Deployment, fleet: &mut Fleet) -> Option<String> {
    let highest_old = fleet.old.iter().map(|ship| revision(&ship.wanted)).max();
    let current = fleet.current.as_mut()?;
    let own = revision(&current.wanted);
    let newest = highest_old.unwrap_or(0).saturating_add(1);
    if own < newest {
        if own > 0 {
            remember(current, own);
        }
        current.annotate(REVISION, newest.to_string());
    }
    for (name, value) in copied(deployment) {
        current.annotate(name, value.clone());
    }
    let min_ready = deployment
        .spec
        .as_ref()
        .and_then(|spec| spec.min_ready_seconds);
    current
        .wanted
        .spec
        .get_or_insert_default()
        .min_ready_seconds = min_ready;
    Some(own.max(newest).to_string())
}

/// The revision of a set, 0 if it has none.
pub(super) fn revision(set: &ReplicaSet) -> i64 {
    let annotation = object::annotation(&set.metadata, REVISION);
    annotation.and_then(|text| text.parse().ok()).unwrap_or(0)
}

fn copied(deployment: &Deployment) -> impl Iterator<Item = (&String, &String)> {
    let annotations: Option<&BTreeMap<_, _>> = deployment.metadata.annotations.as_ref();
    let annotations = annotations.into_iter().flatten();
    annotations.filter(|(name, _)| !NOT_COPIED.contains(&name.as_str()))
}

fn remember(ship: &mut Ship, revision: i64) {
    let known = object::annotation(&ship.wanted.metadata, REVISION_HISTORY).unwrap_or_default();
    let mut history: Vec<&str> = known.split(',').filter(|entry| !entry.is_empty()).collect();
    let newest = revision.to_string();
    history.push(&newest);
    let mut text = history.join(",");
    while text.len() > LONGEST_HISTORY && history.len() > 1 {
        history.remove(0);
        text = history.join(",");
    }
    ship.annotate(REVISION_HISTORY, text);
}
