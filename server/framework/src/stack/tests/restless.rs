//! A driver that decides anew with every callback: it waits in synchronous Sends, lends memories, refers to files, sends
//! to a handle, keeps its device's lock, and answers `OnIoStop` or does not. Told to help, it ends all that it has.

use std::collections::{BTreeSet, HashMap};

use crate::callback::{Callback, CallbackSet};
use crate::context::{DriverContext, Forward, HandleForward};
use crate::driver::{
    BufferRetrieval, CompletedRequest, DeviceConfig, DispatchType, Driver, DriverCallResult, FileObjectPolicy, Flow,
    LockAnswer, LockingConstraint, QueueConfig,
};
use crate::forwarding::{DriverRole, ForwardingState};
use crate::handle::HandleId;
use crate::ids::{CallId, FileId, MemoryId, QueueId, ReceivedId, RequestId, TargetId};
use crate::io::{CompletionParams, FormatIo, SendOptions};
use crate::io_stop::StopFlags;
use crate::memory::OutputMemory;
use crate::memory_object::{MemoryFormat, MemoryPart, ReceivedMemory};
use crate::object_calls::FileReference;
use crate::received::OwnedRequest;
use crate::scheduler::SeededScheduler;
use crate::status::HResult;

/// See the module.
pub(super) struct Restless {
    role: DriverRole,
    dispatch: DispatchType,
    random: SeededScheduler,
    /// It completes whatever it gets.
    helps: bool,
    handle: HandleId,
    target: Option<TargetId>,
    kept: Vec<OwnedRequest>,
    references: Vec<FileReference>,
    /// What its own requests below were made for, and with which of its memories.
    own: HashMap<RequestId, (OwnedRequest, MemoryId)>,
    files: Vec<FileId>,
    /// Where it may have sent something: requests that wait in a queue below a sleeping device end with a cancel only.
    seen: BTreeSet<FileId>,
    locked: bool,
}

const fn options(synchronous: bool) -> SendOptions {
    SendOptions { flags: if synchronous { SendOptions::SYNCHRONOUS } else { 0 }, timeout: 0 }
}

impl Restless {
    pub(super) fn new(role: DriverRole, dispatch: DispatchType, handle: HandleId, seed: u64) -> Restless {
        let random = SeededScheduler::new(seed);
        let (kept, references, files) = (Vec::new(), Vec::new(), Vec::new());
        let (helps, target, own, seen, locked) = (false, None, HashMap::new(), BTreeSet::new(), false);
        Restless { role, dispatch, random, helps, handle, target, kept, references, own, files, seen, locked }
    }

    fn choose(&mut self, of: u64) -> u64 {
        self.random.next_bits() % of
    }

    fn take(&mut self, cx: &mut DriverContext<'_>, request: OwnedRequest) -> Flow {
        self.seen.extend(cx.file_of(&request));
        let choice = if self.helps { 0 } else { self.choose(9) };
        match choice {
            0 => cx.complete(request, HResult::S_OK),
            1 => self.kept.push(request),
            2 | 3 => {
                cx.mark_cancelable(&request);
                self.kept.push(request);
            }
            4 | 5 => self.send_on(cx, request),
            6 => self.send_to_handle(cx, request),
            7 => {
                self.references.extend(cx.get_file_object(&request));
                self.kept.push(request);
            }
            _ => self.lend(cx, request),
        }
        Flow::Returned
    }

    fn send_on(&mut self, cx: &mut DriverContext<'_>, request: OwnedRequest) {
        let synchronous = self.choose(2) == 0;
        let callback = !synchronous || self.choose(2) == 0;
        if let Err((request, status)) = cx.send_received(request, Forward::CurrentType, callback, options(synchronous))
        {
            cx.complete(request, status);
        }
    }

    fn send_to_handle(&mut self, cx: &mut DriverContext<'_>, request: OwnedRequest) {
        if self.target.is_none() {
            self.target = cx.create_file_handle_target(self.handle).ok();
        }
        let synchronous = self.choose(2) == 0;
        let Some(target) = self.target else { return cx.complete(request, HResult::STATUS_INVALID_DEVICE_STATE) };
        let sent =
            cx.send_received_to_handle(request, target, HandleForward::CurrentType, !synchronous, options(synchronous));
        if let Err((request, status)) = sent {
            cx.complete(request, status);
        }
    }

    /// Sends a request of its own, formatted with a memory of the one it has got (OBJ-13).
    fn lend(&mut self, cx: &mut DriverContext<'_>, request: OwnedRequest) {
        let (which, file) = (ReceivedMemory::Output, cx.file_of(&request));
        let Some(memory) = cx.received_memory(&request, which) else { return self.kept.push(request) };
        let synchronous = self.choose(2) == 0;
        let own = cx.create_request(None, !synchronous);
        let output = Some(MemoryPart { memory, window: None });
        let formatted = cx.format_request_with_memory(own, file, MemoryFormat::Read { output, device_offset: None });
        if formatted == HResult::S_OK && cx.send_request(own, options(synchronous)) == HResult::S_OK {
            self.own.insert(own, (request, memory));
            return;
        }
        cx.delete_request(own);
        cx.release_memory(memory).expect("it was handed out above");
        cx.complete(request, HResult::STATUS_INVALID_DEVICE_STATE);
    }

    fn ended(&mut self, cx: &mut DriverContext<'_>, request: CompletedRequest, params: &CompletionParams) {
        match request {
            CompletedRequest::Received(request) if !self.helps && self.choose(4) == 0 => self.kept.push(request),
            CompletedRequest::Received(request) => cx.complete_as(request, params),
            CompletedRequest::Created(own) => {
                cx.delete_request(own);
                if let Some((request, memory)) = self.own.remove(&own) {
                    cx.release_memory(memory).expect("released once, here");
                    cx.complete(request, params.status);
                }
            }
        }
    }

    /// Ends the n-th of what it has kept, or leaves that to `OnCancel` (REQ-50).
    fn finish(&mut self, cx: &mut DriverContext<'_>, n: usize) {
        let request = self.kept.swap_remove(n);
        match cx.unmark_cancelable(&request) {
            Err(HResult::ERROR_OPERATION_ABORTED) => self.kept.push(request),
            _ => cx.complete(request, HResult::S_OK),
        }
    }

    fn finish_all(&mut self, cx: &mut DriverContext<'_>) {
        for n in (0..self.kept.len()).rev() {
            self.finish(cx, n);
        }
    }

    fn help(&mut self, cx: &mut DriverContext<'_>) {
        self.helps = true;
        self.finish_all(cx);
        for file in self.seen.iter().chain(&self.files) {
            cx.cancel_sent_requests_for_file(*file);
        }
        for reference in std::mem::take(&mut self.references) {
            cx.release_file(reference);
        }
        if std::mem::take(&mut self.locked) {
            cx.release_lock();
        }
        for file in std::mem::take(&mut self.files) {
            cx.close_file(file);
        }
    }
}

impl Driver for Restless {
    fn name(&self) -> &str {
        "restless"
    }

    fn configure(&self) -> DeviceConfig {
        let handlers =
            CallbackSet::of(&[Callback::OnRead, Callback::OnWrite, Callback::OnIoStop, Callback::OnIoResume]);
        let queue = QueueConfig { power_managed: true, ..QueueConfig::default_queue(self.dispatch, handlers) };
        DeviceConfig {
            role: self.role,
            forwarding: ForwardingState::UseDefault,
            callbacks: CallbackSet::of(&[Callback::OnCleanupFile, Callback::OnCloseFile, Callback::OnD0Exit]),
            queues: vec![queue],
            locking: LockingConstraint::DeviceLevel,
            file_policy: FileObjectPolicy::RejectNullAndUnknown,
            buffer_retrieval: BufferRetrieval::CopyImmediately,
        }
    }

    fn on_read(&mut self, cx: &mut DriverContext<'_>, _: QueueId, request: OwnedRequest, _: u64) -> Flow {
        self.take(cx, request)
    }

    fn on_write(&mut self, cx: &mut DriverContext<'_>, _: QueueId, request: OwnedRequest, _: u64) -> Flow {
        self.take(cx, request)
    }

    fn on_io_stop(&mut self, cx: &mut DriverContext<'_>, _: QueueId, id: ReceivedId, _: StopFlags) -> Flow {
        let Some(n) = self.kept.iter().position(|kept| kept.id() == id) else { return Flow::Returned };
        match if self.helps { 0 } else { self.choose(4) } {
            0 => self.finish(cx, n),
            1 => cx.stop_acknowledge(id),
            2 if cx.unmark_cancelable(&self.kept[n]) != Err(HResult::ERROR_OPERATION_ABORTED) => {
                let request = self.kept.swap_remove(n);
                if let Err(request) = cx.stop_acknowledge_requeue(request) {
                    self.kept.push(request);
                }
            }
            _ => {}
        }
        Flow::Returned
    }

    fn on_cancel(&mut self, cx: &mut DriverContext<'_>, id: ReceivedId) -> Flow {
        if let Some(n) = self.kept.iter().position(|kept| kept.id() == id) {
            let request = self.kept.swap_remove(n);
            cx.complete(request, HResult::ERROR_OPERATION_ABORTED);
        }
        Flow::Returned
    }

    fn on_completion(&mut self, cx: &mut DriverContext<'_>, request: CompletedRequest, is: &CompletionParams) -> Flow {
        self.ended(cx, request, is);
        Flow::Returned
    }

    fn on_send_returned(
        &mut self,
        cx: &mut DriverContext<'_>,
        request: Option<CompletedRequest>,
        params: &CompletionParams,
    ) -> Result<Flow, HResult> {
        if let Some(request) = request {
            self.ended(cx, request, params);
        }
        Ok(Flow::Returned)
    }

    /// May send what it keeps on from here, and wait.
    fn on_cleanup_file(&mut self, cx: &mut DriverContext<'_>, _: FileId) -> Flow {
        if !self.helps
            && self.choose(3) == 0
            && let Some(request) = self.kept.pop()
        {
            match cx.unmark_cancelable(&request) {
                Err(HResult::ERROR_OPERATION_ABORTED) => self.kept.push(request),
                _ => self.send_on(cx, request),
            }
        }
        Flow::Returned
    }

    /// May wait in it for a read on a file of its own.
    fn on_pnp(&mut self, cx: &mut DriverContext<'_>, callback: Callback) -> Result<Flow, HResult> {
        if callback == Callback::OnD0Exit
            && !self.helps
            && self.choose(2) == 0
            && let Some(file) = self.files.first().copied()
        {
            let own = cx.create_request(None, false);
            let read = FormatIo::Read { output: Some(OutputMemory::empty(4)), device_offset: None };
            let sent = cx.format_request(own, Some(file), read) == HResult::S_OK
                && cx.send_request(own, options(true)) == HResult::S_OK;
            if !sent {
                cx.delete_request(own);
            }
        }
        Ok(Flow::Returned)
    }

    fn on_call_returned(&mut self, cx: &mut DriverContext<'_>, _: CallId, result: DriverCallResult) {
        match result {
            DriverCallResult::WdfFileCreated(Ok(file)) if self.helps => {
                cx.close_file(file);
            }
            DriverCallResult::WdfFileCreated(Ok(file)) => self.files.push(file),
            _ => {}
        }
    }

    fn on_lock_acquired(&mut self, cx: &mut DriverContext<'_>) {
        self.locked = !self.helps;
        if self.helps {
            cx.release_lock();
        }
    }

    fn on_control(&mut self, cx: &mut DriverContext<'_>, command: &str) -> Result<String, String> {
        match command {
            "help" => self.help(cx),
            "complete" if !self.kept.is_empty() => self.finish(cx, 0),
            "open" => {
                cx.create_wdf_file(None);
            }
            "lock" => self.locked |= cx.acquire_lock() == Ok(LockAnswer::Acquired),
            "unlock" if std::mem::take(&mut self.locked) => cx.release_lock(),
            _ => {}
        }
        Ok(String::new())
    }
}
