//! The recent past, held in memory once for all watchers.
//!
//! A watcher owns no queue. It is a cursor into one shared ring of events, so a slow watcher costs nothing: when the ring has
//! moved past its cursor it is told that it fell behind. The same ring serves replay and live events, which is why there is
//! no seam between the two where an event could be lost or repeated.

mod cursor;

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::watch::{self, Receiver, Sender};

use crate::entry::Revision;
use crate::watch::{Event, Watch, WatchError};
use cursor::Cursor;

/// How much of the past is kept.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    /// The most events.
    pub(crate) events: usize,
    /// The most bytes of keys and values that events hold on to.
    pub(crate) bytes: usize,
}

/// The ring of events and the revision that is published.
pub(crate) struct History {
    ring: Mutex<Ring>,
    published: Sender<Revision>,
    limits: Limits,
}

/// What the lock protects.
struct Ring {
    events: VecDeque<Event>,
    /// How many events have left the ring: the position of `events[0]` among all events since the start.
    dropped: u64,
    /// Every event after this revision is in the ring.
    begins_after: Revision,
    /// The revision up to which everything is in the ring.
    last: Revision,
    bytes: usize,
    closed: bool,
}

impl History {
    /// An empty history that begins after `revision`.
    pub(crate) fn new(revision: Revision, limits: Limits) -> Self {
        let ring = Ring {
            events: VecDeque::new(),
            dropped: 0,
            begins_after: revision,
            last: revision,
            bytes: 0,
            closed: false,
        };
        Self {
            ring: Mutex::new(ring),
            published: watch::channel(revision).0,
            limits,
        }
    }

    /// The newest published revision.
    pub(crate) fn revision(&self) -> Revision {
        *self.published.borrow()
    }

    /// Appends the events of the transactions up to `revision`, in order, and wakes the watchers.
    pub(crate) fn publish(&self, revision: Revision, events: Vec<Event>) {
        let mut ring = self.lock();
        ring.append(revision, events, self.limits);
        self.published.send_replace(revision);
    }

    /// Waits until `revision` is published, in the usual case not at all; a closed history publishes nothing any more.
    pub(crate) async fn reached(&self, revision: Revision) {
        let mut changes = self.published.subscribe();
        while self.revision() < revision && !self.lock().closed {
            if changes.changed().await.is_err() {
                return;
            }
        }
    }

    /// Ends every watch once it has delivered what is there.
    pub(crate) fn close(&self) {
        self.lock().closed = true;
        self.published.send_modify(|_| ());
    }

    /// A stream of the events of keys beginning with `prefix` after `from`.
    pub(crate) fn watch(
        self: &Arc<Self>,
        prefix: &str,
        from: Revision,
    ) -> Result<Watch, WatchError> {
        let ring = self.lock();
        if ring.closed {
            return Err(WatchError::Closed);
        }
        if from < ring.begins_after {
            return Err(WatchError::Compacted {
                from,
                oldest: ring.begins_after,
            });
        }
        let position = ring.dropped
            + ring
                .events
                .partition_point(|event| event.revision() <= from) as u64;
        let wake = self.published.subscribe();
        drop(ring);
        Ok(Box::pin(Cursor::new(
            Arc::clone(self),
            wake,
            prefix,
            from,
            position,
        )))
    }

    /// A panic while the lock was held cannot leave the ring torn: appending is the only change, and it cannot panic half-way.
    fn lock(&self) -> MutexGuard<'_, Ring> {
        self.ring.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Ring {
    fn append(&mut self, revision: Revision, events: Vec<Event>, limits: Limits) {
        for event in events {
            self.bytes += event.size();
            self.events.push_back(event);
        }
        self.last = revision;
        while self.events.len() > limits.events || self.bytes > limits.bytes {
            let Some(oldest) = self.events.pop_front() else {
                break;
            };
            self.bytes -= oldest.size();
            self.dropped += 1;
            self.begins_after = oldest.revision();
        }
    }
}

#[cfg(test)]
mod tests;
