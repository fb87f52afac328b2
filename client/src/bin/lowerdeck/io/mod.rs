//! `lowerdeck io`: a little script of I/O in one session, because a session does not outlive its process.
//!
//! Laws: the script stops at the first I/O that fails, with exit code 1; the session is closed in every case, and its
//! balance checked. Part of a message (`ERROR_MORE_DATA`) is no failure: the next read brings the rest (FHT-15).

mod copy;
mod dump;
mod open;
mod step;

use std::io::{IsTerminal, Write};

use anyhow::{Context, bail};
use lowerdeck_client::v1::format::Io;
use lowerdeck_client::v1::open_handle_request::Object;
use lowerdeck_client::{Completion, Session, SessionOptions, format, transport};
use serde_json::{Value, json};

use crate::cli::IoArguments;
use crate::exit::Outcome;
use crate::output::{self, Output};
use open::Open;
pub(crate) use step::StepError;
use step::{Input, Step};

/// Runs the script.
pub(crate) async fn run(endpoint: &str, arguments: IoArguments, output: Output) -> anyhow::Result<Outcome> {
    let steps = match &arguments.steps[..] {
        [dash] if dash == "-" => read_steps()?,
        _ => arguments.steps,
    };
    let script = step::parse_script(&steps, arguments.file.as_deref())?;
    let channel = transport::connect(endpoint).await?;
    let options = SessionOptions::new(arguments.stack).client_name("lowerdeck io");
    let session = Session::open(channel, options).await?;
    let mut player = Player { session: &session, open: None, results: output.is_json().then(Vec::new) };
    let played = player.play(script).await;
    let results = player.results.take();
    let forgotten = match player.open.take() {
        Some(open) => open.close().await,
        None => Ok(()),
    };
    let sheet = session.close().await;
    if let Some(results) = results {
        output::print_line(format_args!("{:#}", Value::Array(results)))?;
    }
    played?;
    forgotten?;
    sheet?;
    Ok(Outcome::Done)
}

/// Steps from standard input: one per line; empty lines and those with `#` are skipped.
fn read_steps() -> anyhow::Result<Vec<String>> {
    let lines = std::io::read_to_string(std::io::stdin()).context("standard input")?;
    let lines = lines.lines().map(str::trim);
    let lines = lines.filter(|line| !line.is_empty() && !line.starts_with('#'));
    let lines: Vec<String> = lines.map(str::to_owned).collect();
    if lines.is_empty() {
        bail!("standard input has no steps");
    }
    Ok(lines)
}

/// A script under way.
struct Player<'a> {
    session: &'a Session,
    open: Option<Open>,
    /// What JSON output will show; `None` for people, who are told at once.
    results: Option<Vec<Value>>,
}

impl Player<'_> {
    async fn play(&mut self, script: Vec<Step>) -> anyhow::Result<()> {
        for step in script {
            self.step(step).await?;
        }
        Ok(())
    }

    async fn step(&mut self, step: Step) -> anyhow::Result<()> {
        match step {
            Step::Create { name } => self.create(name.as_deref()).await?,
            Step::Open { text, object } => self.open_handle(&text, object).await?,
            Step::Write { offset, input } => {
                let data = bytes_of(input)?;
                let done = self.send("write", format::write(offset, data)).await?;
                self.completed("write", done, |done| format!("wrote {} bytes", done.information))?;
            }
            Step::Read { offset, length } => {
                let done = self.send("read", format::read(offset, length)).await?;
                let done = self.completed("read", done, |done| format!("read {} bytes", done.information))?;
                self.show(offset, &done.data)?;
            }
            Step::DeviceControl { code, input, output_length } => {
                let input = bytes_of(input)?;
                let done = self.send("device control", format::device_io_control(code, input, output_length)).await?;
                let done =
                    self.completed("ioctl", done, |done| format!("0x{code:08X} gave {} bytes", done.information))?;
                self.show(0, &done.data)?;
            }
            Step::Flush => {
                let done = self.send("flush", format::flush()).await?;
                self.completed("flush", done, |_| "flushed".to_owned())?;
            }
            Step::QueryInformation { class, length } => {
                let done = self.send("query of information", format::query_information(class, length)).await?;
                let done =
                    self.completed("query", done, |done| format!("class {class} gave {} bytes", done.information))?;
                self.show(0, &done.data)?;
            }
            Step::SetInformation { class, input } => {
                let data = bytes_of(input)?;
                let done = self.send("change of information", format::set_information(class, data)).await?;
                self.completed("set", done, |_| format!("class {class} set"))?;
            }
            Step::CopyIn { path, offset } => {
                let chunk = copy::chunk_of(&self.session.limits());
                let copied = copy::copy_in(self.open()?, &path, offset, chunk).await?;
                let shown = path.display().to_string();
                self.tell(json!({ "step": "copy-in", "path": shown, "bytes": copied }), || {
                    format!("copied {copied} bytes from {shown}")
                });
            }
            Step::CopyOut { path, length, offset } => {
                let chunk = copy::chunk_of(&self.session.limits());
                copy::copy_out(self.open()?, &path, offset, length, chunk).await?;
                let shown = path.display().to_string();
                self.tell(json!({ "step": "copy-out", "path": shown, "bytes": length }), || {
                    format!("copied {length} bytes to {shown}")
                });
            }
            Step::Close => {
                if let Some(open) = self.open.take() {
                    open.close().await?;
                }
                self.tell(json!({ "step": "close" }), || "closed".to_owned());
            }
        }
        Ok(())
    }

    async fn create(&mut self, name: Option<&str>) -> anyhow::Result<()> {
        let file = self.session.device().create_wdf_file(name).await?;
        self.tell(json!({ "step": "create", "file_id": file.id() }), || {
            format!("created {}", name.unwrap_or("a file without name"))
        });
        self.open = Some(Open::File(file));
        Ok(())
    }

    async fn open_handle(&mut self, text: &str, object: Object) -> anyhow::Result<()> {
        if matches!(object, Object::CreateNamedPipe(_)) && self.results.is_none() {
            eprintln!("{text}: waits for its client");
        }
        let (handle, target) = open::handle(self.session, object).await?;
        let number = handle.number();
        self.open = Some(Open::Handle(handle, target));
        self.tell(json!({ "step": text, "handle_number": number }), || format!("{text}: handle {number}"));
        Ok(())
    }

    fn open(&self) -> anyhow::Result<&Open> {
        self.open.as_ref().context("nothing is open")
    }

    /// Sends a request and waits for its completion.
    async fn send(&self, call: &'static str, io: Io) -> anyhow::Result<Completion> {
        Ok(self.open()?.send(call, io).await?.await?)
    }

    /// Tells of a completion, and passes it on if it is a success.
    fn completed(
        &mut self,
        step: &str,
        done: Completion,
        people: impl FnOnce(&Completion) -> String,
    ) -> anyhow::Result<Completion> {
        let result = json!({
            "step": step,
            "hresult": format!("0x{:08X}", done.hresult.0),
            "status": done.hresult.name(),
            "information": done.information,
            "data_hex": dump::hex(&done.data),
        });
        let words =
            if done.hresult.is_success() { people(&done) } else { format!("{} with {}", people(&done), done.hresult) };
        self.tell(result, || words);
        Ok(done.ok()?)
    }

    fn tell(&mut self, result: Value, people: impl FnOnce() -> String) {
        match &mut self.results {
            Some(results) => results.push(result),
            None => eprintln!("{}", people()),
        }
    }

    /// Data for standard output: raw to a pipe, a dump on a terminal. JSON has it already.
    fn show(&self, offset: i64, data: &[u8]) -> anyhow::Result<()> {
        if self.results.is_some() {
            return Ok(());
        }
        let mut stdout = std::io::stdout().lock();
        if stdout.is_terminal() {
            write!(stdout, "{}", dump::hex_dump(offset, data))?;
        } else {
            stdout.write_all(data)?;
        }
        stdout.flush().context("standard output")
    }
}

fn bytes_of(input: Input) -> anyhow::Result<Vec<u8>> {
    match input {
        Input::Bytes(bytes) => Ok(bytes),
        Input::File(path) => std::fs::read(&path).with_context(|| format!("cannot read {}", path.display())),
    }
}
