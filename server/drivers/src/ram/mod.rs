//! `ram`: a block device in memory.
//!
//! Reads and writes go to the device offset. A read that begins at or after the end fails with
//! `ERROR_HANDLE_EOF`; one that reaches over the end succeeds with the bytes there are. A write over the end
//! fails with `ERROR_HANDLE_EOF` and writes nothing. Offsets that are negative, overflow or, like the length,
//! are no multiple of the sector fail with `STATUS_INVALID_PARAMETER`. `IOCTL_DISK_GET_LENGTH_INFO` gives the size.
//!
//! Storage is sparse: 64 KiB pages appear with the first write into them, and what was never written reads as
//! zeros, so a device of 1 TiB costs nothing. A write that would exceed `resident_max` fails with
//! `STATUS_INSUFFICIENT_RESOURCES` and writes nothing. The contents belong to the device: they outlive files, not
//! the stack. A flush succeeds; information is neither queried nor set. It leaves out trim, partitions, geometry and removable media.

mod config;
mod driver;
mod model;

use crate::options::{OptionKind, OptionType};
use crate::registry::DriverKind;

pub use self::config::{MAX_RESIDENT_BYTES, MAX_SIZE_BYTES, RamConfig};
pub use self::driver::{IOCTL_DISK_GET_LENGTH_INFO, RamDriver};
pub use self::model::{AccessError, PAGE_BYTES, SparseStore};

/// The registry's entry.
pub(crate) const KIND: DriverKind = DriverKind {
    name: "ram",
    summary: "block device in memory, sparse",
    omits: "trim, partitions, geometry, removable media",
    controllable: false,
    options: &[
        OptionKind {
            key: "size",
            option_type: OptionType::Size,
            default: Some("64MiB"),
            meaning: "size of the device in bytes, 1 sector to 1024 TiB, a multiple of the sector",
        },
        OptionKind {
            key: "sector",
            option_type: OptionType::Size,
            default: Some("1"),
            meaning: "what offsets and lengths must be multiples of, in bytes, 1 to 64 KiB; 1 allows any",
        },
        OptionKind {
            key: "resident_max",
            option_type: OptionType::Size,
            default: None,
            meaning: "most bytes kept in memory, at most 4 GiB; the size, or 4 GiB if that is less, when not given",
        },
    ],
    factory: |options, _| Ok(Box::new(RamDriver::new(RamConfig::from_options(options)?))),
};

#[cfg(test)]
mod tests;
