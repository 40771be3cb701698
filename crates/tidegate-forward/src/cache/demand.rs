//! Who asks for a kept answer, and who asks for it again.

use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use super::settings::Prefetch;
use crate::stored::Stored;

/// How much an answer is in demand.
#[derive(Debug, Default)]
pub(crate) struct Demand {
    /// How often it was given without a pause.
    hits: AtomicU32,
    /// When it was given last, in milliseconds after it came.
    last_hit: AtomicU64,
    /// Until when nobody asks for it again, in milliseconds after it came.
    refresh_after: AtomicU64,
}

impl Stored {
    /// Takes over how popular the answer was whose place this one takes.
    pub(super) fn succeed(&self, earlier: &Self) {
        let hits = earlier.demand.hits.load(Ordering::Relaxed);
        self.demand.hits.store(hits, Ordering::Relaxed);
    }

    /// Notes that the answer was given `now`, and tells whether it should be asked for again though
    /// it holds for a while yet.
    pub(super) fn is_worth_prefetching(&self, prefetch: &Prefetch, now: Instant) -> bool {
        let at = self.milliseconds(now);
        let pause = at.saturating_sub(self.demand.last_hit.swap(at, Ordering::Relaxed));
        let hits = if u128::from(pause) < prefetch.within.as_millis() {
            self.demand
                .hits
                .fetch_add(1, Ordering::Relaxed)
                .saturating_add(1)
        } else {
            self.demand.hits.store(1, Ordering::Relaxed);
            1
        };
        let lifetime = self.age.lifetime;
        let left = lifetime.saturating_sub(self.age.elapsed(now));
        let threshold = lifetime * u32::from(prefetch.percentage) / 100;
        hits >= prefetch.amount && left <= threshold.max(Duration::from_secs(1))
    }

    /// Whether the one who asks this is the one to ask for the answer again: nobody else will be
    /// for `pause`.
    pub(super) fn claim_refresh(&self, now: Instant, pause: Duration) -> bool {
        let at = self.milliseconds(now);
        let until = self.demand.refresh_after.load(Ordering::Relaxed);
        let pause = u64::try_from(pause.as_millis()).unwrap_or(u64::MAX).max(1);
        at >= until
            && self
                .demand
                .refresh_after
                .compare_exchange(
                    until,
                    at.saturating_add(pause),
                    Ordering::Relaxed,
                    Ordering::Relaxed,
                )
                .is_ok()
    }

    /// Whether asking for it again was claimed lately.
    pub(super) fn is_at_rest(&self, now: Instant) -> bool {
        self.milliseconds(now) < self.demand.refresh_after.load(Ordering::Relaxed)
    }

    fn milliseconds(&self, now: Instant) -> u64 {
        u64::try_from(self.age.elapsed(now).as_millis()).unwrap_or(u64::MAX)
    }
}
