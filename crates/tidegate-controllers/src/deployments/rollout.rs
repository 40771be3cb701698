//! The decision: what a Deployment's sets should be next, and what it reports.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use k8s_openapi::api::apps::v1::{Deployment, DeploymentStatus, ReplicaSet};

use super::bounds::{Bounds, is_recreate};
use super::condition::{Conditions, PROGRESSING, reasons};
use super::fleet::{Fleet, Ship};
use super::{history, recreate, revision, rolling, scaling, status};

/// Everything the decision depends on.
#[derive(Debug)]
pub(super) struct Input<'a> {
    pub(super) deployment: &'a Deployment,
    /// The sets that the Deployment manages.
    pub(super) replica_sets: &'a [Arc<ReplicaSet>],
    /// The uids of sets that have pods which have not ended yet. Only Recreate asks.
    pub(super) running: &'a [String],
    pub(super) now: Timestamp,
}

/// What to write.
#[derive(Debug)]
pub(super) struct Decision {
    /// Sets that differ from what is stored, or are not stored yet.
    pub(super) ships: Vec<Ship>,
    /// Sets beyond the history limit.
    pub(super) expired: Vec<Arc<ReplicaSet>>,
    /// The revision that the Deployment should carry, if it should carry one.
    pub(super) revision: Option<String>,
    pub(super) status: DeploymentStatus,
    /// When the rollout counts as stuck if nothing happens until then.
    pub(super) stuck_in: Option<Duration>,
}

/// Takes one step. Every step changes sets only as far as the bounds allow with what the sets
/// last reported, so that a step can be repeated or lost without harm.
pub(super) fn decide(input: &Input<'_>) -> Decision {
    let Input {
        deployment, now, ..
    } = *input;
    let bounds = Bounds::of(deployment);
    let mut fleet = Fleet::of(deployment, input.replica_sets);
    let paused = deployment.spec.as_ref().and_then(|spec| spec.paused) == Some(true);
    let mut decision = Decision {
        ships: Vec::new(),
        expired: Vec::new(),
        revision: None,
        status: DeploymentStatus::default(),
        stuck_in: None,
    };
    if deployment.metadata.deletion_timestamp.is_some() {
        decision.status = status::numbers(deployment, &fleet, now);
        return decision;
    }
    let scaled = paused || scaling::is_wanted(&fleet, bounds);
    let old_pods_run = old_pods_run(&fleet, input.running);
    let must_wait = is_recreate(deployment) && !recreate::may_start(&fleet, old_pods_run);
    let is_new = fleet.current.is_none() && !scaled && !must_wait;
    if is_new {
        fleet.current = Some(Ship::build(deployment));
    }
    decision.revision = revision::sync_revision(deployment, &mut fleet);
    if scaled {
        let reported = deployment
            .status
            .as_ref()
            .and_then(|status| status.replicas);
        scaling::step(
            &mut fleet,
            bounds,
            !is_recreate(deployment),
            reported.unwrap_or(0).into(),
        );
        decision.status = status::numbers(deployment, &fleet, now);
    } else {
        if is_recreate(deployment) {
            recreate::step(&mut fleet, bounds, old_pods_run);
        } else {
            rolling::step(&mut fleet, bounds);
        }
        decision.status = status::with_progress(deployment, &fleet, now);
        if status::is_complete(deployment, &decision.status) {
            decision.expired = history::expired(deployment, &fleet);
        }
    }
    let conditions = announce(deployment, &fleet, &decision.status, paused, is_new, now);
    decision.stuck_in =
        status::time_left(deployment, &conditions, now).filter(|left| !left.is_zero());
    decision.status.conditions = conditions.into_list();
    decision.ships = fleet
        .old
        .into_iter()
        .chain(fleet.current)
        .filter(Ship::differs)
        .collect();
    decision
}

fn old_pods_run(fleet: &Fleet, running: &[String]) -> bool {
    let old = fleet
        .old
        .iter()
        .filter_map(|ship| ship.wanted.metadata.uid.as_ref());
    old.into_iter().any(|uid| running.contains(uid))
}

/// Progress that is an event rather than a number: a new set, a pause, its end.
fn announce(
    deployment: &Deployment,
    fleet: &Fleet,
    status: &DeploymentStatus,
    paused: bool,
    is_new: bool,
    now: Timestamp,
) -> Conditions {
    let mut conditions = Conditions::of(status.conditions.as_ref());
    if status::deadline(deployment).is_none() {
        return conditions;
    }
    let reason = conditions.reason(PROGRESSING).map(str::to_owned);
    let was_paused = reason.as_deref() == Some(reasons::PAUSED);
    let current = fleet.current.as_ref().map(Ship::name).unwrap_or_default();
    let mut set =
        |status, reason, message| conditions.set(PROGRESSING, status, reason, message, now);
    if paused {
        if !was_paused && reason.as_deref() != Some(reasons::TIMED_OUT) {
            set(
                "Unknown",
                reasons::PAUSED,
                "Deployment is paused".to_owned(),
            );
        }
    } else if is_new {
        set(
            "True",
            reasons::CREATED,
            format!("Created new replica set {current:?}"),
        );
    } else if was_paused {
        set(
            "Unknown",
            reasons::RESUMED,
            "Deployment is resumed".to_owned(),
        );
    } else if reason.is_none() && fleet.current.is_some() {
        set(
            "True",
            reasons::FOUND,
            format!("Found new replica set {current:?}"),
        );
    }
    conditions
}

impl Ship {
    /// There is something to write.
    fn differs(&self) -> bool {
        self.stored
            .as_deref()
            .is_none_or(|stored| *stored != self.wanted)
    }
}
