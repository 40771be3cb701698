//! One step of a Deployment that must never run two versions at once.

use super::bounds::Bounds;
use super::fleet::Fleet;

/// Whether the new set may be made and filled: all old sets are down to nothing and the last of
/// their pods has ended.
pub(super) fn may_start(fleet: &Fleet, old_pods_run: bool) -> bool {
    fleet.old.iter().all(|ship| ship.replicas() == 0) && !old_pods_run
}

/// Takes all old pods away, or fills the new set once they are gone.
pub(super) fn step(fleet: &mut Fleet, bounds: Bounds, old_pods_run: bool) {
    if !may_start(fleet, old_pods_run) {
        let filled = fleet.old.iter_mut().filter(|ship| ship.replicas() > 0);
        filled.for_each(|ship| ship.scale(0, bounds));
    } else if let Some(current) = &mut fleet.current
        && current.replicas() != bounds.replicas
    {
        current.scale(bounds.replicas, bounds);
    }
}
