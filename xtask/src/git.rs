//! What git knows about the state a change is compared with. Everything here also answers in a folder without git.

use std::env;
use std::path::PathBuf;
use std::process::Stdio;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anyhow::{Result, bail};

use crate::workspace::Workspace;

/// The commit a change is compared with: `LOWERDECK_CI_BASE` when set, else where the branch left main, else `HEAD`.
///
/// `None` without git or without a commit.
pub fn base(workspace: &Workspace) -> Result<Option<String>> {
    // CI systems set variables they have no value for to the empty string.
    if let Some(named) = env::var("LOWERDECK_CI_BASE").ok().filter(|named| !named.is_empty()) {
        let commit = format!("{named}^{{commit}}");
        return match git(workspace, &["rev-parse", "--verify", "--quiet", &commit]) {
            Some(id) => Ok(Some(text(&id))),
            None => bail!("LOWERDECK_CI_BASE names `{named}`, which is no commit of this clone; fetch it first"),
        };
    }
    let main = ["origin/main", "main"].iter().find_map(|main| git(workspace, &["merge-base", "HEAD", main]));
    let head = || git(workspace, &["rev-parse", "--verify", "--quiet", "HEAD"]);
    Ok(main.or_else(head).map(|id| text(&id)))
}

/// A file as it was in a commit; `None` when the commit does not have it.
pub fn file_at(workspace: &Workspace, commit: &str, path: &str) -> Option<Vec<u8>> {
    git(workspace, &["show", &format!("{commit}:{path}")])
}

/// The first line of the message of `HEAD`, and whether tracked files differ from it; `None` without git or a commit.
pub fn head_subject(workspace: &Workspace) -> Option<(String, bool)> {
    let subject = git(workspace, &["log", "-1", "--format=%s"])?;
    let changes = git(workspace, &["status", "--porcelain", "--untracked-files=no"])?;
    Some((text(&subject), !changes.is_empty()))
}

/// The commit that is checked out; `None` without git or a commit.
pub fn head(workspace: &Workspace) -> Option<String> {
    git(workspace, &["rev-parse", "HEAD"]).map(|id| text(&id))
}

/// When that commit was made.
pub fn head_time(workspace: &Workspace) -> Option<SystemTime> {
    let seconds = text(&git(workspace, &["log", "-1", "--format=%ct"])?).parse().ok()?;
    Some(UNIX_EPOCH + Duration::from_secs(seconds))
}

/// The Markdown files of the checkout, those that git knows and new ones that it does not ignore; `None` without git.
pub fn documents(workspace: &Workspace) -> Option<Vec<PathBuf>> {
    let listed = git(workspace, &["ls-files", "-z", "--cached", "--others", "--exclude-standard", "--", "*.md"])?;
    Some(String::from_utf8_lossy(&listed).split_terminator('\0').map(PathBuf::from).collect())
}

fn git(workspace: &Workspace, arguments: &[&str]) -> Option<Vec<u8>> {
    let output = workspace.command("git").args(arguments).stderr(Stdio::null()).output().ok()?;
    output.status.success().then_some(output.stdout)
}

fn text(output: &[u8]) -> String {
    String::from_utf8_lossy(output).trim().to_owned()
}
