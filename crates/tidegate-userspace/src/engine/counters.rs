//! What the threads count, for whoever asks.

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

/// Counts of all threads together.
#[derive(Debug, Default)]
pub(crate) struct Counters {
    /// TCP connections of clients that are open now.
    pub(crate) open_connections: AtomicUsize,
    /// UDP sessions that are open now.
    pub(crate) udp_sessions: AtomicUsize,
    /// Dials that a backend refused or did not answer in time, TCP and UDP.
    pub(crate) dial_failures: AtomicU64,
    /// TCP connections that were accepted and for which no backend could be reached.
    pub(crate) unserved_connections: AtomicU64,
}

/// One more of something for as long as this lives.
#[derive(Debug)]
pub(crate) struct Counted(std::sync::Arc<Counters>, fn(&Counters) -> &AtomicUsize);

impl Counted {
    pub(crate) fn connection(counters: &std::sync::Arc<Counters>) -> Self {
        Self::new(counters, |counters| &counters.open_connections)
    }

    pub(crate) fn session(counters: &std::sync::Arc<Counters>) -> Self {
        Self::new(counters, |counters| &counters.udp_sessions)
    }

    fn new(counters: &std::sync::Arc<Counters>, which: fn(&Counters) -> &AtomicUsize) -> Self {
        which(counters).fetch_add(1, Ordering::Relaxed);
        Self(std::sync::Arc::clone(counters), which)
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        (self.1)(&self.0).fetch_sub(1, Ordering::Relaxed);
    }
}
