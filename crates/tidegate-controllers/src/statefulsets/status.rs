//! What a StatefulSet reports.

use std::time::Duration;

use k8s_openapi::api::apps::v1::StatefulSetStatus;
use k8s_openapi::api::core::v1::Pod;

use super::identity::revision_of;
use super::settings::Settings;
use super::steps::Input;
use crate::{object, pods};

/// The status for the pods that there are, and when the next ready one is going to be available.
pub(super) fn status(input: &Input<'_>) -> (StatefulSetStatus, Option<Duration>) {
    let settings = Settings::of(input.stateful_set);
    let (current, update) = (
        object::name(&input.current.metadata),
        object::name(&input.update.metadata),
    );
    let (mut ready, mut available, mut of_current, mut of_update) = (0, 0, 0, 0);
    let mut next_available: Option<Duration> = None;
    for pod in input.pods {
        if is_serving(pod) {
            ready += 1;
            match pods::available_in(pod, settings.min_ready, input.now) {
                Some(Duration::ZERO) => available += 1,
                Some(wait) => {
                    next_available = Some(next_available.map_or(wait, |next| next.min(wait)));
                }
                None => {}
            }
        }
        if !pods::is_terminating(pod) {
            of_current += i32::from(revision_of(pod) == current);
            of_update += i32::from(revision_of(pod) == update);
        }
    }
    let known = input.stateful_set.status.as_ref();
    let replicas = i32::try_from(input.pods.len()).unwrap_or(i32::MAX);
    let mut status = StatefulSetStatus {
        observed_generation: input.stateful_set.metadata.generation,
        replicas,
        ready_replicas: Some(ready),
        available_replicas: Some(available),
        current_replicas: Some(of_current),
        updated_replicas: Some(of_update),
        current_revision: Some(current.to_owned()),
        update_revision: Some(update.to_owned()),
        collision_count: Some(known.and_then(|status| status.collision_count).unwrap_or(0)),
        conditions: known.and_then(|status| status.conditions.clone()),
    };
    // An update is over when every pod is of it and serves: it is what the next one begins from.
    let counts = [replicas, ready, of_update];
    if settings.rolling.is_some() && counts.iter().all(|count| *count == settings.replicas) {
        status.current_revision = status.update_revision.clone();
        status.current_replicas = status.updated_replicas;
    }
    (status, next_available)
}

/// A pod that is being deleted may still serve.
fn is_serving(pod: &Pod) -> bool {
    pods::phase(pod) == "Running" && pods::is_ready(pod)
}
