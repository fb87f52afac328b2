//! Throughput with more and more sessions: the same number of requests in flight, spread over them.

use lowerdeck_client::load::{CONNECTIONS_MAX, Fleet, FleetOutcome, Load, LoadIo, LoadPath, LoadProgress};

use crate::calibration::{Meter, Shares};
use crate::child::Server;
use crate::loads::{Side, WARM_UP, calibrated};
use crate::report::{Heading, Report, Section};
use crate::run::Options;
use crate::statistics::Sample;

/// How many sessions there are; a server with its default limits takes all of them.
const COUNTS: [usize; 4] = [1, 10, 100, 1000];
/// Requests in flight, over all sessions.
const IN_FLIGHT: usize = 1024;
/// The largest batch; with less depth, a session has two batches in flight.
const BATCH_MAX: usize = 64;

/// Measures each count against the floor.
pub async fn measure(options: &Options, lowerdeck: &Server, floor: &Server, report: &mut Report) -> anyhow::Result<()> {
    for count in COUNTS {
        let id = format!("{count}-sessions");
        if !options.wants(&id) {
            continue;
        }
        let depth = IN_FLIGHT / count;
        let batch = (depth / 2).clamp(1, BATCH_MAX);
        let io = LoadIo::DeviceControl { input: 64 };
        let load = Load { io, path: LoadPath::QueuePair { batch }, depth, duration: options.duration() };
        let connections = count.min(CONNECTIONS_MAX);
        let title = format!("64 B ioctl, {count} sessions of depth {depth}, batches of {batch}");
        println!("{title}");
        let (mut ours, mut theirs, mut last) = (Side::default(), Side::default(), FleetOutcome::default());
        for _ in 0..options.rounds {
            let (outcome, shares) = one(&load, lowerdeck, count).await?;
            ours.push((outcome.total.rate(), shares));
            last = outcome;
            let (outcome, shares) = one(&load, floor, count).await?;
            theirs.push((outcome.total.rate(), shares));
        }
        let heading = Heading {
            section: Section::Scale,
            id,
            title,
            unit: "/s",
            reference_name: "bare tonic echo".to_owned(),
            goal: 0.8,
            floor: 0.6,
            less_is_better: false,
        };
        let row = calibrated(heading, ours, theirs);
        let per_session = row.lowerdeck.median / count as f64;
        let spread = Sample::of(last.rates).spread;
        report.rows.push(
            row.with("per_session_per_second", per_session)
                .with("sessions_spread", spread)
                .with("connections", connections as f64),
        );
    }
    Ok(())
}

/// One load in each of `count` sessions at once.
pub async fn one(load: &Load, server: &Server, count: usize) -> anyhow::Result<(FleetOutcome, Shares)> {
    let fleet = Fleet::open(&server.endpoint, "null", count).await?;
    let warm_up = Load { duration: load.duration / WARM_UP, ..*load };
    fleet.run(&warm_up, &LoadProgress::default()).await?;
    let meter = Meter::start(server.id())?;
    let outcome = fleet.run(load, &LoadProgress::default()).await?;
    let shares = meter.stop()?;
    fleet.close().await?;
    anyhow::ensure!(outcome.total.failed == 0, "{} requests of {count} sessions failed", outcome.total.failed);
    Ok((outcome, shares))
}
