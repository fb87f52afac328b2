//! What waiting costs in memory: idle sessions, and requests that are pending.

use std::path::Path;

use lowerdeck_client::load::LoadSession;
use lowerdeck_client::transport;

use crate::child::Server;

/// Idle sessions that are opened.
pub const SESSIONS: u64 = 10_000;
/// Sessions that requests are pending in, and how many in each.
const HOLDERS: u64 = 16;
pub const PENDING: u64 = 1_000_000;

/// A server whose limits admit what is measured.
fn roomy(program: &Path) -> anyhow::Result<Server> {
    let limits = format!("sessions_max={0},instances_max={0},requests_max={PENDING}", SESSIONS + HOLDERS);
    Server::start(program, &["serve", "--listen", "127.0.0.1:0", "--log", "warn", "--limit", &limits])
}

/// Bytes of the server's memory for each of [`SESSIONS`] idle sessions, each with a private stack and a file.
pub async fn idle_session(program: &Path) -> anyhow::Result<f64> {
    let server = roomy(program)?;
    let channel = transport::connect(&server.endpoint).await?;
    let mut sessions: Vec<LoadSession> = vec![LoadSession::open(channel.clone(), "null").await?];
    let before = server.resident()?;
    for _ in 0..SESSIONS {
        sessions.push(LoadSession::open(channel.clone(), "null").await?);
    }
    Ok((server.resident()? - before) as f64 / SESSIONS as f64)
}

/// Bytes of the server's memory for each of [`PENDING`] requests that a driver keeps.
pub async fn pending_request(program: &Path) -> anyhow::Result<f64> {
    let server = roomy(program)?;
    let mut sessions = Vec::new();
    for _ in 0..HOLDERS {
        let session = LoadSession::open(transport::connect(&server.endpoint).await?, "echo").await?;
        session.park(1).await?;
        sessions.push(session);
    }
    let before = server.resident()?;
    for session in &sessions {
        session.park(PENDING / HOLDERS).await?;
    }
    Ok((server.resident()? - before) as f64 / PENDING as f64)
}
