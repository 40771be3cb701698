//! Whether an object goes at once, later, or is on its way already: grace periods, finalizers, and
//! what is to become of its dependents.

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::metadata::{mark_deleted, timestamp};
use crate::{
    error::ApiError,
    kinds::{Deletion, Kind},
    object,
    request::DeleteOptions,
};

/// Finalizers by which the garbage collector learns what to do with dependents.
const ORPHAN: &str = "orphan";
const FOREGROUND: &str = "foregroundDeletion";

/// What is to be done.
#[derive(Debug, PartialEq)]
pub(super) enum Decision {
    /// Nothing holds it.
    Remove,
    /// Store this; something holds the object.
    Mark(Value),
    /// It is on its way already, and this request changes nothing.
    Keep,
}

/// What becomes of an object that somebody wants to delete.
pub(super) fn decide(
    kind: &Kind,
    object: &Value,
    options: &DeleteOptions,
    now: Timestamp,
) -> Result<Decision, ApiError> {
    let mut marked = object.clone();
    let finalizers = finalizers_for(object, options)?;
    let list = (!finalizers.is_empty()).then(|| json!(finalizers));
    object::set_or_remove(object::metadata(&mut marked), "finalizers", list);
    let grace = grace_seconds(kind, object, options);
    let held = !finalizers.is_empty()
        || (kind.deletion == Deletion::Namespace
            && !object::strings(object, &["spec", "finalizers"]).is_empty());
    if grace == 0 && !held {
        return Ok(Decision::Remove);
    }
    if !object::is_deleting(object) {
        mark_deleted(kind, &mut marked, now, grace);
    } else if grace < current_grace(object) {
        shorten(&mut marked, grace);
    }
    if kind.deletion == Deletion::Namespace {
        object::child(&mut marked, "status").insert("phase".to_owned(), json!("Terminating"));
    }
    Ok(if marked == *object {
        Decision::Keep
    } else {
        Decision::Mark(marked)
    })
}

/// The finalizers after the wish for dependents has been noted.
fn finalizers_for(object: &Value, options: &DeleteOptions) -> Result<Vec<String>, ApiError> {
    let mut finalizers = object::finalizers(object);
    let policy = match (
        options.propagation_policy.as_deref(),
        options.orphan_dependents,
    ) {
        (Some(policy), None) => Some(policy),
        (None, Some(orphan)) => Some(if orphan { "Orphan" } else { "Background" }),
        (None, None) => None,
        (Some(_), Some(_)) => {
            return Err(ApiError::BadRequest(
                "orphanDependents and propagationPolicy can't both be set".to_owned(),
            ));
        }
    };
    let wanted = match policy {
        None => return Ok(finalizers),
        Some("Background") => None,
        Some("Orphan") => Some(ORPHAN),
        Some("Foreground") => Some(FOREGROUND),
        Some(other) => {
            return Err(ApiError::BadRequest(format!(
                "propagationPolicy: Unsupported value: {other:?}: supported values: \"Background\", \"Foreground\", \"Orphan\""
            )));
        }
    };
    finalizers.retain(|finalizer| finalizer != ORPHAN && finalizer != FOREGROUND);
    finalizers.extend(wanted.map(str::to_owned));
    Ok(finalizers)
}

/// How long a pod on a node may take to end; nothing else takes time.
fn grace_seconds(kind: &Kind, object: &Value, options: &DeleteOptions) -> i64 {
    let on_a_node = !object::text(object, &["spec", "nodeName"]).is_empty();
    let ended = matches!(
        object::text(object, &["status", "phase"]),
        "Succeeded" | "Failed"
    );
    if kind.deletion != Deletion::PodGrace || !on_a_node || ended {
        return 0;
    }
    // A negative period means "as short as can be told apart from at once", as upstream has it.
    let asked = options
        .grace_period_seconds
        .map(|seconds| if seconds < 0 { 1 } else { seconds });
    if object::is_deleting(object) {
        return asked.map_or(current_grace(object), |asked| {
            asked.min(current_grace(object))
        });
    }
    let own =
        object::at(object, &["spec", "terminationGracePeriodSeconds"]).and_then(Value::as_i64);
    asked.or(own).unwrap_or(DEFAULT_GRACE_SECONDS).max(0)
}

const DEFAULT_GRACE_SECONDS: i64 = 30;

fn current_grace(object: &Value) -> i64 {
    object::at(object, &["metadata", "deletionGracePeriodSeconds"])
        .and_then(Value::as_i64)
        .unwrap_or(0)
}

/// Moves the end of an object forward that is already on its way out.
fn shorten(marked: &mut Value, grace: i64) {
    let saved = current_grace(marked) - grace;
    let due = object::text(marked, &["metadata", "deletionTimestamp"]).parse::<Timestamp>();
    let metadata = object::metadata(marked);
    metadata.insert("deletionGracePeriodSeconds".to_owned(), json!(grace));
    if let Ok(due) = due {
        let earlier = due
            .checked_sub(SignedDuration::from_secs(saved))
            .unwrap_or(due);
        metadata.insert("deletionTimestamp".to_owned(), json!(timestamp(earlier)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kinds::kinds;

    fn now() -> Timestamp {
        "2026-01-01T00:00:00Z".parse().expect("a time")
    }

    fn decision(plural: &str, object: Value, options: DeleteOptions) -> Decision {
        let kind = kinds().find("", "v1", plural).expect(plural);
        decide(kind, &object, &options, now()).expect("decided")
    }

    fn grace(seconds: i64) -> DeleteOptions {
        DeleteOptions {
            grace_period_seconds: Some(seconds),
            ..DeleteOptions::default()
        }
    }

    fn running_pod() -> Value {
        json!({"metadata": {"name": "p"}, "spec": {"nodeName": "n", "terminationGracePeriodSeconds": 10},
            "status": {"phase": "Running"}})
    }

    #[test]
    fn a_running_pod_gets_its_grace_period() {
        let Decision::Mark(marked) = decision("pods", running_pod(), DeleteOptions::default())
        else {
            panic!("not marked");
        };
        assert_eq!(
            marked["metadata"]["deletionTimestamp"],
            "2026-01-01T00:00:10Z"
        );
        assert_eq!(marked["metadata"]["deletionGracePeriodSeconds"], 10);
        assert_eq!(
            decision("pods", marked.clone(), DeleteOptions::default()),
            Decision::Keep
        );
        let Decision::Mark(sooner) = decision("pods", marked, grace(4)) else {
            panic!("not shortened");
        };
        assert_eq!(
            sooner["metadata"]["deletionTimestamp"],
            "2026-01-01T00:00:04Z"
        );
        assert_eq!(decision("pods", sooner.clone(), grace(60)), Decision::Keep);
        assert_eq!(decision("pods", sooner, grace(0)), Decision::Remove);
    }

    #[test]
    fn a_pod_without_a_node_or_after_its_end_goes_at_once() {
        let unscheduled = json!({"metadata": {"name": "p"}, "spec": {}});
        assert_eq!(
            decision("pods", unscheduled, DeleteOptions::default()),
            Decision::Remove
        );
        let mut ended = running_pod();
        ended["status"]["phase"] = json!("Succeeded");
        assert_eq!(
            decision("pods", ended, DeleteOptions::default()),
            Decision::Remove
        );
    }

    #[test]
    fn finalizers_hold_an_object() {
        let held = json!({"metadata": {"name": "c", "finalizers": ["example.com/hold"]}});
        let Decision::Mark(marked) = decision("configmaps", held, DeleteOptions::default()) else {
            panic!("not held");
        };
        assert_eq!(marked["metadata"]["deletionGracePeriodSeconds"], 0);
        assert_eq!(
            decision("configmaps", marked, DeleteOptions::default()),
            Decision::Keep
        );
    }

    #[test]
    fn foreground_and_orphan_leave_a_note_for_the_collector() {
        for (policy, finalizer) in [("Foreground", FOREGROUND), ("Orphan", ORPHAN)] {
            let options = DeleteOptions {
                propagation_policy: Some(policy.to_owned()),
                ..Default::default()
            };
            let object = json!({"metadata": {"name": "c"}});
            let Decision::Mark(marked) = decision("configmaps", object, options) else {
                panic!("not marked");
            };
            assert_eq!(object::finalizers(&marked), [finalizer]);
        }
    }

    #[test]
    fn a_namespace_waits_for_its_content() {
        let namespace = json!({"metadata": {"name": "n"}, "spec": {"finalizers": ["kubernetes"]}});
        let Decision::Mark(marked) = decision("namespaces", namespace, DeleteOptions::default())
        else {
            panic!("not marked");
        };
        assert_eq!(marked["status"]["phase"], "Terminating");
    }
}
