//! What a resolver has done since it was made.

use std::time::Duration;

use hickory_proto::op::ResponseCode;
use tidegate_pages::{Counter, Histogram, Tally};

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
    by_code: [Histogram<{ HISTOGRAM_BOUNDS.len() }>; CODES + 1],
}

impl UpstreamCounters {
    /// How long its answers took, by response code, with [`HISTOGRAM_BOUNDS`] and sums in
    /// nanoseconds; [`OTHER_CODE`] stands for all codes that aren't counted apart.
    pub fn by_code(&self) -> impl Iterator<Item = (u16, Tally<{ HISTOGRAM_BOUNDS.len() }>)> {
        (0..).zip(self.by_code.iter().map(Histogram::tally))
    }

    pub(crate) fn observe(&self, code: ResponseCode, took: Duration) {
        let place = usize::from(u16::from(code)).min(CODES);
        let nanoseconds = u64::try_from(took.as_nanos()).unwrap_or(u64::MAX);
        self.by_code[place].observe(&HISTOGRAM_BOUNDS, took.as_secs_f64(), nanoseconds);
    }
}

/// The upper bounds of times that are told apart, in seconds: those of CoreDNS's dashboards, from
/// 0.25 ms on, each twice the one before.
pub const HISTOGRAM_BOUNDS: [f64; 16] = [
    0.00025, 0.0005, 0.001, 0.002, 0.004, 0.008, 0.016, 0.032, 0.064, 0.128, 0.256, 0.512, 1.024,
    2.048, 4.096, 8.192,
];

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use hickory_proto::op::ResponseCode;

    use super::{HISTOGRAM_BOUNDS, OTHER_CODE, UpstreamCounters};

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
        let cumulative: Vec<u64> = times.cumulative(&HISTOGRAM_BOUNDS).map(|it| it.1).collect();
        assert_eq!((&cumulative[..3], cumulative[15]), (&[1, 2, 2][..], 2));
        assert_eq!((times.count(), times.sum()), (3, 9_000_501_000));
        assert_eq!(counted[1].0, OTHER_CODE);
    }
}
