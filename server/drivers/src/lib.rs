//! The virtual drivers of Lowerdeck, their registry, and the stack expressions that put them together.
//!
//! | driver | what it is | what it leaves out |
//! |---|---|---|
//! | [`ram`] | block device in memory, sparse | flush, trim, partitions, geometry, removable media |
//! | [`echo`] | what is written can be read back, FIFO, after a delay; pending reads can be cancelled | ioctls, message boundaries, a stream per file |
//! | [`null`] | takes every write, reads zeros | any state |
//! | [`passthrough`] | filter that handles nothing: everything passes | any behaviour of its own |
//! | [`scripted`] | conformance driver: each callback obeys a script, at run time too | device semantics, timers, `OnIoStop` |
//! | [`terminator`] | what lies under the lowest driver (MAP-9); the script engine with other defaults | kernel-mode contexts, the file-handle dispatcher |
//!
//! In reading order: [`definition`] (stack expressions), [`registry`] (which drivers there are), `options` (how a
//! driver reads its options), `transfer` (what one request may move); then the drivers, one folder each with the
//! same files: `mod.rs` (what it is), `config.rs` (its options), `model.rs` (the pure device, where there is one),
//! `driver.rs` (its callbacks), `tests.rs`.
//!
//! Laws: a driver completes every request it was given, once, whatever a client or operator sends; everything it
//! keeps has a limit. Nothing here knows a runtime, a clock, a wire type or a log: time comes with each callback.

pub mod definition;
pub mod echo;
pub mod null;
mod options;
pub mod passthrough;
pub mod ram;
pub mod registry;
pub mod scripted;
mod syntax;
pub mod terminator;
mod transfer;

pub use self::syntax::{Position, SyntaxError};

#[cfg(test)]
mod testing;
