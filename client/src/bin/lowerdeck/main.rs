//! The command line `lowerdeck`: every call of the contract from a shell, and the demo.
//!
//! Exit codes are a contract of their own; see [`exit`]. Results go to standard output, everything else to standard
//! error, so that output can be piped.

mod bench;
mod cli;
mod demo;
mod exit;
mod health;
mod io;
mod output;
mod session;
mod stack;
mod words;

use clap::Parser;
use tracing_subscriber::EnvFilter;

use crate::cli::{Cli, Command};
use crate::exit::Outcome;
use crate::output::Output;

#[tokio::main]
async fn main() -> std::process::ExitCode {
    let cli = Cli::parse();
    tracing_subscriber::fmt()
        .with_env_filter(EnvFilter::try_from_env("LOWERDECK_LOG").unwrap_or_else(|_| EnvFilter::new("warn")))
        .with_writer(std::io::stderr)
        .init();
    let output = Output::new(cli.output);
    let outcome = run(cli, output).await;
    outcome.unwrap_or_else(|error| exit::report(&error, output)).into()
}

async fn run(cli: Cli, output: Output) -> anyhow::Result<Outcome> {
    let endpoint = cli.endpoint;
    match cli.command {
        Command::Stack(command) => stack::run(&endpoint, command, output).await,
        Command::Io(arguments) => io::run(&endpoint, arguments, output).await,
        Command::Session(command) => session::run(&endpoint, command, output).await,
        Command::Health(arguments) => health::run(&endpoint, &arguments, output).await,
        Command::Bench(arguments) => bench::run(&endpoint, &arguments, output).await,
        Command::Demo(arguments) => demo::run(&arguments, output).await,
        Command::Completions { shell } => {
            cli::print_completions(shell);
            Ok(Outcome::Done)
        }
    }
}
