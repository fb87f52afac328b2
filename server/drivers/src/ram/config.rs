//! The options of `ram`.

use super::model::PAGE_BYTES;
use crate::definition::LayerError;
use crate::options::Options;

/// Most memory one device may keep: what a test machine can spare for one stack.
pub const MAX_RESIDENT_BYTES: u64 = 4 << 30;

/// Largest device: beyond any disk, and far from where offsets overflow.
pub const MAX_SIZE_BYTES: u64 = 1 << 50;

/// Typed options.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RamConfig {
    /// Size of the device in bytes, a multiple of `sector`, 1 to [`MAX_SIZE_BYTES`].
    pub size: u64,
    /// What offsets and lengths must be multiples of, in bytes, 1 to [`PAGE_BYTES`].
    pub sector: u64,
    /// Most bytes kept in memory, 1 to [`MAX_RESIDENT_BYTES`]; rounded up to whole pages.
    pub resident_max: u64,
}

impl RamConfig {
    pub(crate) fn from_options(options: &Options<'_>) -> Result<RamConfig, LayerError> {
        let sector = options.size("sector")?.unwrap_or(1);
        if sector == 0 || sector > PAGE_BYTES {
            return Err(Options::refuse("sector", format!("{sector} is not within 1 to {PAGE_BYTES} bytes")));
        }
        let size = options.size("size")?.unwrap_or(0);
        if size == 0 || size > MAX_SIZE_BYTES {
            return Err(Options::refuse("size", format!("{size} is not within 1 to {MAX_SIZE_BYTES} bytes")));
        }
        if !size.is_multiple_of(sector) {
            let problem = format!("{size} is no multiple of the sector of {sector} bytes, give whole sectors");
            return Err(Options::refuse("size", problem));
        }
        let resident_max = options.size("resident_max")?.unwrap_or(size.min(MAX_RESIDENT_BYTES));
        if resident_max == 0 || resident_max > MAX_RESIDENT_BYTES {
            let problem = format!("{resident_max} is not within 1 to {MAX_RESIDENT_BYTES} bytes");
            return Err(Options::refuse("resident_max", problem));
        }
        Ok(RamConfig { size, sector, resident_max })
    }
}
