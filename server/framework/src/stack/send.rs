//! Formatting and sending (sections TGT 4.2 and REQ 5.2, 5.3).
//!
//! A Send that succeeds was accepted and ends in one completion; a Send that fails changed nothing and none
//! follows (REQ-7). Every check happens before anything is recorded.

use bytes::Bytes;

use crate::chain::Chain;
use crate::clock::Due;
use crate::context::Forward;
use crate::handle::Aim;
use crate::ids::{DeviceId, FileId, QueueId, ReceivedId, RequestId, TargetId};
use crate::io::{Format, IoParameters, SendOptions};
use crate::io_stop::StopNotice;
use crate::received::{Received, ReceivedEvent, ReceivedState};
use crate::request::{Request, RequestEvent, RequestState};
use crate::rule::Rule;
use crate::scheduler::Step;
use crate::status::HResult;
use crate::target::{Target, TargetRef, TargetState};
use crate::timer::TimerTask;
use crate::trace::{Call, TraceKind};

use super::core::Core;

/// One hop of a packet about to begin.
pub(crate) struct Launch {
    pub(crate) request: RequestId,
    pub(crate) parent: Option<ReceivedId>,
    pub(crate) sender: DeviceId,
    pub(crate) receiver: DeviceId,
    pub(crate) aim: Aim,
    pub(crate) file: Option<FileId>,
    pub(crate) parameters: IoParameters,
    pub(crate) options: SendOptions,
    pub(crate) by_framework: bool,
}

impl Launch {
    /// A hop made by the framework itself: it passes through no target and no driver regains it.
    pub(crate) fn framework(
        request: RequestId,
        parent: Option<ReceivedId>,
        sender: DeviceId,
        receiver: DeviceId,
        file: Option<FileId>,
        parameters: IoParameters,
    ) -> Launch {
        let (aim, options) = (Aim::Lower, SendOptions::default());
        Launch { request, parent, sender, receiver, aim, file, parameters, options, by_framework: true }
    }
}

impl Core {
    /// `CreateRequest`: unformatted (REQ-1).
    pub(crate) fn create_request(&mut self, creator: DeviceId, number: Option<u64>, callback: bool) -> RequestId {
        let number = self.number_request(creator, number);
        self.requests.insert(Request::new(creator, number, callback))
    }

    pub(crate) fn number_request(&mut self, creator: DeviceId, number: Option<u64>) -> u64 {
        number.unwrap_or_else(|| {
            let next = &mut self.devices[creator].next_request;
            *next += 1;
            *next
        })
    }

    /// The request, if `creator` made it.
    pub(super) fn own_request(&mut self, creator: DeviceId, request: RequestId) -> Option<&mut Request> {
        self.requests.get_mut(request).filter(|request| request.creator == creator && !request.is_create)
    }

    /// `FormatRequestForRead`, `…Write`, `…Ioctl` on the default target.
    pub(crate) fn format_request(&mut self, creator: DeviceId, request: RequestId, format: Format) -> HResult {
        let checked = self.check_format(creator, &format).and_then(|()| IoParameters::try_from(format.io));
        self.formatted(creator, request, format.file, checked.map(|parameters| (parameters, Aim::Lower)))
    }

    /// The end of a Format call on any target: what was `checked` is taken, or the request is unformatted (TGT-14).
    pub(crate) fn formatted(
        &mut self,
        creator: DeviceId,
        request: RequestId,
        file: Option<FileId>,
        checked: Result<(IoParameters, Aim), HResult>,
    ) -> HResult {
        let Some(entry) = self.own_request(creator, request) else { return HResult::E_INVALIDARG };
        if entry.state.is_outstanding() {
            return HResult::STATUS_INVALID_DEVICE_REQUEST; // TGT-13: the travelling request is unaffected
        }
        self.let_go_of(request);
        let entry = &mut self.requests[request];
        entry.file = None;
        match checked {
            Ok((parameters, aim)) => {
                entry.state.step(RequestEvent::Formatted);
                entry.kind = Some(parameters.kind);
                (entry.aim, entry.file) = (aim, file);
                (entry.output_start, entry.input_start) = (parameters.output_start, parameters.input_start);
                (entry.code, entry.device_offset) = (parameters.code, parameters.device_offset);
                entry.format = Some(parameters);
                HResult::S_OK
            }
            Err(status) => {
                entry.state.step(RequestEvent::FormatFailed);
                entry.format = None;
                entry.kind = None;
                status
            }
        }
    }

    /// What a Format call refuses, before it looks at the memories.
    pub(super) fn check_format(&self, creator: DeviceId, format: &Format) -> Result<(), HResult> {
        if !self.devices[creator].target.state.accepts() {
            return Err(HResult::STATUS_INVALID_DEVICE_STATE); // TGT-14
        }
        let file = format.file.ok_or(HResult::E_INVALIDARG)?; // TGT-7
        let Some(entry) = self.files.get(file) else { return Err(HResult::STATUS_FILE_CLOSED) };
        if entry.creator != creator && !entry.is_known_to(creator) {
            return Err(HResult::E_INVALIDARG); // FILE-21
        }
        if entry.accepts_io_from(creator) { Ok(()) } else { Err(HResult::STATUS_FILE_CLOSED) } // CLS-18
    }

    /// `Send` of a driver-created request to `target`; None is the default target.
    pub(crate) fn send_request(
        &mut self,
        creator: DeviceId,
        request: RequestId,
        target: Option<TargetId>,
        options: SendOptions,
    ) -> HResult {
        self.try_send_request(creator, request, target, options).err().unwrap_or(HResult::S_OK)
    }

    /// Gives the hop that begins, or why none does.
    pub(crate) fn try_send_request(
        &mut self,
        creator: DeviceId,
        request: RequestId,
        target: Option<TargetId>,
        options: SendOptions,
    ) -> Result<ReceivedId, HResult> {
        let Some(entry) = self.own_request(creator, request) else { return Err(HResult::E_INVALIDARG) };
        if entry.state.is_outstanding() {
            self.violation(creator, Rule::Req11, None, Some(request));
            return Err(HResult::STATUS_INVALID_DEVICE_REQUEST);
        }
        let result = self.accept(creator, request, target, options);
        let status = result.err().unwrap_or(HResult::S_OK);
        if let Some(entry) = self.requests.get_mut(request) {
            entry.status = status; // REQ-8: after a failed Send, GetStatus gives the same code
        }
        if self.devices[creator].upper().is_some() || options.has(SendOptions::SYNCHRONOUS) {
            let file = self.requests[request].file;
            self.note(creator, TraceKind::Call(Call::Send)).file(file).request(Some(request)).status(status).record();
        }
        result.map(|()| self.start_packet(creator, request, options))
    }

    /// Every reason to refuse a Send of a driver-created request, in order.
    fn accept(
        &self,
        creator: DeviceId,
        request: RequestId,
        target: Option<TargetId>,
        options: SendOptions,
    ) -> Result<(), HResult> {
        let entry = &self.requests[request];
        options.check_for_created().map_err(|status| match target {
            Some(_) if status == HResult::STATUS_INVALID_DEVICE_STATE => HResult::STATUS_INVALID_DEVICE_REQUEST,
            _ => status, // REQ-17 has two codes for SEND_AND_FORGET
        })?;
        if entry.state != RequestState::Formatted || entry.aim.target() != target {
            return Err(HResult::STATUS_REQUEST_NOT_ACCEPTED); // REQ-9, REQ-10, TGT-17
        }
        let leads = entry.aim != Aim::Lower || self.devices[creator].lower.is_some();
        let at = TargetRef { device: creator, handle: target };
        if !leads || !self.target(at).is_some_and(|target| target.state.accepts()) {
            return Err(HResult::STATUS_INVALID_DEVICE_STATE); // TGT-18, REQ-21; nothing lies under the terminator
        }
        let is_open = |file: FileId| self.files.get(file).is_some_and(|file| file.accepts_io_from(creator));
        if entry.aim == Aim::Lower && !entry.file.is_some_and(is_open) {
            return Err(HResult::STATUS_FILE_CLOSED); // CLS-18, CLS-22
        }
        if entry.cancelled {
            return Err(HResult::ERROR_OPERATION_ABORTED); // REQ-34
        }
        Ok(())
    }

    fn start_packet(&mut self, creator: DeviceId, request: RequestId, options: SendOptions) -> ReceivedId {
        let now = self.now.monotonic;
        let entry = &mut self.requests[request];
        let parameters = entry.format.take().expect("a formatted request has its parameters");
        entry.sent_at = now;
        (entry.information, entry.output) = (0, Bytes::new());
        let (file, aim) = (entry.file, entry.aim);
        let sender = creator;
        let receiver = match aim {
            Aim::Lower => self.devices[creator].lower.expect("a device whose target accepts has a lower device"),
            Aim::Handle { .. } => sender,
        };
        let by_framework = false;
        self.launch(Launch { request, parent: None, sender, receiver, aim, file, parameters, options, by_framework })
    }

    /// `SetCompletionCallback`, before or after Format; nothing changes once the request was sent (REQ-5).
    pub(crate) fn set_completion_callback(&mut self, creator: DeviceId, request: RequestId, callback: bool) {
        if let Some(entry) = self.own_request(creator, request).filter(|entry| !entry.state.is_outstanding()) {
            entry.callback = callback;
        }
    }

    /// A driver did to a request of its own what is only for received ones; nothing happens to the request.
    pub(crate) fn misused(&mut self, creator: DeviceId, request: RequestId, rule: Rule) {
        let file = self.own_request(creator, request).and_then(|entry| entry.file);
        self.violation(creator, rule, file, Some(request));
    }

    /// A driver sends on a request it received (REQ-44, TGT-15). Gives the hop that begins; SEND_AND_FORGET begins none.
    pub(crate) fn send_received(
        &mut self,
        device: DeviceId,
        parent: ReceivedId,
        forward: Forward,
        callback: bool,
        options: SendOptions,
    ) -> Result<Option<ReceivedId>, HResult> {
        let refused = HResult::STATUS_INVALID_DEVICE_REQUEST;
        let received = self.received.get(parent).ok_or(refused)?;
        if received.state != ReceivedState::Owned || received.receiver != device {
            return Err(refused); // REQ-52: unmark first
        }
        let formatted = matches!(forward, Forward::Formatted(_));
        options.check_for_received(received.parameters.kind, received.file.is_some(), formatted)?;
        let forgets = options.has(SendOptions::SEND_AND_FORGET);
        if !callback && !forgets && !options.has(SendOptions::SYNCHRONOUS) {
            return Err(refused); // REQ-15
        }
        let receiver = self.devices[device].lower.ok_or(HResult::STATUS_INVALID_DEVICE_STATE)?;
        if !self.devices[device].target.state.accepts() {
            return Err(HResult::STATUS_INVALID_DEVICE_STATE);
        }
        if forgets {
            self.forget_received(parent, receiver);
            return Ok(None);
        }
        let request = received.request;
        let (file, parameters) = match forward {
            Forward::CurrentType => (received.file, received.parameters_as_left()),
            Forward::Formatted(format) => {
                self.check_format(device, &format)?;
                (format.file, IoParameters::try_from(format.io)?)
            }
        };
        self.received[parent].state.step(ReceivedEvent::SentOn);
        let sender = device;
        self.note_synchronous(device, file, request, options);
        let hop = self.launch(Launch {
            request,
            parent: Some(parent),
            sender,
            receiver,
            aim: Aim::Lower,
            file,
            parameters,
            options,
            by_framework: false,
        });
        Ok(Some(hop))
    }

    /// SEND_AND_FORGET: the hop that ended at this layer goes on to the next lower one. So this layer's target never
    /// tracks it, its driver neither cancels nor regains it, and the completion climbs past it (REQ-18); the file
    /// and the layer above keep what they have of it (REQ-19).
    fn forget_received(&mut self, id: ReceivedId, receiver: DeviceId) {
        self.give_back_to_queue(id); // QUE-4
        if self.received[id].memories.is_some() {
            self.end_lending(self.received[id].receiver, id); // for this layer it ends here
            if self.is_dead() {
                return;
            }
        }
        let received = &mut self.received[id];
        received.state.step(ReceivedEvent::Forgotten);
        received.receiver = receiver;
        received.queue = QueueId(0);
        received.seen = false;
        received.stop = StopNotice::Running;
        self.arrive(id);
    }

    /// Puts a hop on its way: tied to its file and target, then delivered, or pended in a stopped target.
    pub(crate) fn launch(&mut self, launch: Launch) -> ReceivedId {
        let Launch { request, parent, sender, receiver, aim, file, parameters, options, by_framework } = launch;
        let ignores_target = by_framework || options.has(SendOptions::IGNORE_TARGET_STATE);
        let target = self.target(TargetRef { device: sender, handle: aim.target() });
        // Behind requests that Start is still draining, order is kept (TGT-20).
        let holds = |target: &Target| target.state == TargetState::Stopped || !target.pended.is_empty();
        let pends = !ignores_target && target.is_some_and(holds);
        let id = self.received.insert(Received {
            request,
            parent,
            sender,
            receiver,
            aim,
            file,
            parameters,
            buffers: None,
            state: if pends { ReceivedState::Pended } else { ReceivedState::Queued },
            queue: QueueId(0),
            seen: false,
            stop: StopNotice::Running,
            by_framework,
            ignores_target,
            pended: pends,
            timer: None,
            waiter: None,
            memories: None,
            timed_out: false,
            file_link: Default::default(),
            target_link: Default::default(),
            queue_link: Default::default(),
        });
        if let Some(file) = file.and_then(|file| self.files.get_mut(file)) {
            file.io.push_back(&mut self.received, id);
        }
        if options.has(SendOptions::TIMEOUT)
            && let Some(due) = Due::from_timeout(options.timeout, self.now)
        {
            self.received[id].timer = Some(self.timers.arm(due, TimerTask::SendTimeout(id)));
        }
        self.requests[request].current = Some(id);
        if !by_framework {
            self.track(id, pends);
        }
        if parent.is_none() {
            let event = if pends { RequestEvent::Pended } else { RequestEvent::Delivered };
            self.requests[request].state.step(event);
        }
        if !pends {
            self.deliver(id);
        }
        id
    }

    /// What its target has let through arrives below, or goes to the host.
    fn deliver(&mut self, id: ReceivedId) {
        match self.received[id].aim {
            Aim::Lower => self.arrive(id),
            Aim::Handle { handle, .. } => self.submit(id, handle),
        }
    }

    /// Ties a hop to its sender's target.
    fn track(&mut self, id: ReceivedId, pends: bool) {
        let received = &mut self.received[id];
        received.pended = pends;
        let (at, awaited) = (received.target(), !received.ignores_target);
        let Some(target) = Target::of(&mut self.devices, &mut self.handles, at) else { return };
        if pends {
            target.pended.push_back(&mut self.received, id);
        } else {
            target.in_flight.push_back(&mut self.received, id);
            target.awaited += u32::from(awaited);
        }
    }

    /// Delivers the oldest pended request of a started target (TGT-20).
    pub(crate) fn release(&mut self, at: TargetRef) {
        let Some(target) = Target::of(&mut self.devices, &mut self.handles, at) else { return };
        if target.state != TargetState::Started {
            return;
        }
        let Some(id) = target.pended.first() else { return };
        target.pended.remove(&mut self.received, id);
        let more = !target.pended.is_empty();
        self.received[id].state.step(ReceivedEvent::Released);
        let request = self.received[id].request;
        if self.received[id].parent.is_none() {
            self.requests[request].state.step(RequestEvent::Released);
        }
        self.track(id, false);
        if more {
            self.run_queue.push(Step::Release(at));
        }
        self.deliver(id);
    }

    /// `Reuse` (REQ-41, REQ-42).
    pub(crate) fn reuse_request(
        &mut self,
        creator: DeviceId,
        request: RequestId,
        status: HResult,
        callback: bool,
    ) -> HResult {
        let Some(entry) = self.own_request(creator, request) else { return HResult::E_INVALIDARG };
        if entry.state.is_outstanding() {
            self.violation(creator, Rule::Req42, None, Some(request));
            return HResult::STATUS_INVALID_DEVICE_REQUEST;
        }
        self.let_go_of(request);
        let entry = &mut self.requests[request];
        let number = entry.number;
        let (parent, children) = (entry.parent, std::mem::take(&mut entry.children));
        let memories = entry.memories.take();
        *entry = Request { parent, children, memories, status, ..Request::new(creator, number, callback) };
        HResult::S_OK
    }

    /// A request that is formatted again, reused or deleted refers to nothing any more: to no memory (OBJ-16), and, if
    /// it was completed, not to its file (CLS-19).
    pub(super) fn let_go_of(&mut self, request: RequestId) {
        if self.requests[request].memories.is_some() {
            self.release_formatted(request);
        }
        let entry = &self.requests[request];
        if entry.state != RequestState::Completed {
            return;
        }
        let Some(file) = entry.file else { return };
        if let Some(pinned) = self.files.get_mut(file) {
            pinned.pins -= 1;
            self.destroy_if_unpinned(file);
        }
    }

    /// Takes a hop out of the target chain it is in.
    pub(crate) fn untrack(&mut self, id: ReceivedId) {
        let received = &self.received[id];
        if received.by_framework {
            return;
        }
        let (at, pended, awaited) = (received.target(), received.pended, !received.ignores_target);
        let Some(target) = Target::of(&mut self.devices, &mut self.handles, at) else { return };
        let chain: &mut Chain = if pended { &mut target.pended } else { &mut target.in_flight };
        chain.remove(&mut self.received, id);
        if !pended {
            target.awaited -= u32::from(awaited);
        }
    }
}
