//! `terminator`: what lies under the lowest driver of a stack (MAP-9).
//!
//! On Windows that is the reflector and the kernel part of the stack. Here it is a function driver that accepts
//! creates, completes I/O or holds or fails it, and sees cleanup and close, so that a driver above it finds the same contract as
//! above any other. Reads complete with no data, writes with their length, all else with `S_OK`.
//!
//! It is the engine of [`crate::scripted`] with other defaults and takes the same rules and commands. It leaves out
//! kernel-mode contexts and the file-handle dispatcher.

mod config;

use crate::options::{OptionKind, OptionType};
use crate::registry::DriverKind;
use crate::scripted::ScriptedDriver;

/// The registry's entry.
pub(crate) const KIND: DriverKind = DriverKind {
    name: "terminator",
    summary: "what lies under the lowest driver: accepts creates, completes, holds or fails I/O",
    omits: "kernel-mode contexts, the file-handle dispatcher",
    controllable: true,
    options: &[
        OptionKind {
            key: "create",
            option_type: OptionType::Answer,
            default: Some("complete"),
            meaning: "what creates end with; a plain fail is STATUS_INVALID_DEVICE_REQUEST",
        },
        OptionKind {
            key: "io",
            option_type: OptionType::Answer,
            default: Some("complete"),
            meaning: "what all other requests end with; a plain fail is STATUS_INVALID_DEVICE_REQUEST",
        },
        OptionKind {
            key: "script",
            option_type: OptionType::Script,
            default: None,
            meaning: "rules as those of `scripted`, which come before `create` and `io`; none when not given",
        },
    ],
    factory: |options, _| {
        let (config, responses) = config::read(options)?;
        Ok(Box::new(ScriptedDriver::named("terminator", config, responses)))
    },
};

#[cfg(test)]
mod tests;
