//! The options of `echo`.

use crate::definition::LayerError;
use crate::options::Options;

/// Most a stream may hold: what a test machine can spare for one device.
pub const MAX_CAPACITY_BYTES: u64 = 1 << 30;

/// Longest delay, 24 hours in ticks of 100 ns: no test waits longer, and timers stay far from overflow.
pub const MAX_DELAY_TICKS: u64 = 24 * 36_000_000_000;

/// Typed options.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EchoConfig {
    /// Ticks of 100 ns from a request to its effect, 0 to [`MAX_DELAY_TICKS`].
    pub delay: u64,
    /// Most bytes in the stream, 1 to [`MAX_CAPACITY_BYTES`].
    pub capacity: u64,
}

impl EchoConfig {
    pub(crate) fn from_options(options: &Options<'_>) -> Result<EchoConfig, LayerError> {
        let delay = options.duration("delay")?;
        if delay > MAX_DELAY_TICKS {
            return Err(Options::refuse("delay", "the limit is 24h, give less"));
        }
        let capacity = options.size("capacity")?.unwrap_or(0);
        if capacity == 0 || capacity > MAX_CAPACITY_BYTES {
            let problem = format!("{capacity} is not within 1 to {MAX_CAPACITY_BYTES} bytes");
            return Err(Options::refuse("capacity", problem));
        }
        Ok(EchoConfig { delay, capacity })
    }
}
