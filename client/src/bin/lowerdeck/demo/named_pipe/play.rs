//! The upper driver's part: the example of `CreateFileHandleTarget`, call by call, and what its remarks say of a target's life.

use anyhow::{Context, bail};
use lowerdeck_client::{
    BalanceSheet, CancelOutcome, Completion, CreateNamedPipe, Error, HResult, Handle, IoTarget, Lab, PFile, PendingIo,
    SendOptions, Session, SessionOptions, format, transport, v1,
};
use v1::format::Io;

use super::super::log::{Act, Actor, Log, Step};
use super::directory::PipeDirectory;
use super::peer::Peer;

/// The stack that the server has for handles.
const STACK: &str = "handles";

/// `NP_NAME`, and the socket that it is on the host.
const NAME: &str = r"\\.\pipe\Example";
const SOCKET: &str = "example";

/// `MAX_TRANSFER_SIZE` in bytes.
const MAX_TRANSFER_SIZE: u32 = 4096;

/// A read buffer that is shorter than the message, in bytes.
pub(super) const SHORT: u64 = 8;

/// What is written from either end.
pub(super) const WRITTEN: [&str; 2] = ["hello, pipe", "and again"];
pub(super) const ANSWERED: &str = "hello, driver";

/// The whole demo, as it went.
#[derive(Debug)]
pub(super) struct Played {
    pub(super) stack: String,
    pub(super) expression: String,
    pub(super) steps: Vec<Step>,
    pub(super) trace: Vec<v1::TraceEntry>,
    /// The state of the target when it was made, and after its deletion.
    pub(super) states: [v1::TargetState; 2],
    /// The write before there was a client.
    pub(super) before: Completion,
    /// What `ConnectNamedPipe` gave.
    pub(super) connected: HResult,
    /// The writes, and what the peer received.
    pub(super) written: [Completion; 2],
    pub(super) received: [String; 2],
    /// A whole message, the two parts of one, a message of no bytes.
    pub(super) whole: Completion,
    pub(super) parts: [Completion; 2],
    pub(super) empty: Completion,
    /// A read that waited, and its cancellation.
    pub(super) cancel: CancelOutcome,
    pub(super) cancelled: Completion,
    /// The read after the peer had closed its end.
    pub(super) broken: Completion,
    /// What `DeleteWdfObject` and `CloseHandle` gave.
    pub(super) ended: [HResult; 2],
    /// The rules that the verifier found broken.
    pub(super) findings: Vec<String>,
    pub(super) sheet: BalanceSheet,
}

/// Plays the demo on the server at `endpoint`, which keeps pipes in `pipes`.
pub(super) async fn play(endpoint: String, pipes: &PipeDirectory) -> anyhow::Result<Played> {
    let channel = transport::connect(&endpoint).await?;
    let lab = Lab::new(channel.clone());
    let session = Session::open(channel, SessionOptions::new(STACK).client_name("demo")).await?;
    let described = lab.describe_stack(session.stack()).await?;
    let mut log = Log::new(lab.clone(), session.stack());

    let handle = create_pipe(&mut log, &session).await?;
    let (target, started) = create_target(&mut log, &handle).await?;
    let before =
        completed(send(&mut log, &target, "write, no client yet", format::write(0, WRITTEN[0])).await?).await?;
    let mut peer = Peer::start(&pipes.path().join(SOCKET))?;
    told(&mut log, &mut peer, "connect").await?;
    let connect = Act::numbered(4, "ConnectNamedPipe").rule("FHT-19");
    let connected = log.step(connect, handle.connect_named_pipe(), ToString::to_string).await?;

    let written = write_two(&mut log, &session, &target).await?;
    let received = [told(&mut log, &mut peer, "recv").await?, told(&mut log, &mut peer, "recv").await?];
    told(&mut log, &mut peer, &format!("send {ANSWERED}")).await?;
    let whole = read(&mut log, &target, u64::from(MAX_TRANSFER_SIZE)).await?;
    told(&mut log, &mut peer, &format!("send {ANSWERED}")).await?;
    let parts = [read(&mut log, &target, SHORT).await?, read(&mut log, &target, SHORT).await?];
    told(&mut log, &mut peer, "send").await?;
    let empty = read(&mut log, &target, SHORT).await?;
    let (cancel, cancelled) = cancelled_read(&mut log, &target).await?;
    told(&mut log, &mut peer, "close").await?;
    let broken = read(&mut log, &target, SHORT).await?;
    peer.end().await?;

    let (deleted, ended) = end(&mut log, &target, &handle).await?;
    log.catch_up().await?;
    let findings = lab.list_findings(session.stack()).await?.findings.into_iter().map(|finding| finding.rule);
    let sheet = session.close().await?;
    Ok(Played {
        stack: log.stack,
        expression: described.summary.unwrap_or_default().expression,
        steps: log.steps,
        trace: log.trace,
        states: [started, deleted],
        before,
        connected,
        written,
        received,
        whole,
        parts,
        empty,
        cancel,
        cancelled,
        broken,
        ended,
        findings: findings.collect(),
        sheet,
    })
}

/// `CreateNamedPipe` with the arguments of the example.
async fn create_pipe(log: &mut Log, session: &Session) -> anyhow::Result<Handle> {
    let pipe = CreateNamedPipe::new(NAME)
        .open_mode(CreateNamedPipe::PIPE_ACCESS_DUPLEX | lowerdeck_client::handle::FILE_FLAG_OVERLAPPED)
        .pipe_mode(CreateNamedPipe::PIPE_TYPE_MESSAGE | CreateNamedPipe::PIPE_READMODE_MESSAGE) // PIPE_WAIT is 0
        .instances(2)
        .buffers(MAX_TRANSFER_SIZE, MAX_TRANSFER_SIZE)
        .default_timeout(std::time::Duration::from_millis(1000));
    let act = Act::numbered(1, "CreateNamedPipe(NP_NAME)").rule("FHT-19");
    log.step(act, session.open_handle(pipe), |handle| format!("handle {}", handle.number())).await
}

/// The factory, and the target.
async fn create_target(log: &mut Log, handle: &Handle) -> anyhow::Result<(IoTarget, v1::TargetState)> {
    let factory = async { Ok::<_, Error>(()) }; // the device itself is what makes targets
    log.step(Act::numbered(2, "QueryInterface(factory)").rule("FHT-1"), factory, |()| "S_OK".to_owned()).await?;
    let act = Act::numbered(3, "CreateFileHandleTarget(handle)");
    let target = log.step(act, handle.create_target(), |_| "S_OK".to_owned()).await?;
    let act = Act::call("GetState()").rule("FHT-11");
    let state = log.step(act, target.get_state(), |state| state_name(*state)).await?;
    Ok((target, state))
}

/// Two writes: one step by step, with a NULL file, and one in one call.
async fn write_two(log: &mut Log, session: &Session, target: &IoTarget) -> anyhow::Result<[Completion; 2]> {
    let request =
        log.step(Act::call("CreateRequest()"), session.device().create_request(), |_| "S_OK".to_owned()).await?;
    let memory = v1::InputMemory { data: WRITTEN[0].into(), offset: None };
    let act = Act::numbered(5, "FormatRequestForWrite(NULL)").rule("FHT-7");
    let format = target.format_request_for_write(&request, PFile::Null, Some(memory), None);
    log.step(act, format, ToString::to_string).await?;
    let sent = request.send(target, SendOptions::default());
    let sent = log.step(Act::numbered(6, "Send()"), sent, |sent| sent.hresult.to_string()).await?;
    let pending = sent.pending.with_context(|| format!("Send was refused with {}", sent.hresult))?;
    let first = completed(pending).await?;
    request.delete_wdf_object().await?;
    let second = send(log, target, "write", format::write(0, WRITTEN[1])).await?;
    Ok([first, completed(second).await?])
}

/// Format with a NULL file and Send, in one call.
async fn send(log: &mut Log, target: &IoTarget, what: &'static str, io: Io) -> anyhow::Result<PendingIo> {
    let sent = target.format_and_send(what, PFile::Null, io, SendOptions::default());
    log.step(Act::call(format!("Send({what})")), sent, |_| "S_OK".to_owned()).await
}

async fn read(log: &mut Log, target: &IoTarget, length: u64) -> anyhow::Result<Completion> {
    completed(send(log, target, "read", format::read(0, length)).await?).await
}

/// A read of an empty pipe, which waits, and is cancelled.
async fn cancelled_read(log: &mut Log, target: &IoTarget) -> anyhow::Result<(CancelOutcome, Completion)> {
    let pending = send(log, target, "read, nothing there", format::read(0, SHORT)).await?;
    let act = Act::call("CancelSentRequest()");
    let cancel = log.step(act, pending.cancel(), |cancel| cancel.cancelled.to_string().to_uppercase()).await?;
    Ok((cancel, completed(pending).await?))
}

/// The target first, the handle after it (FHT-21).
async fn end(log: &mut Log, target: &IoTarget, handle: &Handle) -> anyhow::Result<(v1::TargetState, [HResult; 2])> {
    // The trace has the deletion of a target under this name.
    let act = Act::numbered(7, "DeleteTarget: DeleteWdfObject()");
    let deleted = log.step(act, target.delete_wdf_object(), ToString::to_string).await?;
    let state = target.get_state().await?;
    let act = Act::numbered(8, "CloseHandle(handle)").rule("FHT-6");
    let closed = log.step(act, handle.close(), ToString::to_string).await?;
    Ok((state, [deleted, closed]))
}

/// Lets the peer do something; a law of its own it illustrates none.
async fn told(log: &mut Log, peer: &mut Peer, order: &str) -> anyhow::Result<String> {
    log.step(Act::of(Actor::Peer, order), peer.ask(order), Clone::clone).await
}

/// The completion, of whatever status. A request that stays pending would hold up the demo for good.
async fn completed(pending: PendingIo) -> anyhow::Result<Completion> {
    let request = pending.request_id();
    match tokio::time::timeout(super::COMPLETION_TIMEOUT, pending).await {
        Ok(completion) => Ok(completion?),
        Err(_) => bail!("request L0:{request} has not completed within {:?}", super::COMPLETION_TIMEOUT),
    }
}

fn state_name(state: v1::TargetState) -> String {
    crate::words::short(state.as_str_name(), "TARGET_STATE_")
}
