//! The runner in C++: Debian's grpc++, installed when we may, and built by the Makefile of its folder.

use std::process::Command;
use std::{env, thread};

use anyhow::{Context, Result};

use super::language::{Installed, Runner};
use crate::workspace::Workspace;
use crate::{debian, process};

const FOLDER: &str = "tests/kit/cpp";

const PROGRAMS: [&str; 5] = ["g++", "make", "pkg-config", "protoc", "grpc_cpp_plugin"];
const LIBRARIES: [&str; 3] = ["grpc++", "protobuf", "nlohmann_json"];

/// Where these come from.
const PACKAGES: [&str; 7] =
    ["g++", "make", "pkg-config", "libgrpc++-dev", "protobuf-compiler", "protobuf-compiler-grpc", "nlohmann-json3-dev"];

/// Installs what is missing, builds what is out of date, and tests the books.
pub fn install(workspace: &Workspace) -> Result<Installed> {
    if !is_complete(workspace)
        && let Err(error) = debian::install(workspace, &PACKAGES)
    {
        let why = format!("install {} and try again ({error:#})", PACKAGES.join(" "));
        return Ok(Installed::Missing { why });
    }
    let folder = workspace.target("kit/cpp");
    let jobs = thread::available_parallelism().map_or(1, usize::from);
    let mut make = workspace.command("make");
    make.args(["--silent", "--directory", FOLDER]).arg(format!("--jobs={jobs}"));
    make.arg(format!("BUILD={}", folder.display()));
    process::run(&mut make).context("the runner in C++ cannot be built")?;
    process::run(&mut workspace.command(folder.join("books_test")))
        .context("the books of the runner in C++ are not what they should be")?;
    let start = {
        let root = workspace.path("");
        move |program: &str| {
            let mut command = Command::new(folder.join(program));
            command.current_dir(&root);
            command
        }
    };
    let read = start.clone();
    Ok(Installed::Ready(vec![Runner {
        name: "C++",
        command: Box::new(move || start("run")),
        has_broken_clients: false,
        read: Some(Box::new(move || read("read"))),
        read_name: "read.cc",
    }]))
}

fn is_complete(workspace: &Workspace) -> bool {
    let path = env::var_os("PATH").unwrap_or_default();
    let is_there = |program: &&str| env::split_paths(&path).any(|folder| folder.join(program).is_file());
    PROGRAMS.iter().all(is_there)
        && process::status(workspace.command("pkg-config").arg("--exists").args(LIBRARIES))
            .is_ok_and(|status| status.success())
}
