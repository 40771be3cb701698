//! One watcher's place in history.

use std::collections::VecDeque;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use futures::{Stream, StreamExt};
use tokio_stream::wrappers::WatchStream;

use super::{History, Receiver, Ring};
use crate::entry::Revision;
use crate::watch::{Event, EventStream, WatchError};

/// How many events are looked at under one hold of the lock.
const SCAN_EVENTS: usize = 1024;
/// How many bytes of matching events a cursor takes along at once (at least one event).
const BATCH_BYTES: usize = 256 << 10;

/// A watch on [`History`]: the position of the next event to look at, and the few events already taken but not yet returned.
pub(super) struct Cursor {
    history: Arc<History>,
    wake: WatchStream<Revision>,
    prefix: Box<str>,
    /// Events up to here are not wanted; matters while `from` lies in the future.
    from: Revision,
    position: u64,
    taken: VecDeque<Event>,
    scanned_to: Revision,
    ended: bool,
}

/// What looking into the ring gave.
enum Look {
    /// There may be more: look again.
    Advanced,
    /// Everything published has been looked at.
    AtEnd,
    /// Everything has been looked at and nothing will follow.
    Closed,
}

impl Cursor {
    pub(super) fn new(
        history: Arc<History>,
        wake: Receiver<Revision>,
        prefix: &str,
        from: Revision,
        position: u64,
    ) -> Self {
        Self {
            history,
            wake: WatchStream::from_changes(wake),
            prefix: prefix.into(),
            from,
            position,
            taken: VecDeque::new(),
            scanned_to: from,
            ended: false,
        }
    }

    /// Takes the next matching events out of the ring.
    fn look(&mut self) -> Result<Look, WatchError> {
        let history = Arc::clone(&self.history);
        let ring = history.lock();
        if self.position < ring.dropped {
            return Err(WatchError::FellBehind {
                reached: self.complete_to(),
            });
        }
        self.take_from(&ring);
        match ring.events.get((self.position - ring.dropped) as usize) {
            Some(next) => {
                self.scanned_to = self.scanned_to.max(Revision(next.revision().0 - 1));
                Ok(Look::Advanced)
            }
            None => {
                self.scanned_to = self.scanned_to.max(ring.last);
                Ok(if ring.closed {
                    Look::Closed
                } else {
                    Look::AtEnd
                })
            }
        }
    }

    fn take_from(&mut self, ring: &Ring) {
        let mut bytes = 0;
        let start = (self.position - ring.dropped) as usize;
        for event in ring.events.iter().skip(start).take(SCAN_EVENTS) {
            self.position += 1;
            if event.revision() > self.from && event.entry.key.starts_with(&*self.prefix) {
                bytes += event.size();
                self.taken.push_back(event.clone());
                if bytes >= BATCH_BYTES {
                    break;
                }
            }
        }
    }
}

impl Stream for Cursor {
    type Item = Result<Event, WatchError>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        loop {
            if let Some(event) = self.taken.pop_front() {
                return Poll::Ready(Some(Ok(event)));
            }
            if self.ended {
                return Poll::Ready(None);
            }
            match self.look() {
                Ok(_) if !self.taken.is_empty() => {}
                Ok(Look::Advanced) => {}
                Ok(Look::AtEnd) => {
                    ready!(self.wake.poll_next_unpin(context));
                }
                Ok(Look::Closed) => self.ended = true,
                Err(error) => {
                    self.ended = true;
                    return Poll::Ready(Some(Err(error)));
                }
            }
        }
    }
}

impl EventStream for Cursor {
    fn complete_to(&self) -> Revision {
        match self.taken.front() {
            Some(next) => Revision(next.revision().0 - 1),
            None => self.scanned_to,
        }
    }
}
