//! Medians and spreads of a few rounds.

use serde::Serialize;

/// Several rounds of one figure.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Sample {
    /// The middle of the rounds.
    pub median: f64,
    /// From the smallest to the largest, as a share of the median.
    pub spread: f64,
    /// Every round, in order.
    pub rounds: Vec<f64>,
}

impl Sample {
    /// The sample of `rounds`, which must not be empty.
    pub fn of(rounds: Vec<f64>) -> Sample {
        let mut sorted = rounds.clone();
        sorted.sort_by(f64::total_cmp);
        let middle = sorted.len() / 2;
        let median =
            if sorted.len().is_multiple_of(2) { (sorted[middle - 1] + sorted[middle]) / 2.0 } else { sorted[middle] };
        let spread = (sorted[sorted.len() - 1] - sorted[0]) / median;
        Sample { median, spread, rounds }
    }
}

/// The middle of the ratios, round by round: what drifts with the machine drifts in both.
pub fn ratio(of: &Sample, to: &Sample) -> Sample {
    Sample::of(of.rounds.iter().zip(&to.rounds).map(|(of, to)| of / to).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_is_in_the_middle_and_the_spread_spans_the_rounds() {
        let sample = Sample::of(vec![10.0, 30.0, 20.0]);
        assert_eq!((sample.median, sample.spread), (20.0, 1.0));
        assert_eq!(Sample::of(vec![1.0, 2.0]).median, 1.5);
    }

    #[test]
    fn ratios_are_taken_round_by_round() {
        // A machine that is half as fast in the second round changes nothing about the ratio.
        let (mine, floor) = (Sample::of(vec![80.0, 40.0, 80.0]), Sample::of(vec![100.0, 50.0, 100.0]));
        assert_eq!(ratio(&mine, &floor).median, 0.8);
        assert_eq!(ratio(&mine, &floor).spread, 0.0);
    }
}
