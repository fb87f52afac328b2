//! Clocks: the only place of the server that asks what time it is.
//!
//! A stack has its own clock: `real` follows the machine (monotonic for relative times, wall clock for absolute
//! ones, MAP-8), `manual` moves only when it is told to. Units are ticks of 100 ns; a wall clock is a FILETIME.

use std::sync::LazyLock;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use lowerdeck_framework::clock::Now;
use tokio::time::Instant;

/// Nanoseconds in one tick.
const NANOS_PER_TICK: u64 = 100;
/// Ticks from 1601-01-01 to 1970-01-01.
const UNIX_EPOCH_TICKS: i64 = 116_444_736_000_000_000;

/// The zero of [`uptime_ticks`]: the first time anybody asked.
static BEGAN: LazyLock<Instant> = LazyLock::new(present);

/// What moves a stack's clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum ClockKind {
    /// The machine's clocks.
    #[default]
    Real,
    /// [`StackClock::shift`] only.
    Manual,
}

/// The present moment of the machine.
#[allow(clippy::disallowed_methods, reason = "the one place where time enters")]
pub fn present() -> Instant {
    Instant::now()
}

/// The present wall-clock time of the machine.
#[allow(clippy::disallowed_methods, reason = "the one place where time enters")]
pub fn wall_time() -> SystemTime {
    SystemTime::now()
}

/// Ticks of the server's own monotonic clock, on which leases run.
pub fn uptime_ticks() -> u64 {
    let began = *BEGAN;
    ticks(present().duration_since(began))
}

/// The moment at which [`uptime_ticks`] shows `ticks`; none for one too far to represent.
pub fn moment_at_uptime(ticks: u64) -> Option<Instant> {
    BEGAN.checked_add(duration(ticks))
}

/// A wall-clock time as FILETIME; times before 1601 are 0.
fn file_time(time: SystemTime) -> i64 {
    let unix = time.duration_since(UNIX_EPOCH).unwrap_or_default();
    UNIX_EPOCH_TICKS.saturating_add(ticks(unix).try_into().unwrap_or(i64::MAX))
}

/// A duration in ticks, saturating.
pub fn ticks(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos() / u128::from(NANOS_PER_TICK)).unwrap_or(u64::MAX)
}

/// Ticks as a duration.
pub fn duration(ticks: u64) -> Duration {
    Duration::from_nanos(ticks.saturating_mul(NANOS_PER_TICK))
}

/// One stack's clock; its zero is the moment it was made.
#[derive(Debug, Clone, Copy)]
pub enum StackClock {
    /// Follows the machine.
    Real {
        /// When the stack was made.
        began: Instant,
    },
    /// Stands still until it is shifted.
    Manual {
        /// What it shows.
        now: Now,
    },
}

impl StackClock {
    /// A clock that shows 0 now. A manual wall clock begins at the machine's wall-clock time.
    pub fn new(kind: ClockKind) -> StackClock {
        match kind {
            ClockKind::Real => StackClock::Real { began: present() },
            ClockKind::Manual => StackClock::Manual { now: Now { monotonic: 0, wall: file_time(wall_time()) } },
        }
    }

    /// Which kind it is.
    pub fn kind(&self) -> ClockKind {
        match self {
            StackClock::Real { .. } => ClockKind::Real,
            StackClock::Manual { .. } => ClockKind::Manual,
        }
    }

    /// What it shows.
    pub fn now(&self) -> Now {
        match self {
            StackClock::Real { began } => {
                Now { monotonic: ticks(present().duration_since(*began)), wall: file_time(wall_time()) }
            }
            StackClock::Manual { now } => *now,
        }
    }

    /// Moves both clocks forward by `forward` ticks and the wall clock by `wall` ticks more. Only a manual clock
    /// moves; false says that this one is real.
    pub fn shift(&mut self, forward: u64, wall: i64) -> bool {
        let StackClock::Manual { now } = self else { return false };
        now.monotonic = now.monotonic.saturating_add(forward);
        now.wall = now.wall.saturating_add(i64::try_from(forward).unwrap_or(i64::MAX)).saturating_add(wall);
        true
    }

    /// The machine's moment at which a real clock shows `monotonic` ticks; none for a manual clock.
    pub fn moment_at(&self, monotonic: u64) -> Option<Instant> {
        match self {
            // A wait too long to represent is as good as none: the next event arms it anew.
            StackClock::Real { began } => began.checked_add(duration(monotonic)),
            StackClock::Manual { .. } => None,
        }
    }
}
