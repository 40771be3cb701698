//! Figures of several rounds, and what is said about them.

use serde::{Deserialize, Serialize};

/// A figure, round by round.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct Series(pub(crate) Vec<f64>);

impl Series {
    /// The median over the rounds.
    pub(crate) fn median(&self) -> Option<f64> {
        percentile(&self.0, 0.5)
    }

    /// How far the rounds lie apart, as a part of the median.
    pub(crate) fn spread(&self) -> Option<f64> {
        let most = self.0.iter().copied().reduce(f64::max)?;
        let least = self.0.iter().copied().reduce(f64::min)?;
        Some((most - least) / self.median()?)
    }

    /// The median of the ratios to another figure's same rounds: what disturbed a round, disturbed
    /// both.
    pub(crate) fn ratio_to(&self, other: &Self) -> Option<f64> {
        let pairs = self.0.iter().zip(&other.0);
        let ratios: Vec<f64> = pairs.map(|(own, other)| own / other).collect();
        percentile(&ratios, 0.5)
    }
}

/// The smallest value that at least this share of all values doesn't exceed.
pub(crate) fn percentile(values: &[f64], share: f64) -> Option<f64> {
    let mut values = values.to_vec();
    values.sort_by(f64::total_cmp);
    let rank = (values.len() as f64 * share).ceil() as usize;
    values.get(rank.saturating_sub(1)).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_percentile_is_a_value_that_occurred() {
        let values: Vec<f64> = (1..=200).rev().map(f64::from).collect();
        assert_eq!(percentile(&values, 0.99), Some(198.0));
        assert_eq!(percentile(&values, 0.5), Some(100.0));
        assert_eq!(percentile(&[7.0], 0.99), Some(7.0));
        assert_eq!(percentile(&[], 0.5), None);
    }

    #[test]
    fn a_round_that_was_slow_for_both_doesn_t_change_their_ratio() {
        let own = Series(vec![2.0, 200.0, 2.0]);
        let other = Series(vec![1.0, 100.0, 1.0]);
        assert_eq!(own.ratio_to(&other), Some(2.0));
        assert_eq!(other.spread(), Some(99.0));
    }
}
