//! Sending (REQ 5.2 and 5.3).
//!
//! A Send that succeeds was accepted and ends in one completion; a Send that fails changed nothing and none
//! follows (REQ-7). Every check happens before anything is recorded.

use std::sync::Arc;

use bytes::Bytes;

use crate::context::Forward;
use crate::handle::Aim;
use crate::ids::{DeviceId, FileId, QueueId, ReceivedId, RequestId, TargetId};
use crate::io::{IoParameters, SendOptions};
use crate::io_stop::StopNotice;
use crate::received::{ReceivedEvent, ReceivedState};
use crate::request::RequestState;
use crate::rule::Rule;
use crate::status::HResult;
use crate::target::TargetRef;
use crate::trace::{Call, TraceKind};

use super::core::Core;
use super::launch::Launch;

impl Core {
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
        let parameters = entry.io.clone().expect("a formatted request has its parameters");
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
                self.check_format(device, format.file)?;
                (format.file, Arc::new(IoParameters::try_from(format.io)?))
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
        self.received[id].stop = StopNotice::Running; // no longer one that this driver keeps
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
        self.arrive(id);
    }
}
