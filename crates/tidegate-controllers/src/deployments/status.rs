//! What a Deployment reports.

use std::time::Duration;

use jiff::Timestamp;
use k8s_openapi::api::apps::v1::{
    Deployment, DeploymentStatus, ReplicaSetCondition, ReplicaSetStatus,
};

use super::bounds::Bounds;
use super::condition::{AVAILABLE, Conditions, PROGRESSING, REPLICA_FAILURE, reasons};
use super::fleet::{Fleet, Ship};
use crate::object;

/// Upstream's way to say "no deadline".
const NO_DEADLINE: i32 = i32::MAX;

/// The numbers, and whether the least number of pods serves. Conditions about progress are taken
/// over as they are.
pub(super) fn numbers(deployment: &Deployment, fleet: &Fleet, now: Timestamp) -> DeploymentStatus {
    let known = deployment.status.clone().unwrap_or_default();
    let sum = |number: fn(&ReplicaSetStatus) -> Option<i32>| -> i64 {
        let reported = fleet.all().filter_map(Ship::status).filter_map(number);
        reported.map(i64::from).sum()
    };
    let total = sum(|status| Some(status.replicas));
    let available = fleet.available();
    let mut conditions = Conditions::of(known.conditions.as_ref());
    let (status, reason, has) = if available >= Bounds::of(deployment).fewest_available() {
        ("True", "MinimumReplicasAvailable", "has")
    } else {
        ("False", "MinimumReplicasUnavailable", "does not have")
    };
    let message = format!("Deployment {has} minimum availability.");
    conditions.set(AVAILABLE, status, reason, message, now);
    let current = fleet.current.as_ref().and_then(Ship::status);
    DeploymentStatus {
        observed_generation: deployment.metadata.generation,
        replicas: nonzero(total),
        updated_replicas: nonzero(current.map_or(0, |status| status.replicas.into())),
        ready_replicas: nonzero(sum(|status| status.ready_replicas)),
        available_replicas: nonzero(available),
        unavailable_replicas: nonzero((total - available).max(0)),
        terminating_replicas: nonzero(sum(|status| status.terminating_replicas)),
        collision_count: known.collision_count,
        conditions: conditions.into_list(),
    }
}

/// The numbers with the conditions that tell how the rollout goes.
pub(super) fn with_progress(
    deployment: &Deployment,
    fleet: &Fleet,
    now: Timestamp,
) -> DeploymentStatus {
    let mut status = numbers(deployment, fleet, now);
    let mut conditions = Conditions::of(status.conditions.as_ref());
    report_failure(&mut conditions, fleet, now);
    let settled = status.replicas == status.updated_replicas
        && conditions.reason(PROGRESSING) == Some(reasons::COMPLETE);
    if deadline(deployment).is_none() {
        conditions.remove(PROGRESSING);
    } else if !settled {
        let subject = match &fleet.current {
            Some(current) => format!("ReplicaSet {:?}", current.name()),
            None => format!("Deployment {:?}", object::name(&deployment.metadata)),
        };
        if is_complete(deployment, &status) {
            let message = format!("{subject} has successfully progressed.");
            conditions.set(PROGRESSING, "True", reasons::COMPLETE, message, now);
        } else if has_progressed(deployment, &status) {
            let message = format!("{subject} is progressing.");
            conditions.renew(PROGRESSING, "True", reasons::UPDATED, message, now);
        } else if time_left(deployment, &conditions, now) == Some(Duration::ZERO) {
            let message = format!("{subject} has timed out progressing.");
            conditions.set(PROGRESSING, "False", reasons::TIMED_OUT, message, now);
        }
    }
    status.conditions = conditions.into_list();
    status
}

/// How long an unfinished rollout may still go without progress; `None` if nothing limits it or
/// it is over.
pub(super) fn time_left(
    deployment: &Deployment,
    conditions: &Conditions,
    now: Timestamp,
) -> Option<Duration> {
    let deadline = deadline(deployment)?;
    let progressing = conditions.get(PROGRESSING)?;
    if matches!(
        progressing.reason.as_deref(),
        Some(reasons::COMPLETE | reasons::PAUSED)
    ) {
        return None;
    }
    if progressing.reason.as_deref() == Some(reasons::TIMED_OUT) {
        return Some(Duration::ZERO);
    }
    let since = progressing.last_update_time.as_ref()?.0;
    let passed = Duration::try_from(now.duration_since(since)).unwrap_or_default();
    Some(deadline.saturating_sub(passed))
}

/// Every pod is of the current template and serves, and no other is left.
pub(super) fn is_complete(deployment: &Deployment, status: &DeploymentStatus) -> bool {
    let wanted = nonzero(Bounds::of(deployment).replicas);
    status.updated_replicas == wanted
        && status.replicas == wanted
        && status.available_replicas == wanted
        && status.observed_generation >= deployment.metadata.generation
}

/// Upstream leaves zeros out of a Deployment's status.
fn nonzero(number: i64) -> Option<i32> {
    (number != 0).then(|| i32::try_from(number).unwrap_or(i32::MAX))
}

/// Whether the Deployment wants to be told when it gets stuck.
pub(super) fn deadline(deployment: &Deployment) -> Option<Duration> {
    let seconds = deployment
        .spec
        .as_ref()?
        .progress_deadline_seconds
        .unwrap_or(600);
    let seconds = u64::try_from(seconds)
        .ok()
        .filter(|_| seconds != NO_DEADLINE)?;
    Some(Duration::from_secs(seconds))
}

/// More new pods, fewer old ones, or more that serve than were last reported.
fn has_progressed(deployment: &Deployment, new: &DeploymentStatus) -> bool {
    let old = deployment.status.clone().unwrap_or_default();
    let number = |value: Option<i32>| i64::from(value.unwrap_or(0));
    let outdated =
        |status: &DeploymentStatus| number(status.replicas) - number(status.updated_replicas);
    number(new.updated_replicas) > number(old.updated_replicas)
        || outdated(new) < outdated(&old)
        || number(new.ready_replicas) > number(old.ready_replicas)
        || number(new.available_replicas) > number(old.available_replicas)
}

/// Takes over why a set can't do its work, the current set's reason before an old one's.
fn report_failure(conditions: &mut Conditions, fleet: &Fleet, now: Timestamp) {
    let ships = fleet.current.iter().chain(&fleet.old);
    let mut known = ships.filter_map(|ship| {
        let conditions = ship.status()?.conditions.iter().flatten();
        let mut failures = conditions.filter(|condition| condition.type_ == REPLICA_FAILURE);
        failures.next()
    });
    match known.next() {
        Some(ReplicaSetCondition {
            status,
            reason,
            message,
            ..
        }) => {
            let reason = reason.as_deref().unwrap_or_default();
            let message = message.clone().unwrap_or_default();
            conditions.set(REPLICA_FAILURE, status, reason, message, now);
        }
        None => conditions.remove(REPLICA_FAILURE),
    }
}
