//! The static binary of the image, which must not depend on where it was built.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::process;
use crate::workspace::Workspace;

/// The one target of the image; naming it keeps the flags below away from build scripts.
const TARGET: &str = "x86_64-unknown-linux-gnu";

/// Where a build goes.
#[derive(Clone, Copy)]
pub enum Place {
    /// The one that is used.
    First,
    /// Another, to compare with.
    Second,
}

impl Place {
    fn folder(self, workspace: &Workspace) -> PathBuf {
        workspace.target(match self {
            Place::First => "image/build",
            Place::Second => "image/another-build",
        })
    }
}

/// Builds `lowerdeckd`, linked statically and without symbols.
pub fn build(workspace: &Workspace, place: Place) -> Result<PathBuf> {
    let folder = place.folder(workspace);
    let mut cargo = workspace.cargo();
    cargo.args(["build", "--release", "--locked", "--target", TARGET, "-p", "lowerdeck-server", "--bin", "lowerdeckd"]);
    cargo.arg("--target-dir").arg(&folder);
    hide_place_and_time(&mut cargo, workspace, &folder)?;
    process::run(&mut cargo)?;
    Ok(folder.join(TARGET).join("release/lowerdeckd"))
}

/// Builds in another folder and compares with what [`build`] has made.
pub fn compare_with_another_build(workspace: &Workspace) -> Result<()> {
    let read = |path: &Path| fs::read(path).with_context(|| format!("cannot read {}", path.display()));
    let first = Place::First.folder(workspace).join(TARGET).join("release/lowerdeckd");
    let second = build(workspace, Place::Second)?;
    if read(&first)? != read(&second)? {
        bail!("two builds differ: compare {} with {}", first.display(), second.display());
    }
    println!("two builds in different folders gave the same binary");
    Ok(())
}

/// Paths of this machine and times of the build get fixed names in the binary, in Rust and in C code.
fn hide_place_and_time(cargo: &mut Command, workspace: &Workspace, folder: &Path) -> Result<()> {
    let home = cargo_home()?;
    let names = [(folder, "/target"), (&home, "/cargo"), (workspace.root(), "/src")]; // the most particular first
    let rust: Vec<String> =
        names.iter().rev().map(|(path, name)| format!("--remap-path-prefix={}={name}", path.display())).collect();
    let c: Vec<String> =
        names.iter().rev().map(|(path, name)| format!("-ffile-prefix-map={}={name}", path.display())).collect();
    let flags = format!("-Ctarget-feature=+crt-static -Cstrip=symbols {}", rust.join(" "));
    // C code may say when it was compiled. Not the time of the commit: cargo would keep what was compiled for another one.
    cargo.env("RUSTFLAGS", flags).env("CFLAGS", c.join(" ")).env("SOURCE_DATE_EPOCH", "0");
    Ok(())
}

fn cargo_home() -> Result<PathBuf> {
    let home = std::env::var_os("CARGO_HOME").map(PathBuf::from);
    let default = || std::env::var_os("HOME").map(|home| Path::new(&home).join(".cargo"));
    home.or_else(default).context("neither CARGO_HOME nor HOME is set")
}
