//! `cargo xtask conformance`: every scenario of the specification, and whether a test holds it, on which back end.
//!
//! It reads the tests themselves, by asking the test programs for their list; there is no list to keep by hand.

mod listing;
mod scenario;
mod survey;
#[cfg(test)]
mod tests;

use std::io::{self, Write};
use std::process::ExitCode;

use anyhow::{Context, Result, bail};
use clap::{Args, ValueEnum};

use crate::workspace::Workspace;

use survey::Survey;

#[derive(Args)]
pub struct Options {
    /// List only the scenarios that no test holds yet.
    #[arg(long)]
    missing: bool,

    /// How to print.
    #[arg(long, value_enum, default_value_t = Format::Table)]
    format: Format,
}

#[derive(Clone, Copy, ValueEnum)]
enum Format {
    /// A table per group, for people.
    Table,
    /// One JSON object, for programs.
    Json,
}

pub fn run(workspace: &Workspace, options: &Options) -> Result<ExitCode> {
    let survey = survey(workspace)?;
    let text = match options.format {
        Format::Table => survey.table(options.missing),
        Format::Json => serde_json::to_string_pretty(&survey.json(options.missing))? + "\n",
    };
    // Not `print!`, which panics when the reader is a `head` that has seen enough.
    io::stdout().write_all(text.as_bytes()).context("cannot print")?;
    Ok(ExitCode::SUCCESS)
}

/// Which scenarios have tests. A test that names a scenario that does not exist is an error.
pub fn survey(workspace: &Workspace) -> Result<Survey> {
    let listing = listing::read(workspace)?;
    match Survey::of(&listing) {
        Ok(survey) => Ok(survey),
        Err(faults) => bail!("the conformance tests are misnamed:\n  {}", faults.join("\n  ")),
    }
}
