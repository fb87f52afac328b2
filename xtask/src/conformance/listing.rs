//! Asks the test programs of `lowerdeck-tests` which tests they have.

use std::collections::BTreeSet;

use anyhow::Result;

use crate::process;
use crate::workspace::Workspace;

/// The paths of all tests, and of those that are ignored.
#[derive(Debug, Default)]
pub struct Listing {
    pub tests: BTreeSet<String>,
    pub ignored: BTreeSet<String>,
}

pub fn read(workspace: &Workspace) -> Result<Listing> {
    Ok(Listing { tests: list(workspace, &[])?, ignored: list(workspace, &["--ignored"])? })
}

fn list(workspace: &Workspace, which: &[&str]) -> Result<BTreeSet<String>> {
    let mut cargo = workspace.cargo();
    cargo
        .args(["test", "--quiet", "-p", "lowerdeck-tests", "--lib", "--bins", "--tests"])
        .args(["--", "--list", "--format", "terse"])
        .args(which);
    Ok(parse(&process::capture(&mut cargo)?))
}

/// The lines of the form `conformance::close::b09_law::wire: test`.
pub fn parse(printed: &str) -> BTreeSet<String> {
    printed.lines().filter_map(|line| line.strip_suffix(": test")).map(str::to_owned).collect()
}
