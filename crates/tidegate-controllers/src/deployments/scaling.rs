//! Scaling in the middle of a rollout.
//!
//! While old and new pods run side by side, a new size is shared out in proportion, so that the
//! risk of the new version stays what the user accepted.

use super::bounds::Bounds;
use super::fleet::{Fleet, Ship};
use super::revision::{DESIRED_REPLICAS, MAX_REPLICAS};
use crate::object;

/// The wanted number of pods changed since an active set was last scaled.
pub(super) fn is_wanted(fleet: &Fleet, bounds: Bounds) -> bool {
    let mut active = fleet.all().filter(|ship| ship.replicas() > 0);
    active.any(|ship| number(ship, DESIRED_REPLICAS).is_some_and(|then| then != bounds.replicas))
}

/// Brings the sets to the wanted size without rolling any further.
pub(super) fn step(fleet: &mut Fleet, bounds: Bounds, rolling: bool, reported_replicas: i64) {
    if let Some(only) = only_candidate(fleet) {
        only.scale(bounds.replicas, bounds);
        return;
    }
    if is_saturated(fleet, bounds) {
        let filled = fleet.old.iter_mut().filter(|ship| ship.replicas() > 0);
        filled.for_each(|ship| ship.scale(0, bounds));
    } else if rolling {
        share_out(fleet, bounds, reported_replicas);
    }
    let active = fleet.all_mut().filter(|ship| ship.replicas() > 0);
    active.for_each(|ship| ship.scale(ship.replicas(), bounds));
}

/// The set to scale if there is no choice: the only one with pods, or the newest if none has.
fn only_candidate(fleet: &mut Fleet) -> Option<&mut Ship> {
    match fleet.all().filter(|ship| ship.replicas() > 0).count() {
        0 if fleet.current.is_some() => fleet.current.as_mut(),
        0 => fleet.old.last_mut(),
        1 => fleet.all_mut().find(|ship| ship.replicas() > 0),
        _ => None,
    }
}

/// The current set alone serves the whole wanted number.
fn is_saturated(fleet: &Fleet, bounds: Bounds) -> bool {
    fleet.current.as_ref().is_some_and(|current| {
        current.replicas() == bounds.replicas
            && current.available() == bounds.replicas
            && number(current, DESIRED_REPLICAS) == Some(bounds.replicas)
    })
}

/// Shares the difference by the sets' sizes. Growing begins with the newest of the largest sets,
/// shrinking with the oldest; what rounding leaves over goes to the first.
fn share_out(fleet: &mut Fleet, bounds: Bounds, reported_replicas: i64) {
    let allowed = if bounds.replicas > 0 {
        bounds.most_pods()
    } else {
        0
    };
    let difference = allowed - fleet.replicas();
    let mut ships: Vec<_> = fleet.all_mut().filter(|ship| ship.replicas() > 0).collect();
    if difference > 0 {
        ships.reverse();
    }
    ships.sort_by_key(|ship| std::cmp::Reverse(ship.replicas()));
    let mut shared = 0;
    let mut sizes = Vec::with_capacity(ships.len());
    for ship in &ships {
        let open = difference - shared;
        let share = proportion(ship, bounds, reported_replicas);
        let share = if difference > 0 {
            share.clamp(0, open)
        } else {
            share.clamp(open, 0)
        };
        shared += share;
        sizes.push(ship.replicas() + share);
    }
    if let Some(first) = sizes.first_mut() {
        *first += difference - shared;
    }
    for (ship, size) in ships.into_iter().zip(sizes) {
        ship.scale(size, bounds);
    }
}

/// How much the set grows if every set keeps its share of the whole.
fn proportion(ship: &Ship, bounds: Bounds, reported_replicas: i64) -> i64 {
    let present = ship.replicas();
    if bounds.replicas == 0 {
        return -present;
    }
    let whole = number(ship, MAX_REPLICAS)
        .unwrap_or(reported_replicas)
        .max(1);
    let exact = present as f64 * bounds.most_pods() as f64 / whole as f64;
    // Saturates, so a mistaken annotation can't do more than ask for too much.
    (exact.round() as i64).saturating_sub(present)
}

fn number(ship: &Ship, annotation: &str) -> Option<i64> {
    object::annotation(&ship.wanted.metadata, annotation)?
        .parse()
        .ok()
}
