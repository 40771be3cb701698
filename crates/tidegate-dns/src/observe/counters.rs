//! Numbers that only grow.

use std::sync::atomic::{AtomicU64, Ordering};

/// One number that only grows.
#[derive(Debug, Default)]
pub struct Counter(AtomicU64);

impl Counter {
    /// The number so far.
    pub fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }

    #[inline]
    pub(crate) fn increment(&self) {
        self.add(1);
    }

    #[inline]
    pub(crate) fn add(&self, more: u64) {
        self.0.fetch_add(more, Ordering::Relaxed);
    }
}

/// Packets that reach no server block.
#[derive(Debug, Default)]
pub(crate) struct DeskCounters {
    /// Those without a reply: answers to questions that nobody asked, or too short.
    pub(crate) ignored: Counter,
    /// Those that got FORMERR or NOTIMP.
    pub(crate) malformed: Counter,
    /// Well-formed queries for what no block answers: REFUSED or BADVERS.
    pub(crate) refused: Counter,
    /// Replies that couldn't be sent.
    pub(crate) send_failures: Counter,
}
