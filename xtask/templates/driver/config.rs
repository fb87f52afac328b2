//! The options of `{{name}}`.

use crate::definition::LayerError;
use crate::options::Options;

/// Longest read that can be allowed, in bytes: say why this figure.
pub const MAX_READ_BYTES: u64 = 64 << 10;

/// Typed options.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct {{Name}}Config {
    /// Longest read in bytes, 1 to [`MAX_READ_BYTES`].
    pub read_max: u64,
}

impl {{Name}}Config {
    pub(crate) fn from_options(options: &Options<'_>) -> Result<{{Name}}Config, LayerError> {
        let read_max = options.size("read_max")?.unwrap_or(0);
        if read_max == 0 || read_max > MAX_READ_BYTES {
            let problem = format!("{read_max} is not within 1 to {MAX_READ_BYTES} bytes");
            return Err(Options::refuse("read_max", problem));
        }
        Ok({{Name}}Config { read_max })
    }
}
