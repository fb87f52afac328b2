//! The options of `passthrough`.

use crate::definition::LayerError;
use crate::options::Options;

/// Typed options.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct PassthroughConfig {
    /// Whether the file callbacks are registered.
    pub file_callbacks: bool,
}

impl PassthroughConfig {
    pub(crate) fn from_options(options: &Options<'_>) -> Result<PassthroughConfig, LayerError> {
        let file_callbacks = options.choice("files", &[("none", false), ("callbacks", true)])?;
        Ok(PassthroughConfig { file_callbacks })
    }
}
