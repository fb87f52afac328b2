//! The Python package's tests, in a virtual environment of their own, against the server built from this checkout.

use std::path::{Path, PathBuf};

use anyhow::{Result, bail};

use super::suite::Suite;
use super::{SERVER_VARIABLE, junit};
use crate::workspace::Workspace;
use crate::{fingerprint, process, python_venv};

/// The package under test.
const PACKAGE: &str = "client/python";

/// Sets the environment up when it is missing or out of date, and runs pytest.
pub fn tests(workspace: &Workspace, server: &Path) -> Result<Vec<Suite>> {
    let python = environment(workspace)?;
    let report = workspace.target("python-venv/junit.xml");
    junit::remove(&report)?;
    let mut pytest = workspace.command(python);
    pytest.args(["-m", "pytest", &format!("{PACKAGE}/tests"), "--junitxml"]).arg(&report).env(SERVER_VARIABLE, server);
    let status = process::status(&mut pytest)?;
    let mut suites = junit::read(&report)?;
    if !status.success() && suites.iter().all(|suite| suite.failed.is_empty()) {
        bail!("`{}` ended with {status}; see the output above", process::name(&pytest));
    }
    for suite in &mut suites {
        suite.name = format!("python ({})", suite.name);
    }
    Ok(suites)
}

/// The interpreter of a virtual environment in which the package and its test requirements are installed.
///
/// The package is installed editable, so only a change to how it is built (its manifest, the protos its stubs come
/// from) asks for a new installation.
pub fn environment(workspace: &Workspace) -> Result<PathBuf> {
    let venv = workspace.target("python-venv");
    let python = venv.join("bin/python");
    fingerprint::unless_current(&venv.join("installed-for"), &wanted(workspace)?, || {
        python_venv::create(workspace, &venv)?;
        python_venv::install(workspace, &venv, &["--editable", &format!("./{PACKAGE}[test]")])
    })?;
    Ok(python)
}

/// Stands for the content of everything the installation depends on.
fn wanted(workspace: &Workspace) -> Result<String> {
    let mut files = fingerprint::files_in(&workspace.path(PACKAGE))?;
    if !files.iter().any(|file| file.ends_with("pyproject.toml")) {
        bail!("{PACKAGE}/pyproject.toml is missing: there is no Python package to test");
    }
    files.extend(fingerprint::files_in(&workspace.path("proto/lowerdeck/v1"))?);
    fingerprint::of(files)
}
