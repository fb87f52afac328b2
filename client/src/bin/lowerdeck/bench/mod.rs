//! `lowerdeck bench`: a load on any server, with its rate and its latencies.
//!
//! Laws: a load that the server or the stack cannot carry is refused before it runs, with what to do; failed requests
//! make the exit code 1; the sessions are closed in every case.

mod arguments;
mod result;

use std::time::Duration;

use anyhow::Context;
use indicatif::{ProgressBar, ProgressStyle};
use lowerdeck_client::load::{self, Fleet, FleetOutcome, LoadProgress, Misfit, Stopwatch};
use lowerdeck_client::v1;

use self::arguments::Plan;
use crate::exit::Outcome;
use crate::output::Output;

pub(crate) use self::arguments::BenchArguments;

/// How often the bar moves.
const FRAME: Duration = Duration::from_millis(100);

/// How long a load may go on without a completion.
const STALL: Duration = Duration::from_secs(10);

/// How long the sessions of a load that failed may take to end; after that their leases do it.
const CLOSE_TIME: Duration = Duration::from_secs(5);

/// Runs the load.
pub(crate) async fn run(endpoint: &str, arguments: &BenchArguments, output: Output) -> anyhow::Result<Outcome> {
    let plan = arguments.plan().context("no load has this name")?;
    plan.load.check(&v1::SessionLimits::default())?; // what makes no sense anywhere needs no server to say so
    let fleet = Fleet::open(endpoint, &plan.stack, plan.sessions).await?;
    let outcome = match measure(&fleet, &plan, arguments.fill).await {
        Ok(outcome) => outcome,
        Err(error) => {
            // What keeps a request may keep a session from ending, and the error is the news.
            let _ = tokio::time::timeout(CLOSE_TIME, fleet.close()).await;
            return Err(error);
        }
    };
    fleet.close().await?;
    result::print(&plan, &outcome, output)?;
    let total = &outcome.total;
    let Some(first) = total.first_failure else { return Ok(Outcome::Done) };
    eprintln!("error: {} of {} requests failed, the first with {first}", total.failed, total.completed);
    Ok(Outcome::No)
}

/// Runs the load on a stack that answers such requests.
async fn measure(fleet: &Fleet, plan: &Plan, fill: bool) -> anyhow::Result<FleetOutcome> {
    plan.load.check(&fleet.limits())?;
    if let Some(session) = fleet.first()
        && let Some(misfit) = load::probe(session, &plan.load).await?
    {
        return Err(misfit.into());
    }
    if fill {
        fleet.fill(plan.load.io.span()).await?;
    }
    let progress = LoadProgress::default();
    let bar = bar(plan.load.duration);
    let begun = Stopwatch::start();
    let mut seen = (0, begun);
    let load = fleet.run(&plan.load, &progress);
    tokio::pin!(load);
    let mut frames = tokio::time::interval(FRAME);
    loop {
        tokio::select! {
            outcome = &mut load => {
                bar.finish_and_clear();
                return Ok(outcome?);
            }
            _ = frames.tick() => {}
        }
        let completed = progress.completed();
        if completed != seen.0 {
            seen = (completed, Stopwatch::start());
        } else if seen.1.elapsed() > STALL {
            return Err(Misfit::Stalled { completed, waited: STALL }.into());
        }
        let elapsed = begun.elapsed();
        bar.set_position(elapsed.min(plan.load.duration).as_millis() as u64);
        bar.set_message(result::per_second(completed as f64 / elapsed.as_secs_f64()));
    }
}

/// A bar on standard error; invisible if that is no terminal.
fn bar(duration: Duration) -> ProgressBar {
    let bar = ProgressBar::new(duration.as_millis() as u64);
    match ProgressStyle::with_template("bench {wide_bar} {elapsed} {msg}") {
        Ok(style) => bar.with_style(style),
        Err(_) => bar,
    }
}
