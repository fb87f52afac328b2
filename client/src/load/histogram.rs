//! Durations by magnitude: sixteen steps to each doubling, so a quantile is right to about 5 %.

use std::time::Duration;

const STEPS: usize = 16;
const SLOTS: usize = 40 * STEPS;

/// The histogram, in nanoseconds.
#[derive(Debug, Clone)]
pub struct Histogram {
    slots: Box<[u64]>,
    count: u64,
}

impl Default for Histogram {
    fn default() -> Histogram {
        Histogram { slots: vec![0; SLOTS].into_boxed_slice(), count: 0 }
    }
}

fn slot(nanos: u64) -> usize {
    let nanos = nanos.max(STEPS as u64);
    let magnitude = nanos.ilog2();
    let step = (nanos >> (magnitude - STEPS.ilog2())) as usize & (STEPS - 1);
    ((magnitude - STEPS.ilog2()) as usize * STEPS + step).min(SLOTS - 1)
}

/// The smallest duration of a slot.
fn floor(slot: usize) -> u64 {
    let (magnitude, step) = (slot / STEPS, slot % STEPS);
    ((STEPS + step) as u64) << magnitude
}

impl Histogram {
    /// Counts one duration.
    pub fn record(&mut self, duration: Duration) {
        self.record_many(duration, 1);
    }

    /// Counts the same duration so many times.
    pub fn record_many(&mut self, duration: Duration, count: u64) {
        let nanos = u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX);
        self.slots[slot(nanos)] += count;
        self.count += count;
    }

    /// Durations counted.
    pub fn count(&self) -> u64 {
        self.count
    }

    /// The duration that a share of all (0 to 1) does not exceed; zero without any.
    pub fn quantile(&self, share: f64) -> Duration {
        let rank = (self.count as f64 * share.clamp(0.0, 1.0)).ceil().max(1.0) as u64;
        let mut seen = 0;
        for (index, count) in self.slots.iter().enumerate() {
            seen += count;
            if seen >= rank {
                return Duration::from_nanos((floor(index) + floor(index + 1)) / 2);
            }
        }
        Duration::ZERO
    }

    /// Adds what another one counted.
    pub fn merge(&mut self, other: &Histogram) {
        for (mine, theirs) in self.slots.iter_mut().zip(&other.slots) {
            *mine += theirs;
        }
        self.count += other.count;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quantile_is_right_to_five_percent() {
        let mut histogram = Histogram::default();
        (1..=10_000u64).for_each(|micros| histogram.record(Duration::from_micros(micros)));
        for (share, micros) in [(0.01, 100.0), (0.5, 5_000.0), (0.99, 9_900.0)] {
            let quantile = histogram.quantile(share).as_secs_f64() * 1e6;
            assert!((quantile / micros - 1.0).abs() < 0.05, "{share}: {quantile} instead of {micros}");
        }
    }

    #[test]
    fn merging_counts_both_and_nothing_has_no_quantile() {
        let mut histogram = Histogram::default();
        assert_eq!(histogram.quantile(0.5), Duration::ZERO);
        let mut other = Histogram::default();
        other.record(Duration::from_millis(1));
        histogram.merge(&other);
        histogram.record_many(Duration::from_millis(1), 2);
        assert_eq!((histogram.count(), histogram.quantile(0.5)), (3, other.quantile(0.5)));
    }
}
