//! What a creator still has open when its removal callbacks have returned, and whose files a removal waits for.
//!
//! ```text
//!  the file                                    what happens
//!  open, or closing with I/O outstanding       a violation, then closed on the creator's behalf (STOP-1, STOP-2)
//!  the framework's own, nothing outstanding    closed by the framework (PNP-14)
//!  the framework's own, with I/O outstanding   a violation, then closed (PNP-14)
//!  its create is still below                   nobody has opened it yet: closed as soon as it opens
//! ```
//!
//! Files of applications come first: nobody is told of removal while one of them is open (PNP-12).

use crate::device::DeviceState;
use crate::file::{File, FileState};
use crate::ids::{CallId, DeviceId, FileId};
use crate::rule::Rule;

use super::core::Core;
use super::phase::Phase;
use super::{Stack, StackState};

impl Stack {
    /// Whether files of applications keep this stack alive: until they are closed, no driver is told of a removal,
    /// and nothing takes the place of a stack that was stopped (PNP-12).
    pub fn is_kept_alive(&self) -> bool {
        self.core.waits_for_applications()
    }
}

impl Core {
    /// The removal callbacks of `device` have returned: what of its files is open is judged, once each. True when
    /// none of them keeps it.
    pub(crate) fn may_be_removed(&mut self, device: DeviceId) -> bool {
        if self.devices[device].open_files == 0 {
            return true;
        }
        self.watch_layers();
        if self.devices[device].upper().is_some_and(|upper| upper.lost || upper.leaving) {
            return false; // the host is closing them already (MAP-6)
        }
        let of_device =
            |(_, file): &(FileId, &File)| file.creator == device && !file.abandoned && file.state != FileState::Gone;
        let judged: Vec<FileId> = self.files.iter().filter(of_device).map(|(id, _)| id).collect();
        for file in judged {
            if let Some(rule) = broken_by(&self.files[file]) {
                self.violation(device, rule, Some(file), None);
            }
            if self.is_dead() {
                return false;
            }
            self.abandon_file(file);
        }
        let is_kept = |file: &File| file.creator == device && file.is_session();
        !self.files.values().any(is_kept)
    }

    /// What a driver's own create means for a file that the framework keeps for it, such as a USB target's (PNP-14).
    pub(crate) fn create_hidden_file(&mut self, creator: DeviceId, name: Option<&str>, call: CallId) {
        self.create_wdf_file(creator, 0, None, name, call);
        if let Some(file) = self.files.values_mut().find(|file| file.creator == creator && file.call == Some(call)) {
            file.hidden = true;
        }
    }

    /// Whether an application has a file open.
    pub(crate) fn waits_for_applications(&self) -> bool {
        let uppers = self.uppers.iter().filter_map(|id| self.devices.get(*id));
        let mut applications = uppers.filter(|device| device.upper().is_some_and(|upper| upper.is_application));
        applications.any(|device| device.open_files > 0)
    }

    /// A file has gone: a removal that waited for applications begins, if it was the last of theirs.
    pub(crate) fn removal_begins_if_due(&mut self) {
        let next = self.plan.front().filter(|(_, phase)| *phase == Phase::Remove);
        if self.state == StackState::Removing && next.is_some_and(|(device, _)| self.devices[*device].phase.is_none()) {
            self.plan_next();
        }
    }

    /// Whether nobody is left to use what a create of `creator` has opened.
    pub(crate) fn comes_too_late(&self, creator: DeviceId) -> bool {
        self.devices.get(creator).is_none_or(|device| device.state == DeviceState::Removed)
    }
}

/// What a file breaks that its creator leaves behind.
fn broken_by(file: &File) -> Option<Rule> {
    match (file.state, file.hidden) {
        (FileState::Creating | FileState::Gone, _) => None,
        (_, true) if file.io.is_empty() => None,
        (_, true) => Some(Rule::Pnp14),
        (_, false) => Some(Rule::Stop1),
    }
}
