//! The tests cargo knows: with nextest when it is installed, else with `cargo test`; and the doctests.

use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Result, bail};

use super::suite::Suite;
use super::{SERVER_VARIABLE, junit, libtest};
use crate::process::{self, Printed};
use crate::workspace::Workspace;

/// Unit and integration tests of the workspace.
pub fn tests(workspace: &Workspace, server: Option<&Path>) -> Result<Vec<Suite>> {
    let mut cargo = workspace.cargo();
    cargo.envs(server.map(|path| (SERVER_VARIABLE, path)));
    if has_nextest(workspace) {
        with_nextest(workspace, &mut cargo)
    } else {
        cargo.args(["test", "--workspace", "--all-targets", "--no-fail-fast"]);
        judged(&process::tee(&mut cargo)?)
    }
}

/// The examples in the documentation.
pub fn doctests(workspace: &Workspace) -> Result<Vec<Suite>> {
    let mut cargo = workspace.cargo();
    cargo.args(["test", "--workspace", "--doc", "--no-fail-fast"]);
    judged(&process::tee(&mut cargo)?)
}

fn has_nextest(workspace: &Workspace) -> bool {
    let mut cargo = workspace.cargo();
    cargo.args(["nextest", "--version"]).stdout(Stdio::null()).stderr(Stdio::null());
    process::status(&mut cargo).is_ok_and(|status| status.success())
}

fn with_nextest(workspace: &Workspace, cargo: &mut Command) -> Result<Vec<Suite>> {
    let report = workspace.target("nextest/default/junit.xml");
    junit::remove(&report)?;
    cargo
        .args(["nextest", "run", "--workspace", "--all-targets"])
        .args(["--no-fail-fast", "--config-file", "xtask/nextest.toml"])
        // Passed tests are in the summary; failures and slow tests are shown as they happen.
        .args(["--status-level", "slow", "--no-tests", "pass"]);
    let Printed { status, text } = process::tee(cargo)?;
    let mut suites = junit::read(&report)?;
    let skipped = skipped(&text);
    if skipped > 0 {
        suites.push(Suite { name: "rust (ignored)".to_owned(), skipped, ..Suite::default() });
    }
    if !status.success() && suites.iter().all(|suite| suite.failed.is_empty()) {
        bail!("`{}` ended with {status}; see the output above", process::name(cargo));
    }
    Ok(suites)
}

/// nextest leaves skipped tests out of its report, but not out of `Summary [ 1.2s] 9 tests run: 9 passed, 1 skipped`.
pub fn skipped(text: &str) -> usize {
    let figure = text.lines().rev().find_map(|line| {
        let (_, counts) = line.trim_start().strip_prefix("Summary [")?.split_once(']')?;
        let part = counts.split([',', ':']).find(|part| part.ends_with(" skipped"))?;
        part.trim().split(' ').next()?.parse().ok()
    });
    figure.unwrap_or(0)
}

/// The suites of a `cargo test` run, which failed for a reason of its own when it names no failed test.
fn judged(printed: &Printed) -> Result<Vec<Suite>> {
    let suites = libtest::parse(&printed.text);
    if !printed.status.success() && suites.iter().all(|suite| suite.failed.is_empty()) {
        bail!("cargo test ended with {}; see the output above", printed.status);
    }
    Ok(suites)
}
