//! What a resolver has done since it was made.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use hickory_proto::op::ResponseCode;

/// One number that only grows.
#[derive(Debug, Default)]
pub struct Counter(AtomicU64);

impl Counter {
    /// The number so far.
    pub fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }

    pub(crate) fn increment(&self) {
        self.add(1);
    }

    fn add(&self, more: u64) {
        self.0.fetch_add(more, Ordering::Relaxed);
    }
}

/// Everything that a resolver counts, but for what it counts by upstream.
#[derive(Debug, Default)]
pub struct Counters {
    /// Questions that were answered from kept answers with records.
    pub success_hits: Counter,
    /// Questions that were answered from kept denials and failures.
    pub denial_hits: Counter,
    /// Questions of both kinds whose answer had outlived its TTL.
    pub stale_served: Counter,
    /// Questions that the cache could not answer.
    pub misses: Counter,
    /// Times that a popular answer was asked for again before it ran out.
    pub prefetches: Counter,
    /// Replies that were not kept because their records don't belong to the question.
    pub drops: Counter,
    /// Kept answers that made way for others.
    pub success_evictions: Counter,
    /// Kept denials and failures that made way for others.
    pub denial_evictions: Counter,
    /// Questions that shared the asking of an equal one.
    pub shared: Counter,
    /// Questions that found every upstream down.
    pub all_upstreams_down: Counter,
    /// Questions that were refused because too many others were waiting.
    pub concurrency_rejects: Counter,
}

/// How many response codes are told apart: those of RFC 1035 and RFC 2136.
const CODES: usize = 11;

/// The number under which [`UpstreamCounters::by_code`] puts together all other response codes.
pub const OTHER_CODE: u16 = CODES as u16;

/// What is counted of one upstream.
#[derive(Debug, Default)]
pub struct UpstreamCounters {
    /// Health checks that were not answered.
    pub health_check_failures: Counter,
    /// Questions that it did not answer usably: too late, not at all, or garbage.
    pub unanswered: Counter,
    /// Questions over TCP or TLS that went over a connection that was open already.
    pub connections_reused: Counter,
    /// TCP or TLS connections that were opened for questions.
    pub connections_opened: Counter,
    by_code: [Histogram; CODES + 1],
}

impl UpstreamCounters {
    /// How long its answers took, by response code; [`OTHER_CODE`] stands for all codes that have
    /// no histogram of their own.
    pub fn by_code(&self) -> impl Iterator<Item = (u16, &Histogram)> {
        (0..).zip(&self.by_code)
    }

    pub(crate) fn observe(&self, code: ResponseCode, took: Duration) {
        let place = usize::from(u16::from(code)).min(CODES);
        self.by_code[place].observe(took);
    }
}

/// The upper bounds of the histogram's buckets, in seconds: those of CoreDNS's dashboards, from
/// 0.25 ms on, each twice the one before.
pub const HISTOGRAM_BOUNDS: [f64; 16] = [
    0.00025, 0.0005, 0.001, 0.002, 0.004, 0.008, 0.016, 0.032, 0.064, 0.128, 0.256, 0.512, 1.024,
    2.048, 4.096, 8.192,
];

/// How often something took how long.
#[derive(Debug, Default)]
pub struct Histogram {
    /// One for each of the bounds, and one for what is beyond the last.
    buckets: [Counter; HISTOGRAM_BOUNDS.len() + 1],
    nanoseconds: Counter,
}

impl Histogram {
    /// How many observations are at most as long as each of [`HISTOGRAM_BOUNDS`]; after those, how
    /// many there are at all.
    pub fn cumulative(&self) -> [u64; HISTOGRAM_BOUNDS.len() + 1] {
        let mut so_far = 0;
        std::array::from_fn(|place| {
            so_far += self.buckets[place].get();
            so_far
        })
    }

    /// How many observations there are.
    pub fn count(&self) -> u64 {
        self.buckets.iter().map(Counter::get).sum()
    }

    /// What the observations add up to.
    pub fn sum(&self) -> Duration {
        Duration::from_nanos(self.nanoseconds.get())
    }

    fn observe(&self, took: Duration) {
        let seconds = took.as_secs_f64();
        let place = HISTOGRAM_BOUNDS.partition_point(|bound| *bound < seconds);
        self.buckets[place].increment();
        self.nanoseconds
            .add(u64::try_from(took.as_nanos()).unwrap_or(u64::MAX));
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use hickory_proto::op::ResponseCode;

    use super::{OTHER_CODE, UpstreamCounters};

    #[test]
    fn times_fall_into_the_bucket_that_bounds_them() {
        let counters = UpstreamCounters::default();
        for micros in [250, 251, 9_000_000] {
            counters.observe(ResponseCode::NXDomain, Duration::from_micros(micros));
        }
        counters.observe(ResponseCode::BADVERS, Duration::ZERO);
        let counted: Vec<_> = counters
            .by_code()
            .filter(|(_, times)| times.count() > 0)
            .collect();
        assert_eq!(counted.len(), 2);
        let (code, times) = counted[0];
        assert_eq!(code, 3);
        assert_eq!(times.cumulative()[..3], [1, 2, 2]);
        assert_eq!(times.cumulative()[16], 3);
        assert_eq!(times.sum(), Duration::from_micros(9_000_501));
        assert_eq!(counted[1].0, OTHER_CODE);
    }
}
