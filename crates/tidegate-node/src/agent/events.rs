//! Events about pods, as `kubectl describe` shows them.

use std::collections::HashMap;

use jiff::Timestamp;
use k8s_openapi::api::core::v1::{Event, EventSource, ObjectReference, Pod};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use kube::api::{Api, Patch, PatchParams, PostParams};
use kube::{Client, Resource, ResourceExt};
use tokio::sync::mpsc;

const COMPONENT: &str = "tidegate-node";
/// Events that wait to be written. More are dropped: they inform, nothing depends on them.
const QUEUE: usize = 256;
/// Different events that are remembered to count repetitions instead of writing new objects.
const REMEMBERED: usize = 1024;

/// Something worth telling.
#[derive(Debug)]
struct Occurrence {
    about: ObjectReference,
    warning: bool,
    reason: String,
    message: String,
}

/// Takes events and writes them in the background.
#[derive(Debug, Clone)]
pub(crate) struct Recorder {
    queue: mpsc::Sender<Occurrence>,
}

impl Recorder {
    pub(crate) fn start(client: Client, node: String) -> Self {
        let (queue, mut waiting) = mpsc::channel(QUEUE);
        tokio::spawn(async move {
            let mut writer = Writer {
                client,
                node,
                known: HashMap::new(),
            };
            while let Some(occurrence) = waiting.recv().await {
                writer.write(occurrence).await;
            }
        });
        Self { queue }
    }

    pub(crate) fn record(
        &self,
        pod: &Pod,
        warning: bool,
        reason: &str,
        message: impl Into<String>,
    ) {
        let occurrence = Occurrence {
            about: pod.object_ref(&()),
            warning,
            reason: reason.to_owned(),
            message: message.into(),
        };
        if self.queue.try_send(occurrence).is_err() {
            tracing::debug!(reason, "too many events at once, one is dropped");
        }
    }
}

struct Writer {
    client: Client,
    node: String,
    /// Name and count of the object for each (uid, reason, message).
    known: HashMap<(String, String, String), (String, i32)>,
}

impl Writer {
    async fn write(&mut self, occurrence: Occurrence) {
        let namespace = occurrence.about.namespace.clone().unwrap_or_default();
        let events: Api<Event> = Api::namespaced(self.client.clone(), &namespace);
        let uid = occurrence.about.uid.clone().unwrap_or_default();
        let key = (uid, occurrence.reason.clone(), occurrence.message.clone());
        let now = Time(Timestamp::now());
        if let Some((name, count)) = self.known.get_mut(&key) {
            *count = count.saturating_add(1);
            let patch = serde_json::json!({"count": *count, "lastTimestamp": now});
            match events
                .patch(name, &PatchParams::default(), &Patch::Merge(patch))
                .await
            {
                Ok(_) => return,
                // The object has been deleted in the meantime; a new one follows.
                Err(error) => tracing::debug!(%error, "counting an event"),
            }
        }
        let event = self.event(occurrence, now);
        let name = event.name_any();
        if let Err(error) = events.create(&PostParams::default(), &event).await {
            tracing::debug!(%error, "writing an event");
            return;
        }
        if self.known.len() >= REMEMBERED {
            self.known.clear();
        }
        self.known.insert(key, (name, 1));
    }

    fn event(&self, occurrence: Occurrence, now: Time) -> Event {
        let about = &occurrence.about;
        let subject = about.name.as_deref().unwrap_or_default();
        let name = format!("{subject}.{:x}", now.0.as_nanosecond());
        let mut event = Event {
            type_: Some(
                if occurrence.warning {
                    "Warning"
                } else {
                    "Normal"
                }
                .to_owned(),
            ),
            reason: Some(occurrence.reason),
            message: Some(occurrence.message),
            count: Some(1),
            first_timestamp: Some(now.clone()),
            last_timestamp: Some(now),
            source: Some(EventSource {
                component: Some(COMPONENT.to_owned()),
                host: Some(self.node.clone()),
            }),
            reporting_component: Some(COMPONENT.to_owned()),
            reporting_instance: Some(self.node.clone()),
            ..Event::default()
        };
        event.metadata.name = Some(name);
        event.metadata.namespace.clone_from(&about.namespace);
        event.involved_object = occurrence.about;
        event
    }
}
