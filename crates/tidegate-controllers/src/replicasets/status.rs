//! What a ReplicaSet reports.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use k8s_openapi::api::apps::v1::{ReplicaSet, ReplicaSetCondition, ReplicaSetStatus};
use k8s_openapi::api::core::v1::Pod;
use kube::core::{Selector, SelectorExt};

use crate::pods;
use crate::time::api_time;

/// The condition that tells why pods could not be created or deleted.
const REPLICA_FAILURE: &str = "ReplicaFailure";

/// What went wrong while pods were created or deleted.
#[derive(Clone, Debug)]
pub(super) struct Failure {
    pub(super) reason: &'static str,
    pub(super) message: String,
}

/// The status for these pods, and when a ready pod is going to be available next.
pub(super) fn status(
    replica_set: &ReplicaSet,
    owned: &[Arc<Pod>],
    failure: Option<Failure>,
    now: Timestamp,
) -> (ReplicaSetStatus, Option<Duration>) {
    let spec = replica_set.spec.as_ref();
    let template = spec.and_then(|spec| spec.template.as_ref()?.metadata.as_ref()?.labels.clone());
    let template: Selector = template.unwrap_or_default().into_iter().collect();
    let min_ready = min_ready(replica_set);
    let mut status = ReplicaSetStatus {
        observed_generation: replica_set.metadata.generation,
        conditions: conditions(replica_set, failure, now),
        ..ReplicaSetStatus::default()
    };
    let (mut labelled, mut ready, mut available, mut terminating) = (0, 0, 0, 0);
    let mut next_available: Option<Duration> = None;
    for pod in owned.iter().filter(|pod| !pods::is_finished(pod)) {
        if pods::is_terminating(pod) {
            terminating += 1;
            continue;
        }
        status.replicas += 1;
        let empty = Default::default();
        labelled += i32::from(template.matches(pod.metadata.labels.as_ref().unwrap_or(&empty)));
        ready += i32::from(pods::is_ready(pod));
        match pods::available_in(pod, min_ready, now) {
            Some(Duration::ZERO) => available += 1,
            Some(wait) => next_available = Some(next_available.map_or(wait, |next| next.min(wait))),
            None => {}
        }
    }
    status.fully_labeled_replicas = Some(labelled);
    status.ready_replicas = Some(ready);
    status.available_replicas = Some(available);
    status.terminating_replicas = Some(terminating);
    (status, next_available)
}

/// Whether two statuses mean the same; absent numbers are zeros.
pub(super) fn same(a: &ReplicaSetStatus, b: &ReplicaSetStatus) -> bool {
    let numbers = |status: &ReplicaSetStatus| {
        [
            Some(status.replicas),
            status.fully_labeled_replicas,
            status.ready_replicas,
            status.available_replicas,
            status.terminating_replicas,
        ]
        .map(Option::unwrap_or_default)
    };
    numbers(a) == numbers(b)
        && a.observed_generation == b.observed_generation
        && a.conditions.as_deref().unwrap_or_default()
            == b.conditions.as_deref().unwrap_or_default()
}

fn min_ready(replica_set: &ReplicaSet) -> Duration {
    let spec = replica_set.spec.as_ref();
    let seconds = spec.and_then(|spec| spec.min_ready_seconds).unwrap_or(0);
    Duration::from_secs(u64::try_from(seconds).unwrap_or(0))
}

/// The failure condition comes with a first failure and goes with it; a failure that goes on
/// keeps the time at which it began.
fn conditions(
    replica_set: &ReplicaSet,
    failure: Option<Failure>,
    now: Timestamp,
) -> Option<Vec<ReplicaSetCondition>> {
    let known = replica_set
        .status
        .as_ref()
        .and_then(|status| status.conditions.clone());
    let (before, mut conditions): (Vec<_>, Vec<_>) = (known.unwrap_or_default().into_iter())
        .partition(|condition| condition.type_ == REPLICA_FAILURE);
    if let Some(failure) = failure {
        let same = |old: &ReplicaSetCondition| old.reason.as_deref() == Some(failure.reason);
        conditions.push(match before.into_iter().find(same) {
            Some(known) => known,
            None => ReplicaSetCondition {
                type_: REPLICA_FAILURE.to_owned(),
                status: "True".to_owned(),
                reason: Some(failure.reason.to_owned()),
                message: Some(failure.message),
                last_transition_time: Some(api_time(now)),
            },
        });
    }
    (!conditions.is_empty()).then_some(conditions)
}
