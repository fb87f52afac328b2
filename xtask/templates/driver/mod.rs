//! `{{name}}`: what it is, in one sentence, and which real device or driver it is like.
//!
//! Say how it answers each request type, with units, limits and status codes, and what it leaves out.

mod config;
mod driver;

use crate::options::{OptionKind, OptionType};
use crate::registry::DriverKind;

pub use self::config::{MAX_READ_BYTES, {{Name}}Config};
pub use self::driver::{{Name}}Driver;

/// The registry's entry.
pub(crate) const KIND: DriverKind = DriverKind {
    name: "{{name}}",
    summary: "what it is, in one line",
    omits: "what of the real device it leaves out",
    controllable: false,
    options: &[OptionKind {
        key: "read_max",
        option_type: OptionType::Size,
        default: Some("4KiB"),
        meaning: "longest read in bytes, 1 to 64 KiB; a longer one fails",
    }],
    factory: |options, _| Ok(Box::new({{Name}}Driver::new({{Name}}Config::from_options(options)?))),
};

#[cfg(test)]
mod tests;
