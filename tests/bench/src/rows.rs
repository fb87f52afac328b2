//! The rows of the table: what is measured, against what, and what it should come to.

use std::time::Duration;

use lowerdeck_client::load::{Load, LoadIo, LoadPath};

/// What a row's figure is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Figure {
    /// Completions per second: more is better.
    Rate,
    /// Bytes of data per second: more is better.
    Throughput,
    /// The middle latency: less is better.
    Latency,
}

impl Figure {
    pub fn unit(self) -> &'static str {
        match self {
            Figure::Rate => "/s",
            Figure::Throughput => "B/s",
            Figure::Latency => "µs",
        }
    }

    pub fn less_is_better(self) -> bool {
        self == Figure::Latency
    }
}

/// What a row is compared with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reference {
    /// The same load on the bare transport.
    Floor,
    /// nbdkit's memory plugin, driven by fio over NBD.
    Nbdkit,
}

impl Reference {
    pub fn name(self) -> &'static str {
        match self {
            Reference::Floor => "bare tonic echo",
            Reference::Nbdkit => "nbdkit memory with fio over NBD",
        }
    }
}

/// One row.
#[derive(Debug, Clone, Copy)]
pub struct Row {
    pub id: &'static str,
    pub title: &'static str,
    pub stack: &'static str,
    pub load: Load,
    pub figure: Figure,
    pub reference: Reference,
    /// The ratio that is aimed at.
    pub goal: f64,
    /// The ratio that must hold.
    pub floor: f64,
}

const SMALL: LoadIo = LoadIo::DeviceControl { input: 64 };
const DISK_BYTES: u64 = 64 << 20;
const ONE_BY_ONE: LoadPath = LoadPath::QueuePair { batch: 1 };

const fn load(io: LoadIo, path: LoadPath, depth: usize) -> Load {
    Load { io, path, depth, duration: Duration::ZERO }
}

/// Every row that is a load on a server.
pub const ROWS: [Row; 7] = [
    Row {
        id: "queue-pair-512",
        title: "64 B ioctl, QueuePair, depth 512 in batches of 64",
        stack: "null",
        load: load(SMALL, LoadPath::QueuePair { batch: 64 }, 512),
        figure: Figure::Rate,
        reference: Reference::Floor,
        goal: 0.8,
        floor: 0.6,
    },
    Row {
        id: "queue-pair-64",
        title: "64 B ioctl, QueuePair, depth 64 in batches of 64",
        stack: "null",
        load: load(SMALL, LoadPath::QueuePair { batch: 64 }, 64),
        figure: Figure::Rate,
        reference: Reference::Floor,
        goal: 0.8,
        floor: 0.6,
    },
    Row {
        id: "one-at-a-time",
        title: "64 B ioctl, QueuePair, one at a time, p50",
        stack: "null",
        load: load(SMALL, ONE_BY_ONE, 1),
        figure: Figure::Latency,
        reference: Reference::Floor,
        goal: 1.1,
        floor: 1.25,
    },
    Row {
        id: "unary-64",
        title: "64 B ioctl, synchronous FormatAndSend, 64 callers",
        stack: "null",
        load: load(SMALL, LoadPath::Unary, 64),
        figure: Figure::Rate,
        reference: Reference::Floor,
        goal: 0.85,
        floor: 0.8,
    },
    Row {
        id: "read-4k",
        title: "4 KiB random read of ram, QueuePair, depth 32",
        stack: "disk",
        load: load(LoadIo::RandomRead { length: 4096, span: DISK_BYTES }, LoadPath::QueuePair { batch: 8 }, 32),
        figure: Figure::Rate,
        reference: Reference::Nbdkit,
        goal: 2.0,
        floor: 1.5,
    },
    Row {
        id: "read-4k-one",
        title: "4 KiB random read of ram, one at a time, p50",
        stack: "disk",
        load: load(LoadIo::RandomRead { length: 4096, span: DISK_BYTES }, ONE_BY_ONE, 1),
        figure: Figure::Latency,
        reference: Reference::Nbdkit,
        goal: 1.0,
        floor: f64::INFINITY,
    },
    Row {
        id: "read-1m",
        title: "1 MiB sequential read of ram, QueuePair, depth 4",
        stack: "disk",
        load: load(LoadIo::SequentialRead { length: 1 << 20, span: DISK_BYTES }, ONE_BY_ONE, 4),
        figure: Figure::Throughput,
        reference: Reference::Floor,
        goal: 0.9,
        floor: 0.0,
    },
];
