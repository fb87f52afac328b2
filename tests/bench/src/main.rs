//! `lowerdeck-bench`: measures Lowerdeck against the transport's floor and against its peers. `cargo xtask bench` builds
//! and runs it.

mod child;
mod floor;
mod footprint;
mod in_process;
mod peer;
mod plot;
mod procfs;
mod report;
mod rows;
mod run;
mod statistics;

use std::net::SocketAddr;
use std::time::Duration;

use clap::Parser;
use lowerdeck_client::load::{self, Load, LoadIo, LoadPath};
use lowerdeck_client::transport;
use tokio::net::TcpListener;
use tokio_stream::wrappers::TcpListenerStream;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

#[derive(Parser)]
enum Cli {
    /// Serves the floor.
    Floor {
        #[arg(long, default_value = "127.0.0.1:0")]
        listen: SocketAddr,
    },
    /// Measures everything and writes the report.
    Run(run::Options),
    /// Runs one load.
    Load {
        endpoint: String,
        #[arg(long, default_value = "null")]
        stack: String,
        #[arg(long, default_value = "ioctl")]
        io: String,
        #[arg(long, default_value_t = 64)]
        bytes: u64,
        #[arg(long, default_value_t = 64 << 20)]
        span: u64,
        #[arg(long, default_value_t = 512)]
        depth: usize,
        /// 0 is unary.
        #[arg(long, default_value_t = 64)]
        batch: usize,
        #[arg(long, default_value_t = 3.0)]
        seconds: f64,
    },
}

fn main() -> anyhow::Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(async {
        match Cli::parse() {
            Cli::Floor { listen } => {
                let listener = TcpListener::bind(listen).await?;
                listener.local_addr().map(|address| println!("floor ready on {address}"))?;
                let incoming = tokio_stream::StreamExt::map(TcpListenerStream::new(listener), |stream| {
                    let stream = stream?;
                    stream.set_nodelay(true)?;
                    std::io::Result::Ok(stream)
                });
                tonic::transport::Server::builder()
                    .add_service(floor::FloorDevice::new())
                    .add_service(floor::FloorSessions)
                    .serve_with_incoming(incoming)
                    .await?;
                Ok(())
            }
            Cli::Run(options) => run::run(&options).await,
            Cli::Load { endpoint, stack, io, bytes, span, depth, batch, seconds } => {
                let io = match io.as_str() {
                    "ioctl" => LoadIo::DeviceControl { input: bytes as usize },
                    "random" => LoadIo::RandomRead { length: bytes, span },
                    _ => LoadIo::SequentialRead { length: bytes, span },
                };
                let path = if batch == 0 { LoadPath::Unary } else { LoadPath::QueuePair { batch } };
                let session = load::open(transport::connect(&endpoint).await?, &stack).await?;
                let load = Load { io, path, depth, duration: Duration::from_secs_f64(seconds) };
                let outcome = load.run(&session, |_| {}).await?;
                session.close().await?;
                println!(
                    "{:.0}/s, {} failed, {:.1} MB/s, p50 {:?} p99 {:?}",
                    outcome.rate(),
                    outcome.failed,
                    outcome.bytes as f64 / outcome.elapsed.as_secs_f64() / 1e6,
                    outcome.latency.quantile(0.5),
                    outcome.latency.quantile(0.99)
                );
                Ok(())
            }
        }
    })
}
