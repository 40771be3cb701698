//! What a pod's status means.

use std::time::Duration;

use jiff::Timestamp;
use k8s_openapi::api::core::v1::{Pod, PodCondition};

/// The pod's Ready condition, if its node has reported one.
pub(crate) fn ready_condition(pod: &Pod) -> Option<&PodCondition> {
    let mut conditions = pod.status.iter().flat_map(|status| &status.conditions);
    conditions
        .by_ref()
        .flatten()
        .find(|condition| condition.type_ == "Ready")
}

/// The pod passes its readiness probes.
pub(crate) fn is_ready(pod: &Pod) -> bool {
    ready_condition(pod).is_some_and(|condition| condition.status == "True")
}

/// When the pod last became ready or unready.
pub(crate) fn readiness_changed_at(pod: &Pod) -> Option<Timestamp> {
    Some(ready_condition(pod)?.last_transition_time.as_ref()?.0)
}

/// The pod is being deleted.
pub(crate) fn is_terminating(pod: &Pod) -> bool {
    pod.metadata.deletion_timestamp.is_some()
}

/// The pod's processes have ended for good.
pub(crate) fn is_finished(pod: &Pod) -> bool {
    matches!(phase(pod), "Succeeded" | "Failed")
}

/// The pod counts towards a workload's replicas.
pub(crate) fn is_active(pod: &Pod) -> bool {
    !is_finished(pod) && !is_terminating(pod)
}

/// The pod's phase, `Pending` if its node has not reported yet.
pub(crate) fn phase(pod: &Pod) -> &str {
    let status = pod.status.as_ref();
    (status.and_then(|status| status.phase.as_deref())).unwrap_or("Pending")
}

/// How long until a ready pod counts as available; `None` for one that is not ready.
pub(crate) fn available_in(pod: &Pod, min_ready: Duration, now: Timestamp) -> Option<Duration> {
    if !is_ready(pod) {
        return None;
    }
    if min_ready.is_zero() {
        return Some(Duration::ZERO);
    }
    let ready_for = now.duration_since(readiness_changed_at(pod)?);
    let ready_for = Duration::try_from(ready_for).unwrap_or_default();
    Some(min_ready.saturating_sub(ready_for))
}
