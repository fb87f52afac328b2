//! The default target.

use lowerdeck_framework::status::HResult;

use super::Stage;
use crate::backend::{Call, SentIoAction};

impl Stage {
    /// `Stop`, which may wait.
    pub fn begin_stop(&mut self, action: SentIoAction) -> Call {
        self.backend.begin_target_change(Some(action))
    }

    /// `Stop` that must have returned.
    pub fn stop(&mut self, action: SentIoAction) -> HResult {
        let call = self.begin_stop(action);
        self.status_of(call)
    }

    /// `Stop` with the number of an action, inside the `OnCompletion` of a request if one is named; it may wait.
    pub fn begin_stop_numbered(&mut self, action: u32, inside: Option<&str>) -> Call {
        let inside = inside.map(|request| self.number(request));
        self.backend.begin_stop(action, inside)
    }

    /// Whether `GetTargetFile` gives a file.
    pub fn has_target_file(&mut self) -> bool {
        self.backend.has_target_file()
    }

    /// `DeleteWdfObject` of the default target.
    pub fn delete_target(&mut self) -> HResult {
        self.backend.delete_target()
    }

    /// `Start`.
    pub fn start_target(&mut self) -> HResult {
        let call = self.backend.begin_target_change(None);
        self.status_of(call)
    }

    /// `Remove`.
    pub fn remove_target(&mut self) -> HResult {
        let call = self.backend.begin_target_remove();
        self.status_of(call)
    }

    /// `GetState` as a number.
    pub fn target_state(&mut self) -> u32 {
        self.backend.target_state()
    }
}
