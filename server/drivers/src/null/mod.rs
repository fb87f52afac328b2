//! `null`: the sink. Writes complete with their length, reads with zeros, ioctls and flushes
//! with `S_OK` and Information 0; information is neither queried nor set.
//!
//! A function driver with one parallel queue; the framework completes creates. It leaves out any state: two
//! reads of one offset are always the same. Reads beyond 64 MiB fail with `STATUS_INSUFFICIENT_RESOURCES`.

mod driver;

use crate::registry::DriverKind;

pub use self::driver::NullDriver;

/// The registry's entry.
pub(crate) const KIND: DriverKind = DriverKind {
    name: "null",
    summary: "sink: takes every write, reads zeros",
    omits: "any state",
    controllable: false,
    options: &[],
    factory: |_, _| Ok(Box::new(NullDriver)),
};

#[cfg(test)]
mod tests;
