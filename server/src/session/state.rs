//! Everything a session knows, behind its one lock, and how what the stack reports changes it.
//!
//! Law: what the stack reports is taken in the stack's order, so `FileGone` follows the last completion of its file.

use std::collections::HashMap;

use lowerdeck_framework::effect::{CallResult, Effect};
use lowerdeck_framework::ids::{CallId, CallbackId};
use lowerdeck_framework::io::CompletionParams;
use lowerdeck_framework::status::HResult;
use tokio::sync::oneshot;

use super::balance::Books;
use super::error::{EndReason, SessionError};
use super::events::{EventBody, EventLog};
use super::handles::{HandleTable, TargetTable};
use super::ownership::FileTable;
use super::queue_pair::{Returned, Ticket};
use super::requests::{Entry, RequestTable};
use crate::host::limits::Limits;
use crate::host::upper::UpperEvent;

/// How far a session is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// Open.
    Open,
    /// CloseSession was called, and files or a removal are under way.
    Closing,
    /// Its stack has ended; what was recorded can still be read.
    StackEnded(EndReason),
    /// It has ended; nothing but its last word remains.
    Ended(EndReason),
}

/// A blocking call of the session that the stack has not returned from.
#[derive(Debug)]
pub(super) enum BlockedCall {
    /// CreateWdfFile under a number, for a file with this UUID.
    Create {
        /// The client's number.
        number: u64,
        /// The file's UUID.
        uuid: u128,
    },
    /// Close.
    Close(oneshot::Sender<()>),
    /// A Close that was submitted on a QueuePair.
    SubmittedClose(Ticket),
    /// A target's Start, Stop or Remove.
    Target(oneshot::Sender<HResult>),
}

/// The session's own callbacks that have not returned.
#[derive(Debug, Default)]
pub(super) struct CallbackTable {
    waiting: HashMap<u64, CallbackId>,
    last: u64,
}

impl CallbackTable {
    fn invoked(&mut self, callback: CallbackId) -> u64 {
        self.last += 1;
        self.waiting.insert(self.last, callback);
        self.last
    }

    /// Takes the invocation that `id` names.
    pub(super) fn take(&mut self, id: u64) -> Result<CallbackId, SessionError> {
        match self.waiting.remove(&id) {
            Some(callback) => Ok(callback),
            None if id >= 1 && id <= self.last => Err(SessionError::CallbackGone(id)),
            None => Err(SessionError::CallbackNotOwned(id)),
        }
    }
}

/// The state.
#[derive(Debug)]
pub struct SessionState {
    pub(super) phase: Phase,
    pub(super) files: FileTable,
    pub(super) requests: RequestTable,
    pub(super) handles: HandleTable,
    pub(super) targets: TargetTable,
    pub(super) events: EventLog,
    pub(super) callbacks: CallbackTable,
    pub(super) books: Books,
    pub(super) returned: Returned,
    /// Files that went without the client having closed them; whatever removal callbacks closed does not count.
    pub(super) files_left_open: u64,
    calls: HashMap<CallId, BlockedCall>,
    last_call: u64,
}

impl SessionState {
    pub(super) fn new() -> SessionState {
        SessionState {
            phase: Phase::Open,
            files: FileTable::default(),
            requests: RequestTable::default(),
            handles: HandleTable::default(),
            targets: TargetTable::default(),
            events: EventLog::new(),
            callbacks: CallbackTable::default(),
            books: Books::default(),
            returned: Returned::default(),
            files_left_open: 0,
            calls: HashMap::new(),
            last_call: 0,
        }
    }

    /// Registers a blocking call under a new id.
    pub(super) fn block(&mut self, call: BlockedCall) -> CallId {
        self.last_call += 1;
        self.calls.insert(CallId(self.last_call), call);
        CallId(self.last_call)
    }

    /// Takes what happened.
    pub(super) fn take(&mut self, event: UpperEvent, ticks: u64, limits: &Limits) {
        match event {
            UpperEvent::Own(effect) => self.take_own(effect, ticks, limits),
            UpperEvent::Finding(finding) => self.events.append(ticks, EventBody::Finding(Box::new(finding))),
            UpperEvent::DriverStopped(record) => {
                self.events.append(ticks, EventBody::DriverStopped(record));
                self.stack_ended(ticks, EndReason::DriverStop);
            }
            UpperEvent::StackRemoved => self.stack_ended(ticks, EndReason::StackRemoved),
        }
    }

    fn take_own(&mut self, effect: Effect, ticks: u64, limits: &Limits) {
        match effect {
            Effect::ReturnCall { call, result, .. } => self.call_returned(call, result, limits),
            Effect::CompleteRequest { number, callback, params, .. } => {
                self.completed(number, callback, params, ticks);
            }
            Effect::AnnounceFileGone { file_tag, .. } => {
                if let Some(gone) = self.files.gone(file_tag, limits.gone_files_max) {
                    self.books.file_gone(gone.account, limits.balance_files_max);
                    self.requests.remove(gone.create);
                    self.files_left_open += u64::from(!gone.close_asked);
                    self.events.append(ticks, EventBody::FileGone(file_tag));
                }
            }
            Effect::InvokeCallback { callback, kind, power, .. } => {
                let id = self.callbacks.invoked(callback);
                self.events.append(ticks, EventBody::CallbackInvoked { id, kind, power });
            }
            Effect::ForgetUpper { .. } => self.forgotten(ticks),
            Effect::DeclareUpperDead { .. } => self.end(ticks, EndReason::NotAnswering),
            // The rest names no upper driver and comes as its own event.
            Effect::ReportFinding(_)
            | Effect::ReportDriverStop(_)
            | Effect::ReportVeto { .. }
            | Effect::SubmitHostIo { .. }
            | Effect::CancelHostIo { .. }
            | Effect::StackRemoved => {}
        }
    }

    fn call_returned(&mut self, call: CallId, result: CallResult, limits: &Limits) {
        match (self.calls.remove(&call), result) {
            (Some(BlockedCall::Create { number, uuid }), CallResult::WdfFileCreated(created)) => {
                if let Ok(id) = created {
                    let account = self.books.file_opened(uuid);
                    self.files.opened(uuid, id, account, number);
                }
                self.requests.create_returned(number, created.map(|_| uuid), limits.failed_creates_max);
            }
            // Whoever stopped waiting misses nothing: the outcome is in the session's state.
            (Some(BlockedCall::Close(waiter)), CallResult::Closed) => drop(waiter.send(())),
            (Some(BlockedCall::SubmittedClose(ticket)), CallResult::Closed) => self.returned.push(ticket),
            (Some(BlockedCall::Target(waiter)), CallResult::TargetChanged(status)) => drop(waiter.send(status)),
            (Some(call), result) => tracing::error!(?call, ?result, "a call returned with the result of another"),
            (None, _) => {}
        }
    }

    fn completed(&mut self, number: u64, callback: bool, params: CompletionParams, ticks: u64) {
        let Some(Entry::Object(object)) = self.requests.entry(number) else {
            // The session is ending, and its request objects are gone already.
            return self.books.completed(None, params.status);
        };
        object.outstanding = false;
        self.books.completed(object.file.map(|file| file.account), params.status);
        let completion = object.completion(number, params);
        object.tell(&completion);
        if callback {
            self.events.append(ticks, EventBody::RequestCompleted(completion));
        }
    }

    /// The upper driver's device is gone: the end of an orderly close, or of a stack under its session.
    fn forgotten(&mut self, ticks: u64) {
        match self.phase {
            Phase::Closing => self.end(ticks, EndReason::Closed),
            Phase::Open => self.stack_ended(ticks, EndReason::StackRemoved),
            Phase::StackEnded(_) | Phase::Ended(_) => {}
        }
    }

    fn stack_ended(&mut self, ticks: u64, reason: EndReason) {
        match self.phase {
            Phase::Closing if reason == EndReason::StackRemoved => self.end(ticks, EndReason::Closed),
            Phase::Open | Phase::Closing => {
                self.events.append(ticks, EventBody::SessionEnding { reason, hard_deadline: None });
                self.phase = Phase::StackEnded(reason);
                self.abandon_calls();
                self.requests.clear();
            }
            Phase::StackEnded(_) | Phase::Ended(_) => {}
        }
    }

    /// Whoever waits hears that nothing more comes.
    fn abandon_calls(&mut self) {
        for (_, call) in self.calls.drain() {
            if let BlockedCall::SubmittedClose(ticket) = call {
                self.returned.cut_off(ticket);
            } // the others hear it by the end of their channels
        }
    }

    /// The session ends for `reason`.
    pub(super) fn end(&mut self, ticks: u64, reason: EndReason) {
        if matches!(self.phase, Phase::Ended(_)) {
            return;
        }
        if reason != EndReason::Draining {
            // The end of a drain was announced when it began; what ends then is the stream, with a status.
            self.events.append(ticks, EventBody::SessionEnding { reason, hard_deadline: None });
        }
        self.phase = Phase::Ended(reason);
        self.files_left_open += self.files.left_open() as u64;
        if reason == EndReason::Closed {
            self.books.close();
        }
        self.abandon_calls();
        self.requests.clear();
        self.handles.clear();
    }
}
