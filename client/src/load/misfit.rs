//! Whether a load fits a server and a stack, found out before it runs.

use std::time::Duration;

use lowerdeck_proto::v1;

use super::setup::LoadSession;
use super::{Load, LoadIo, LoadPath};
use crate::error::Error;
use crate::hresult::HResult;

/// How long the first request may take: longer than a hosted driver that answers, shorter than a person's patience.
const PATIENCE: Duration = Duration::from_secs(2);

/// Why a load makes no sense where it would run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Misfit {
    /// It asks for more than the server allows a session.
    #[error(
        "{what} of {asked} is above the server's {limit} ({value}); ask for less, or raise it there with `--limit {limit}=N`"
    )]
    Limit {
        /// What is too much.
        what: &'static str,
        /// How much it is.
        asked: u64,
        /// The limit's name.
        limit: &'static str,
        /// The limit's value.
        value: u64,
    },
    /// Nothing would ever be in flight.
    #[error("a {0} of 0 is no load; ask for 1 or more")]
    Nothing(&'static str),
    /// No message would ever be full.
    #[error(
        "a batch of {batch} is above the depth of {depth} and would never be full; ask for less, or for more depth"
    )]
    Batch {
        /// Submissions in one message.
        batch: usize,
        /// Requests in flight.
        depth: usize,
    },
    /// The stack fails such requests.
    #[error("the stack fails {io} with {hresult}; choose a stack that does this I/O, such as `{stack}`")]
    Fails {
        /// What was asked for.
        io: &'static str,
        /// How it ended.
        hresult: HResult,
        /// A built-in stack that does it.
        stack: &'static str,
    },
    /// The stack keeps such requests.
    #[error("the stack has not completed {io} within {} s; choose a stack that answers, such as `{stack}`", PATIENCE.as_secs())]
    Kept {
        /// What was asked for.
        io: &'static str,
        /// A built-in stack that answers it.
        stack: &'static str,
    },
    /// Nothing completes any more.
    #[error("nothing has completed for {} s, after {completed} requests; `lowerdeck stack outstanding` tells who holds the others", waited.as_secs())]
    Stalled {
        /// Requests that have completed.
        completed: u64,
        /// How long none has.
        waited: Duration,
    },
}

impl Misfit {
    /// Whether another load would fit, on the same server and stack.
    pub fn is_of_arguments(&self) -> bool {
        matches!(self, Misfit::Limit { .. } | Misfit::Nothing(_) | Misfit::Batch { .. })
    }
}

impl LoadIo {
    /// What it is, and a built-in stack that does it.
    fn described(&self) -> (&'static str, &'static str) {
        match self {
            LoadIo::DeviceControl { .. } => ("a device control", "null"),
            LoadIo::RandomRead { .. } | LoadIo::SequentialRead { .. } => ("a read", "disk"),
        }
    }

    /// Bytes of its largest memory.
    fn payload(&self) -> u64 {
        match *self {
            LoadIo::DeviceControl { input } => input as u64,
            LoadIo::RandomRead { length, .. } | LoadIo::SequentialRead { length, .. } => length,
        }
    }
}

impl Load {
    /// Whether a session with `limits` can carry the load; a limit of 0 was not told.
    ///
    /// # Errors
    /// [`Misfit::Limit`], [`Misfit::Nothing`].
    pub fn check(&self, limits: &v1::SessionLimits) -> Result<(), Misfit> {
        let batch = match self.path {
            LoadPath::QueuePair { batch } => batch,
            LoadPath::Unary => 1,
        };
        let reads_nothing =
            matches!(self.io, LoadIo::RandomRead { length: 0, .. } | LoadIo::SequentialRead { length: 0, .. });
        for (what, is_nothing) in [("depth", self.depth == 0), ("batch", batch == 0), ("length", reads_nothing)] {
            if is_nothing {
                return Err(Misfit::Nothing(what));
            }
        }
        if batch > self.depth {
            return Err(Misfit::Batch { batch, depth: self.depth });
        }
        let bounds = [
            ("a depth", self.depth as u64, "requests_max", u64::from(limits.requests_max)),
            ("a batch", batch as u64, "batch_submissions_max", u64::from(limits.batch_submissions_max)),
            ("a length", self.io.payload(), "payload_bytes_max", limits.payload_bytes_max),
        ];
        for (what, asked, limit, value) in bounds {
            if value > 0 && asked > value {
                return Err(Misfit::Limit { what, asked, limit, value });
            }
        }
        Ok(())
    }
}

/// Sends one request of `load` and waits for it; gives why the stack does not fit, if it does not.
///
/// # Errors
/// As the call.
pub async fn probe(session: &LoadSession, load: &Load) -> Result<Option<Misfit>, Error> {
    let (io, stack) = load.io.described();
    let Ok(answer) = tokio::time::timeout(PATIENCE, session.call(load.io)).await else {
        return Ok(Some(Misfit::Kept { io, stack }));
    };
    let answer = answer?;
    let completed = answer.completion.map_or(0, |completion| completion.hresult);
    let failure = [answer.hresult, completed].map(HResult).into_iter().find(|hresult| !hresult.is_success());
    Ok(failure.map(|hresult| Misfit::Fails { io, hresult, stack }))
}

#[cfg(test)]
mod tests;
