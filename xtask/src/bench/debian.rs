//! Programs that come from Debian: looked for, and installed where that is possible.

use anyhow::Result;

use crate::process;
use crate::workspace::Workspace;

/// Sees to it that these programs are there, each from the package of its own name.
pub fn provide(workspace: &Workspace, programs: &[&str]) -> Result<()> {
    let is_there = |program: &&str| {
        let mut version = workspace.command(program);
        version.arg("--version");
        process::capture(&mut version).is_ok()
    };
    if programs.iter().all(is_there) {
        return Ok(());
    }
    println!("installing {}", programs.join(" and "));
    let (mut update, mut install) = (workspace.command("apt-get"), workspace.command("apt-get"));
    update.args(["--quiet", "update"]);
    install.args(["--quiet", "install", "--yes", "--no-install-recommends"]).args(programs);
    process::run(&mut update)?;
    process::run(&mut install)
}
