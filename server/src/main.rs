//! `lowerdeckd`: parses, starts logging and the server, waits for a signal, drains with a deadline.

mod commands;

use std::io::Write;
use std::process::ExitCode;

use anyhow::Context;
use clap::Parser;
use lowerdeck_server::app::{App, Config};
use lowerdeck_server::config::{Cli, Command, ServeFlags};
use lowerdeck_server::telemetry;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio_util::sync::CancellationToken;

/// Many small objects that live as long as a request; the floor that we are measured against has the same allocator.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let cli = Cli::parse();
    let done = match cli.command {
        None => serve(&cli.serve),
        Some(Command::Serve(flags)) => serve(&flags),
        Some(Command::Health(endpoint)) => commands::health(&endpoint),
        Some(Command::Config(flags)) => commands::config(&flags),
        Some(Command::Stack(command)) => commands::stack(&command),
    };
    done.unwrap_or_else(|error| {
        eprintln!("lowerdeckd: {error:#}");
        ExitCode::from(2)
    })
}

fn serve(flags: &ServeFlags) -> anyhow::Result<ExitCode> {
    let config = Config::resolve(flags)?;
    telemetry::start(&config.log, config.log_format)?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().context("starting the runtime")?;
    runtime.block_on(run(config))
}

/// Serves until a signal, then drains. Exit code 0 after a drain, 1 after a second signal.
async fn run(config: Config) -> anyhow::Result<ExitCode> {
    // Before the ready line, so that whoever reads it can stop us in order.
    let mut signals = Signals::new().context("listening for signals")?;
    let server = App::start(config).await?;
    let mut stdout = std::io::stdout();
    writeln!(stdout, "lowerdeckd ready on {}", server.addr).and_then(|()| stdout.flush()).context("saying ready")?;
    signals.next().await;
    let now = CancellationToken::new();
    let drained = server.drain(now.clone());
    tokio::pin!(drained);
    tokio::select! {
        () = &mut drained => return Ok(ExitCode::SUCCESS),
        () = signals.next() => now.cancel(),
    }
    drained.await;
    Ok(ExitCode::FAILURE)
}

/// The signals that ask us to stop.
struct Signals {
    terminate: Signal,
    interrupt: Signal,
}

impl Signals {
    fn new() -> std::io::Result<Signals> {
        Ok(Signals { terminate: signal(SignalKind::terminate())?, interrupt: signal(SignalKind::interrupt())? })
    }

    async fn next(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
    }
}
