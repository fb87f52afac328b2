//! The close order P0-P7 (CLS-3). This is the one close path: `Close`, the loss of a client, the end of a
//! session and a lenient removal all enter here.
//!
//! ```text
//!  P0     close_file           the creator can start no new I/O
//!  P1-P3  notify (CleaningUp)  each layer in turn: OnCleanupFile, its undelivered requests, then the next layer
//!  P4     cleanup_done         the creator's own requests are cancelled; Close returns (CLS-13)
//!  P5     settle_file          waits for every request tied to the file, from any layer
//!  P6     notify (Closing)     each layer in turn: OnCloseFile, its own object destroyed, then the next layer
//!  P7     destroy_if_unpinned  the creator's object goes once no completed request refers to it (CLS-19)
//! ```

use crate::callback::Callback;
use crate::effect::{CallResult, Effect};
use crate::file::{FileEvent, FileState, LayerFileState};
use crate::forwarding::forwards_cleanup_and_close;
use crate::ids::{CallId, DeviceId, FileId};
use crate::received::ReceivedState;
use crate::rule::Rule;
use crate::scheduler::Step;
use crate::trace::{Call, TraceKind};

use super::core::Core;
use super::dispatch::Invocation;

impl Core {
    /// `IWDFDriverCreatedFile::Close`. Void: misuse is a matter of the verifier (CLS-1, CLS-17).
    pub(crate) fn close_file(&mut self, creator: DeviceId, file: FileId, call: CallId) {
        let is_upper = self.devices[creator].upper().is_some();
        if is_upper {
            self.note(creator, TraceKind::Call(Call::Close)).file(Some(file)).record();
        }
        let own = self.files.get_mut(file).filter(|entry| entry.creator == creator && !entry.hidden);
        if let Some(entry) = own
            && entry.state.step(FileEvent::CloseRequested)
        {
            entry.call = Some(call);
            self.run_queue.push(Step::Notify(file, 0));
        } else {
            self.violation(creator, Rule::Cls17, Some(file), None);
            self.return_call(creator, call, CallResult::Closed);
        }
    }

    /// The host closes a file whose creator is gone (MAP-6, CLS-25): same path, nobody to return to.
    pub(crate) fn close_on_behalf(&mut self, file: FileId) {
        let Some(entry) = self.files.get_mut(file) else { return };
        if entry.state.step(FileEvent::CloseRequested) {
            self.run_queue.push(Step::Notify(file, 0));
        }
    }

    /// The n-th layer below a file's creator.
    fn layer_below(&self, creator: DeviceId, n: u8) -> Option<DeviceId> {
        let level = usize::from(self.devices[creator].level.0) + usize::from(n);
        self.layers.get(level).copied() // L1 is at index 0
    }

    /// One layer of the cleanup or close walk. Returns the call to make, if its driver wants to be told.
    pub(crate) fn notify(&mut self, file: FileId, n: u8) -> Option<Invocation> {
        let entry = self.files.get(file)?;
        let closing = match entry.state {
            FileState::CleaningUp => false,
            FileState::Closing => true,
            _ => return None,
        };
        let device = self.layer_below(entry.creator, n)?;
        if self.waits_for_lock(device, Step::Notify(file, n)) {
            return None; // CLS-23
        }
        let known = self.files[file].is_known_to(device);
        let (callback, enter) = if closing {
            (Callback::OnCloseFile, TraceKind::CloseEnter)
        } else {
            (Callback::OnCleanupFile, TraceKind::CleanupEnter)
        };
        if known && self.devices[device].callbacks.contains(callback) {
            self.note(device, enter).file(Some(file)).record();
            return Some(Invocation::File { device, callback, file, layer: n });
        }
        if !known && !closing {
            // FWD-6, FWD-7: the layer above was to forward the create and did not. Reported, not repaired.
            let above = n.checked_sub(1).and_then(|above| self.layer_below(self.files[file].creator, above));
            self.finding(above.unwrap_or(device), Rule::Fwd6, Some(file), None);
        }
        if closing {
            self.close_left(file, n)
        } else {
            self.cleanup_left(file, n)
        }
        None
    }

    /// A layer's cleanup callback has returned, or it has none: P2, then P3 (FWD-8).
    pub(crate) fn cleanup_left(&mut self, file: FileId, n: u8) {
        let Some(creator) = self.files.get(file).map(|entry| entry.creator) else { return };
        let Some(device) = self.layer_below(creator, n) else { return };
        self.cancel_undelivered(device, file);
        if self.passes_notifications_on(device) {
            self.run_queue.push(Step::Notify(file, n + 1));
        } else {
            self.cleanup_done(file);
        }
    }

    /// P2: requests of the file that sit in this layer's queues end here, cancelled (QUE-8).
    fn cancel_undelivered(&mut self, device: DeviceId, file: FileId) {
        for id in self.files[file].io.members(&self.received) {
            let waiting =
                self.received.get(id).is_some_and(|hop| hop.receiver == device && hop.state == ReceivedState::Queued);
            if waiting {
                self.cancel_queued(id);
            }
        }
    }

    fn passes_notifications_on(&self, device: DeviceId) -> bool {
        let device = &self.devices[device];
        let forwards = device
            .hosted()
            .is_some_and(|hosted| forwards_cleanup_and_close(hosted.config.role, hosted.config.forwarding));
        forwards && device.lower.is_some()
    }

    /// The cleanup notification has returned from the last layer: P4, and `Close` returns (CLS-5, CLS-13).
    fn cleanup_done(&mut self, file: FileId) {
        let entry = &mut self.files[file];
        entry.state.step(FileEvent::CleanupReturned);
        let (creator, call) = (entry.creator, entry.call.take());
        self.note(creator, TraceKind::CancelCreatorsRequests).file(Some(file)).record();
        self.cancel_requests_of(creator, file);
        if let Some(call) = call {
            if self.devices[creator].upper().is_some() {
                self.note(creator, TraceKind::CallReturned(Call::Close)).file(Some(file)).record();
            }
            self.return_call(creator, call, CallResult::Closed);
        }
        self.settle_file(file);
    }

    /// A layer's close callback has returned, or it has none: its object goes, then the next layer (FWD-8).
    pub(crate) fn close_left(&mut self, file: FileId, n: u8) {
        let Some(creator) = self.files.get(file).map(|entry| entry.creator) else { return };
        let Some(device) = self.layer_below(creator, n) else { return };
        let layers = &self.files[file].layers;
        if let Some(position) = layers.iter().position(|layer| layer.device == device && layer.is_open()) {
            self.delete_layer_file(file, position, LayerFileState::Closed);
            self.io_wait_goes_on(device);
        }
        if self.passes_notifications_on(device) {
            self.run_queue.push(Step::Notify(file, n + 1));
        } else {
            self.files[file].state.step(FileEvent::CloseReturned);
            self.destroy_if_unpinned(file);
        }
    }

    /// P7.
    pub(crate) fn destroy_if_unpinned(&mut self, file: FileId) {
        let Some(entry) = self.files.get_mut(file) else { return };
        if entry.state != FileState::Pinned || entry.pins > 0 {
            return;
        }
        entry.state.step(FileEvent::ReferencesGone);
        let (creator, tag, orphaned) = (entry.creator, entry.tag, entry.orphaned);
        let heard_of = !orphaned || !self.comes_too_late(creator);
        self.note(creator, TraceKind::FileGone).file(Some(file)).record();
        self.end_file(file);
        let owner = &mut self.devices[creator];
        owner.open_files -= 1;
        if heard_of && owner.upper().is_some_and(|upper| !upper.lost) {
            self.effects.push(Effect::AnnounceFileGone { upper: creator, file_tag: tag });
        }
        self.forget_upper_if_done(creator);
        self.removal_goes_on(creator);
        self.removal_begins_if_due();
    }
}
