//! Where things are: the workspace's root, its target folder, and the commands that start there.

use std::env;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};
use serde::Deserialize;

use crate::process;

/// The checkout this xtask belongs to.
pub struct Workspace {
    root: PathBuf,
    target: PathBuf,
}

#[derive(Deserialize)]
struct Metadata {
    target_directory: PathBuf,
}

impl Workspace {
    /// Finds the checkout: the parent of this package's manifest folder, as cargo names it at run time.
    pub fn find() -> Result<Self> {
        let manifest_dir = env::var_os("CARGO_MANIFEST_DIR").unwrap_or_else(|| env!("CARGO_MANIFEST_DIR").into());
        let root = Path::new(&manifest_dir)
            .parent()
            .context("xtask's manifest folder has no parent; run it as `cargo xtask`")?
            .to_path_buf();
        let mut metadata = cargo_in(&root);
        metadata.args(["metadata", "--format-version=1", "--no-deps", "--offline"]);
        let metadata: Metadata = serde_json::from_str(&process::capture(&mut metadata)?)
            .context("cargo metadata is not the JSON it documents")?;
        Ok(Self { root, target: metadata.target_directory })
    }

    /// The folder of the root manifest.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// A path below the root, given with forward slashes.
    pub fn path(&self, relative: &str) -> PathBuf {
        self.root.join(relative)
    }

    /// A path below cargo's target folder: for everything we build or install, so that `cargo clean` removes it.
    pub fn target(&self, relative: &str) -> PathBuf {
        self.target.join(relative)
    }

    /// The cargo that runs us, started at the root.
    pub fn cargo(&self) -> Command {
        cargo_in(&self.root)
    }

    /// Any program, started at the root.
    pub fn command(&self, program: impl AsRef<OsStr>) -> Command {
        let mut command = Command::new(program);
        command.current_dir(&self.root);
        command
    }
}

fn cargo_in(root: &Path) -> Command {
    let mut command = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    // Set by `cargo run` for xtask; a nested cargo must not hand them on to build scripts and tests.
    command.env_remove("CARGO_MANIFEST_DIR").env_remove("CARGO_MANIFEST_PATH").current_dir(root);
    command
}
