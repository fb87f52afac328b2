//! `passthrough`: a filter that handles nothing, so everything passes (FWD-2, FWD-10).
//!
//! With `files=callbacks` it is told of cleanup and close, and does nothing about them; that shows in the trace
//! and nowhere else (FWD-3). It leaves out any behaviour of its own, and is what a further layer costs.

mod config;
mod driver;

use crate::options::{OptionKind, OptionType};
use crate::registry::DriverKind;

pub use self::config::PassthroughConfig;
pub use self::driver::PassthroughDriver;

/// The registry's entry.
pub(crate) const KIND: DriverKind = DriverKind {
    name: "passthrough",
    summary: "filter that handles nothing: everything passes",
    omits: "any behaviour of its own",
    controllable: false,
    options: &[OptionKind {
        key: "files",
        option_type: OptionType::Choice(&["none", "callbacks"]),
        default: Some("none"),
        meaning: "whether OnCleanupFile and OnCloseFile are registered",
    }],
    factory: |options, _| Ok(Box::new(PassthroughDriver::new(PassthroughConfig::from_options(options)?))),
};

#[cfg(test)]
mod tests;
