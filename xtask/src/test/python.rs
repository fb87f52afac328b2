//! The Python package's tests, in a virtual environment of their own, against the server built from this checkout.

use std::fs;
use std::hash::{DefaultHasher, Hasher};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

use super::suite::Suite;
use super::{SERVER_VARIABLE, junit};
use crate::process;
use crate::workspace::Workspace;

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
    let marker = venv.join("installed-for");
    let wanted = fingerprint(workspace)?;
    if fs::read_to_string(&marker).is_ok_and(|installed| installed == wanted) {
        return Ok(python);
    }
    let mut create = workspace.command("python3");
    create.args(["-m", "venv"]).arg(&venv);
    process::run(&mut create).context("cannot create a virtual environment; python3 with its venv module is needed")?;
    let mut install = workspace.command(&python);
    install
        .args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check"])
        .args(["--editable", &format!("./{PACKAGE}[test]")]);
    process::run(&mut install)?;
    fs::write(&marker, wanted).with_context(|| format!("cannot write {}", marker.display()))?;
    Ok(python)
}

/// Stands for the content of everything the installation depends on.
fn fingerprint(workspace: &Workspace) -> Result<String> {
    let mut files = files_in(&workspace.path(PACKAGE))?;
    if !files.iter().any(|file| file.ends_with("pyproject.toml")) {
        bail!("{PACKAGE}/pyproject.toml is missing: there is no Python package to test");
    }
    files.extend(files_in(&workspace.path("proto/lowerdeck/v1"))?);
    files.sort();
    let mut hasher = DefaultHasher::new();
    for file in files {
        let content = fs::read(&file).with_context(|| format!("cannot read {}", file.display()))?;
        hasher.write(file.as_os_str().as_encoded_bytes());
        hasher.write_usize(content.len());
        hasher.write(&content);
    }
    Ok(format!("{:016x}", hasher.finish()))
}

/// The files directly in a folder.
fn files_in(folder: &Path) -> Result<Vec<PathBuf>> {
    let entries = fs::read_dir(folder).with_context(|| format!("cannot list {}", folder.display()))?;
    let mut files = Vec::new();
    for entry in entries {
        let path = entry.with_context(|| format!("cannot list {}", folder.display()))?.path();
        if path.is_file() {
            files.push(path);
        }
    }
    Ok(files)
}
