//! What ending one or some of very many pending requests costs, over the wire: a cancel among them, and the close of a
//! file that holds a few of them.
//!
//! Law: each is compared, in turn, with the same where little else is pending, on the same server. What is flat, or
//! grows only with the file's own requests, has a ratio of about 1.

use std::time::Duration;

use lowerdeck_client::load::LoadSession;
use lowerdeck_client::transport;

use crate::child::Server;
use crate::report::{Heading, Report, RowReport, Section};
use crate::run::Options;
use crate::statistics::Sample;

/// How many requests are pending when one of them is cancelled; the first is what the others are compared with.
pub const AMONG: [u64; 4] = [1_000, 10_000, 100_000, 1_000_000];
/// How many of the last of [`AMONG`] the closed file holds.
pub const HELD: [u64; 5] = [1, 10, 100, 1_000, 10_000];
/// Cancels of one round.
const CANCELS: usize = 50;
/// Ratios: what is aimed at leaves room for caches that are too small for a million, what must hold for noise.
const GOAL: f64 = 1.5;
const FLOOR: f64 = 3.0;

/// The heading of a row about `what`, in `unit`.
pub fn heading(id: String, title: String, unit: &'static str, reference: &str) -> Heading {
    Heading {
        section: Section::Scale,
        id,
        title,
        unit,
        reference_name: reference.to_owned(),
        goal: GOAL,
        floor: FLOOR,
        less_is_better: true,
    }
}

/// A session on a stack that keeps reads.
async fn holder(server: &Server) -> anyhow::Result<LoadSession> {
    Ok(LoadSession::open(transport::connect(&server.endpoint).await?, "echo").await?)
}

/// Measures both; one server holds all that is pending.
pub async fn measure(options: &Options, report: &mut Report) -> anyhow::Result<()> {
    let (cancels, closes) = (options.wants_some("cancel-among-"), options.wants_some("close-holding-"));
    if !cancels && !closes {
        return Ok(());
    }
    // A session may hold 65,536 requests by default.
    let server = Server::lowerdeck(&options.server, &["--limit", "requests_max=1200000"])?;
    let (mut many, mut few) = (Crowd::new(&server).await?, Crowd::new(&server).await?);
    for among in AMONG {
        println!("cancel one of {among} pending requests");
        many.grow(among).await?;
        if !cancels {
            continue;
        }
        few.grow(AMONG[0]).await?;
        let (mut ours, mut theirs) = (Vec::new(), Vec::new());
        for _ in 0..options.rounds {
            ours.push(many.cancel_some().await?);
            theirs.push(few.cancel_some().await?);
        }
        let (id, title) = (format!("cancel-among-{among}"), format!("cancel one of {among} pending, one at a time"));
        let reference = "one of 1,000 pending";
        report.rows.push(RowReport::new(heading(id, title, "µs", reference), ours, theirs));
    }
    for held in HELD.into_iter().filter(|_| closes) {
        println!("close a file that holds {held} of a million");
        let alone = holder(&server).await?;
        let (mut ours, mut theirs) = (Vec::new(), Vec::new());
        for _ in 0..options.rounds {
            ours.push(close_some(&many.session, held).await?);
            theirs.push(close_some(&alone, held).await?);
        }
        alone.close().await?;
        let (id, title) =
            (format!("close-holding-{held}"), format!("close a file that holds {held} of 1,000,000 pending"));
        let row = RowReport::new(heading(id, title, "µs", "nothing else is pending"), ours, theirs);
        let per_request = row.lowerdeck.median / held as f64;
        report.rows.push(row.with("us_per_request", per_request));
    }
    Ok(())
}

/// Closes of one round, whose middle counts: a file that holds little is closed in less than a wake-up may take.
pub fn closes_of(held: u64) -> u64 {
    (100 / held).clamp(1, 20)
}

/// The middle of a few closes.
async fn close_some(session: &LoadSession, held: u64) -> anyhow::Result<f64> {
    let mut times = Vec::new();
    for _ in 0..closes_of(held) {
        times.push(close_one(session, held).await?);
    }
    Ok(Sample::of(times).median)
}

/// Microseconds from the Close of a new file with `held` requests until it is gone.
async fn close_one(session: &LoadSession, held: u64) -> anyhow::Result<f64> {
    let file = session.with_another_file().await?;
    let requests = file.park(held).await?;
    Ok(micros(file.close_file(requests).await?))
}

fn micros(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1e6
}

/// A session with requests pending on its first file.
struct Crowd {
    session: LoadSession,
    ids: Vec<u64>,
}

impl Crowd {
    async fn new(server: &Server) -> anyhow::Result<Crowd> {
        Ok(Crowd { session: holder(server).await?, ids: Vec::new() })
    }

    /// Sends more requests until so many are pending.
    async fn grow(&mut self, pending: u64) -> anyhow::Result<()> {
        let missing = pending.saturating_sub(self.ids.len() as u64);
        if missing > 0 {
            self.ids.extend(self.session.park(missing).await?);
        }
        Ok(())
    }

    /// The middle of a few cancels in microseconds, of requests from all over; as many are sent again.
    async fn cancel_some(&mut self) -> anyhow::Result<f64> {
        let (pending, mut times) = (self.ids.len(), Vec::new());
        for number in 0..CANCELS {
            // Steps of a little over the golden section visit every part of them.
            let at = (number * 619 + 1) * pending / 1000 % self.ids.len();
            times.push(micros(self.session.cancel(self.ids.swap_remove(at)).await?));
        }
        self.grow(pending as u64).await?;
        Ok(Sample::of(times).median)
    }
}
