//! The demo of a file-handle target: the example of `CreateFileHandleTarget` on a named pipe, with a program of its own at the
//! other end.

mod directory;
mod peer;
mod play;
#[cfg(test)]
mod recording;
mod verdict;

use std::time::Duration;

pub(super) use directory::PipeDirectory;

use super::Shown;
use play::Played;

/// How long a request may take that has what it needs.
const COMPLETION_TIMEOUT: Duration = Duration::from_secs(10);

/// What the numbers of the timeline are.
const HEAD: &str = "\
1 to 8 are the steps of the example and of its remarks; NULL is pFile. The pipe is opened with
PIPE_ACCESS_DUPLEX | FILE_FLAG_OVERLAPPED, PIPE_TYPE_MESSAGE | PIPE_READMODE_MESSAGE | PIPE_WAIT,
2 instances, 1000 ms. host is what the framework calls there for a request on the handle, peer the
Python program at the other end.";

/// Plays the demo on the server at `endpoint`, which keeps pipes in `pipes`.
pub(super) async fn play(endpoint: String, pipes: &PipeDirectory) -> anyhow::Result<Shown> {
    play::play(endpoint, pipes).await.map(Shown::from)
}

impl From<Played> for Shown {
    fn from(played: Played) -> Shown {
        let checks = verdict::judge(&played);
        let Played { stack, expression, steps, trace, .. } = played;
        Shown { stack, expression, head: HEAD, steps, trace, checks }
    }
}

/// The demo as it should go.
#[cfg(test)]
pub(super) fn recorded() -> Shown {
    recording::played().into()
}
