//! Time as an argument. The framework never asks what time it is; each event brings it (design 2.1).
//!
//! Units are ticks of 100 ns throughout (REQ-22, MAP-8): a relative timeout runs on the monotonic count,
//! an absolute one on the wall clock, so a clock change moves only the absolute ones.

/// Ticks of 100 ns in one millisecond.
pub const TICKS_PER_MILLISECOND: u64 = 10_000;

/// What the clock showed when an event happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct Now {
    /// Monotonic ticks since the stack's clock began.
    pub monotonic: u64,
    /// Wall clock as a FILETIME: ticks since 1601-01-01 UTC.
    pub wall: i64,
}

/// When a timer is due.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Due {
    /// At this monotonic tick.
    Monotonic(u64),
    /// At this wall-clock tick; follows clock changes.
    Wall(i64),
}

impl Due {
    /// The meaning of a `Timeout` argument (REQ-22): negative is relative, positive absolute, 0 no timer.
    /// A relative timeout too far to represent saturates to the end of time rather than wrapping.
    pub fn from_timeout(ticks: i64, now: Now) -> Option<Due> {
        match ticks {
            0 => None,
            relative if relative < 0 => Some(Due::Monotonic(now.monotonic.saturating_add(relative.unsigned_abs()))),
            absolute => Some(Due::Wall(absolute)),
        }
    }

    /// Whether the clock has reached it.
    pub fn is_reached(self, now: Now) -> bool {
        match self {
            Due::Monotonic(at) => at <= now.monotonic,
            Due::Wall(at) => at <= now.wall,
        }
    }

    /// Monotonic ticks until it is due at the present relation of the two clocks; 0 when reached.
    pub fn remaining(self, now: Now) -> u64 {
        match self {
            Due::Monotonic(at) => at.saturating_sub(now.monotonic),
            Due::Wall(at) => u64::try_from(at.saturating_sub(now.wall)).unwrap_or(0),
        }
    }
}
