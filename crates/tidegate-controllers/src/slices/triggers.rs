//! Which event a write answers.
//!
//! Slices carry the time of the event that caused their last change, so that a proxy can tell how
//! long it took from there to the kernel (upstream's network programming latency).

use std::collections::HashMap;
use std::sync::Arc;

use jiff::Timestamp;
use k8s_openapi::api::core::v1::{Pod, Service};

use crate::cluster::ObjectKey;
use crate::pods;

/// The annotation that carries the time, in RFC 3339.
pub(crate) const TRIGGER_TIME_ANNOTATION: &str = "endpoints.kubernetes.io/last-change-trigger-time";

/// What was seen of each Service at its last turn.
#[derive(Debug, Default)]
pub(crate) struct TriggerTimes {
    seen: HashMap<ObjectKey, Seen>,
}

#[derive(Debug, Default)]
struct Seen {
    service: Option<Timestamp>,
    pods: HashMap<String, Timestamp>,
}

impl TriggerTimes {
    /// The earliest event since the last call; `None` if none of them has a time.
    pub(crate) fn observe(
        &mut self,
        key: &ObjectKey,
        service: &Service,
        pods: &[Arc<Pod>],
    ) -> Option<Timestamp> {
        let created = service
            .metadata
            .creation_timestamp
            .as_ref()
            .map(|time| time.0);
        let now = Seen {
            service: created,
            pods: (pods.iter())
                .filter_map(|pod| {
                    Some((pod.metadata.name.clone()?, pods::readiness_changed_at(pod)?))
                })
                .collect(),
        };
        let before = self.seen.remove(key).unwrap_or_default();
        let new_pods = (now.pods.iter())
            .filter(|(name, time)| before.pods.get(*name).is_none_or(|known| known < *time))
            .map(|(_, time)| *time);
        let new_service = created.filter(|time| before.service.is_none_or(|known| known < *time));
        let earliest = new_pods.chain(new_service).min();
        self.seen.insert(key.clone(), now);
        earliest
    }

    /// Forgets a Service that is gone.
    pub(crate) fn forget(&mut self, key: &ObjectKey) {
        self.seen.remove(key);
    }
}
