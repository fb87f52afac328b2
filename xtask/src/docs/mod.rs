//! `cargo xtask docs`: what the documents say is true: their links lead somewhere, their commands work and print what is
//! shown.

mod commands;
mod links;
mod markdown;
#[cfg(test)]
mod tests;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, Result, bail};

use crate::workspace::Workspace;
use crate::{build, git};
use commands::{NotRun, Stage};
use links::Documents;

/// The commands that are not run, with the reasons.
const NOT_RUN: &str = "xtask/docs-not-run.toml";

/// Checks everything; exits 1 when something is wrong.
pub fn run(workspace: &Workspace) -> Result<ExitCode> {
    check(workspace).map(|()| ExitCode::SUCCESS)
}

/// Checks everything.
///
/// # Errors
/// Everything that is wrong, in one text.
pub fn check(workspace: &Workspace) -> Result<()> {
    let listed =
        git::documents(workspace).context("the documents are those that git knows, and there is no git here")?;
    let documents = links::read(workspace.root(), listed);
    let (checked, mut wrong) = links::check(workspace.root(), &documents);
    println!("docs: {checked} links in {} documents", documents.len());
    wrong.extend(run_commands(workspace, &documents)?);
    if !wrong.is_empty() {
        bail!("{} wrong in the documents:\n{}", wrong.len(), wrong.join("\n"));
    }
    Ok(())
}

/// Runs every command of every document; gives what is wrong.
fn run_commands(workspace: &Workspace, documents: &Documents) -> Result<Vec<String>> {
    let not_run = commands::not_run(&workspace.path(NOT_RUN))?;
    let programs = build::programs(workspace)?;
    let mut wrong = stale(&not_run, documents);
    let mut paths: Vec<&PathBuf> = documents.keys().collect();
    paths.sort();
    for path in paths {
        let mut stage = None;
        for shown in &documents[path].commands {
            let at = format!("{}:{}: `{}`", path.display(), shown.line, shown.command);
            if let Some(reason) = not_run.get(&shown.command) {
                println!("{at} is not run: {reason}");
                continue;
            }
            println!("{at}");
            let stage = match &mut stage {
                Some(stage) => stage,
                none => none.insert(Stage::set(workspace, &programs, workspace.target("docs").join(folder(path)))?),
            };
            if let Err(error) = stage.run(shown) {
                wrong.push(format!("{at}: {error:#}"));
            }
        }
    }
    Ok(wrong)
}

/// What is not run and stands in no document any more.
fn stale(not_run: &NotRun, documents: &Documents) -> Vec<String> {
    let shown: BTreeSet<&str> =
        documents.values().flat_map(|document| &document.commands).map(|shown| shown.command.as_str()).collect();
    let gone = not_run.keys().filter(|command| !shown.contains(command.as_str()));
    gone.map(|command| format!("{NOT_RUN}: `{command}` stands in no document; take it out")).collect()
}

/// A document's folder for scratch files: short, because the paths of sockets are.
fn folder(path: &Path) -> String {
    path.with_extension("").to_string_lossy().replace(['/', '\\'], "-").to_lowercase()
}
