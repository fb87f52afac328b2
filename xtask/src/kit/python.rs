//! The runner in Python: a virtual environment with grpcio, stubs by grpcio-tools, and the tests of cases and books.

use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result};

use super::language::{self, Installed, Runner};
use crate::workspace::Workspace;
use crate::{fingerprint, process, python_venv};

const FOLDER: &str = "tests/kit/python";

/// Installs what is missing or out of date, and tests the cases, which every language reads, and the books.
pub fn install(workspace: &Workspace) -> Result<Installed> {
    if !language::is_here(workspace, "python3") {
        return Ok(Installed::Missing { why: "there is no python3".to_owned() });
    }
    let folder = workspace.target("kit/python");
    let python = folder.join("bin/python");
    let stubs = folder.join("stubs");
    let mut files = fingerprint::files_in(&workspace.path("proto/lowerdeck/v1"))?;
    files.push(workspace.path(&format!("{FOLDER}/requirements.txt")));
    fingerprint::unless_current(&folder.join("installed-for"), &fingerprint::of(files)?, || {
        python_venv::create(workspace, &folder)?;
        python_venv::install(workspace, &folder, &["--requirement", &format!("{FOLDER}/requirements.txt")])?;
        generate(workspace, &python, &stubs)
    })?;
    let start = {
        let (root, python, stubs) = (workspace.path(""), python, stubs);
        move |program: &str| {
            let mut command = Command::new(&python);
            command.current_dir(&root).env("PYTHONPATH", &stubs).arg(format!("{FOLDER}/{program}"));
            command
        }
    };
    for test in ["test_cases.py", "test_books.py"] {
        process::run(&mut start(test)).with_context(|| format!("{test} failed"))?;
    }
    Ok(Installed::Ready(vec![runner(start.clone(), "sync"), runner(start, "asyncio")]))
}

fn runner(start: impl Fn(&str) -> Command + Clone + 'static, client: &'static str) -> Runner {
    let sync = client == "sync";
    let read = start.clone();
    Runner {
        name: "Python",
        command: Box::new(move || {
            let mut command = start("run.py");
            command.args(["--client", client]);
            command
        }),
        has_broken_clients: sync,
        read: sync.then(|| -> Box<dyn Fn() -> Command> { Box::new(move || read("read.py")) }),
        read_name: "read.py",
    }
}

fn generate(workspace: &Workspace, python: &Path, stubs: &Path) -> Result<()> {
    fs::create_dir_all(stubs).with_context(|| format!("cannot create {}", stubs.display()))?;
    let mut protoc = workspace.command(python);
    protoc.args(["-m", "grpc_tools.protoc"]).arg(format!("-I{}", workspace.path("proto").display()));
    for option in ["--python_out", "--grpc_python_out"] {
        protoc.arg(format!("{option}={}", stubs.display()));
    }
    protoc.args(fingerprint::files_in(&workspace.path("proto/lowerdeck/v1"))?);
    process::run(&mut protoc)
}
