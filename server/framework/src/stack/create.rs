//! Creating driver-created files (section FILE of the rule book).
//!
//! The create goes to the next lower device of the caller and nowhere else (FILE-4). It cannot be cancelled:
//! no request object of it exists for the caller (FILE-10). A failed create leaves no session behind (FILE-12).

use std::sync::Arc;

use crate::device::DeviceState;
use crate::effect::CallResult;
use crate::file::{File, FileEvent, LayerFile, LayerFileState};
use crate::ids::{CallId, DeviceId, FileId, RequestId};
use crate::request::{Request, RequestState};
use crate::rule::Rule;
use crate::status::HResult;
use crate::trace::{Call, TraceKind};

use super::StackState;
use super::core::Core;
use super::launch::Launch;

impl Core {
    /// `CreateWdfFile`. Returns through the call's result, possibly much later (FILE-9).
    pub(crate) fn create_wdf_file(
        &mut self,
        creator: DeviceId,
        tag: u128,
        number: Option<u64>,
        name: Option<&str>,
        call: CallId,
    ) {
        if self.devices[creator].upper().is_some() {
            self.note(creator, TraceKind::Call(Call::CreateWdfFile)).record();
        }
        if let Err(status) = self.begin_create(creator, tag, number, name, call) {
            self.create_returned(creator, call, Err(status));
        }
    }

    fn begin_create(
        &mut self,
        creator: DeviceId,
        tag: u128,
        number: Option<u64>,
        name: Option<&str>,
        call: CallId,
    ) -> Result<(), HResult> {
        // FILE-3: no separators; the empty string is no name.
        let name = name.filter(|name| !name.is_empty());
        if name.is_some_and(|name| name.contains(['/', '\\'])) {
            return Err(HResult::E_INVALIDARG);
        }
        let lower = self.lower_for_create(creator)?;
        let label = self.next_file_label();
        let mut file = File::new(label, creator, tag, name.map(Into::into));
        file.call = Some(call);
        let file = self.files.insert(file);
        self.devices[creator].open_files += 1;

        let number = self.number_request(creator, number);
        let mut request = Request::new(creator, number, false);
        request.is_create = true;
        request.state = RequestState::InFlight;
        request.io = Some(Arc::clone(&self.nothing));
        request.file = Some(file);
        request.sent_at = self.now.monotonic;
        let request = self.requests.insert(request);
        self.launch(Launch::framework(request, None, creator, lower, Some(file), Arc::clone(&self.nothing)));
        Ok(())
    }

    /// FILE-18, FILE-19: the lower layer must have been started and no removal begun.
    fn lower_for_create(&self, creator: DeviceId) -> Result<DeviceId, HResult> {
        let refused = HResult::STATUS_INVALID_DEVICE_STATE;
        let device = &self.devices[creator];
        let removing = matches!(device.state, DeviceState::Removing | DeviceState::Removed)
            || matches!(self.state, StackState::Removing | StackState::Removed | StackState::Stopped);
        let lower = device.lower.ok_or(refused)?;
        if removing || self.devices[lower].state != DeviceState::Started {
            return Err(refused);
        }
        Ok(lower)
    }

    /// A layer's part in a create has ended: its object is open, or gone without cleanup or close (FILE-12).
    pub(crate) fn create_done_at(&mut self, file: FileId, device: DeviceId, status: HResult) {
        let Some(entry) = self.files.get_mut(file) else { return };
        let Some(position) = entry.layers.iter().position(|layer| layer.device == device) else { return };
        if status.is_success() {
            entry.layers[position].state = LayerFileState::Open;
            return;
        }
        let lower_open = entry.layers[position + 1..].iter().any(LayerFile::is_open);
        if lower_open {
            self.finding(device, Rule::File13, Some(file), None);
        }
        self.delete_layer_file(file, position, LayerFileState::Failed);
    }

    /// The create has climbed back to its creator (FILE-11).
    pub(crate) fn create_finished(&mut self, request: RequestId) {
        let Some(request) = self.requests.remove(request) else { return };
        let Some(file) = request.file else { return };
        let Some(entry) = self.files.get_mut(file) else { return };
        let (creator, call, orphaned) = (entry.creator, entry.call.take(), entry.orphaned);
        if request.status.is_success() {
            entry.state.step(FileEvent::CreateSucceeded);
        } else {
            entry.state.step(FileEvent::CreateFailed);
            self.end_file(file);
            self.devices[creator].open_files -= 1;
            self.removal_goes_on(creator);
            self.removal_begins_if_due();
        }
        if let Some(call) = call {
            let result = match request.status.is_success() {
                // What it opened is closed at once, so its creator never hears of it (FILE-19).
                true if orphaned && self.comes_too_late(creator) => Err(HResult::STATUS_INVALID_DEVICE_STATE),
                true => Ok(file),
                false => Err(request.status),
            };
            self.create_returned(creator, call, result);
        }
        if orphaned {
            // K05: the create outlived its creator; what it opened is closed in the ordinary way.
            self.close_on_behalf(file);
            self.forget_upper_if_done(creator);
        }
    }

    fn create_returned(&mut self, creator: DeviceId, call: CallId, result: Result<FileId, HResult>) {
        if self.devices[creator].upper().is_some() {
            let status = result.err().unwrap_or(HResult::S_OK);
            self.note(creator, TraceKind::CallReturned(Call::CreateWdfFile)).file(result.ok()).status(status).record();
        }
        self.return_call(creator, call, CallResult::WdfFileCreated(result));
    }

    /// `AssignContext` on one layer's object (OBJ-6).
    pub(crate) fn assign_context(&mut self, device: DeviceId, file: FileId, context: u64) -> Result<(), HResult> {
        let refused = HResult::STATUS_INVALID_DEVICE_REQUEST;
        let entry = self.files.get_mut(file).ok_or(refused)?;
        let layer = entry.layers.iter_mut().find(|layer| layer.device == device).ok_or(refused)?;
        if layer.context.is_some() || layer.is_deleted() {
            return Err(refused);
        }
        layer.context = Some(context);
        Ok(())
    }
}
