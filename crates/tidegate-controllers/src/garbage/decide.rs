//! What becomes of an object, given what its owners are doing.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::{ObjectMeta, OwnerReference};
use kube::api::PropagationPolicy;

use super::graph::{FOREGROUND, ORPHAN};

/// What one owner is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum OwnerState {
    /// It is there and stays.
    Alive,
    /// It is there and waits for what it owns to go.
    Waiting,
    /// It does not exist (any more).
    Absent,
}

/// What to do with an object.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Verdict {
    Keep,
    /// It lives on with these owners only.
    KeepWith(Vec<OwnerReference>),
    Delete(PropagationPolicy),
}

/// Decides about an object from its owners, each with its state.
///
/// One owner that stays keeps an object alive. If the last ones wait for the object, and the
/// object owns something itself, it is deleted in the foreground too, so that the whole tree
/// goes from the leaves up.
pub(super) fn decide(
    object: &ObjectMeta,
    owners: &[(OwnerReference, OwnerState)],
    owns_something: bool,
) -> Verdict {
    let has = |state| owners.iter().any(|(_, one)| *one == state);
    if owners.is_empty() || object.deletion_timestamp.is_some() {
        return Verdict::Keep;
    }
    if has(OwnerState::Alive) {
        if !has(OwnerState::Absent) && !has(OwnerState::Waiting) {
            return Verdict::Keep;
        }
        let alive = owners
            .iter()
            .filter(|(_, state)| *state == OwnerState::Alive);
        return Verdict::KeepWith(alive.map(|(owner, _)| owner.clone()).collect());
    }
    if has(OwnerState::Waiting) && owns_something {
        return Verdict::Delete(PropagationPolicy::Foreground);
    }
    Verdict::Delete(policy(object))
}

/// What the object's own finalizers ask for, the background if nothing.
fn policy(object: &ObjectMeta) -> PropagationPolicy {
    let has = |finalizer: &str| {
        let mut finalizers = object.finalizers.iter().flatten();
        finalizers.any(|one| one == finalizer)
    };
    if has(ORPHAN) {
        PropagationPolicy::Orphan
    } else if has(FOREGROUND) {
        PropagationPolicy::Foreground
    } else {
        PropagationPolicy::Background
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use OwnerState::{Absent, Alive, Waiting};

    fn owner(uid: &str) -> OwnerReference {
        OwnerReference {
            uid: uid.to_owned(),
            ..OwnerReference::default()
        }
    }

    fn verdict(states: &[OwnerState], owns_something: bool) -> Verdict {
        let names = ["a", "b", "c"];
        let owners: Vec<_> = names
            .iter()
            .zip(states)
            .map(|(uid, state)| (owner(uid), *state))
            .collect();
        decide(&ObjectMeta::default(), &owners, owns_something)
    }

    #[test]
    fn an_object_lives_as_long_as_one_owner_does() {
        assert_eq!(verdict(&[], false), Verdict::Keep);
        assert_eq!(verdict(&[Alive, Alive], false), Verdict::Keep);
        assert_eq!(
            verdict(&[Absent, Alive], false),
            Verdict::KeepWith(vec![owner("b")])
        );
        assert_eq!(
            verdict(&[Alive, Waiting], false),
            Verdict::KeepWith(vec![owner("a")])
        );
        assert_eq!(
            verdict(&[Absent, Absent], false),
            Verdict::Delete(PropagationPolicy::Background)
        );
    }

    #[test]
    fn a_tree_that_is_waited_for_goes_from_the_leaves_up() {
        assert_eq!(
            verdict(&[Waiting], true),
            Verdict::Delete(PropagationPolicy::Foreground)
        );
        assert_eq!(
            verdict(&[Waiting], false),
            Verdict::Delete(PropagationPolicy::Background)
        );
    }

    #[test]
    fn the_objects_own_finalizer_chooses_the_way() {
        let object = ObjectMeta {
            finalizers: Some(vec![ORPHAN.to_owned()]),
            ..ObjectMeta::default()
        };
        let verdict = decide(&object, &[(owner("a"), Absent)], true);
        assert_eq!(verdict, Verdict::Delete(PropagationPolicy::Orphan));
    }
}
