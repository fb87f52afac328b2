//! What a driver does to a request of its own besides sending it: create, format, reuse (sections TGT 4.2, REQ 5.1
//! and 5.6).
//!
//! Nothing here touches a request that is outstanding.

use crate::handle::Aim;
use crate::ids::{DeviceId, FileId, RequestId};
use crate::io::{FormatIo, IoParameters};
use crate::request::{Request, RequestEvent, RequestState};
use crate::rule::Rule;
use crate::status::HResult;

use super::core::Core;

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
    pub(crate) fn format_request(
        &mut self,
        creator: DeviceId,
        request: RequestId,
        file: Option<FileId>,
        io: FormatIo,
    ) -> HResult {
        let checked = self.check_format(creator, file).and_then(|()| IoParameters::try_from(io));
        self.formatted(creator, request, file, checked.map(|parameters| (parameters, Aim::Lower)))
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
                (entry.aim, entry.file) = (aim, file);
                entry.io = Some(self.spares.share(parameters));
                HResult::S_OK
            }
            Err(status) => {
                entry.state.step(RequestEvent::FormatFailed);
                entry.io = None;
                status
            }
        }
    }

    /// What a Format call refuses, before it looks at the memories.
    pub(super) fn check_format(&self, creator: DeviceId, file: Option<FileId>) -> Result<(), HResult> {
        if !self.devices[creator].target.state.accepts() {
            return Err(HResult::STATUS_INVALID_DEVICE_STATE); // TGT-14
        }
        let file = file.ok_or(HResult::E_INVALIDARG)?; // TGT-7
        let Some(entry) = self.files.get(file) else { return Err(HResult::STATUS_FILE_CLOSED) };
        if entry.creator != creator && !entry.is_known_to(creator) {
            return Err(HResult::E_INVALIDARG); // FILE-21
        }
        if entry.accepts_io_from(creator) { Ok(()) } else { Err(HResult::STATUS_FILE_CLOSED) } // CLS-18
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
        let family = entry.family.take();
        let memories = entry.memories.take();
        *entry = Request { family, memories, status, ..Request::new(creator, number, callback) };
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
}
