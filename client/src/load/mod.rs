//! Load: so many requests in flight, so many at a time, for so long, and what came of it.
//!
//! Laws: the generator does as little as it can for each request, so that what is measured is the server; every
//! request it sends is counted in when it completes, and a completion with a failing status is counted apart. It
//! speaks the contract itself and not through [`crate::Session`], whose own cost would be in every figure.

mod histogram;
mod queue_pair;
mod setup;
mod stopwatch;
mod unary;

use std::time::Duration;

use bytes::Bytes;
use lowerdeck_proto::v1;
use tonic::transport::Channel;

pub use self::histogram::Histogram;
pub use self::setup::LoadSession;
pub use self::stopwatch::Stopwatch;
use crate::error::Error;

/// The I/O that is repeated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LoadIo {
    /// Device controls with so many bytes of input and no output.
    DeviceControl {
        /// Bytes of input.
        input: usize,
    },
    /// Reads of `length` bytes at random multiples of `length` below `span`.
    RandomRead {
        /// Bytes of each read.
        length: u64,
        /// Bytes of the device that are read.
        span: u64,
    },
    /// Reads of `length` bytes one after the other, beginning again at `span`.
    SequentialRead {
        /// Bytes of each read.
        length: u64,
        /// Bytes of the device that are read.
        span: u64,
    },
}

/// How the requests travel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LoadPath {
    /// `QueuePair`, in batches of so many.
    QueuePair {
        /// Submissions in one message.
        batch: usize,
    },
    /// Synchronous `FormatAndSend`, one call each.
    Unary,
}

/// A load.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Load {
    /// What is asked for.
    pub io: LoadIo,
    /// How it travels.
    pub path: LoadPath,
    /// Requests in flight.
    pub depth: usize,
    /// How long it goes on.
    pub duration: Duration,
}

/// What a load came to.
#[derive(Debug, Clone, Default)]
pub struct LoadOutcome {
    /// Requests that completed.
    pub completed: u64,
    /// Of these, with a failing status.
    pub failed: u64,
    /// Bytes of data that came with them.
    pub bytes: u64,
    /// From the first request to the last completion.
    pub elapsed: Duration,
    /// Time from submission to completion of single requests, where single requests are timed (depth 1, unary).
    pub latency: Histogram,
}

impl LoadOutcome {
    /// Completions per second.
    pub fn rate(&self) -> f64 {
        self.completed as f64 / self.elapsed.as_secs_f64().max(f64::MIN_POSITIVE)
    }
}

impl Load {
    /// Runs the load on `session`; `tick` hears how many requests have completed, now and then.
    ///
    /// # Errors
    /// As the calls that it makes.
    pub async fn run(&self, session: &LoadSession, tick: impl FnMut(u64)) -> Result<LoadOutcome, Error> {
        match self.path {
            LoadPath::QueuePair { batch } => queue_pair::run(self, batch, session, tick).await,
            LoadPath::Unary => unary::run(self, session, tick).await,
        }
    }
}

/// Opens a session of its own on `stack`, with one file, for a load.
///
/// # Errors
/// As the calls that it makes.
pub async fn open(channel: Channel, stack: &str) -> Result<LoadSession, Error> {
    LoadSession::open(channel, stack).await
}

/// Where the next request goes.
pub(crate) struct Aim {
    io: LoadIo,
    input: Bytes,
    state: u64,
}

impl Aim {
    pub(crate) fn new(io: LoadIo, seed: u64) -> Aim {
        let input = match io {
            LoadIo::DeviceControl { input } => Bytes::from(vec![0x5A; input]),
            LoadIo::RandomRead { .. } | LoadIo::SequentialRead { .. } => Bytes::new(),
        };
        Aim { io, input, state: seed | 1 }
    }

    /// The next request's format, without a file.
    pub(crate) fn next(&mut self) -> v1::Format {
        let io = match self.io {
            LoadIo::DeviceControl { .. } => v1::format::Io::DeviceControl(v1::DeviceControlFormat {
                code: 0x8000_2000,
                input_memory: Some(v1::InputMemory { data: self.input.clone(), offset: None }),
                ..Default::default()
            }),
            LoadIo::RandomRead { length, span } => {
                // Marsaglia's xorshift: cheap, and good enough to scatter reads.
                self.state ^= self.state << 13;
                self.state ^= self.state >> 7;
                self.state ^= self.state << 17;
                read(self.state % (span / length).max(1) * length, length)
            }
            LoadIo::SequentialRead { length, span } => {
                let offset = self.state & !1;
                self.state = if offset + 2 * length > span { 1 } else { (offset + length) | 1 };
                read(offset, length)
            }
        };
        v1::Format { io: Some(io), ..Default::default() }
    }
}

fn read(offset: u64, length: u64) -> v1::format::Io {
    v1::format::Io::Read(v1::ReadFormat {
        device_offset: Some(offset as i64),
        output_memory: Some(v1::OutputMemory { size: length, ..Default::default() }),
    })
}
