//! What `lowerdeck bench` is told, and the load that it comes to.
//!
//! Law: a name gives every part of a load, and each part can be said otherwise.

use std::time::Duration;

use clap::builder::PossibleValuesParser;
use clap::{Args, ValueEnum};
use lowerdeck_client::load::{DISK_BYTES, Load, LoadIo, LoadPath, NamedLoad};

/// Bytes of a device control's input, and of a read, where nobody says.
const INPUT_BYTES: u64 = 64;
const READ_BYTES: u64 = 4096;
/// Submissions in one message, where nobody says: the largest that the named loads have.
const BATCH: usize = 64;

/// A load on any server.
#[derive(Debug, Args)]
pub(crate) struct BenchArguments {
    /// The load, by name; the flags say otherwise, part by part.
    #[arg(default_value = "queue-pair-64", value_parser = PossibleValuesParser::new(NamedLoad::ALL.map(|named| named.name)))]
    load: String,
    /// The template or shared stack.
    #[arg(long)]
    stack: Option<String>,
    /// What is asked for.
    #[arg(long, value_enum)]
    io: Option<Io>,
    /// How the requests travel.
    #[arg(long, value_enum)]
    path: Option<Path>,
    /// Requests in flight in each session.
    #[arg(long)]
    depth: Option<usize>,
    /// Submissions in one message of a queue pair.
    #[arg(long)]
    batch: Option<usize>,
    /// Bytes of each request: a device control's input, or what is read.
    #[arg(long, value_name = "BYTES")]
    length: Option<u64>,
    /// Bytes of the device that are read.
    #[arg(long, value_name = "BYTES")]
    span: Option<u64>,
    /// Write the span first: a device that was never written may answer reads more cheaply. Overwrites what is there.
    #[arg(long)]
    pub(super) fill: bool,
    /// How long it goes on.
    #[arg(long, default_value = "5", value_parser = seconds)]
    seconds: Duration,
    /// Sessions that carry the load, each with all of it.
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..))]
    sessions: u32,
}

/// The I/O of a load.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Io {
    /// Device controls with input and no output.
    Ioctl,
    /// Reads at random places.
    RandomRead,
    /// Reads one after the other.
    SequentialRead,
}

/// The way of a load.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Path {
    /// `QueuePair`, in batches.
    QueuePair,
    /// Synchronous `FormatAndSend`, one call each.
    Unary,
}

/// A load with the place it goes to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Plan {
    pub(super) stack: String,
    pub(super) load: Load,
    pub(super) sessions: usize,
}

impl BenchArguments {
    /// The load that is meant. None only for a name that the parser does not let pass.
    pub(super) fn plan(&self) -> Option<Plan> {
        let named = NamedLoad::find(&self.load)?;
        let depth = self.depth.unwrap_or(named.load.depth);
        let load =
            Load { io: self.io(named.load.io), path: self.path(named.load.path, depth), depth, duration: self.seconds };
        let stack = self.stack.clone().unwrap_or_else(|| match load.io {
            LoadIo::DeviceControl { .. } => "null".to_owned(),
            LoadIo::RandomRead { .. } | LoadIo::SequentialRead { .. } => "disk".to_owned(),
        });
        Some(Plan { stack, load, sessions: self.sessions as usize })
    }

    fn io(&self, named: LoadIo) -> LoadIo {
        let (kind, length, span) = match named {
            LoadIo::DeviceControl { input } => (Io::Ioctl, input as u64, DISK_BYTES),
            LoadIo::RandomRead { length, span } => (Io::RandomRead, length, span),
            LoadIo::SequentialRead { length, span } => (Io::SequentialRead, length, span),
        };
        let length = match self.io {
            Some(io) if io != kind => {
                if io == Io::Ioctl {
                    INPUT_BYTES
                } else {
                    READ_BYTES
                }
            }
            _ => length,
        };
        let (length, span) = (self.length.unwrap_or(length), self.span.unwrap_or(span));
        match self.io.unwrap_or(kind) {
            Io::Ioctl => LoadIo::DeviceControl { input: usize::try_from(length).unwrap_or(usize::MAX) },
            Io::RandomRead => LoadIo::RandomRead { length, span },
            Io::SequentialRead => LoadIo::SequentialRead { length, span },
        }
    }

    fn path(&self, named: LoadPath, depth: usize) -> LoadPath {
        let (kind, batch) = match named {
            LoadPath::QueuePair { batch } => (Path::QueuePair, batch),
            LoadPath::Unary => (Path::Unary, BATCH),
        };
        // A batch that was asked for means a queue pair, and is not made smaller silently.
        let asked = if self.batch.is_some() { Path::QueuePair } else { kind };
        match self.path.unwrap_or(asked) {
            Path::Unary => LoadPath::Unary,
            Path::QueuePair => LoadPath::QueuePair { batch: self.batch.unwrap_or(batch.min(depth)) },
        }
    }
}

/// Seconds, also parts of them.
fn seconds(text: &str) -> Result<Duration, String> {
    let seconds = text.parse::<f64>().ok().and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
    seconds
        .filter(|seconds| !seconds.is_zero())
        .ok_or_else(|| "write a number of seconds above 0, such as 5 or 0.5".to_owned())
}

#[cfg(test)]
mod tests;
