//! Figures of several rounds, and what is said about them.

use serde::{Deserialize, Serialize};

/// A figure, round by round.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct Series(pub(crate) Vec<f64>);

impl Series {
    /// The median over the rounds.
    pub(crate) fn median(&self) -> Option<f64> {
        median(self.0.clone())
    }

    /// The median of the ratios to another figure's same rounds: what disturbed a round, disturbed
    /// both.
    pub(crate) fn ratio_to(&self, other: &Self) -> Option<f64> {
        let pairs = self.0.iter().zip(&other.0);
        median(pairs.map(|(own, other)| own / other).collect())
    }
}

/// The value in the middle; of an even number of values the mean of both.
pub(crate) fn median(mut values: Vec<f64>) -> Option<f64> {
    values.sort_by(f64::total_cmp);
    let middle = values.len() / 2;
    match values.len() % 2 {
        1 => Some(values[middle]),
        _ => {
            let below = values.get(middle.checked_sub(1)?)?;
            Some((below + values[middle]) / 2.0)
        }
    }
}

/// The smallest value that at least this share of all values doesn't exceed.
pub(crate) fn percentile(values: &[f64], share: f64) -> Option<f64> {
    let mut values = values.to_vec();
    values.sort_by(f64::total_cmp);
    let rank = (values.len() as f64 * share).ceil() as usize;
    values.get(rank.saturating_sub(1)).copied()
}

/// Whether something that takes this long has been timed often enough: five times, or as often as
/// fits into a few seconds.
pub(crate) fn is_enough(seconds: &[f64]) -> bool {
    seconds.len() >= 5 || seconds.iter().sum::<f64>() > 3.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_is_in_the_middle() {
        assert_eq!(median(vec![3.0, 1.0, 2.0]), Some(2.0));
        assert_eq!(median(vec![4.0, 1.0, 2.0, 3.0]), Some(2.5));
        assert_eq!(median(Vec::new()), None);
    }

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
    }
}
