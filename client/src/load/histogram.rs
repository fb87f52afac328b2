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
        let nanos = u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX);
        self.slots[slot(nanos)] += 1;
        self.count += 1;
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
