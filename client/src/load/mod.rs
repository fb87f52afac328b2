//! Load: so many requests in flight, so many at a time, for so long, and what came of it.
//!
//! Laws: the generator does as little as it can for each request, so that what is measured is the server; every
//! request it sends is counted in when it completes, and a completion with a failing status is counted apart. It
//! speaks the contract itself and not through [`crate::Session`], whose own cost would be in every figure.

mod aim;
mod fill;
mod fleet;
mod handle;
mod histogram;
mod misfit;
mod named;
mod outcome;
mod park;
mod queue;
mod queue_pair;
mod setup;
mod stopwatch;
mod unary;

use std::time::Duration;

pub use self::fleet::{CONNECTIONS_MAX, Fleet, FleetOutcome};
pub use self::handle::{HandleRead, LoadHandle};
pub use self::histogram::Histogram;
pub use self::misfit::{Misfit, probe};
pub use self::named::{DISK_BYTES, NamedLoad};
pub use self::outcome::{LoadOutcome, LoadProgress};
pub use self::queue::{LoadQueue, Submitter};
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

impl LoadIo {
    /// The bytes that are read; 0 of what reads none.
    pub fn span(&self) -> u64 {
        match *self {
            LoadIo::DeviceControl { .. } => 0,
            LoadIo::RandomRead { span, .. } | LoadIo::SequentialRead { span, .. } => span,
        }
    }
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

impl Load {
    /// Runs the load on `session`; `progress` hears of completions as they come.
    ///
    /// # Errors
    /// As the calls that it makes; [`Error::Refused`] or [`Error::Umdf`] when a request is not accepted.
    pub async fn run(&self, session: &LoadSession, progress: &LoadProgress) -> Result<LoadOutcome, Error> {
        match self.path {
            LoadPath::QueuePair { batch } => queue_pair::run(self, batch, session, progress).await,
            LoadPath::Unary => unary::run(self, session, progress).await,
        }
    }
}
