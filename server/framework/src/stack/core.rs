//! The stack without its drivers: all state, and the small moves everything else is made of.
//!
//! Split by concern over the sibling modules, each an `impl Core`. Nothing in here calls a driver: what must be
//! called is returned to, or pushed as a step for, the choke point in `dispatch.rs`.

use std::collections::VecDeque;
use std::sync::Arc;

use slotmap::SlotMap;

use crate::callback::Callback;
use crate::clock::Now;
use crate::device::{Device, DeviceLock, LockHolder};
use crate::driver::DriverCallResult;
use crate::effect::{CallResult, Effect};
use crate::file::File;
use crate::handle::Handles;
use crate::ids::{
    BufferId, CallId, CallbackId, DeviceId, FileId, FileLabel, MemoryId, ReceivedId, RequestId, RequestLabel,
};
use crate::io::{IoParameters, Spares};
use crate::ioctl::MethodNeitherAction;
use crate::memory_object::{Buffer, Memory};
use crate::received::Received;
use crate::request::Request;
use crate::rule::Rule;
use crate::scheduler::{RunQueue, Step};
use crate::status::HResult;
use crate::timer::Timers;
use crate::trace::{Kept, Trace, TraceKind};
use crate::verifier::{DriverStop, Finding, Verifier, VerifierMode};

use super::StackState;
use super::phase::Phase;
use super::removal::Removal;
use super::synchronous::SynchronousSend;
use super::watchdog::Watchdog;

/// A callback that has not returned.
#[derive(Debug)]
pub(crate) struct BlockedCallback {
    pub(crate) device: DeviceId,
    pub(crate) callback: Callback,
    pub(crate) sequel: Sequel,
    pub(crate) holds_lock: bool,
    /// The synchronous Send inside which it is (REQ-13).
    pub(crate) send: Option<SynchronousSend>,
}

/// What goes on when a callback returns, besides what its kind says.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Sequel {
    /// Nothing.
    Nothing,
    /// The walk over a file's layers, from this one on.
    Walk(FileId, u8),
    /// The synchronous Send of which it was the `OnCompletion` returns into this callback.
    Send(CallbackId),
}

/// Everything a stack is, except its drivers.
#[derive(Debug)]
pub(crate) struct Core {
    pub(crate) now: Now,
    pub(crate) state: StackState,
    pub(crate) devices: SlotMap<DeviceId, Device>,
    /// Hosted layers, top first: index 0 is L1.
    pub(crate) layers: Vec<DeviceId>,
    /// Attached upper drivers, in order of arrival.
    pub(crate) uppers: Vec<DeviceId>,
    /// Devices whose phase has to be run before the stack's own transition goes on.
    pub(crate) plan: VecDeque<(DeviceId, Phase)>,
    /// Removal was asked for while another transition was under way.
    pub(crate) removal_wanted: Option<Removal>,
    pub(crate) files: SlotMap<FileId, File>,
    pub(crate) requests: SlotMap<RequestId, Request>,
    pub(crate) received: SlotMap<ReceivedId, Received>,
    pub(crate) memories: SlotMap<MemoryId, Memory>,
    /// Buffers of hosted drivers' own, for memory objects to wrap.
    pub(crate) buffers: SlotMap<BufferId, Buffer>,
    pub(crate) callbacks: SlotMap<CallbackId, BlockedCallback>,
    pub(crate) handles: Handles,
    /// Requests whose `OnIoResume` is to be called.
    pub(crate) resumes: Vec<ReceivedId>,
    pub(crate) timers: Timers,
    pub(crate) watchdog: Watchdog,
    pub(crate) run_queue: RunQueue,
    pub(crate) effects: Vec<Effect>,
    pub(crate) trace: Trace,
    pub(crate) verifier: Verifier,
    pub(crate) method_neither: MethodNeitherAction,
    pub(crate) stop: Option<Box<DriverStop>>,
    /// What a request that a driver stop has taken away asks for.
    pub(crate) nothing: Arc<IoParameters>,
    pub(crate) spares: Spares,
    files_created: u64,
    calls_made: u64,
}

impl Core {
    pub(crate) fn new(
        verifier: Verifier,
        trace: Trace,
        run_queue: RunQueue,
        method_neither: MethodNeitherAction,
        handles: Handles,
        watchdog: Watchdog,
    ) -> Core {
        Core {
            now: Now::default(),
            state: StackState::Added,
            devices: SlotMap::with_key(),
            layers: Vec::new(),
            uppers: Vec::new(),
            plan: VecDeque::new(),
            removal_wanted: None,
            files: SlotMap::with_key(),
            requests: SlotMap::with_key(),
            received: SlotMap::with_key(),
            memories: SlotMap::with_key(),
            buffers: SlotMap::with_key(),
            callbacks: SlotMap::with_key(),
            handles,
            resumes: Vec::new(),
            timers: Timers::default(),
            watchdog,
            run_queue,
            effects: Vec::new(),
            trace,
            verifier,
            method_neither,
            stop: None,
            nothing: Arc::new(IoParameters::create()),
            spares: Spares::default(),
            files_created: 0,
            calls_made: 0,
        }
    }

    pub(crate) fn next_call(&mut self) -> CallId {
        self.calls_made += 1;
        CallId(self.calls_made)
    }

    pub(crate) fn next_file_label(&mut self) -> FileLabel {
        self.files_created += 1;
        FileLabel(self.files_created)
    }

    /// How people recognise a request. Only for requests that exist.
    pub(crate) fn label(&self, request: RequestId) -> RequestLabel {
        let request = &self.requests[request];
        RequestLabel { creator: self.devices[request.creator].level, number: request.number }
    }

    /// Whether nothing but queries works any more.
    pub(crate) fn is_dead(&self) -> bool {
        matches!(self.state, StackState::Stopped | StackState::Removed)
    }

    /// Starts a trace entry about `device`.
    pub(crate) fn note(&mut self, device: DeviceId, kind: TraceKind) -> Note<'_> {
        let about = &self.devices[device];
        let entry = Kept::new(self.now.monotonic, about.level, about.tag(), kind);
        Note { core: self, entry }
    }

    /// Records a finding: reported, not repaired.
    pub(crate) fn finding(&mut self, device: DeviceId, rule: Rule, file: Option<FileId>, request: Option<RequestId>) {
        let finding = Finding {
            sequence: self.verifier.next_sequence(),
            time: self.now.monotonic,
            rule,
            level: self.devices[device].level,
            driver: self.devices[device].name.clone(),
            file: file.and_then(|file| self.files.get(file)).map(|file| file.label),
            request: request.filter(|request| self.requests.contains_key(*request)).map(|request| self.label(request)),
        };
        self.note(device, TraceKind::Finding).file(file).request(request).rule(rule).record();
        self.verifier.record(finding.clone());
        self.effects.push(Effect::ReportFinding(finding));
    }

    /// A violation: a driver stop in strict mode, a finding in lenient mode (MAP-11).
    pub(crate) fn violation(&mut self, device: DeviceId, rule: Rule, file: Option<FileId>, request: Option<RequestId>) {
        match self.verifier.mode {
            VerifierMode::Lenient => self.finding(device, rule, file, request),
            VerifierMode::Strict => self.driver_stop(device, rule, String::new()),
        }
    }

    /// Lets a blocking call of `device` return.
    pub(crate) fn return_call(&mut self, device: DeviceId, call: CallId, result: CallResult) {
        let Some(owner) = self.devices.get_mut(device) else { return };
        if let Some(hosted) = owner.hosted_mut() {
            let result = match result {
                CallResult::WdfFileCreated(result) => DriverCallResult::WdfFileCreated(result),
                CallResult::Closed => DriverCallResult::Closed,
                CallResult::TargetChanged(status) => DriverCallResult::TargetChanged(status),
            };
            hosted.returns.push_back((call, result));
            self.run_queue.push(Step::Return(device));
        } else {
            self.effects.push(Effect::ReturnCall { upper: device, call, result });
        }
    }

    /// The device lock, for devices that have one.
    pub(crate) fn lock_of(&mut self, device: DeviceId) -> Option<&mut DeviceLock> {
        self.devices
            .get_mut(device)
            .and_then(Device::hosted_mut)
            .filter(|hosted| hosted.is_device_locked())
            .map(|hosted| &mut hosted.lock)
    }

    /// Whether `step` has to wait because a covered callback of `device` has not returned (SYN-1); if so it
    /// is kept and runs after that.
    pub(crate) fn waits_for_lock(&mut self, device: DeviceId, step: Step) -> bool {
        match self.lock_of(device) {
            Some(lock) if lock.holder.is_some() => {
                lock.waiting.push_back(step);
                if matches!(step, Step::Cancel(_) | Step::CancelOnQueue(_) | Step::Notify(..)) {
                    self.watch(device);
                }
                true
            }
            _ => false,
        }
    }

    /// Registers that the present callback will not return now.
    pub(crate) fn block_callback(&mut self, device: DeviceId, callback: Callback) -> CallbackId {
        let holds_lock = callback.takes_device_lock() && self.lock_of(device).is_some();
        let blocked = BlockedCallback { device, callback, sequel: Sequel::Nothing, holds_lock, send: None };
        let id = self.callbacks.insert(blocked);
        if holds_lock && let Some(lock) = self.lock_of(device) {
            lock.holder = Some(LockHolder::Callback(id));
        }
        if callback.is_critical() {
            self.watch(device);
        }
        id
    }

    /// A blocked callback returns: its lock is free, and what waited for it goes on. False when `id` is stale, or
    /// when it waits in a Send: then only the Send can return (REQ-13).
    pub(crate) fn return_from_callback(&mut self, id: CallbackId, result: Result<(), HResult>) -> bool {
        if self.callbacks.get(id).is_none_or(|blocked| blocked.send.is_some()) {
            return false;
        }
        let Some(blocked) = self.callbacks.remove(id) else { return false };
        if blocked.holds_lock {
            self.free_lock(blocked.device);
        }
        self.after_callback(blocked.device, blocked.callback, blocked.sequel, result);
        true
    }

    /// What follows once a callback has returned, whether at once or later.
    pub(crate) fn after_callback(
        &mut self,
        device: DeviceId,
        callback: Callback,
        sequel: Sequel,
        result: Result<(), HResult>,
    ) {
        if self.watchdog.is_armed() {
            self.progressed(device);
        }
        match (callback, sequel) {
            (Callback::OnCleanupFile, Sequel::Walk(file, layer)) => {
                self.note(device, TraceKind::CleanupLeave).file(Some(file)).record();
                self.cleanup_left(file, layer);
            }
            (Callback::OnCloseFile, Sequel::Walk(file, layer)) => {
                self.note(device, TraceKind::CloseLeave).file(Some(file)).record();
                self.close_left(file, layer);
            }
            (Callback::OnIoStop | Callback::OnIoResume, _) => self.io_wait_goes_on(device),
            (_, Sequel::Send(waiter)) => self.run_queue.push(Step::SendReturned(waiter)),
            (callback, _) if Callback::PNP.contains(&callback) => self.pnp_returned(device, callback, result),
            _ => {}
        }
    }
}

/// A trace entry being filled in; nothing is recorded until [`Note::record`].
#[must_use]
pub(crate) struct Note<'a> {
    core: &'a mut Core,
    entry: Kept,
}

impl Note<'_> {
    pub(crate) fn file(mut self, file: Option<FileId>) -> Self {
        if let Some(file) = file.and_then(|file| self.core.files.get(file)) {
            self.entry.set_file(file.label);
        }
        self
    }

    pub(crate) fn request(mut self, request: Option<RequestId>) -> Self {
        if let Some(request) = request.and_then(|request| self.core.requests.get(request)) {
            let creator = self.core.devices[request.creator].level;
            self.entry.set_request(RequestLabel { creator, number: request.number });
        }
        self
    }

    /// As [`Note::request`], for a request that may be gone.
    pub(crate) fn label(mut self, label: RequestLabel) -> Self {
        self.entry.set_request(label);
        self
    }

    pub(crate) fn status(mut self, status: HResult) -> Self {
        self.entry.set_status(status);
        self
    }

    pub(crate) fn information(mut self, information: u64) -> Self {
        self.entry.set_information(information);
        self
    }

    pub(crate) fn rule(mut self, rule: Rule) -> Self {
        self.entry.set_rule(rule);
        self
    }

    pub(crate) fn record(self) {
        self.core.trace.push(self.entry);
    }
}
