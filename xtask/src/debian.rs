//! What comes from Debian: looked for, and installed where that is possible.

use anyhow::Result;

use crate::process;
use crate::workspace::Workspace;

/// A program, and the package that has it.
pub struct Program {
    pub name: &'static str,
    pub package: &'static str,
}

impl Program {
    /// One whose package has its own name.
    pub const fn of_its_name(name: &'static str) -> Program {
        Program { name, package: name }
    }
}

/// Sees to it that these programs are there.
pub fn provide(workspace: &Workspace, programs: &[Program]) -> Result<()> {
    let is_there = |program: &Program| {
        let mut version = workspace.command(program.name);
        version.arg("--version");
        process::capture(&mut version).is_ok()
    };
    if programs.iter().all(is_there) {
        return Ok(());
    }
    let mut packages: Vec<_> = programs.iter().map(|program| program.package).collect();
    packages.dedup();
    install(workspace, &packages)
}

/// Installs packages; an error where we may not, or where there is no apt-get.
pub fn install(workspace: &Workspace, packages: &[&str]) -> Result<()> {
    println!("installing {}", packages.join(" and "));
    let (mut update, mut install) = (workspace.command("apt-get"), workspace.command("apt-get"));
    update.args(["--quiet", "update"]);
    install.args(["--quiet", "install", "--yes", "--no-install-recommends"]).args(packages);
    process::run(&mut update)?;
    process::run(&mut install)
}
