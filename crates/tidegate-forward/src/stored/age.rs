//! How old a reply is, and what that means for its TTLs.

use std::time::{Duration, Instant};

/// When a reply came, and for how long it holds.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Age {
    /// When it came.
    pub(crate) since: Instant,
    /// For how long it is an answer; nothing, if it is not to be kept.
    pub(crate) lifetime: Duration,
    /// Whether TTLs are handed out as they came, however old the reply is.
    pub(crate) keeps_ttl: bool,
    /// The TTL in seconds with which records are handed out that have outlived theirs.
    pub(crate) stale_ttl: u32,
}

impl Age {
    /// The age of a reply that is passed on and forgotten.
    pub(crate) fn unkept(since: Instant) -> Self {
        Self {
            since,
            lifetime: Duration::MAX,
            keeps_ttl: true,
            stale_ttl: 0,
        }
    }

    pub(crate) fn elapsed(&self, now: Instant) -> Duration {
        now.saturating_duration_since(self.since)
    }

    pub(crate) fn is_over(&self, now: Instant) -> bool {
        self.elapsed(now) >= self.lifetime
    }

    /// How long ago the reply has stopped being an answer; nothing, if it still is one.
    pub(crate) fn overdue(&self, now: Instant) -> Duration {
        self.elapsed(now).saturating_sub(self.lifetime)
    }

    /// How many seconds are left `now` of a TTL of so many.
    pub(crate) fn remaining(&self, ttl: u32, now: Instant) -> u32 {
        if self.is_over(now) {
            return self.stale_ttl;
        }
        if self.keeps_ttl {
            return ttl;
        }
        let elapsed = self.elapsed(now).as_secs();
        ttl.saturating_sub(u32::try_from(elapsed).unwrap_or(u32::MAX))
    }
}
