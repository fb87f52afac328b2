//! `lowerdeck-bench`: measures Lowerdeck against the transport's floor and against its peers. `cargo xtask bench` builds
//! and runs it.

mod calibration;
mod cat;
mod checksum;
mod child;
mod floor;
mod footprint;
mod handle_read;
mod in_process;
mod in_process_pending;
mod loads;
mod peer;
mod pending;
mod plot;
mod procfs;
mod report;
mod rows;
mod run;
mod sessions;
mod slow_reader;
mod start;
mod statistics;

use std::net::SocketAddr;

use clap::Parser;
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
                    .add_service(cat::Cat::default())
                    .serve_with_incoming(incoming)
                    .await?;
                Ok(())
            }
            Cli::Run(options) => run::run(&options).await,
        }
    })
}
