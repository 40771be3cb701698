//! How many there were of each size, counted by many threads at once.

use std::iter::Sum;

use crate::Counter;

/// Counts by size. Whoever counts and whoever reads has the upper bounds of the `N` sizes that are
/// told apart, in ascending order.
#[derive(Debug)]
pub struct Histogram<const N: usize> {
    buckets: [Counter; N],
    /// What is beyond the last bound.
    beyond: Counter,
    sum: Counter,
}

/// What one histogram, or several together, had counted at one moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tally<const N: usize> {
    buckets: [u64; N],
    beyond: u64,
    sum: u64,
}

impl<const N: usize> Histogram<N> {
    /// Counts one more of size `value`, in the unit of the bounds; `exact` is what it adds to the
    /// sum, in a unit that may be finer.
    #[inline]
    pub fn observe(&self, bounds: &[f64; N], value: f64, exact: u64) {
        let place = bounds.iter().position(|bound| value <= *bound);
        let bucket = place.and_then(|place| self.buckets.get(place));
        bucket.unwrap_or(&self.beyond).increment();
        self.sum.add(exact);
    }

    /// What has been counted so far.
    pub fn tally(&self) -> Tally<N> {
        Tally {
            buckets: std::array::from_fn(|place| self.buckets[place].get()),
            beyond: self.beyond.get(),
            sum: self.sum.get(),
        }
    }
}

impl<const N: usize> Default for Histogram<N> {
    fn default() -> Self {
        Self {
            buckets: std::array::from_fn(|_| Counter::default()),
            beyond: Counter::default(),
            sum: Counter::default(),
        }
    }
}

impl<const N: usize> Tally<N> {
    /// For each bound, how many were at most as large.
    pub fn cumulative(&self, bounds: &[f64; N]) -> impl Iterator<Item = (f64, u64)> {
        let mut so_far = 0;
        bounds.iter().zip(&self.buckets).map(move |(bound, count)| {
            so_far += count;
            (*bound, so_far)
        })
    }

    /// How many there were.
    pub fn count(&self) -> u64 {
        self.buckets.iter().sum::<u64>() + self.beyond
    }

    /// What they add up to, in the unit in which it was counted.
    pub fn sum(&self) -> u64 {
        self.sum
    }
}

impl<const N: usize> Sum for Tally<N> {
    fn sum<I: Iterator<Item = Self>>(all: I) -> Self {
        let nothing = Self {
            buckets: [0; N],
            beyond: 0,
            sum: 0,
        };
        all.fold(nothing, |so_far, one| Self {
            buckets: std::array::from_fn(|place| so_far.buckets[place] + one.buckets[place]),
            beyond: so_far.beyond + one.beyond,
            sum: so_far.sum + one.sum,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BOUNDS: [f64; 2] = [0.5, 1.0];

    #[test]
    fn a_bound_counts_what_is_exactly_as_large() {
        let histogram = Histogram::default();
        for millis in [500, 501, 1000, 5000] {
            histogram.observe(&BOUNDS, millis as f64 / 1000.0, millis);
        }
        let tally = histogram.tally();
        let cumulative: Vec<_> = tally.cumulative(&BOUNDS).collect();
        assert_eq!(cumulative, [(0.5, 1), (1.0, 3)]);
        assert_eq!((tally.count(), tally.sum()), (4, 7001));
    }

    #[test]
    fn several_histograms_are_told_as_one() {
        let histograms: [Histogram<2>; 2] = Default::default();
        histograms[0].observe(&BOUNDS, 0.1, 100);
        histograms[1].observe(&BOUNDS, 0.6, 600);
        histograms[1].observe(&BOUNDS, 2.0, 2000);
        let tally: Tally<2> = histograms.iter().map(Histogram::tally).sum();
        let cumulative: Vec<_> = tally.cumulative(&BOUNDS).collect();
        assert_eq!(cumulative, [(0.5, 1), (1.0, 2)]);
        assert_eq!((tally.count(), tally.sum()), (3, 2700));
    }
}
