//! Loads that have a name: those of the design's table, the same for whoever measures.

use std::time::Duration;

use super::{Load, LoadIo, LoadPath};

/// A load with the stack that it is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NamedLoad {
    /// The name.
    pub name: &'static str,
    /// For people.
    pub title: &'static str,
    /// The built-in stack that answers it.
    pub stack: &'static str,
    /// The load, without a duration.
    pub load: Load,
}

/// The memory of the built-in stack `disk`.
pub const DISK_BYTES: u64 = 64 << 20;

const SMALL: LoadIo = LoadIo::DeviceControl { input: 64 };
const ONE_BY_ONE: LoadPath = LoadPath::QueuePair { batch: 1 };

const fn load(io: LoadIo, path: LoadPath, depth: usize) -> Load {
    Load { io, path, depth, duration: Duration::ZERO }
}

impl NamedLoad {
    /// Every named load.
    pub const ALL: [NamedLoad; 7] = [
        NamedLoad {
            name: "queue-pair-512",
            title: "64 B ioctl, QueuePair, depth 512 in batches of 64",
            stack: "null",
            load: load(SMALL, LoadPath::QueuePair { batch: 64 }, 512),
        },
        NamedLoad {
            name: "queue-pair-64",
            title: "64 B ioctl, QueuePair, depth 64 in batches of 64",
            stack: "null",
            load: load(SMALL, LoadPath::QueuePair { batch: 64 }, 64),
        },
        NamedLoad {
            name: "one-at-a-time",
            title: "64 B ioctl, QueuePair, one at a time, p50",
            stack: "null",
            load: load(SMALL, ONE_BY_ONE, 1),
        },
        NamedLoad {
            name: "unary-64",
            title: "64 B ioctl, synchronous FormatAndSend, 64 callers",
            stack: "null",
            load: load(SMALL, LoadPath::Unary, 64),
        },
        NamedLoad {
            name: "read-4k",
            title: "4 KiB random read of ram, QueuePair, depth 32",
            stack: "disk",
            load: load(LoadIo::RandomRead { length: 4096, span: DISK_BYTES }, LoadPath::QueuePair { batch: 8 }, 32),
        },
        NamedLoad {
            name: "read-4k-one",
            title: "4 KiB random read of ram, one at a time, p50",
            stack: "disk",
            load: load(LoadIo::RandomRead { length: 4096, span: DISK_BYTES }, ONE_BY_ONE, 1),
        },
        NamedLoad {
            name: "read-1m",
            title: "1 MiB sequential read of ram, QueuePair, depth 4",
            stack: "disk",
            load: load(LoadIo::SequentialRead { length: 1 << 20, span: DISK_BYTES }, ONE_BY_ONE, 4),
        },
    ];

    /// The load of this name.
    pub fn find(name: &str) -> Option<&'static NamedLoad> {
        NamedLoad::ALL.iter().find(|named| named.name == name)
    }
}
