//! How an upper driver goes: its client died, or its session ended (MAP-6, CLS-25).
//!
//! Either way its files are closed on its behalf through the ordinary close path, and its device disappears when
//! the last file is gone. The completions of a dead one are discarded; one that leaves in order still gets its own.

use crate::effect::Effect;
use crate::file::FileState;
use crate::ids::{DeviceId, FileId, RequestId};
use crate::request::RequestState;
use crate::rule::Rule;
use crate::status::HResult;
use crate::trace::TraceKind;

use super::core::Core;

impl Core {
    /// Abnormal death (MAP-6) when `lost`, else an orderly goodbye: then an open file is a finding (CLS-16).
    pub(crate) fn upper_departs(&mut self, upper: DeviceId, lost: bool) {
        let Some(entry) = self.devices.get_mut(upper).and_then(|device| device.upper_mut()) else { return };
        if entry.lost || entry.leaving {
            entry.lost |= lost;
            return;
        }
        (entry.lost, entry.leaving) = (lost, !lost);
        self.note(upper, if lost { TraceKind::UpperLost } else { TraceKind::UpperLeft }).record();
        let files: Vec<FileId> =
            self.files.iter().filter(|(_, file)| file.creator == upper).map(|(id, _)| id).collect();
        for file in files {
            if !lost && self.files[file].state == FileState::Open && !self.files[file].abandoned {
                self.finding(upper, Rule::Stop1, Some(file), None);
            }
            self.abandon_file(file);
        }
        let idle: Vec<RequestId> = self
            .requests
            .iter()
            .filter(|(_, request)| request.creator == upper && !request.state.is_outstanding())
            .map(|(id, _)| id)
            .collect();
        for request in idle {
            self.delete_request(upper, request);
        }
        let waiting: Vec<_> =
            self.callbacks.iter().filter(|(_, blocked)| blocked.device == upper).map(|(id, _)| id).collect();
        for callback in waiting {
            self.return_from_callback(callback, Ok(()));
        }
        self.forget_upper_if_done(upper);
    }

    /// Closes a file that nobody will close, and lets go of what only a dead or careless creator still holds.
    pub(crate) fn abandon_file(&mut self, file: FileId) {
        let Some(entry) = self.files.get_mut(file) else { return };
        let creator = entry.creator;
        entry.abandoned = true;
        match entry.state {
            FileState::Creating => entry.orphaned = true,
            FileState::Open => self.close_on_behalf(file),
            _ => {}
        }
        let pins: Vec<RequestId> = self
            .requests
            .iter()
            .filter(|(_, request)| {
                request.file == Some(file) && request.creator == creator && request.state == RequestState::Completed
            })
            .map(|(id, _)| id)
            .collect();
        for request in pins {
            self.delete_request(creator, request);
        }
    }

    /// Removes an upper driver's device once nothing of it is left.
    pub(crate) fn forget_upper_if_done(&mut self, upper: DeviceId) {
        let Some(device) = self.devices.get(upper) else { return };
        let going = device.upper().is_some_and(|upper| upper.lost || upper.leaving);
        if !going || device.open_files > 0 {
            return;
        }
        if !self.delete_handle_targets(upper) {
            return; // goes on when the host has finished what it has
        }
        self.close_target_of_removed(upper);
        for (call, _) in std::mem::take(&mut self.devices[upper].target.calls) {
            let result = crate::effect::CallResult::TargetChanged(HResult::S_OK);
            self.return_call(upper, call, result);
        }
        self.requests.retain(|_, request| request.creator != upper);
        self.uppers.retain(|id| *id != upper);
        self.devices.remove(upper);
        self.effects.push(Effect::ForgetUpper { upper });
        self.leave_plan(upper);
    }
}
