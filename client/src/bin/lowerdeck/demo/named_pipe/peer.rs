//! The program at the other end of the pipe: Python with its standard library alone, told line by line what to do.
//!
//! Law: it is never left behind; it ends when its standard input does, and is killed with a demo that fails.

use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context, bail};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};
use tokio::time::timeout;

/// What it runs.
const SCRIPT: &str = include_str!("peer.py");

/// How long it may take for one thing. All that it waits for is there when it is asked.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(10);

/// A running peer.
pub(super) struct Peer {
    child: Child,
    orders: ChildStdin,
    answers: Lines<BufReader<ChildStdout>>,
}

impl Peer {
    /// Starts a peer for the pipe whose socket is `path`.
    pub(super) fn start(path: &Path) -> anyhow::Result<Peer> {
        let mut command = Command::new("python3");
        command.args(["-I", "-c", SCRIPT]).arg(path).kill_on_drop(true);
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().context("cannot start the peer: is `python3` on the path?")?;
        let orders = child.stdin.take().context("the peer has no standard input")?;
        let answers = child.stdout.take().context("the peer has no standard output")?;
        Ok(Peer { child, orders, answers: BufReader::new(answers).lines() })
    }

    /// Lets it do one thing; gives its answer.
    pub(super) async fn ask(&mut self, order: &str) -> anyhow::Result<String> {
        self.orders.write_all(format!("{order}\n").as_bytes()).await.context("the peer has ended")?;
        let answer = timeout(ANSWER_TIMEOUT, self.answers.next_line()).await;
        let answer = answer.with_context(|| format!("the peer did not `{order}` within {ANSWER_TIMEOUT:?}"))?;
        answer?.context("the peer has ended")
    }

    /// Waits until it has ended in order.
    pub(super) async fn end(self) -> anyhow::Result<()> {
        let Peer { mut child, orders, answers: _ } = self;
        drop(orders);
        let status = timeout(ANSWER_TIMEOUT, child.wait()).await;
        let status = status.with_context(|| format!("the peer did not end within {ANSWER_TIMEOUT:?}"))??;
        if !status.success() {
            bail!("the peer ended with {status}");
        }
        Ok(())
    }
}
