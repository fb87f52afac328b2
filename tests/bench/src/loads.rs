//! The rows that are a load on a server: on Lowerdeck and on what it is compared with, in turn.
//!
//! Law: both sides are calibrated in every round, and a row is valid only when neither was limited by its load
//! generator: a reference that could have been faster flatters as much as a Lowerdeck that could have been hides.

use lowerdeck_client::load::{Load, LoadOutcome, LoadPath, LoadProgress, LoadSession};
use lowerdeck_client::transport;

use crate::calibration::{self, Meter, Shares};
use crate::child::Server;
use crate::peer::Nbdkit;
use crate::report::{Heading, RowReport, Section};
use crate::rows::{Figure, Reference, Row};
use crate::run::Options;
use crate::sessions;

/// A load warms up for this share of its time before it is measured.
pub const WARM_UP: u32 = 4;

/// Callers of unary calls come in so many sessions, each on a connection of its own: one connection is one task of the
/// generator, and that would be the limit of both sides.
const UNARY_SESSIONS: usize = 4;

/// The rounds of one side.
#[derive(Default)]
pub struct Side {
    figures: Vec<f64>,
    shares: Vec<Shares>,
}

impl Side {
    pub fn push(&mut self, (figure, shares): (f64, Shares)) {
        self.figures.push(figure);
        self.shares.push(shares);
    }
}

/// The row of two sides, with who was busy, and not valid where a load generator was the limit.
pub fn calibrated(heading: Heading, ours: Side, theirs: Side) -> RowReport {
    let sides =
        [("lowerdeck", Shares::median(&ours.shares)), (&*heading.reference_name, Shares::median(&theirs.shares))];
    let problem = sides.iter().find_map(|(name, shares)| shares.problem(name, calibration::processors()));
    let [(_, of_ours), (_, of_theirs)] = sides;
    RowReport::new(heading, ours.figures, theirs.figures)
        .with_problem(problem)
        .with("generator_cpu", of_ours.generator)
        .with("server_cpu", of_ours.server)
        .with("others_cpu", of_ours.others)
        .with("reference_generator_cpu", of_theirs.generator)
        .with("reference_server_cpu", of_theirs.server)
}

/// Measures one row.
pub async fn measure(
    row: &Row,
    options: &Options,
    lowerdeck: &Server,
    floor: &Server,
    nbdkit: Option<&Nbdkit>,
) -> anyhow::Result<RowReport> {
    let load = Load { duration: options.duration(), ..row.named.load };
    let (mut ours, mut theirs) = (Side::default(), Side::default());
    for _ in 0..options.rounds {
        ours.push(one(row, &load, lowerdeck).await?);
        theirs.push(match (row.reference, nbdkit) {
            (Reference::Nbdkit, Some(nbdkit)) => nbdkit.run(&load, row.figure)?,
            _ => one(row, &load, floor).await?,
        });
    }
    let heading = Heading {
        section: Section::Work,
        id: row.named.name.to_owned(),
        title: title(row),
        unit: row.figure.unit(),
        reference_name: row.reference.name().to_owned(),
        goal: row.goal,
        floor: row.floor,
        less_is_better: row.figure.less_is_better(),
    };
    Ok(calibrated(heading, ours, theirs))
}

/// One load on one server, in a session of its own; unary calls in [`UNARY_SESSIONS`].
async fn one(row: &Row, load: &Load, server: &Server) -> anyhow::Result<(f64, Shares)> {
    if load.path == LoadPath::Unary {
        let load = Load { depth: load.depth / UNARY_SESSIONS, ..*load };
        let (outcome, shares) = sessions::one(&load, server, UNARY_SESSIONS).await?;
        return Ok((figure(row.figure, &outcome.total), shares));
    }
    let session = LoadSession::open(transport::connect(&server.endpoint).await?, row.named.stack).await?;
    session.fill(load.io.span()).await?;
    let warm_up = Load { duration: load.duration / WARM_UP, ..*load };
    warm_up.run(&session, &LoadProgress::default()).await?;
    let meter = Meter::start(server.id())?;
    let outcome = load.run(&session, &LoadProgress::default()).await?;
    let shares = meter.stop()?;
    session.close().await?;
    anyhow::ensure!(outcome.failed == 0, "{} requests of row {} failed", outcome.failed, row.named.name);
    Ok((figure(row.figure, &outcome), shares))
}

fn title(row: &Row) -> String {
    match row.named.load.path {
        LoadPath::Unary => format!("{} on {UNARY_SESSIONS} connections", row.named.title),
        LoadPath::QueuePair { .. } => row.named.title.to_owned(),
    }
}

fn figure(figure: Figure, outcome: &LoadOutcome) -> f64 {
    match figure {
        Figure::Rate => outcome.rate(),
        Figure::Throughput => outcome.throughput(),
        Figure::Latency => outcome.latency.quantile(0.5).as_secs_f64() * 1e6,
    }
}
