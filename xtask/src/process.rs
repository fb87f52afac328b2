//! Running other programs: with their output passed through, captured, or both; and the time they took.

use std::io::{self, BufRead, BufReader, Write};
use std::process::{Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

/// What a program printed, on both streams in the order it came, and how it ended.
pub struct Printed {
    pub status: ExitStatus,
    pub text: String,
}

/// Runs a program with our own streams and returns how it ended.
pub fn status(command: &mut Command) -> Result<ExitStatus> {
    command.status().with_context(|| format!("cannot start `{}`", name(command)))
}

/// Runs a program with our own streams; an exit status other than 0 is an error.
pub fn run(command: &mut Command) -> Result<()> {
    let status = status(command)?;
    if !status.success() {
        bail!("`{}` ended with {status}", name(command));
    }
    Ok(())
}

/// Runs a program and returns its standard output; its standard error passes through.
pub fn capture(command: &mut Command) -> Result<String> {
    let output =
        command.stderr(Stdio::inherit()).output().with_context(|| format!("cannot start `{}`", name(command)))?;
    if !output.status.success() {
        bail!("`{}` ended with {}", name(command), output.status);
    }
    String::from_utf8(output.stdout).with_context(|| format!("`{}` printed something that is not UTF-8", name(command)))
}

/// Runs a program, shows its output line by line while it runs, and returns it too.
pub fn tee(command: &mut Command) -> Result<Printed> {
    let (reader, writer) = io::pipe().context("cannot open a pipe")?;
    command.stdout(writer.try_clone().context("cannot share a pipe")?);
    command.stderr(writer);
    let mut child = command.spawn().with_context(|| format!("cannot start `{}`", name(command)))?;
    // The command keeps our ends of the pipe; while they are open, the reader never sees the end.
    command.stdout(Stdio::null()).stderr(Stdio::null());

    let mut text = String::new();
    let mut reader = BufReader::new(reader);
    let mut line = Vec::new();
    while reader.read_until(b'\n', &mut line).context("cannot read from a pipe")? > 0 {
        io::stderr().write_all(&line).context("cannot print")?;
        text.push_str(&String::from_utf8_lossy(&line));
        line.clear();
    }
    let status = child.wait().context("cannot wait for a child")?;
    Ok(Printed { status, text })
}

/// The program and its arguments, as a person would type them.
pub fn name(command: &Command) -> String {
    let mut name = std::path::Path::new(command.get_program())
        .file_name()
        .unwrap_or(command.get_program())
        .to_string_lossy()
        .into_owned();
    for argument in command.get_args() {
        name.push(' ');
        name.push_str(&argument.to_string_lossy());
    }
    name
}

/// How long a step takes.
pub struct Stopwatch(Instant);

impl Stopwatch {
    #[allow(
        clippy::disallowed_methods,
        reason = "how long a build or a test run took is real time; no stack is involved"
    )]
    pub fn start() -> Self {
        Self(Instant::now())
    }

    pub fn elapsed(&self) -> Duration {
        self.0.elapsed()
    }
}
