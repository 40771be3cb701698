//! Events: the notes that `kubectl describe` shows below an object.
//!
//! Controllers hand them over and go on; one task writes them. The same note about the same
//! object within a few minutes raises a counter instead of adding an object, and if notes come
//! faster than they can be written, new ones are dropped: they are for people, not for programs.

use std::collections::HashMap;
use std::time::Duration;

use jiff::Timestamp;
use k8s_openapi::api::core::v1::{Event, EventSource, ObjectReference};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use kube::api::{Api, Patch, PatchParams, PostParams};
use kube::{Client, Resource};
use tokio::sync::mpsc;

use crate::api::{is_namespace_terminating, reason};
use crate::time::api_time;

/// Notes that may wait to be written.
const QUEUE_LENGTH: usize = 1024;
/// Notes that are remembered for counting.
const REMEMBERED: usize = 4096;
/// How long an unrepeated note is remembered.
const REMEMBER_FOR: Duration = Duration::from_secs(600);

/// Whether a note reports the usual or something that needs attention.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Tone {
    Normal,
    Warning,
}

/// Takes notes. Clones write through the same task.
#[derive(Clone, Debug)]
pub(crate) struct Recorder {
    notes: mpsc::Sender<Note>,
}

#[derive(Debug)]
struct Note {
    about: ObjectReference,
    component: &'static str,
    tone: Tone,
    reason: &'static str,
    message: String,
    at: Timestamp,
}

impl Recorder {
    /// A recorder and the task that writes what it is given, for as long as it is polled.
    pub(crate) fn new(client: Client) -> (Self, impl Future<Output = ()>) {
        let (notes, inbox) = mpsc::channel(QUEUE_LENGTH);
        (Self { notes }, write_notes(client, inbox))
    }

    /// Notes that `component` did or met something on an object.
    pub(crate) fn note<K: Resource<DynamicType = ()>>(
        &self,
        about: &K,
        component: &'static str,
        tone: Tone,
        reason: &'static str,
        message: String,
    ) {
        let metadata = about.meta();
        let about = ObjectReference {
            resource_version: metadata.resource_version.clone(),
            ..about.object_ref(&())
        };
        let note = Note {
            about,
            component,
            tone,
            reason,
            message,
            at: Timestamp::now(),
        };
        if let Err(error) = self.notes.try_send(note) {
            tracing::debug!(%error, "an event was not written");
        }
    }
}

/// The event object that repeats of a note are counted in.
struct Known {
    name: String,
    count: i32,
    last: Timestamp,
}

async fn write_notes(client: Client, mut inbox: mpsc::Receiver<Note>) {
    let mut known = HashMap::new();
    while let Some(note) = inbox.recv().await {
        let identity = (note.about.uid.clone(), note.reason, note.message.clone());
        forget_old(&mut known, note.at);
        let namespace = note.about.namespace.as_deref().unwrap_or("default");
        let api: Api<Event> = Api::namespaced(client.clone(), namespace);
        let written = match known.get_mut(&identity) {
            Some(repeated) => raise(&api, repeated, note.at).await,
            None => {
                let event = event(&note, namespace);
                let name = event.metadata.name.clone().unwrap_or_default();
                let written = api.create(&PostParams::default(), &event).await.map(|_| ());
                if written.is_ok() {
                    known.insert(
                        identity.clone(),
                        Known {
                            name,
                            count: 1,
                            last: note.at,
                        },
                    );
                }
                written
            }
        };
        if let Err(error) = written {
            known.remove(&identity);
            if !is_namespace_terminating(&error) {
                let (about, error) = (note.about.name.as_deref(), reason(&error));
                tracing::debug!(about, note.reason, error, "an event was not written");
            }
        }
    }
}

async fn raise(api: &Api<Event>, known: &mut Known, at: Timestamp) -> Result<(), kube::Error> {
    known.count = known.count.saturating_add(1);
    known.last = at;
    let patch = serde_json::json!({"count": known.count, "lastTimestamp": api_time(at)});
    api.patch(&known.name, &PatchParams::default(), &Patch::Merge(patch))
        .await?;
    Ok(())
}

fn forget_old<I: std::hash::Hash + Eq>(known: &mut HashMap<I, Known>, now: Timestamp) {
    if known.len() >= REMEMBERED {
        let old = |known: &Known| {
            let age = Duration::try_from(now.duration_since(known.last));
            age.is_ok_and(|age| age > REMEMBER_FOR)
        };
        known.retain(|_, note| !old(note));
    }
    if known.len() >= REMEMBERED {
        known.clear();
    }
}

fn event(note: &Note, namespace: &str) -> Event {
    let about = note.about.name.as_deref().unwrap_or_default();
    let seconds = Some(api_time(note.at));
    Event {
        metadata: ObjectMeta {
            // The same shape of name that upstream gives: object, dot, time.
            name: Some(format!("{about}.{:x}", note.at.as_nanosecond())),
            namespace: Some(namespace.to_owned()),
            ..ObjectMeta::default()
        },
        involved_object: note.about.clone(),
        reason: Some(note.reason.to_owned()),
        message: Some(note.message.clone()),
        type_: Some(format!("{:?}", note.tone)),
        source: Some(EventSource {
            component: Some(note.component.to_owned()),
            host: None,
        }),
        reporting_component: Some(note.component.to_owned()),
        reporting_instance: Some(String::new()),
        first_timestamp: seconds.clone(),
        last_timestamp: seconds,
        count: Some(1),
        ..Event::default()
    }
}
