//! Following changes: events, and the stream that carries them.

use std::pin::Pin;

use futures::Stream;

use crate::entry::{Entry, Revision};

/// A running watch. It ends (`None`) when the store is closed; after an error it ends as well.
///
/// Polling is cancel-safe: dropping the future of one `next()` loses no event.
pub type Watch = Pin<Box<dyn EventStream>>;

/// A stream of changes that also knows how far it has come.
pub trait EventStream: Stream<Item = Result<Event, WatchError>> + Send {
    /// The revision up to which this stream has returned everything there was to return.
    ///
    /// It advances with foreign changes too, whenever the stream is polled: a watcher without events of its own learns here
    /// which revision it may announce as complete (a bookmark, in Kubernetes).
    fn complete_to(&self) -> Revision;
}

/// One change to one key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// What happened.
    pub kind: EventKind,
    /// The state after a put. For a deletion: the last state, with `modified` set to the revision of the deletion.
    pub entry: Entry,
    /// The state before, `None` when the key was created.
    pub previous: Option<Entry>,
}

impl Event {
    /// The revision of the transaction that caused the change.
    #[must_use]
    pub fn revision(&self) -> Revision {
        self.entry.modified
    }

    /// How many bytes of keys and values this event holds on to, counted as if nothing were shared.
    pub(crate) fn size(&self) -> usize {
        self.entry.size() + self.previous.as_ref().map_or(0, Entry::size)
    }
}

/// What happened to a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EventKind {
    /// The key was created or its value written anew.
    Put,
    /// The key was deleted.
    Delete,
}

/// Why a watch could not begin, or ended early.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WatchError {
    /// History does not reach back far enough: list again, then watch from the revision of the listing.
    #[error(
        "the revision {from} is too old: history begins after {oldest}; list again and watch from there"
    )]
    Compacted {
        /// The revision that was asked for.
        from: Revision,
        /// The oldest revision from which a watch can begin.
        oldest: Revision,
    },
    /// The watcher read so slowly that history moved past it: list again and watch from there.
    #[error(
        "the watch fell behind: changes after revision {reached} are gone from history; list again and watch from there"
    )]
    FellBehind {
        /// The last revision that was delivered completely.
        reached: Revision,
    },
    /// The store is being shut down.
    #[error("the store has been closed")]
    Closed,
}
