//! How often one key may be worked on.
//!
//! A key that rests is worked on the moment it changes; one that changes without pause gets a
//! burst and then a steady rate. Upstream's slice controller waits for a fixed time before each
//! write instead, which the steady case would pay for too.

use std::collections::HashMap;
use std::hash::Hash;
use std::time::Duration;

use tokio::time::Instant;

/// Above this number of remembered keys those that have rested long enough are forgotten.
const FORGET_ABOVE: usize = 1024;

/// A rate limit for each key: `burst` at once, then one per `interval`.
#[derive(Debug)]
pub(crate) struct Pace<K> {
    interval: Duration,
    burst: u32,
    /// When each key's credit would be used up had it been worked on at the steady rate.
    spent_until: HashMap<K, Instant>,
    forget_at: usize,
}

impl<K: Clone + Eq + Hash> Pace<K> {
    pub(crate) fn new(interval: Duration, burst: u32) -> Self {
        Self {
            interval,
            burst: burst.max(1),
            spent_until: HashMap::new(),
            forget_at: FORGET_ABOVE,
        }
    }

    /// The first moment at which the key may be worked on; `None` means any.
    pub(crate) fn earliest(&self, key: &K) -> Option<Instant> {
        let spent_until = self.spent_until.get(key)?;
        spent_until.checked_sub(self.interval * (self.burst - 1))
    }

    /// Takes note that the key is being worked on now.
    pub(crate) fn record(&mut self, key: &K) {
        let now = Instant::now();
        if self.spent_until.len() >= self.forget_at {
            self.spent_until.retain(|_, spent_until| *spent_until > now);
            self.forget_at = FORGET_ABOVE.max(self.spent_until.len() * 2);
        }
        let spent_until = self.spent_until.entry(key.clone()).or_insert(now);
        *spent_until = (*spent_until).max(now) + self.interval;
    }
}
