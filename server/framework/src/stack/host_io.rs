//! I/O that leaves the stack: a request to a file-handle target is performed by the host (FHT-10).
//!
//! Laws: each operation is given to the host once and answered once; an answer to anything else changes nothing; a
//! cancel asks the host once and promises nothing (FHT-13).

use std::sync::Arc;

use bytes::Bytes;

use crate::clock::Now;
use crate::context::HandleForward;
use crate::effect::{CallResult, Effect};
use crate::handle::{HandleId, HostIoId};
use crate::ids::{DeviceId, ReceivedId, TargetId};
use crate::io::{IoKind, IoParameters, SendOptions};
use crate::received::{ReceivedEvent, ReceivedState};
use crate::status::HResult;
use crate::target::TargetRef;
use crate::trace::TraceKind;

use super::Stack;
use super::core::Core;
use super::launch::Launch;

impl Stack {
    /// The host has finished an operation: status is the HRESULT of its Win32 code, Information the bytes transferred
    /// (FHT-10), `data` what was read. Harmless for an operation that is none any more.
    pub fn host_io_finished(&mut self, now: Now, io: HostIoId, status: HResult, information: u64, data: Bytes) {
        self.core.now = now;
        self.core.host_io_finished(io, status, information, data);
    }
}

impl Core {
    /// Gives a request to the host; one that was cancelled on the way, or whose handle is closed, ends here.
    pub(super) fn submit(&mut self, id: ReceivedId, handle: HandleId) {
        let received = &self.received[id];
        let (request, sender, kind) = (received.request, received.sender, received.parameters.kind);
        if self.requests[request].cancelled {
            return self.end_before_host(id, HResult::ERROR_OPERATION_ABORTED); // REQ-28
        }
        if !self.handles.is_open(handle) {
            return self.end_before_host(id, HResult::ERROR_INVALID_HANDLE); // FHT-20
        }
        let received = &mut self.received[id];
        received.state.step(ReceivedEvent::Submitted);
        let parameters = IoParameters::clone(&received.parameters);
        self.note(sender, TraceKind::HostIo(kind)).request(Some(request)).record();
        self.effects.push(Effect::SubmitHostIo { io: HostIoId(id), handle, parameters });
    }

    fn end_before_host(&mut self, id: ReceivedId, status: HResult) {
        if self.received[id].state.step(ReceivedEvent::CompletedByFramework) {
            self.carry(id, status, 0, Bytes::new());
        }
    }

    fn host_io_finished(&mut self, io: HostIoId, status: HResult, information: u64, data: Bytes) {
        let HostIoId(id) = io;
        let Some(received) = self.received.get_mut(id) else { return };
        if received.state.step(ReceivedEvent::FinishedByHost) {
            // No driver is at fault for what a host reports beyond the buffer; it is not delivered either (REQ-39).
            let information = information.min(received.parameters.information_limit());
            self.carry(id, status, information, data);
        }
    }

    /// A driver sends a request it received to a file-handle target. Gives the hop that begins.
    pub(crate) fn send_received_to_handle(
        &mut self,
        device: DeviceId,
        parent: ReceivedId,
        target: TargetId,
        forward: HandleForward,
        callback: bool,
        options: SendOptions,
    ) -> Result<ReceivedId, HResult> {
        let refused = HResult::STATUS_INVALID_DEVICE_REQUEST;
        let received = self.received.get(parent).ok_or(refused)?;
        let is_create = received.parameters.kind == IoKind::Create;
        if received.state != ReceivedState::Owned || received.receiver != device || is_create {
            return Err(refused); // REQ-52; a create has no operation on a handle
        }
        let formatted = matches!(forward, HandleForward::Formatted { .. });
        options.check_for_received(received.parameters.kind, received.file.is_some(), formatted)?;
        let told = callback || options.has(SendOptions::SYNCHRONOUS);
        if !told || options.has(SendOptions::SEND_AND_FORGET) {
            return Err(refused); // REQ-15, FHT-9
        }
        let at = TargetRef { device, handle: Some(target) };
        if !self.target(at).is_some_and(|target| target.state.accepts()) {
            return Err(HResult::STATUS_INVALID_DEVICE_STATE);
        }
        let request = received.request;
        let (aim, parameters) = match forward {
            HandleForward::CurrentType => (self.aim_at_handle(device, target, None)?, received.parameters_as_left()),
            HandleForward::Formatted { file, io } => {
                (self.aim_at_handle(device, target, file)?, Arc::new(IoParameters::try_from(io)?))
            }
        };
        self.received[parent].state.step(ReceivedEvent::SentOn);
        self.note_synchronous(device, None, request, options);
        let (sender, receiver, file, by_framework) = (device, device, None, false);
        let parent = Some(parent);
        Ok(self.launch(Launch { request, parent, sender, receiver, aim, file, parameters, options, by_framework }))
    }

    /// A driver stop: the host may forget what it has, nobody waits for it (STOP-4).
    pub(super) fn abandon_host_io(&mut self, status: HResult) {
        let at_host = |state: ReceivedState| matches!(state, ReceivedState::AtHost | ReceivedState::AtHostCancelling);
        for (id, _) in self.received.iter().filter(|(_, hop)| at_host(hop.state)) {
            self.effects.push(Effect::CancelHostIo { io: HostIoId(id) });
        }
        for (_, gone) in std::mem::take(&mut self.handles.targets) {
            for (call, _) in gone.target.calls {
                self.return_upper_call(gone.device, call, CallResult::TargetChanged(status));
            }
        }
    }
}
