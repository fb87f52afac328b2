//! `cargo xtask image`: the server's container image, from a binary that the local toolchain builds.
//!
//! `docker/Dockerfile` says what the image is. Its first stage is for those who build with a container engine alone; here
//! only the final stage is used, with our own binary in the place of that stage's. The same commit gives the same content:
//! the binary knows no path of this machine, and its file has the time of the commit.

mod binary;
mod container;
pub mod engine;
mod recipe;

use std::fs::{self, File};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, Result, bail};
use clap::Args;

use crate::workspace::Workspace;
use crate::{git, process};

pub use container::{Ended, tests};

/// The largest image: what a laboratory pulls onto many machines.
const IMAGE_BYTES_MAX: u64 = 15_000_000;

#[derive(Args)]
pub struct Options {
    /// Build the static binary and no image; needs no container engine.
    #[arg(long)]
    binary_only: bool,
    /// Where the content of the image is put together [default: target/image/content].
    #[arg(long, value_name = "FOLDER")]
    output: Option<PathBuf>,
    /// The name and tag of the image.
    #[arg(long, default_value = "lowerdeck:dev", value_name = "NAME")]
    tag: String,
    /// Build the binary a second time, elsewhere, and compare.
    #[arg(long)]
    twice: bool,
}

pub fn run(workspace: &Workspace, options: &Options) -> Result<ExitCode> {
    let content = options.output.clone().unwrap_or_else(|| workspace.target("image/content"));
    put_together(workspace, &content)?;
    if options.twice {
        binary::compare_with_another_build(workspace)?;
    }
    if !options.binary_only {
        let engine = engine::Engine::provide(workspace)?.into_result()?;
        build(workspace, &engine, &content, &options.tag)?;
        println!("built {}; run it with `docker run --rm --network host {}`", options.tag, options.tag);
    }
    Ok(ExitCode::SUCCESS)
}

/// Builds the binary and puts the image's file tree into `content`.
fn put_together(workspace: &Workspace, content: &Path) -> Result<()> {
    let program = binary::build(workspace, binary::Place::First)?;
    let _ = fs::remove_dir_all(content); // what is not there need not be removed
    fs::create_dir_all(content).with_context(|| format!("cannot create {}", content.display()))?;
    let server = content.join("lowerdeckd");
    fs::copy(&program, &server).with_context(|| format!("cannot copy {}", program.display()))?;
    fs::set_permissions(&server, fs::Permissions::from_mode(0o755)).context("cannot set the mode of the binary")?;
    let time = git::head_time(workspace).unwrap_or(std::time::UNIX_EPOCH);
    File::options().write(true).open(&server)?.set_modified(time).context("cannot set the time of the binary")?;
    let size = fs::metadata(&server)?.len();
    println!("{}: {size} bytes", server.display());
    if size > IMAGE_BYTES_MAX {
        bail!("the image has {size} bytes, the limit is {IMAGE_BYTES_MAX}; see what became larger");
    }
    Ok(())
}

/// Builds the image from `content`.
fn build(workspace: &Workspace, engine: &engine::Engine, content: &Path, tag: &str) -> Result<()> {
    let dockerfile = workspace.path("docker/Dockerfile");
    let text = fs::read_to_string(&dockerfile).with_context(|| format!("cannot read {}", dockerfile.display()))?;
    let recipe = workspace.target("image/Dockerfile");
    fs::write(&recipe, recipe::final_stage(&text)?).with_context(|| format!("cannot write {}", recipe.display()))?;
    let revision = git::head(workspace).unwrap_or_else(|| "unknown".to_owned());
    let mut build = engine.docker(workspace);
    build
        .args(["build", "--quiet", "--tag", tag])
        .args(["--build-arg", &format!("VERSION={}", env!("CARGO_PKG_VERSION"))])
        .args(["--build-arg", &format!("REVISION={revision}")])
        .arg("--file")
        .arg(&recipe)
        .arg(content);
    process::run(&mut build)
}
