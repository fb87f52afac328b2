//! Whole files to and from a device or a handle, with many requests in flight and a progress bar.
//!
//! Laws: at most [`WINDOW`] requests are in flight; a copy out is written in order; a short transfer is an error.

use std::collections::VecDeque;
use std::path::Path;

use anyhow::{Context, bail};
use indicatif::{ProgressBar, ProgressStyle};
use lowerdeck_client::{Completion, PendingIo, format, v1};
use tokio::fs::File;
use tokio::io::{AsyncReadExt, AsyncWriteExt, BufWriter};

use super::open::Open;

/// Requests in flight.
const WINDOW: usize = 64;

/// Bytes per request, unless the session allows less: large enough for throughput, small enough for a smooth bar.
const CHUNK_BYTES: u64 = 64 * 1024;

/// The bytes per request on this session.
pub(super) fn chunk_of(limits: &v1::SessionLimits) -> u64 {
    match limits.payload_bytes_max {
        0 => CHUNK_BYTES,
        payload => payload.min(CHUNK_BYTES),
    }
}

/// Writes the whole file at `offset`; answers how many bytes that were.
pub(super) async fn copy_in(to: &Open, path: &Path, offset: i64, chunk: u64) -> anyhow::Result<u64> {
    let mut source = open(File::open(path).await, path)?;
    let length = source.metadata().await.map_or(0, |metadata| metadata.len());
    let bar = bar("copy-in", length);
    let mut in_flight: VecDeque<(u64, PendingIo)> = VecDeque::new();
    let mut copied = 0_u64;
    loop {
        let mut data = Vec::with_capacity(chunk as usize);
        let read = (&mut source).take(chunk).read_to_end(&mut data).await;
        let length = read.with_context(|| format!("cannot read {}", path.display()))? as u64;
        if length > 0 {
            let position = position(offset, copied)?;
            let sent = to.send("write", format::write(position, data)).await?;
            in_flight.push_back((length, sent));
            copied += length;
        }
        while in_flight.len() >= WINDOW || (length == 0 && !in_flight.is_empty()) {
            let Some((wanted, pending)) = in_flight.pop_front() else {
                break;
            };
            whole(pending.await?, wanted)?;
            bar.inc(wanted);
        }
        if length == 0 {
            bar.finish_and_clear();
            return Ok(copied);
        }
    }
}

/// Reads `length` bytes at `offset` into a new file.
pub(super) async fn copy_out(from: &Open, path: &Path, offset: i64, length: u64, chunk: u64) -> anyhow::Result<()> {
    let mut sink = BufWriter::new(open(File::create(path).await, path)?);
    let bar = bar("copy-out", length);
    let mut in_flight: VecDeque<(u64, PendingIo)> = VecDeque::new();
    let mut asked = 0_u64;
    while asked < length || !in_flight.is_empty() {
        while asked < length && in_flight.len() < WINDOW {
            let wanted = chunk.min(length - asked);
            let sent = from.send("read", format::read(position(offset, asked)?, wanted)).await?;
            in_flight.push_back((wanted, sent));
            asked += wanted;
        }
        if let Some((wanted, pending)) = in_flight.pop_front() {
            let done = whole(pending.await?, wanted)?;
            let written = sink.write_all(&done.data).await;
            written.with_context(|| format!("cannot write {}", path.display()))?;
            bar.inc(wanted);
        }
    }
    let flushed = sink.flush().await;
    flushed.with_context(|| format!("cannot write {}", path.display()))?;
    bar.finish_and_clear();
    Ok(())
}

fn open(opened: std::io::Result<File>, path: &Path) -> anyhow::Result<File> {
    opened.with_context(|| format!("cannot open {}", path.display()))
}

fn position(offset: i64, done: u64) -> anyhow::Result<i64> {
    let done = i64::try_from(done).ok();
    done.and_then(|done| offset.checked_add(done)).context("the copy goes beyond the largest device offset")
}

/// The completion, if it is a success for all bytes.
fn whole(done: Completion, wanted: u64) -> anyhow::Result<Completion> {
    let done = done.ok()?;
    if done.information != wanted {
        bail!(
            "the device transferred {} of {wanted} bytes at offset {}; is the copy longer than the device?",
            done.information,
            done.device_offset.unwrap_or(0)
        );
    }
    Ok(done)
}

/// A bar on standard error; invisible if that is no terminal.
fn bar(name: &'static str, length: u64) -> ProgressBar {
    let bar = ProgressBar::new(length).with_message(name);
    let style = "{msg} {wide_bar} {bytes}/{total_bytes} {binary_bytes_per_sec}";
    match ProgressStyle::with_template(style) {
        Ok(style) => bar.with_style(style),
        Err(_) => bar,
    }
}
