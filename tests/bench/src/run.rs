//! One measurement of everything: the servers in turn, round by round, on one machine in one run.
//!
//! Laws: Lowerdeck and what it is compared with alternate within every round, so that a machine that drifts drifts
//! for both; a row is not valid when the load generator, and not the server, was what limited it.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::Context;
use lowerdeck_client::load::{DISK_BYTES, Load, LoadOutcome, LoadProgress, LoadSession};
use lowerdeck_client::transport;

use crate::child::Server;
use crate::peer::{self, Nbdkit};
use crate::procfs;
use crate::report::{Report, RowReport};
use crate::rows::{self, Figure, Reference, Row};
use crate::statistics::{Sample, ratio};
use crate::{footprint, in_process};

/// A load warms up for this share of its time before it is measured.
const WARM_UP: u32 = 4;
/// A process that used this share of a processor had no time left on it.
const BUSY: f64 = 0.97;
/// Pass-through layers that one more is measured by.
const FURTHER_LAYERS: usize = 4;

/// How to measure.
#[derive(Debug, Clone, clap::Args)]
pub struct Options {
    /// The server's program.
    #[arg(long)]
    pub server: PathBuf,
    /// Where the report and the plot go.
    #[arg(long)]
    pub out: PathBuf,
    /// Rounds of each row.
    #[arg(long, default_value_t = 5)]
    pub rounds: usize,
    /// Milliseconds of each load.
    #[arg(long, default_value_t = 2000)]
    pub milliseconds: u64,
    /// Only rows whose id contains this.
    #[arg(long)]
    pub only: Option<String>,
}

/// One figure of one load, and who was busy meanwhile.
struct Measured {
    figure: f64,
    generator: f64,
    server: f64,
}

/// Runs everything and writes the report.
pub async fn run(options: &Options) -> anyhow::Result<()> {
    std::fs::create_dir_all(&options.out).with_context(|| format!("making {}", options.out.display()))?;
    let this = std::env::current_exe()?;
    let lowerdeck = Server::start(&options.server, &["serve", "--listen", "127.0.0.1:0", "--log", "warn"])?;
    let floor = Server::start(&this, &["floor"])?;
    let nbdkit = peer::is_installed().then(|| Nbdkit::start(DISK_BYTES)).transpose()?;
    if nbdkit.is_none() {
        println!("nbdkit or fio is not installed: the rows that compare with it are skipped");
    }
    let mut report = Report::default();
    let wanted = |row: &Row| options.only.as_ref().is_none_or(|part| row.named.name.contains(part.as_str()));
    for row in rows::all().filter(wanted) {
        println!("{}", row.named.title);
        match (row.reference, &nbdkit) {
            (Reference::Nbdkit, None) => report.skipped.push(row.named.name.to_owned()),
            (_, nbdkit) => report.rows.push(measure(&row, options, &lowerdeck, &floor, nbdkit.as_ref()).await?),
        }
    }
    absolute(options, &mut report).await?;
    report.write(&options.out)
}

/// The rows that are compared with a figure of the design and not with a program.
async fn absolute(options: &Options, report: &mut Report) -> anyhow::Result<()> {
    let wanted = |id: &str| options.only.as_ref().is_none_or(|part| id.contains(part.as_str()));
    let duration = Duration::from_millis(options.milliseconds);
    if wanted("in-process") {
        let (mut one, mut further) = (Vec::new(), Vec::new());
        for _ in 0..options.rounds {
            let top = in_process::Bench::new(0)?.measure(duration);
            let deep = in_process::Bench::new(FURTHER_LAYERS)?.measure(duration);
            one.push(top);
            further.push((deep - top) / FURTHER_LAYERS as f64);
        }
        report.rows.push(RowReport::absolute("in-process-one", "in-process, one layer", "ns", one, 250.0, 400.0));
        let title = "in-process, each further pass-through layer";
        report.rows.push(RowReport::absolute("in-process-further", title, "ns", further, 60.0, 100.0));
    }
    if wanted("idle-session") {
        let bytes = footprint::idle_session(&options.server).await?;
        let title = "memory of an idle session, at 10,000";
        report.rows.push(RowReport::absolute("idle-session", title, "B", vec![bytes], 8192.0, 16_384.0));
    }
    if wanted("pending-request") {
        let bytes = footprint::pending_request(&options.server).await?;
        let title = "memory of a pending request, at 1,000,000";
        report.rows.push(RowReport::absolute("pending-request", title, "B", vec![bytes], 512.0, 1024.0));
    }
    Ok(())
}

async fn measure(
    row: &Row,
    options: &Options,
    lowerdeck: &Server,
    floor: &Server,
    nbdkit: Option<&Nbdkit>,
) -> anyhow::Result<RowReport> {
    let load = Load { duration: Duration::from_millis(options.milliseconds), ..row.named.load };
    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    let mut problem = None;
    for _ in 0..options.rounds {
        let measured = one(row, &load, lowerdeck).await?;
        // A generator without time left would hide what the server can do.
        if measured.generator > BUSY && measured.server < BUSY {
            problem = Some("the load generator was the limit");
        }
        ours.push(measured.figure);
        let reference = match (row.reference, nbdkit) {
            (Reference::Nbdkit, Some(nbdkit)) => nbdkit.run(&load, row.figure)?,
            _ => one(row, &load, floor).await?.figure,
        };
        theirs.push(reference);
    }
    let (ours, theirs) = (Sample::of(ours), Sample::of(theirs));
    let ratio = ratio(&ours, &theirs);
    Ok(RowReport::new(row, ours, theirs, ratio, problem))
}

/// One load on one server, in a session of its own.
async fn one(row: &Row, load: &Load, server: &Server) -> anyhow::Result<Measured> {
    let session = LoadSession::open(transport::connect(&server.endpoint).await?, row.named.stack).await?;
    let warm_up = Load { duration: load.duration / WARM_UP, ..*load };
    warm_up.run(&session, &LoadProgress::default()).await?;
    let before = (procfs::cpu(std::process::id())?, server.cpu()?);
    let outcome = load.run(&session, &LoadProgress::default()).await?;
    let after = (procfs::cpu(std::process::id())?, server.cpu()?);
    session.close().await?;
    anyhow::ensure!(outcome.failed == 0, "{} requests of row {} failed", outcome.failed, row.named.name);
    let share = |after: Duration, before: Duration| (after - before).as_secs_f64() / outcome.elapsed.as_secs_f64();
    Ok(Measured {
        figure: figure(row.figure, &outcome),
        generator: share(after.0, before.0),
        server: share(after.1, before.1),
    })
}

fn figure(figure: Figure, outcome: &LoadOutcome) -> f64 {
    match figure {
        Figure::Rate => outcome.rate(),
        Figure::Throughput => outcome.throughput(),
        Figure::Latency => outcome.latency.quantile(0.5).as_secs_f64() * 1e6,
    }
}
