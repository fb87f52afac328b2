//! How long a server takes from its start until it can be used.

use std::path::Path;

use anyhow::ensure;
use lowerdeck_client::health::{self, Health};
use lowerdeck_client::load::Stopwatch;
use lowerdeck_client::transport;
use tokio::net::TcpStream;

use crate::child::Server;
use crate::report::{Report, RowReport, Section};
use crate::run::Options;

/// Starts for the median, whatever the rounds of the other rows.
const STARTS: usize = 20;
/// Milliseconds that the design allows.
const GOAL_MS: f64 = 50.0;

/// Measures both moments: the port accepts, and the server says that it takes new sessions.
pub async fn measure(options: &Options, report: &mut Report) -> anyhow::Result<()> {
    if !options.wants("start-accepts") && !options.wants("start-serving") {
        return Ok(());
    }
    let (mut accepts, mut serving) = (Vec::new(), Vec::new());
    for _ in 0..STARTS {
        let times = one(&options.server).await?;
        accepts.push(times.0);
        serving.push(times.1);
    }
    let bounds = (GOAL_MS, GOAL_MS);
    let title = "start until the port accepts, of 20";
    report.rows.push(RowReport::absolute(Section::Scale, "start-accepts", title, "ms", accepts, bounds));
    let title = "start until SERVING, of 20";
    report.rows.push(RowReport::absolute(Section::Scale, "start-serving", title, "ms", serving, bounds));
    Ok(())
}

/// Milliseconds until both, of one start without any configuration.
async fn one(program: &Path) -> anyhow::Result<(f64, f64)> {
    let begun = Stopwatch::start();
    let server = Server::lowerdeck(program, &[])?;
    let address = server.endpoint.trim_start_matches("http://");
    TcpStream::connect(address).await?;
    let accepts = begun.elapsed();
    let channel = transport::connect(&server.endpoint).await?;
    let answer = health::check(channel, "lowerdeck.v1.DeviceService").await?;
    let serving = begun.elapsed();
    ensure!(answer == Health::Serving, "a server that was started says {answer:?}");
    Ok((accepts.as_secs_f64() * 1e3, serving.as_secs_f64() * 1e3))
}
