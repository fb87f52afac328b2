//! Callgrind, the part of valgrind that counts instructions: running a program under it, and reading what it writes.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result, bail};

use crate::process;
use crate::workspace::Workspace;

/// What callgrind calls an instruction that was executed ("instruction read").
const INSTRUCTIONS: &str = "Ir";

/// Instructions of one run of a program. The profile stays in `profile`, for `callgrind_annotate`.
pub fn count(workspace: &Workspace, program: &Path, arguments: &[&str], profile: &Path) -> Result<u64> {
    let mut out = std::ffi::OsString::from("--callgrind-out-file=");
    out.push(profile);
    let mut valgrind = workspace.command("valgrind");
    valgrind.args(["--quiet", "--tool=callgrind"]).arg(out).arg(program).args(arguments);
    process::run(&mut valgrind)?;
    let text = fs::read_to_string(profile).with_context(|| format!("cannot read {}", profile.display()))?;
    total(&text).with_context(|| format!("in {}", profile.display()))
}

/// The instructions of a whole profile: the column of `totals:` that `events:` calls so.
pub fn total(profile: &str) -> Result<u64> {
    let line = |key: &str| profile.lines().find_map(|line| line.strip_prefix(key));
    let events = line("events:").context("the profile has no line `events:`")?;
    let Some(column) = events.split_whitespace().position(|event| event == INSTRUCTIONS) else {
        bail!("callgrind counted{events}, and not {INSTRUCTIONS}");
    };
    let totals = line("totals:").context("the profile has no line `totals:`; the run did not come to its end")?;
    let total = totals.split_whitespace().nth(column).context("`totals:` has fewer columns than `events:`")?;
    total.parse().with_context(|| format!("`{total}` is no number of instructions"))
}
