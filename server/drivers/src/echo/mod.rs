//! `echo`: what is written can be read back, in the manner of the WDK's echo sample.
//!
//! The device is one FIFO stream of bytes. A write enters it and completes with its length, after `delay`. A
//! read completes after `delay` with what there is, at most its length, or is kept cancelable until data comes;
//! reads are served in the order in which they came. A write that finds no room for all of its bytes fails at once with
//! `STATUS_INSUFFICIENT_RESOURCES` and leaves nothing. Pending requests end with `ERROR_OPERATION_ABORTED` when they are
//! cancelled or their file is cleaned up; a cancelled write's bytes are never read.
//!
//! It leaves out ioctls, flushes and information (the framework refuses them), message boundaries and a stream for each file. Unlike the
//! sample it takes requests in parallel, for a waiting read must not keep a write from coming.

mod config;
mod driver;
mod model;
mod pending;

use crate::options::{OptionKind, OptionType};
use crate::registry::DriverKind;

pub use self::config::{EchoConfig, MAX_CAPACITY_BYTES, MAX_DELAY_TICKS};
pub use self::driver::EchoDriver;
pub use self::model::{EchoStream, NoRoom};

/// The registry's entry.
pub(crate) const KIND: DriverKind = DriverKind {
    name: "echo",
    summary: "what is written can be read back, after a delay; pending reads can be cancelled",
    omits: "ioctls, flush, message boundaries, a stream per file",
    controllable: false,
    options: &[
        OptionKind {
            key: "delay",
            option_type: OptionType::Duration,
            default: Some("0ms"),
            meaning: "time from a request to its effect, at most 24h; 0ms completes at once",
        },
        OptionKind {
            key: "capacity",
            option_type: OptionType::Size,
            default: Some("1MiB"),
            meaning: "most bytes written and not yet read, 1 to 1 GiB; writes under way count",
        },
    ],
    factory: |options, _| Ok(Box::new(EchoDriver::new(EchoConfig::from_options(options)?))),
};

#[cfg(test)]
mod tests;
