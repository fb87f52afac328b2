//! The upper driver's part: the six steps with the fine-grained calls, then Close with one armed and one held request.
//!
//! Law: every call is written down with what was in the trace before and after it, so that the two sides can be set
//! beside each other without any clock.

use std::future::Future;

use anyhow::{Context, bail};
use lowerdeck_client::{
    BalanceSheet, Completion, Device, DriverCreatedFile, Error, IoRequest, IoTarget, Lab, PendingIo, SendOptions,
    Session, SessionOptions, reason, transport, v1,
};
use tokio::sync::oneshot;

/// The stack that the server has for the demo, and what to plug if it has none.
const STACK: &str = "demo";
const EXPRESSION: &str = "passthrough(files=callbacks) / scripted";

/// The layer of `scripted`, which gets the script.
const SCRIPTED: u32 = 2;

/// The name that the lower drivers see.
const FILE_NAME: &str = "channel";

/// Reads of the demo, in bytes. The scripted driver fills them with 0, 1, 2 and so on.
pub(super) const LENGTH: u64 = 16;

/// One thing that the demo did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Step {
    /// The step of the procedure, 1 to 6, the first time it is done.
    pub(super) number: Option<u8>,
    /// Who did it.
    pub(super) actor: Actor,
    /// What was called.
    pub(super) call: String,
    /// What came back.
    pub(super) outcome: String,
    /// The last trace entry before the call.
    pub(super) after: u64,
    /// The last trace entry when it had returned.
    pub(super) through: u64,
}

/// Who did a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Actor {
    /// The upper driver.
    L0,
    /// Whoever holds the lower driver's strings.
    Lab,
}

/// The whole demo, as it went.
#[derive(Debug)]
pub(super) struct Played {
    pub(super) stack: String,
    pub(super) expression: String,
    pub(super) steps: Vec<Step>,
    pub(super) trace: Vec<v1::TraceEntry>,
    /// The completions of the three reads, as L0 got them: plain, armed, held.
    pub(super) completions: [Completion; 3],
    /// Whether `OnCompletion` of the first read was called.
    pub(super) called_back: bool,
    /// Whether the held read was still pending when Close had returned.
    pub(super) pending_after_close: bool,
    pub(super) sheet: BalanceSheet,
}

/// The books of the demo.
struct Log {
    lab: Lab,
    stack: String,
    trace: Vec<v1::TraceEntry>,
    steps: Vec<Step>,
}

impl Log {
    /// Brings the trace up to date; answers the number of its last entry.
    async fn catch_up(&mut self) -> anyhow::Result<u64> {
        loop {
            let last = self.trace.last().map_or(0, |entry| entry.sequence);
            let piece = self.lab.read_trace(&self.stack, last).await?;
            if piece.dropped > 0 {
                bail!("the trace has lost {} entries", piece.dropped);
            }
            if piece.entries.is_empty() {
                return Ok(last);
            }
            self.trace.extend(piece.entries);
        }
    }

    /// Does something and writes it down; `outcome` puts its result in words.
    async fn step<T, E: Into<anyhow::Error>>(
        &mut self,
        (number, actor, call): (Option<u8>, Actor, String),
        work: impl Future<Output = Result<T, E>>,
        outcome: impl FnOnce(&T) -> String,
    ) -> anyhow::Result<T> {
        let after = self.catch_up().await?;
        let result = work.await.map_err(Into::into);
        let result = result.with_context(|| call.clone())?;
        let through = self.catch_up().await?;
        let outcome = outcome(&result);
        self.steps.push(Step { number, actor, call, outcome, after, through });
        Ok(result)
    }
}

impl Log {
    /// A command to the scripted driver.
    async fn control(&mut self, command: &str) -> anyhow::Result<()> {
        let (lab, stack) = (self.lab.clone(), self.stack.clone());
        let work = lab.control_driver(&stack, SCRIPTED, command);
        let what = (None, Actor::Lab, format!("L{SCRIPTED}: {command}"));
        self.step(what, work, |reply| reply.trim().to_owned()).await?;
        Ok(())
    }

    /// The label under which the scripted driver knows the read that it got last.
    fn label_of_last_read(&self) -> anyhow::Result<String> {
        let mut reads = self.trace.iter().rev();
        let read = reads.find(|entry| entry.layer == SCRIPTED && entry.kind() == v1::TraceKind::Io);
        let read = read.context("no read has reached the scripted driver")?;
        Ok(read.request_label.clone())
    }
}

/// A call of L0.
fn call(text: impl Into<String>) -> (Option<u8>, Actor, String) {
    (None, Actor::L0, text.into())
}

/// A step of the procedure.
fn numbered(number: u8, text: impl Into<String>) -> (Option<u8>, Actor, String) {
    (Some(number), Actor::L0, text.into())
}

/// Plays the demo on the server at `endpoint`.
pub(super) async fn play(endpoint: String) -> anyhow::Result<Played> {
    let channel = transport::connect(&endpoint).await?;
    let bench = Lab::new(channel.clone());
    plug_if_missing(&bench).await?;
    let session = Session::open(channel, SessionOptions::new(STACK).client_name("demo")).await?;
    let described = bench.describe_stack(session.stack()).await?;
    let mut log = Log { lab: bench, stack: session.stack().to_owned(), trace: Vec::new(), steps: Vec::new() };
    log.control("on read nth=2: arm").await?;
    log.control("on read nth=3: hold").await?;

    let device = session.device();
    let (file, target, first, called_back) = six_steps(&mut log, &device).await?;
    let armed = read(&mut log, &device, &target, &file, false).await?;
    let held = read(&mut log, &device, &target, &file, false).await?;
    let held_label = log.label_of_last_read()?;

    let closed = log.step(call("Close()"), file.close(), |_| "returned".to_owned()).await?;
    let armed_done = armed.pending.await?;
    armed.request.delete_wdf_object().await?;
    let state = held.request.get().await?.state();
    log.control(&format!("complete {held_label} S_OK {LENGTH}")).await?;
    let held_done = held.pending.await?;
    held.request.delete_wdf_object().await?;
    closed.gone().await?;
    log.catch_up().await?;

    let sheet = session.close().await?;
    Ok(Played {
        stack: log.stack,
        expression: described.summary.unwrap_or_default().expression,
        steps: log.steps,
        trace: log.trace,
        completions: [first, armed_done, held_done],
        called_back,
        pending_after_close: state == v1::RequestState::InFlight,
        sheet,
    })
}

/// The six steps of the procedure, to the first completion.
async fn six_steps(log: &mut Log, device: &Device) -> anyhow::Result<(DriverCreatedFile, IoTarget, Completion, bool)> {
    let create = device.create_wdf_file(Some(FILE_NAME));
    let file = log
        .step(numbered(1, format!("CreateWdfFile(\"{FILE_NAME}\")")), create, |file| {
            format!("S_OK, file {}", &file.id()[..8.min(file.id().len())])
        })
        .await?;
    let target = async { Ok::<_, Error>(device.get_default_io_target()) };
    let target = log.step(numbered(2, "GetDefaultIoTarget()"), target, |_| "next lower driver".to_owned()).await?;
    let sent = read(log, device, &target, &file, true).await?;
    let completion = sent.pending.await?;
    let called_back = match sent.called_back {
        Some(called_back) => called_back.await.is_ok(),
        None => false,
    };
    sent.request.delete_wdf_object().await?;
    Ok((file, target, completion, called_back))
}

/// A read that was sent.
struct Sent {
    request: IoRequest,
    pending: PendingIo,
    called_back: Option<oneshot::Receiver<()>>,
}

/// Steps 3 to 6: CreateRequest, SetCompletionCallback, FormatRequestForRead, Send.
async fn read(
    log: &mut Log,
    device: &Device,
    target: &IoTarget,
    file: &DriverCreatedFile,
    in_steps: bool,
) -> anyhow::Result<Sent> {
    let step = |number, text: &str| {
        let number = in_steps.then_some(number);
        (number, Actor::L0, text.to_owned())
    };
    let request = log.step(step(3, "CreateRequest()"), device.create_request(), |_| "S_OK".to_owned()).await?;
    let set = async {
        let (callback, called_back) = oneshot::channel();
        request.set_completion_callback(move |_| {
            // The receiver is dropped if the demo has failed meanwhile.
            let _ = callback.send(());
        });
        Ok::<_, Error>(called_back)
    };
    let called_back = log.step(step(4, "SetCompletionCallback()"), set, |_| "set".to_owned()).await?;
    let memory = v1::OutputMemory { size: LENGTH, ..v1::OutputMemory::default() };
    let format = target.format_request_for_read(&request, file, Some(memory), None);
    let text = format!("FormatRequestForRead({LENGTH} bytes)");
    log.step(step(5, &text), format, ToString::to_string).await?;
    let send = request.send(target, SendOptions::default());
    let sent = log.step(step(6, "Send()"), send, |sent| sent.hresult.to_string()).await?;
    let pending = sent.pending.with_context(|| format!("Send was refused with {}", sent.hresult))?;
    Ok(Sent { request, pending, called_back: Some(called_back) })
}

/// Declares the demo's stack on a server that does not bring it.
async fn plug_if_missing(bench: &Lab) -> anyhow::Result<()> {
    match bench.describe_stack(STACK).await {
        Err(error) if error.is(reason::STACK_UNKNOWN) => {
            let message = v1::PlugStackRequest {
                name: STACK.to_owned(),
                expression: EXPRESSION.to_owned(),
                ..v1::PlugStackRequest::default()
            };
            bench.plug_stack(message).await?;
            Ok(())
        }
        other => Ok(other.map(drop)?),
    }
}
