//! `cargo xtask`: the one front door for people and for CI. One file or folder per command; this one only names them.
//!
//! It must not depend on any package of ours, so that it builds in seconds and works while they do not compile.

mod bench;
mod build;
mod ci;
mod codegen;
mod conformance;
mod debian;
mod demo;
mod docs;
mod fingerprint;
mod git;
mod image;
mod kit;
mod new_driver;
mod process;
mod python_venv;
mod server;
mod table;
mod test;
mod tidy;
mod workspace;

use std::process::ExitCode;

use clap::Parser;

use crate::workspace::Workspace;

/// Lowerdeck's front door.
#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask")]
enum Command {
    /// Build server and client, play the main job end to end, print the timeline of both sides.
    Demo(demo::Options),
    /// Run every test, Rust and Python, and print one summary.
    Test,
    /// Hold the house rules: layers, sizes, module heads, bans.
    Tidy,
    /// Run what CI runs, every step, and report all failures at the end.
    Ci(ci::Options),
    /// Measure a release build against the transport's floor and against nbdkit.
    Bench(bench::Options),
    /// Build the server's container image from a static binary.
    Image(image::Options),
    /// Refresh the committed descriptor set, proto/lowerdeck.binpb.
    Codegen,
    /// Play the client conformance kit (tests/kit) in every language and on both roads.
    Kit(kit::Options),
    /// Hold the documents to what they say: links lead somewhere, commands work and print what is shown.
    Docs,
    /// List the conformance scenarios and which of them have tests.
    Conformance(conformance::Options),
    /// Create the folder of a new virtual driver.
    NewDriver(new_driver::Options),
}

fn main() -> ExitCode {
    run(&Command::parse()).unwrap_or_else(|error| {
        eprintln!("error: {error:#}");
        ExitCode::FAILURE
    })
}

fn run(command: &Command) -> anyhow::Result<ExitCode> {
    let workspace = Workspace::find()?;
    match command {
        Command::Demo(options) => demo::run(&workspace, options),
        Command::Test => test::run(&workspace),
        Command::Tidy => tidy::run(&workspace),
        Command::Ci(options) => ci::run(&workspace, options),
        Command::Bench(options) => bench::run(&workspace, options),
        Command::Image(options) => image::run(&workspace, options),
        Command::Codegen => codegen::run(&workspace),
        Command::Kit(options) => kit::run(&workspace, options),
        Command::Docs => docs::run(&workspace),
        Command::Conformance(options) => conformance::run(&workspace, options),
        Command::NewDriver(options) => new_driver::run(&workspace, options),
    }
}
