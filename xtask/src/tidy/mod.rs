//! `cargo xtask tidy`: the house rules as code, one file per rule. CONTRIBUTING.md gives the reason of each.
//!
//! A rule looks at a [`Tree`] of sources and returns findings; it reads no file itself, so its tests are made of text.
//! A figure that is over its limit today may stand in `xtask/tidy-ratchet.toml`, where it may only shrink.

mod file_length;
mod finding;
mod function_length;
mod imports;
mod layers;
mod mentions;
mod module_heads;
mod module_names;
mod ratchet;
mod sleeps;
mod source;
mod status;
mod test_code;
#[cfg(test)]
mod tests;

use std::fs;
use std::process::ExitCode;

use anyhow::{Context, Result};

use crate::git;
use crate::workspace::Workspace;

use finding::{Finding, Severity};
use ratchet::Ratchet;
use source::Tree;

/// Where the ratchet stands.
const RATCHET: &str = "xtask/tidy-ratchet.toml";

/// Prints what the rules find; fails when anything is refused. Notes do not fail.
pub fn run(workspace: &Workspace) -> Result<ExitCode> {
    let refused = refusals(workspace)?;
    Ok(if refused == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Prints what the rules find and returns how many findings are refused.
pub fn refusals(workspace: &Workspace) -> Result<usize> {
    let tree = Tree::read(workspace.root())?;
    let text = fs::read_to_string(workspace.path(RATCHET)).with_context(|| format!("cannot read {RATCHET}"))?;
    let ratchet = Ratchet::parse(&text).with_context(|| format!("cannot read {RATCHET}"))?;

    let mut findings = check(&tree, &ratchet);
    if let Some(commit) = git::base(workspace)?
        && let Some(before) = git::file_at(workspace, &commit, RATCHET)
    {
        let before = Ratchet::parse(&String::from_utf8_lossy(&before))
            .with_context(|| format!("cannot read {RATCHET} of {commit}"))?;
        findings.extend(ratchet.grown_since(&before));
    }
    findings.sort();
    for finding in &findings {
        println!("{finding}");
    }
    let refused = findings.iter().filter(|finding| finding.severity == Severity::Refused).count();
    println!(
        "tidy: {} files, {refused} refused, {} notes",
        tree.sources.len() + tree.manifests.len(),
        findings.len() - refused
    );
    Ok(refused)
}

/// Every rule over the whole tree.
fn check(tree: &Tree, ratchet: &Ratchet) -> Vec<Finding> {
    let mut findings = tree.unreadable();
    findings.extend(imports::check(tree));
    findings.extend(file_length::check(tree, ratchet));
    findings.extend(function_length::check(tree, ratchet));
    findings.extend(module_heads::check(tree));
    findings.extend(module_names::check(tree));
    findings.extend(sleeps::check(tree));
    findings.extend(status::check(tree));
    findings.extend(ratchet.stale(tree));
    findings
}
