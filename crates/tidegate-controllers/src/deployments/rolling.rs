//! One step of a rolling update.

use super::bounds::Bounds;
use super::fleet::Fleet;

/// Scales the new set up or the old ones down, whatever the bounds allow now.
///
/// Up goes first: only when the new set can't grow are old pods taken away.
pub(super) fn step(fleet: &mut Fleet, bounds: Bounds) {
    if !grow(fleet, bounds) {
        shrink(fleet, bounds);
    }
}

/// The size the current set can have now.
pub(super) fn size_of_current(fleet: &Fleet, bounds: Bounds) -> i64 {
    let present = fleet.current.as_ref().map_or(0, |ship| ship.replicas());
    if present >= bounds.replicas {
        return bounds.replicas;
    }
    let room = (bounds.most_pods() - fleet.replicas()).max(0);
    present + room.min(bounds.replicas - present)
}

fn grow(fleet: &mut Fleet, bounds: Bounds) -> bool {
    let size = size_of_current(fleet, bounds);
    let current = fleet.current.as_mut();
    let Some(current) = current.filter(|current| current.replicas() != size) else {
        return false;
    };
    current.scale(size, bounds);
    true
}

/// Takes away old pods that don't serve first, then as many serving ones as can be spared.
fn shrink(fleet: &mut Fleet, bounds: Bounds) {
    let starting = fleet
        .current
        .as_ref()
        .map_or(0, |current| current.replicas() - current.available());
    let spare = fleet.replicas() - bounds.fewest_available() - starting;
    if spare <= 0 {
        return;
    }
    let mut removed = 0;
    for ship in &mut fleet.old {
        let unhealthy = ship.replicas() - ship.available();
        let surplus = unhealthy.min(spare - removed);
        if surplus > 0 {
            ship.scale(ship.replicas() - surplus, bounds);
            removed += surplus;
        }
    }
    let mut spare = fleet.available() - bounds.fewest_available();
    for ship in &mut fleet.old {
        let surplus = ship.replicas().min(spare);
        if surplus > 0 {
            ship.scale(ship.replicas() - surplus, bounds);
            spare -= surplus;
        }
    }
}
