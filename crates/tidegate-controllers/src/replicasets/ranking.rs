//! Which pods go first when there are too many.
//!
//! The order is upstream's (ActivePodsWithRanks): pods that serve nobody yet go before pods that
//! do, and crowded nodes lose theirs first.

use std::cmp::Reverse;
use std::collections::HashMap;
use std::sync::Arc;

use jiff::Timestamp;
use k8s_openapi::api::core::v1::{Pod, PodStatus};

use crate::{object, pods};

/// Users put numbers here: pods with lower ones go first.
const DELETION_COST: &str = "controller.kubernetes.io/pod-deletion-cost";

/// The pods in the order in which they are to be deleted.
///
/// `related` are the active pods of all ReplicaSets with the same owner: where many of them
/// share a node, one is missed least.
pub(super) fn deletion_order(
    pods: &[Arc<Pod>],
    related: &[Arc<Pod>],
    now: Timestamp,
) -> Vec<Arc<Pod>> {
    let mut crowd: HashMap<&str, usize> = HashMap::new();
    for pod in related {
        *crowd.entry(node_name(pod)).or_default() += 1;
    }
    let mut ranked: Vec<_> = (pods.iter())
        .map(|pod| {
            (
                Rank::of(pod, crowd.get(node_name(pod)).copied().unwrap_or(0), now),
                pod,
            )
        })
        .collect();
    ranked.sort_by(|a, b| a.0.cmp(&b.0));
    ranked.into_iter().map(|(_, pod)| Arc::clone(pod)).collect()
}

/// Compares field by field; smaller goes first. False comes before true, so every flag says
/// why a pod should stay.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Rank {
    assigned: bool,
    started: u8,
    ready: bool,
    deletion_cost: i32,
    neighbours: Reverse<usize>,
    ready_for: AgeClass,
    restarts: Reverse<i32>,
    exists_for: AgeClass,
    uid: String,
}

impl Rank {
    fn of(pod: &Pod, neighbours: usize, now: Timestamp) -> Self {
        let created = pod.metadata.creation_timestamp.as_ref().map(|time| time.0);
        let ready = pods::is_ready(pod);
        let ready_since = pods::readiness_changed_at(pod).filter(|_| ready);
        Self {
            assigned: !node_name(pod).is_empty(),
            started: match pods::phase(pod) {
                "Pending" => 0,
                "Unknown" => 1,
                _ => 2,
            },
            ready,
            deletion_cost: deletion_cost(pod),
            neighbours: Reverse(neighbours),
            ready_for: AgeClass::since(ready_since, now),
            restarts: Reverse(pod.status.as_ref().map_or(0, most_restarts)),
            exists_for: AgeClass::since(created, now),
            uid: object::uid(&pod.metadata).to_owned(),
        }
    }
}

/// The magnitude of an age: pods that are about equally old are equal, and among those chance
/// (the uid) decides, so that not always the whole newest zone goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct AgeClass(u32);

impl AgeClass {
    /// An unknown time is the youngest age.
    fn since(time: Option<Timestamp>, now: Timestamp) -> Self {
        let seconds = time.map_or(0, |time| now.duration_since(time).as_secs().max(0));
        Self((seconds.unsigned_abs() + 1).ilog2())
    }
}

fn node_name(pod: &Pod) -> &str {
    let spec = pod.spec.as_ref();
    spec.and_then(|spec| spec.node_name.as_deref())
        .unwrap_or_default()
}

fn deletion_cost(pod: &Pod) -> i32 {
    let annotation = object::annotation(&pod.metadata, DELETION_COST);
    annotation.and_then(|text| text.parse().ok()).unwrap_or(0)
}

fn most_restarts(status: &PodStatus) -> i32 {
    let containers = status.container_statuses.iter().flatten();
    let init_containers = status.init_container_statuses.iter().flatten();
    let restarts = containers
        .chain(init_containers)
        .map(|container| container.restart_count);
    restarts.max().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    const NOW: &str = "2026-06-01T12:00:00Z";

    fn pod(name: &str, spec: Value, status: Value, annotations: Value) -> Arc<Pod> {
        let value = json!({
            "metadata": {"name": name, "uid": name, "annotations": annotations,
                "creationTimestamp": "2026-06-01T10:00:00Z"},
            "spec": spec, "status": status,
        });
        Arc::new(serde_json::from_value(value).expect("a pod"))
    }

    fn running(name: &str, node: &str, ready: &str, since: &str, restarts: i32) -> Arc<Pod> {
        pod(
            name,
            json!({"nodeName": node, "containers": []}),
            json!({"phase": "Running",
                "conditions": [{"type": "Ready", "status": ready, "lastTransitionTime": since}],
                "containerStatuses": [{"name": "c", "image": "", "imageID": "", "ready": true, "restartCount": restarts}]}),
            json!({}),
        )
    }

    fn order(pods: &[Arc<Pod>]) -> Vec<&str> {
        let now = NOW.parse().expect("a time");
        let ordered = deletion_order(pods, pods, now);
        ordered
            .iter()
            .map(|pod| {
                let found = pods.iter().find(|one| Arc::ptr_eq(one, pod));
                object::name(&found.expect("one of the given").metadata)
            })
            .collect()
    }

    #[test]
    fn pods_that_serve_nobody_go_first() {
        let long_ago = "2026-06-01T10:00:00Z";
        let pods = [
            running("5-ready", "n1", "True", long_ago, 0),
            running("4-unready", "n2", "False", long_ago, 0),
            pod(
                "3-unknown",
                json!({"nodeName": "n3", "containers": []}),
                json!({"phase": "Unknown"}),
                json!({}),
            ),
            pod(
                "2-pending",
                json!({"nodeName": "n4", "containers": []}),
                json!({"phase": "Pending"}),
                json!({}),
            ),
            pod(
                "1-unassigned",
                json!({"containers": []}),
                json!({"phase": "Pending"}),
                json!({}),
            ),
        ];
        assert_eq!(
            order(&pods),
            [
                "1-unassigned",
                "2-pending",
                "3-unknown",
                "4-unready",
                "5-ready"
            ]
        );
    }

    #[test]
    fn among_ready_pods_crowds_then_youth_then_restarts_decide() {
        let long_ago = "2026-06-01T10:00:00Z";
        let pods = [
            running("d-old", "lonely", "True", long_ago, 0),
            running("c-restarted", "lonely-2", "True", long_ago, 9),
            running("b-young", "lonely-3", "True", "2026-06-01T11:59:50Z", 0),
            running("a-crowded", "busy", "True", long_ago, 0),
            running("a-crowded-2", "busy", "True", long_ago, 0),
        ];
        assert_eq!(
            order(&pods),
            [
                "a-crowded",
                "a-crowded-2",
                "b-young",
                "c-restarted",
                "d-old"
            ]
        );
    }

    #[test]
    fn a_users_deletion_cost_goes_before_crowds() {
        let status =
            json!({"phase": "Running", "conditions": [{"type": "Ready", "status": "True"}]});
        let spec = json!({"nodeName": "n", "containers": []});
        let cost = |cost: &str| json!({(DELETION_COST): cost});
        let pods = [
            pod("dear", spec.clone(), status.clone(), cost("10")),
            pod("default", spec.clone(), status.clone(), json!({})),
            pod("cheap", spec, status, cost("-5")),
        ];
        assert_eq!(order(&pods), ["cheap", "default", "dear"]);
    }
}
