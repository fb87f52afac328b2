//! One measurement of everything: the servers in turn, round by round, on one machine in one run.
//!
//! Law: Lowerdeck and what it is compared with alternate within every round, so that a machine that drifts drifts
//! for both.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::Context;
use lowerdeck_client::load::DISK_BYTES;

use crate::child::Server;
use crate::peer::{self, Nbdkit};
use crate::report::Report;
use crate::rows::{self, Reference};
use crate::{footprint, handle_read, in_process, in_process_pending, loads, pending, sessions, slow_reader, start};

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
    /// Mebibytes of the file that is read through a handle.
    #[arg(long, default_value_t = 1024)]
    pub file_mib: u64,
    /// Only rows whose id contains this.
    #[arg(long)]
    pub only: Option<String>,
}

impl Options {
    /// Whether the row of this id is asked for.
    pub fn wants(&self, id: &str) -> bool {
        self.only.as_ref().is_none_or(|part| id.contains(part.as_str()))
    }

    /// Whether any row is asked for whose id begins like this.
    pub fn wants_some(&self, beginning: &str) -> bool {
        self.wants(beginning) || self.only.as_ref().is_some_and(|part| part.starts_with(beginning))
    }

    /// How long each load goes on.
    pub fn duration(&self) -> Duration {
        Duration::from_millis(self.milliseconds)
    }
}

/// Runs everything and writes the report.
pub async fn run(options: &Options) -> anyhow::Result<()> {
    std::fs::create_dir_all(&options.out).with_context(|| format!("making {}", options.out.display()))?;
    let mut report = Report::default();
    let lowerdeck = Server::lowerdeck(&options.server, &[])?;
    let floor = Server::start(&std::env::current_exe()?, &["floor"])?;
    let nbdkit = peer::is_installed().then(|| Nbdkit::start(DISK_BYTES)).transpose()?;
    if nbdkit.is_none() {
        println!("nbdkit or fio is not installed: the rows that compare with it are skipped");
    }
    if let Some(nbdkit) = &nbdkit {
        nbdkit.fill()?;
    }
    for row in rows::all().filter(|row| options.wants(row.named.name)) {
        println!("{}", row.named.title);
        match (row.reference, &nbdkit) {
            (Reference::Nbdkit, None) => report.skipped.push(row.named.name.to_owned()),
            (_, nbdkit) => report.rows.push(loads::measure(&row, options, &lowerdeck, &floor, nbdkit.as_ref()).await?),
        }
    }
    in_process::measure(options, &mut report)?;
    sessions::measure(options, &lowerdeck, &floor, &mut report).await?;
    drop((lowerdeck, floor, nbdkit)); // nothing runs beside what follows
    handle_read::measure(options, &mut report).await?;
    footprint::measure(options, &mut report).await?;
    start::measure(options, &mut report).await?;
    in_process_pending::measure(options, &mut report)?;
    pending::measure(options, &mut report).await?;
    slow_reader::measure(options, &mut report).await?;
    // What is measured together is not always asked for together.
    report.rows.retain(|row| options.wants(&row.heading.id));
    report.write(&options.out)
}
