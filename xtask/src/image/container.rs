//! The image in a real engine: `tests/container`, with the Python package as the client outside.

use anyhow::{Context, Result};

use super::engine::{Engine, Provided};
use crate::debian::{self, Program};
use crate::process;
use crate::test::python;
use crate::workspace::Workspace;

/// The tag that the tests run.
const TAG: &str = "lowerdeck:under-test";

/// How the tests ended.
pub enum Ended {
    /// All passed.
    Passed,
    /// There is no engine; why, in one line.
    Skipped(String),
}

/// Builds the image and runs the tests.
pub fn tests(workspace: &Workspace) -> Result<Ended> {
    let engine = match Engine::provide(workspace)? {
        Provided::Engine(engine) => engine,
        Provided::None(why) => return Ok(Ended::Skipped(why)),
    };
    debian::provide(workspace, &[Program::of_its_name("docker-compose")])
        .context("docker/compose.yaml is tested with docker-compose")?;
    let content = workspace.target("image/content");
    super::put_together(workspace, &content)?;
    super::build(workspace, &engine, &content, TAG)?;
    super::binary::compare_with_another_build(workspace)?;
    let python = python::environment(workspace).context("the tests are in Python")?;
    let mut pytest = workspace.command(python);
    pytest.args(["-m", "pytest", "tests/container", "-p", "no:cacheprovider"]).env("LOWERDECK_IMAGE", TAG);
    if let Some(socket) = engine.socket() {
        pytest.env("DOCKER_HOST", socket);
    }
    process::run(&mut pytest)?;
    Ok(Ended::Passed)
}
