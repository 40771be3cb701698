//! Watch streams: one JSON document per event and line, for as long as the client wants.
//!
//! What changes for a watcher with a selector is whether the object matched before and matches
//! now: an object that begins to match is ADDED, one that ceases to is DELETED (with its last
//! matching state), as upstream has it.

use std::{collections::VecDeque, time::Duration};

use axum::{
    body::Body,
    response::{IntoResponse, Response},
};
use bytes::Bytes;
use futures::{FutureExt, StreamExt, stream};
use http::{HeaderValue, StatusCode, header};
use serde_json::{Value, json};
use tidegate_store::{Entry, Event, EventKind, Revision, Watch, WatchError};
use tokio::{
    sync::OwnedSemaphorePermit,
    time::{Instant, Interval, MissedTickBehavior, interval_at},
};
use tokio_util::sync::CancellationToken;

use super::View;
use crate::{
    error::ApiError,
    request::Shape,
    selector::Selector,
    storage::{Raw, watch_failed},
};

/// How often an idle watch tells how far it has come, so that the client can resume from there.
const BOOKMARK_PERIOD: Duration = Duration::from_secs(30);

/// Events that are ready together are sent together, up to about this size.
const FRAME_BYTES: usize = 64 * 1024;

/// Everything that a watch stream needs.
pub(crate) struct WatchPlan {
    pub(crate) view: View,
    pub(crate) selector: Selector,
    /// Objects to report as ADDED before any change.
    pub(crate) initial: VecDeque<Raw>,
    /// Whether the end of the initial objects is marked, and at which revision.
    pub(crate) mark_initial_end: Option<Revision>,
    pub(crate) watch: Watch,
    pub(crate) bookmarks: bool,
    pub(crate) timeout: Duration,
    pub(crate) shutdown: CancellationToken,
    /// Held for as long as the stream lives.
    #[expect(dead_code, reason = "its drop gives the place back")]
    pub(crate) permit: OwnedSemaphorePermit,
}

/// Begins the stream.
pub(crate) fn watch_response(plan: WatchPlan) -> Response {
    let start = Instant::now();
    let mut bookmark_timer = interval_at(start + BOOKMARK_PERIOD, BOOKMARK_PERIOD);
    bookmark_timer.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let deadline = start + plan.timeout;
    let state = Streaming {
        plan,
        deadline,
        bookmark_timer,
        columns_sent: false,
        ended: false,
    };
    let frames = stream::unfold(state, |mut state| async move {
        let frame = state.next_frame().await?;
        Some((Ok::<_, ApiError>(frame), state))
    });
    events(Body::from_stream(frames))
}

/// A stream that ends with its only event, an error.
pub(crate) fn failed_watch_response(error: &ApiError) -> Response {
    let mut frame = Vec::new();
    write_error(error, &mut frame);
    events(Body::from(frame))
}

fn events(body: Body) -> Response {
    let content_type = [(
        header::CONTENT_TYPE,
        HeaderValue::from_static("application/json"),
    )];
    (StatusCode::OK, content_type, body).into_response()
}

struct Streaming {
    plan: WatchPlan,
    deadline: Instant,
    bookmark_timer: Interval,
    columns_sent: bool,
    ended: bool,
}

enum Wake {
    Changed(Option<Result<Event, WatchError>>),
    Bookmark,
    End,
}

impl Streaming {
    async fn next_frame(&mut self) -> Option<Bytes> {
        if self.ended {
            return None;
        }
        let mut frame = Vec::new();
        if let Err(error) = self.fill(&mut frame).await {
            self.ended = true;
            write_error(&error, &mut frame);
        }
        (!frame.is_empty()).then(|| frame.into())
    }

    /// Waits until there is something to say; leaves the frame empty when the watch is over.
    async fn fill(&mut self, frame: &mut Vec<u8>) -> Result<(), ApiError> {
        self.write_initial(frame)?;
        while frame.is_empty() {
            let wake = tokio::select! {
                biased;
                () = self.plan.shutdown.cancelled() => Wake::End,
                event = self.plan.watch.next() => Wake::Changed(event),
                _ = self.bookmark_timer.tick(), if self.plan.bookmarks => Wake::Bookmark,
                () = tokio::time::sleep_until(self.deadline) => Wake::End,
            };
            match wake {
                Wake::Changed(Some(event)) => {
                    self.write_change(event, frame)?;
                    self.write_ready_changes(frame)?;
                }
                Wake::Bookmark => {
                    let complete = self.plan.watch.complete_to();
                    write_event("BOOKMARK", &self.bookmark(complete, false), frame);
                }
                Wake::Changed(None) | Wake::End => {
                    self.ended = true;
                    return Ok(());
                }
            }
        }
        Ok(())
    }

    fn write_initial(&mut self, frame: &mut Vec<u8>) -> Result<(), ApiError> {
        while frame.len() < FRAME_BYTES {
            let Some(raw) = self.plan.initial.pop_front() else {
                break;
            };
            self.write_object("ADDED", &raw, frame)?;
        }
        if self.plan.initial.is_empty()
            && let Some(revision) = self.plan.mark_initial_end.take()
        {
            write_event("BOOKMARK", &self.bookmark(revision, true), frame);
        }
        Ok(())
    }

    fn write_ready_changes(&mut self, frame: &mut Vec<u8>) -> Result<(), ApiError> {
        while frame.len() < FRAME_BYTES {
            match self.plan.watch.next().now_or_never() {
                Some(Some(event)) => self.write_change(event, frame)?,
                Some(None) => {
                    self.ended = true;
                    return Ok(());
                }
                None => return Ok(()),
            }
        }
        Ok(())
    }

    fn write_change(
        &mut self,
        event: Result<Event, WatchError>,
        frame: &mut Vec<u8>,
    ) -> Result<(), ApiError> {
        let event = event.map_err(watch_failed)?;
        let revision = event.revision();
        let before = event.previous.map(|entry| raw_of(entry, revision));
        let matched = match &before {
            Some((key, raw)) => self.plan.selector.matches(self.plan.view.kind, key, raw)?,
            None => false,
        };
        if event.kind == EventKind::Delete {
            let (key, last) = raw_of(event.entry, revision);
            if matched
                || (before.is_none()
                    && self
                        .plan
                        .selector
                        .matches(self.plan.view.kind, &key, &last)?)
            {
                return self.write_object("DELETED", &last, frame);
            }
            return Ok(());
        }
        let (key, now) = raw_of(event.entry, revision);
        let matches = self
            .plan
            .selector
            .matches(self.plan.view.kind, &key, &now)?;
        match (before, matched, matches) {
            (_, true, true) => self.write_object("MODIFIED", &now, frame),
            (_, false, true) => self.write_object("ADDED", &now, frame),
            (Some((_, before)), true, false) => self.write_object("DELETED", &before, frame),
            _ => Ok(()),
        }
    }

    fn write_object(&mut self, kind: &str, raw: &Raw, frame: &mut Vec<u8>) -> Result<(), ApiError> {
        let columns = !std::mem::replace(&mut self.columns_sent, true);
        let start = frame.len();
        frame.extend_from_slice(format!(r#"{{"type":"{kind}","object":"#).as_bytes());
        if let Err(error) = self.plan.view.write(raw, columns, frame) {
            frame.truncate(start);
            return Err(error);
        }
        frame.extend_from_slice(b"}\n");
        Ok(())
    }

    fn bookmark(&self, revision: Revision, initial_end: bool) -> Value {
        let kind = self.plan.view.kind;
        let mut metadata =
            json!({"resourceVersion": revision.0.to_string(), "creationTimestamp": null});
        if initial_end {
            metadata["annotations"] = json!({"k8s.io/initial-events-end": "true"});
        }
        match self.plan.view.shape() {
            Shape::Table => json!({
                "kind": "Table", "apiVersion": "meta.k8s.io/v1", "metadata": metadata,
                "columnDefinitions": [], "rows": [],
            }),
            Shape::Metadata => json!({
                "kind": "PartialObjectMetadata", "apiVersion": "meta.k8s.io/v1", "metadata": metadata,
            }),
            Shape::Object | Shape::AggregatedDiscovery => json!({
                "kind": kind.kind, "apiVersion": kind.api_version(), "metadata": metadata,
            }),
        }
    }
}

/// An entry of an event; whichever state it shows, the event's revision is its version.
fn raw_of(entry: Entry, revision: Revision) -> (std::sync::Arc<str>, Raw) {
    (
        entry.key,
        Raw {
            bytes: entry.value,
            revision,
        },
    )
}

fn write_event(kind: &str, object: &Value, frame: &mut Vec<u8>) {
    frame.extend_from_slice(
        json!({"type": kind, "object": object})
            .to_string()
            .as_bytes(),
    );
    frame.push(b'\n');
}

fn write_error(error: &ApiError, frame: &mut Vec<u8>) {
    write_event("ERROR", &json!(error.to_status()), frame);
}
