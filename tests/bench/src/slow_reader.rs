//! A client that stops reading, at full speed: what it does to the server's memory, and to the sessions beside it.
//!
//! Laws: every round has a server of its own, so that nothing is left of the round before; the sessions beside it do
//! the same work in both halves of a ratio.
//!
//! Two ways to be slow: not to read the HTTP/2 stream any more, and to read but never acknowledge. The others are
//! measured from when that has filled what it can fill: the stream is blocked, or the first send is refused. Before, it
//! is one more session at work.

use std::convert::Infallible;
use std::time::Duration;

use anyhow::Context;
use lowerdeck_client::load::{
    Fleet, Load, LoadIo, LoadPath, LoadProgress, LoadQueue, LoadSession, Stopwatch, Submitter,
};
use lowerdeck_client::{transport, v1};
use tokio::sync::Notify;

use crate::calibration::{Meter, Shares};
use crate::child::Server;
use crate::loads::{Side, WARM_UP, calibrated};
use crate::report::{Heading, Report, RowReport, Section};
use crate::run::Options;

/// Sessions that go on with their work.
const OTHERS: usize = 4;
/// What they do: depth 64 in one batch.
const THEIR_DEPTH: usize = 64;
/// How long a message may wait before the stream counts as blocked.
const BLOCKED: Duration = Duration::from_millis(100);
/// How long the slow client may take until it has reached its limit.
const REACHES: Duration = Duration::from_secs(20);
/// Between two looks at the server's memory.
const LOOK: Duration = Duration::from_millis(20);
/// The limits in bytes that the server is given, so that a short run reaches them: what is in flight and what is
/// retained a quarter of the default each.
const EVEN: Bounds = Bounds { in_flight: 64 << 20, retained: 64 << 20 };
/// So much more in flight that only the other one can hold.
const RETAINED: Bounds = Bounds { in_flight: 512 << 20, retained: 16 << 20 };
/// What a request that exists, and an event that is kept, may cost beside their data.
const REQUEST_BYTES: u64 = 1024;
const EVENT_BYTES: u64 = 256;
/// Submissions of the never-acknowledging client whose answers are outstanding, in batches.
const BATCHES_AHEAD: u64 = 2;

const MIB: u64 = 1 << 20;

/// How the client is slow.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    StopsReading,
    NeverAcknowledges,
    /// It is not: what the others are compared with beside one who never acknowledges.
    Acknowledges,
}

/// Limits of a session, in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Bounds {
    in_flight: u64,
    retained: u64,
}

/// One kind of slow client.
#[derive(Debug, Clone, Copy)]
struct Case {
    id: &'static str,
    title: &'static str,
    way: Way,
    stack: &'static str,
    io: LoadIo,
    batch: usize,
    bounds: Bounds,
}

const SMALL: LoadIo = LoadIo::DeviceControl { input: 64 };
const LARGE: LoadIo = LoadIo::RandomRead { length: 64 << 10, span: 64 << 20 };

const CASES: [Case; 5] = [
    Case {
        id: "slow-reader-stops-64k",
        title: "stops reading 64 KiB reads",
        way: Way::StopsReading,
        stack: "disk",
        io: LARGE,
        batch: 64,
        bounds: EVEN,
    },
    Case {
        id: "slow-reader-stops-ioctl",
        title: "stops reading 64 B ioctls",
        way: Way::StopsReading,
        stack: "null",
        io: SMALL,
        batch: 64,
        bounds: EVEN,
    },
    // The largest batch there may be: 256 MiB of reads in one message.
    Case {
        id: "slow-reader-keeps-64k",
        title: "never acknowledges 64 KiB reads",
        way: Way::NeverAcknowledges,
        stack: "disk",
        io: LARGE,
        batch: 4096,
        bounds: EVEN,
    },
    Case {
        id: "slow-reader-keeps-ioctl",
        title: "never acknowledges 64 B ioctls",
        way: Way::NeverAcknowledges,
        stack: "null",
        io: SMALL,
        batch: 64,
        bounds: EVEN,
    },
    // All of these complete at once, so what they leave is retained and not in flight.
    Case {
        id: "slow-reader-retained",
        title: "never acknowledges, retained_bytes_max alone",
        way: Way::NeverAcknowledges,
        stack: "disk",
        io: LARGE,
        batch: 4096,
        bounds: RETAINED,
    },
];

/// What one round gave.
struct Round {
    /// Completions of the others per second, and who was busy meanwhile.
    others: (f64, Shares),
    /// The server's memory over what it was before, in bytes, with seconds.
    memory: Vec<(f64, f64)>,
    /// What its limits allow the slow session.
    allowed: u64,
}

impl Round {
    fn peak(&self) -> f64 {
        self.memory.iter().map(|(_, bytes)| *bytes).fold(0.0, f64::max)
    }
}

/// Measures each kind: memory against the limits, and the others with and without it.
pub async fn measure(options: &Options, report: &mut Report) -> anyhow::Result<()> {
    for case in CASES.into_iter().filter(|case| options.wants_some(case.id)) {
        println!("a client that {}", case.title);
        let beside = (case.way == Way::NeverAcknowledges).then_some(Case { way: Way::Acknowledges, ..case });
        let (mut with, mut others, mut without) = (Vec::new(), Side::default(), Side::default());
        for _ in 0..options.rounds {
            let round_with = round(options, Some(case)).await?;
            others.push(round_with.others);
            with.push(round_with);
            without.push(round(options, beside).await?.others);
        }
        let heading = |what: &str, title: String, unit, reference: &str, less_is_better, (goal, floor)| Heading {
            section: Section::SlowReader,
            id: format!("{}-{what}", case.id),
            title,
            unit,
            reference_name: reference.to_owned(),
            goal,
            floor,
            less_is_better,
        };
        let allowed = with.iter().map(|round| round.allowed as f64).collect();
        let peaks = with.iter().map(Round::peak).collect();
        let title = format!("memory beside one who {}", case.title);
        let memory = heading("memory", title, "B", "the sum of the limits", true, (1.0, 1.0));
        let last = with.last().map(|round| round.memory.clone()).unwrap_or_default();
        report.rows.push(RowReport::new(memory, peaks, allowed).with_series(last));
        let title = format!("4 others beside one who {}", case.title);
        let reference = if beside.is_some() { "beside one who acknowledges" } else { "nobody beside them" };
        report.rows.push(calibrated(heading("others", title, "/s", reference, false, (0.95, 0.9)), others, without));
    }
    Ok(())
}

/// One load of the others, beside `case`.
async fn round(options: &Options, case: Option<Case>) -> anyhow::Result<Round> {
    let bounds = case.map_or(EVEN, |case| case.bounds);
    let Bounds { in_flight, retained } = bounds;
    let limits = format!("retained_bytes_max={retained},bytes_in_flight_max={in_flight}");
    let server = Server::lowerdeck(&options.server, &["--limit", &limits])?;
    let others = Fleet::open(&server.endpoint, "null", OTHERS).await?;
    let path = LoadPath::QueuePair { batch: THEIR_DEPTH };
    let load = Load { io: SMALL, path, depth: THEIR_DEPTH, duration: options.duration() };
    let progress = LoadProgress::default();
    others.run(&Load { duration: load.duration / WARM_UP, ..load }, &progress).await?;
    let stack = case.map_or("null", |case| case.stack);
    let slow = LoadSession::open(transport::connect(&server.endpoint).await?, stack).await?;
    slow.fill(case.map_or(0, |case| case.io.span())).await?;
    let mut memory = Vec::new();
    let full = Notify::new();
    let measured = async {
        tokio::time::timeout(REACHES, full.notified()).await.context("the slow client has reached no limit")?;
        let meter = Meter::start(server.id())?;
        let outcome = others.run(&load, &progress).await?;
        anyhow::Ok((outcome, meter.stop()?))
    };
    let (outcome, shares) = tokio::select! {
        outcome = measured => outcome?,
        ended = misbehave(&slow, case, &full) => match ended? {},
        failed = watch(&server, &mut memory) => match failed? {},
    };
    anyhow::ensure!(outcome.total.failed == 0, "{} requests of the others failed", outcome.total.failed);
    Ok(Round { others: (outcome.total.rate(), shares), memory, allowed: allowed(&slow.limits(), bounds) })
}

/// What the limits of a session come to in bytes. What may be in flight is as the server was started, the others are told; with
/// the limits of [`RETAINED`] it does not count.
fn allowed(limits: &v1::SessionLimits, bounds: Bounds) -> u64 {
    let objects = u64::from(limits.requests_max) * REQUEST_BYTES + u64::from(limits.retained_events_max) * EVENT_BYTES;
    // One message each way is being made, and one window of the connection is filled.
    let under_way = 2 * limits.message_bytes_max + MIB;
    let in_flight = if bounds == RETAINED { 0 } else { bounds.in_flight };
    in_flight + limits.retained_bytes_max + objects + under_way
}

/// Looks at the server's memory until it is dropped.
async fn watch(server: &Server, memory: &mut Vec<(f64, f64)>) -> anyhow::Result<Infallible> {
    let (begun, before) = (Stopwatch::start(), server.resident()?);
    let mut looks = tokio::time::interval(LOOK);
    loop {
        looks.tick().await;
        let grown = server.resident()?.saturating_sub(before);
        memory.push((begun.elapsed().as_secs_f64(), grown as f64));
    }
}

/// Is slow, at full speed, until it is dropped; tells when it has filled what it can.
async fn misbehave(session: &LoadSession, case: Option<Case>, full: &Notify) -> anyhow::Result<Infallible> {
    match case {
        None => {
            full.notify_one();
            std::future::pending().await
        }
        Some(case) if case.way == Way::StopsReading => stop_reading(session, case, full).await,
        Some(case) => read_on(session, case, full).await,
    }
}

async fn stop_reading(session: &LoadSession, case: Case, full: &Notify) -> anyhow::Result<Infallible> {
    let mut submitter = Submitter::new(session, case.io);
    let processed = session.processed();
    let queue = LoadQueue::open(session, submitter.batch(case.batch, processed)).await?;
    loop {
        let send = queue.send(submitter.batch(case.batch, processed));
        tokio::pin!(send);
        match tokio::time::timeout(BLOCKED, &mut send).await {
            Ok(sent) => sent?,
            Err(_) => {
                full.notify_one();
                send.await?;
            }
        }
    }
}

/// Reads everything, and acknowledges it or not.
async fn read_on(session: &LoadSession, case: Case, full: &Notify) -> anyhow::Result<Infallible> {
    let mut submitter = Submitter::new(session, case.io);
    let start = session.processed();
    let mut queue = LoadQueue::open(session, submitter.batch(case.batch, start)).await?;
    let (mut sent, mut processed) = (case.batch as u64, start);
    loop {
        let response = queue.next().await?;
        processed += response.entries.len() as u64;
        if case.way == Way::Acknowledges || !response.results.is_empty() {
            full.notify_one();
        }
        while sent < response.submissions_taken + BATCHES_AHEAD * case.batch as u64 {
            let acknowledged = if case.way == Way::Acknowledges { processed } else { start };
            queue.send(submitter.batch(case.batch, acknowledged)).await?;
            sent += case.batch as u64;
        }
    }
}
