//! What waiting costs in memory: idle sessions, and requests that are pending, with one layer and with more.
//!
//! How bytes are taken: what the server's resident memory grows by, divided by the number. So whatever the allocator
//! rounds up, keeps or shares counts.

use lowerdeck_client::load::LoadSession;
use lowerdeck_client::transport;

use crate::child::Server;
use crate::report::{Report, RowReport, Section};
use crate::run::Options;

/// Idle sessions that are opened.
const SESSIONS: u64 = 10_000;
/// Sessions that requests are pending in, and how many in all.
const HOLDERS: u64 = 16;
const PENDING: u64 = 1_000_000;
/// Pass-through layers that one more is measured by.
const FURTHER_LAYERS: usize = 4;

/// Measures both, each with one layer and with further ones.
pub async fn measure(options: &Options, report: &mut Report) -> anyhow::Result<()> {
    let further = |top: f64, deep: f64| (deep - top) / FURTHER_LAYERS as f64;
    let mut push = |id: &str, title: &str, bytes: f64, bounds: (f64, f64)| {
        report.rows.push(RowReport::absolute(Section::Work, id, title, "B", vec![bytes], bounds));
    };
    if options.wants("idle-session-further") || options.wants("idle-session") {
        println!("{SESSIONS} idle sessions");
        let (top, deep) = (idle_session(options, "one").await?, idle_session(options, "deep").await?);
        push("idle-session", "memory of an idle session of one layer, at 10,000", top, (8192.0, 16_384.0));
        let bounds = (512.0, 1024.0);
        push("idle-session-further", "memory of each further layer of an idle session", further(top, deep), bounds);
    }
    if options.wants("pending-request-further") || options.wants("pending-request") {
        println!("{PENDING} pending requests");
        let (top, deep) = (pending_request(options, "held").await?, pending_request(options, "deep-held").await?);
        push("pending-request", "memory of a pending request in one layer, at 1,000,000", top, (512.0, 1024.0));
        let bounds = (128.0, 256.0);
        push(
            "pending-request-further",
            "memory of a pending request in each further layer",
            further(top, deep),
            bounds,
        );
    }
    Ok(())
}

/// A server whose limits admit what is measured, with one stack of one layer and one of further ones for each kind.
fn roomy(options: &Options) -> anyhow::Result<Server> {
    let limits = format!("sessions_max={0},instances_max={0},requests_max={PENDING}", SESSIONS + HOLDERS);
    let layers = "passthrough / ".repeat(FURTHER_LAYERS);
    let (deep, deep_held) = (format!("deep={layers}null"), format!("deep-held={layers}echo"));
    let stacks = ["--stack", "one=null", "--stack", "held=echo", "--stack", &deep, "--stack", &deep_held];
    Server::lowerdeck(&options.server, &[&["--limit", &limits], &stacks[..]].concat())
}

/// Bytes of the server's memory for each of [`SESSIONS`] idle sessions, each with a private stack and a file.
async fn idle_session(options: &Options, stack: &str) -> anyhow::Result<f64> {
    let server = roomy(options)?;
    let channel = transport::connect(&server.endpoint).await?;
    let mut sessions: Vec<LoadSession> = vec![LoadSession::open(channel.clone(), stack).await?];
    let before = server.resident()?;
    for _ in 0..SESSIONS {
        sessions.push(LoadSession::open(channel.clone(), stack).await?);
    }
    Ok((server.resident()? - before) as f64 / SESSIONS as f64)
}

/// Bytes of the server's memory for each of [`PENDING`] requests that the lowest driver keeps.
async fn pending_request(options: &Options, stack: &str) -> anyhow::Result<f64> {
    let server = roomy(options)?;
    let mut sessions = Vec::new();
    for _ in 0..HOLDERS {
        let session = LoadSession::open(transport::connect(&server.endpoint).await?, stack).await?;
        session.park(1).await?;
        sessions.push(session);
    }
    let before = server.resident()?;
    for session in &sessions {
        session.park(PENDING / HOLDERS).await?;
    }
    Ok((server.resident()? - before) as f64 / PENDING as f64)
}
