//! A file of the host, read through a file-handle target with many requests in flight, beside `cat` of the same file on a
//! bare stream.
//!
//! Laws: both read the same file, which is full and in the host's memory, in pieces of the same size, and both are held to
//! its checksum in every round.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;

use anyhow::{Context, ensure};
use lowerdeck_client::load::{HandleRead, LoadSession, Stopwatch};
use lowerdeck_client::transport;
use lowerdeck_framework::scheduler::SeededScheduler;
use tempfile::TempDir;

use crate::calibration::{Meter, Shares};
use crate::cat::{self, PIECE_BYTES};
use crate::checksum::Checksum;
use crate::child::Server;
use crate::loads::{Side, calibrated};
use crate::procfs;
use crate::report::{Heading, Report, RowReport, Section};
use crate::run::Options;

/// Reads in flight.
const DEPTH: u64 = 32;
const ID: &str = "handle-read";
const MEMORY_ID: &str = "handle-read-memory";
const NAME: &str = "file";
/// What the file is made from.
const SEED: u64 = 5;
/// What the server may hold at its peak: what is in flight, as much again on its way to the client, and itself.
const MEMORY: (f64, f64) = (96.0 * 1048576.0, 192.0 * 1048576.0);

/// Measures throughput, and the most memory that the server has held.
pub async fn measure(options: &Options, report: &mut Report) -> anyhow::Result<()> {
    if !options.wants(ID) && !options.wants(MEMORY_ID) {
        return Ok(());
    }
    let mib = options.file_mib;
    println!("{mib} MiB of a file through a file-handle target");
    let root = TempDir::new_in(&options.out)?;
    let path = root.path().join(NAME);
    let expected = make(&path, mib)?;
    let shown = |path: &Path| path.to_str().map(str::to_owned).context("the folder of the report has a plain name");
    let lowerdeck = Server::lowerdeck(&options.server, &["--files-root", &shown(root.path())?])?;
    let floor = Server::start(&std::env::current_exe()?, &["floor"])?;
    let (mut ours, mut theirs) = (Side::default(), Side::default());
    for _ in 0..options.rounds {
        ours.push(through_a_target(&lowerdeck, mib << 20, expected).await?);
        theirs.push(through_a_stream(&floor, &shown(&path)?, mib << 20, expected).await?);
    }
    let heading = Heading {
        section: Section::Work,
        id: ID.to_owned(),
        title: format!("read of a {mib} MiB file through a handle, {DEPTH} in flight"),
        unit: "B/s",
        reference_name: "cat of it on a bare tonic stream".to_owned(),
        goal: 0.7,
        floor: 0.0,
        less_is_better: false,
    };
    let peak = procfs::peak_resident(lowerdeck.id())? as f64;
    let row = calibrated(heading, ours, theirs);
    report.rows.push(row.with("peak_resident_bytes", peak));
    let title = format!("most memory of the server, {DEPTH} reads of 1 MiB in flight");
    report.rows.push(RowReport::absolute(Section::Work, MEMORY_ID, &title, "B", vec![peak], MEMORY));
    Ok(())
}

/// Makes the file, of so many pieces, and gives its checksum.
fn make(path: &Path, pieces: u64) -> anyhow::Result<Checksum> {
    let mut file = BufWriter::new(File::create(path).with_context(|| path.display().to_string())?);
    let (mut random, mut checksum) = (SeededScheduler::new(SEED), Checksum::default());
    for number in 0..pieces {
        let piece: Vec<u8> = (0..PIECE_BYTES / 8).flat_map(|_| random.next_bits().to_le_bytes()).collect();
        checksum.take(number * PIECE_BYTES, &piece);
        file.write_all(&piece)?;
    }
    file.flush()?;
    Ok(checksum)
}

async fn through_a_target(server: &Server, bytes: u64, expected: Checksum) -> anyhow::Result<(f64, Shares)> {
    let session = LoadSession::open(transport::connect(&server.endpoint).await?, "handles").await?;
    let handle = session.open_handle(NAME).await?;
    let (meter, begun) = (Meter::start(server.id())?, Stopwatch::start());
    let mut checksum = Checksum::default();
    let read = HandleRead { bytes, piece: PIECE_BYTES, depth: DEPTH };
    handle.read(read, |offset, piece| checksum.take(offset, &piece)).await?;
    let elapsed = begun.elapsed();
    let shares = meter.stop()?;
    session.close().await?;
    ensure!(checksum == expected, "what came through the target is not the file");
    Ok((bytes as f64 / elapsed.as_secs_f64(), shares))
}

async fn through_a_stream(
    server: &Server,
    path: &str,
    bytes: u64,
    expected: Checksum,
) -> anyhow::Result<(f64, Shares)> {
    let channel = transport::connect(&server.endpoint).await?;
    let (meter, begun) = (Meter::start(server.id())?, Stopwatch::start());
    let mut checksum = Checksum::default();
    let came = cat::read(channel, path, |offset, piece| checksum.take(offset, piece)).await?;
    let elapsed = begun.elapsed();
    let shares = meter.stop()?;
    ensure!(came == bytes && checksum == expected, "what came on the stream is not the file");
    Ok((bytes as f64 / elapsed.as_secs_f64(), shares))
}
