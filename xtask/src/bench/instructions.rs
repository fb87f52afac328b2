//! `cargo xtask bench --instructions`: what an operation costs in instructions, beside what it cost before.
//!
//! Law: every row is run twice, with N and with 2 N operations after the same set-up, and its figure is the difference
//! of the two divided by N; so a program's start and its set-up are in no figure. A figure that grew is shown, and
//! fails nothing: whether it was worth it is for people to say.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, Result, bail};

use crate::bench::baseline::{Baseline, Figure};
use crate::bench::{Options, callgrind};
use crate::build::{self, CountedProgram};
use crate::debian::{self, Program};
use crate::table::{self, Align};
use crate::workspace::Workspace;
use crate::{git, process};

/// The programs, each with the file of its figures.
pub const PROGRAMS: [(CountedProgram, &str); 2] = [
    (CountedProgram { package: "lowerdeck-framework", bench: "requests" }, "server/framework/benches/BASELINE.md"),
    (CountedProgram { package: "lowerdeck-proto", bench: "codec" }, "proto/benches/BASELINE.md"),
];

/// A row as its program lists it.
pub struct Row {
    pub id: String,
    /// Operations of its shorter run.
    pub operations: u64,
}

/// Builds, counts, compares, and saves if asked to.
pub fn run(workspace: &Workspace, options: &Options) -> Result<ExitCode> {
    valgrind(workspace, options)?;
    let executables = build::counted_programs(workspace, &PROGRAMS.map(|(program, _)| program))?;
    let profiles = workspace.target("bench/instructions");
    fs::create_dir_all(&profiles).with_context(|| format!("cannot make {}", profiles.display()))?;
    let (compiler, measured_at) = (compiler(workspace)?, measured_at(workspace));
    for ((program, path), executable) in PROGRAMS.iter().zip(&executables) {
        let path = workspace.path(path);
        let mut baseline = Baseline::read(&path)?;
        let rows = rows(&process::capture(workspace.command(executable).arg("rows"))?)?;
        let wanted = |row: &&Row| options.only.as_ref().is_none_or(|part| row.id.contains(part));
        let mut figures = Vec::new();
        for row in rows.iter().filter(wanted) {
            let instructions = measure(workspace, executable, row, &profiles)?;
            let (compiler, measured_at) = (compiler.clone(), measured_at.clone());
            figures.push(Figure { row: row.id.clone(), instructions, compiler, measured_at });
        }
        if !figures.is_empty() {
            println!("{}: instructions per operation\n{}", program.package, comparison(&baseline, &figures));
        }
        if options.save {
            let ids: Vec<&str> = rows.iter().map(|row| row.id.as_str()).collect();
            baseline.update(&ids, &figures);
            baseline.write(&path)?;
        }
    }
    println!("profiles, for callgrind_annotate: {}", profiles.display());
    Ok(ExitCode::SUCCESS)
}

/// Sees to valgrind; without it there is nothing to do here.
fn valgrind(workspace: &Workspace, options: &Options) -> Result<()> {
    let without = "instructions are counted by valgrind, which is not here";
    if options.no_install {
        process::capture(workspace.command("valgrind").arg("--version")).context(without)?;
        return Ok(());
    }
    debian::provide(workspace, &[Program::of_its_name("valgrind")]).context(without)
}

/// Instructions of one operation of a row.
fn measure(workspace: &Workspace, program: &Path, row: &Row, profiles: &Path) -> Result<u64> {
    let count = |times: &str| {
        let profile: PathBuf = profiles.join(format!("{}.{times}.callgrind", row.id));
        callgrind::count(workspace, program, &["run", &row.id, times], &profile)
    };
    per_operation(count("1")?, count("2")?, row.operations).with_context(|| format!("row {}", row.id))
}

/// The figure of a row, rounded, from what its shorter and its longer run came to.
pub fn per_operation(shorter: u64, longer: u64, operations: u64) -> Result<u64> {
    let Some(difference) = longer.checked_sub(shorter) else {
        bail!("twice the work took {longer} instructions, and once took {shorter}");
    };
    Ok((difference + operations / 2) / operations)
}

/// The rows of a program, from what it lists: `id operations` on each line.
pub fn rows(listing: &str) -> Result<Vec<Row>> {
    let row = |line: &str| {
        let (id, operations) = line.split_once(' ')?;
        let operations = operations.parse().ok().filter(|operations| *operations > 0)?;
        Some(Row { id: id.to_owned(), operations })
    };
    listing.lines().map(|line| row(line).with_context(|| format!("`{line}` is no row and its operations"))).collect()
}

/// The figures beside those of the baseline, and a line for each compiler that the baseline was measured with and this run
/// was not.
pub fn comparison(baseline: &Baseline, figures: &[Figure]) -> String {
    let mut others: Vec<&str> = Vec::new();
    let line = |figure: &Figure| {
        let (before, change) = match baseline.of(&figure.row) {
            Some(before) => (before.instructions.to_string(), change(before.instructions, figure.instructions)),
            None => (String::new(), "new".to_owned()),
        };
        vec![figure.row.clone(), figure.instructions.to_string(), before, change]
    };
    let head = [("row", Align::Left), ("now", Align::Right), ("baseline", Align::Right), ("change", Align::Right)];
    let mut text = table::render(&head, &figures.iter().map(line).collect::<Vec<_>>());
    for figure in figures {
        let before = baseline.of(&figure.row).map_or(figure.compiler.as_str(), |before| before.compiler.as_str());
        if before != figure.compiler && !others.contains(&before) {
            others.push(before);
            text.push_str(&format!("this is {}, the baseline has figures of {before}\n", figure.compiler));
        }
    }
    text
}

/// A change in percent, with its sign.
fn change(before: u64, now: u64) -> String {
    if before == 0 {
        return "new".to_owned();
    }
    format!("{:+.1} %", (now as f64 / before as f64 - 1.0) * 100.0)
}

/// The compiler's version and its machine: `rustc 1.95.0, x86_64-unknown-linux-gnu`.
fn compiler(workspace: &Workspace) -> Result<String> {
    let rustc = std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let version = process::capture(workspace.command(rustc).arg("-vV"))?;
    let field = |key: &str| version.lines().find_map(|line| line.strip_prefix(key)).map(str::trim);
    let (release, host) = (field("release:"), field("host:"));
    release.zip(host).map(|(release, host)| format!("rustc {release}, {host}")).context("rustc -vV names no release")
}

/// The commit that is checked out, and whether it was changed since.
fn measured_at(workspace: &Workspace) -> String {
    match git::head_subject(workspace) {
        Some((subject, false)) => subject,
        Some((subject, true)) => format!("{subject} (with changes)"),
        None => "not in git".to_owned(),
    }
}
