//! How often something took how long.

use std::time::Duration;

/// Durations counted by buckets, as metrics pages show them.
#[derive(Clone, Debug, PartialEq)]
pub struct Histogram {
    bounds: Vec<f64>,
    /// One count a bound, and a last one for what is longer than every bound.
    counts: Vec<u64>,
    sum: f64,
}

impl Histogram {
    /// An empty histogram over these upper bounds in seconds, which must be in ascending order.
    pub fn new(bounds: impl IntoIterator<Item = f64>) -> Self {
        let bounds: Vec<f64> = bounds.into_iter().collect();
        Self {
            counts: vec![0; bounds.len() + 1],
            bounds,
            sum: 0.0,
        }
    }

    /// Fifteen buckets from a millisecond, each twice the one before: what kube-proxy measures its
    /// own work with.
    pub fn of_work() -> Self {
        Self::new((0..15).map(|power| 0.001 * f64::from(1 << power)))
    }

    /// Counts one more.
    pub fn observe(&mut self, took: Duration) {
        let seconds = took.as_secs_f64();
        let bucket = self.bounds.partition_point(|bound| *bound < seconds);
        self.counts[bucket] += 1;
        self.sum += seconds;
    }

    /// For each bound in seconds, how many took no longer.
    pub fn cumulative(&self) -> impl Iterator<Item = (f64, u64)> + '_ {
        let mut so_far = 0;
        self.bounds
            .iter()
            .zip(&self.counts)
            .map(move |(bound, count)| {
                so_far += count;
                (*bound, so_far)
            })
    }

    /// How many were counted.
    pub fn count(&self) -> u64 {
        self.counts.iter().sum()
    }

    /// How many seconds they took together.
    pub fn sum(&self) -> f64 {
        self.sum
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bound_counts_what_took_exactly_as_long() {
        let mut histogram = Histogram::new([0.5, 1.0]);
        for millis in [500, 501, 1000, 5000] {
            histogram.observe(Duration::from_millis(millis));
        }
        let cumulative: Vec<_> = histogram.cumulative().collect();
        assert_eq!(cumulative, [(0.5, 1), (1.0, 3)]);
        assert_eq!(histogram.count(), 4);
        assert!((histogram.sum() - 7.001).abs() < 1e-9);
    }

    #[test]
    fn work_is_measured_from_a_millisecond_to_sixteen_seconds() {
        let bounds: Vec<f64> = Histogram::of_work()
            .cumulative()
            .map(|(bound, _)| bound)
            .collect();
        assert_eq!((bounds[0], bounds[14], bounds.len()), (0.001, 16.384, 15));
    }
}
