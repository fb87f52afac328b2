//! The upper driver's part in the life of a file: the six steps with the fine-grained calls, then Close with one armed and one
//! held request.

use anyhow::Context;
use lowerdeck_client::{
    BalanceSheet, Completion, Device, DriverCreatedFile, Error, IoRequest, IoTarget, Lab, PendingIo, SendOptions,
    Session, SessionOptions, reason, transport, v1,
};
use tokio::sync::oneshot;

use super::log::{Act, Actor, Log, Step};
use super::{Shown, verdict};

/// The stack that the server has for the demo, and what to plug if it has none.
const STACK: &str = "demo";
const EXPRESSION: &str = "passthrough(files=callbacks) / scripted";

/// The layer of `scripted`, which gets the script.
const SCRIPTED: u32 = 2;

/// The name that the lower drivers see.
const FILE_NAME: &str = "channel";

/// Reads of the demo, in bytes. The scripted driver fills them with 0, 1, 2 and so on.
pub(super) const LENGTH: u64 = 16;

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

impl Log {
    /// A command to the scripted driver.
    async fn control(&mut self, command: &str) -> anyhow::Result<()> {
        let (lab, stack) = (self.lab.clone(), self.stack.clone());
        let work = lab.control_driver(&stack, SCRIPTED, command);
        let act = Act::of(Actor::Lab, format!("L{SCRIPTED}: {command}"));
        self.step(act, work, |reply| reply.trim().to_owned()).await?;
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

/// What the numbers and marks of the timeline are.
const HEAD: &str = "1 to 6 are the procedure's steps, P0 to P7 the phases of CLS-3; + enters a callback, - leaves it.";

impl From<Played> for Shown {
    fn from(played: Played) -> Shown {
        let checks = verdict::judge(&played);
        let Played { stack, expression, steps, trace, .. } = played;
        Shown { stack, expression, head: HEAD, steps, trace, checks }
    }
}

/// Plays the demo on the server at `endpoint`.
pub(super) async fn play(endpoint: String) -> anyhow::Result<Played> {
    let channel = transport::connect(&endpoint).await?;
    let bench = Lab::new(channel.clone());
    plug_if_missing(&bench).await?;
    let session = Session::open(channel, SessionOptions::new(STACK).client_name("demo")).await?;
    let described = bench.describe_stack(session.stack()).await?;
    let mut log = Log::new(bench, session.stack());
    log.control("on read nth=2: arm").await?;
    log.control("on read nth=3: hold").await?;

    let device = session.device();
    let (file, target, first, called_back) = six_steps(&mut log, &device).await?;
    let armed = read(&mut log, &device, &target, &file, false).await?;
    let held = read(&mut log, &device, &target, &file, false).await?;
    let held_label = log.label_of_last_read()?;

    let closed = log.step(Act::call("Close()"), file.close(), |_| "returned".to_owned()).await?;
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
        .step(Act::numbered(1, format!("CreateWdfFile(\"{FILE_NAME}\")")), create, |file| {
            format!("S_OK, file {}", &file.id()[..8.min(file.id().len())])
        })
        .await?;
    let target = async { Ok::<_, Error>(device.get_default_io_target()) };
    let target = log.step(Act::numbered(2, "GetDefaultIoTarget()"), target, |_| "next lower driver".to_owned()).await?;
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
    let step = |number, text: &str| if in_steps { Act::numbered(number, text) } else { Act::call(text) };
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
