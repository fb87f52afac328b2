//! `cargo xtask test`: every test we have, Rust and Python, and one summary.
//!
//! All suites run even when one fails; a suite that cannot run (it does not compile, the interpreter is missing) is a
//! failed suite, not an error that hides the others.

mod junit;
mod libtest;
pub mod python;
mod rust;
mod suite;
#[cfg(test)]
mod tests;

use std::process::ExitCode;

use anyhow::Result;

use crate::build;
use crate::workspace::Workspace;

use suite::{Report, Suite};

/// Names the server's program to the tests that start it.
const SERVER_VARIABLE: &str = "LOWERDECKD";

/// Runs everything; exits 1 when anything failed.
pub fn run(workspace: &Workspace) -> Result<ExitCode> {
    let report = report(workspace);
    println!("{report}");
    Ok(if report.passed() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Runs everything and returns what came of it.
pub fn report(workspace: &Workspace) -> Report {
    let mut suites = Vec::new();
    let mut add = |name: &str, result: Result<Vec<Suite>>| match result {
        Ok(ran) => suites.extend(ran),
        Err(error) => suites.push(Suite::could_not_run(name, &error)),
    };
    // Built first, so that tests which start the server find it; without it they, and only they, fail.
    let programs = build::programs(workspace);
    let server = programs.as_ref().ok().map(|programs| programs.server.as_path());
    add("rust", rust::tests(workspace, server));
    add("rust (doc)", rust::doctests(workspace));
    add("python", programs.and_then(|programs| python::tests(workspace, &programs.server)));
    Report { suites }
}
