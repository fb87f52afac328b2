//! The default target: its state, and what L0 does with it.

use lowerdeck_framework::status::HResult;
use lowerdeck_framework::target::SentIoAction;

use super::Call;

/// What L0 does with its default target.
pub trait DefaultTarget {
    /// Begins `Stop`, or `Start` with None.
    fn begin_target_change(&mut self, action: Option<SentIoAction>) -> Call;
    /// Begins `Stop` with the number of an action, inside the `OnCompletion` of a request or of none.
    fn begin_stop(&mut self, action: u32, inside: Option<u64>) -> Call;
    /// Whether `GetTargetFile` of the default target gives a file.
    fn has_target_file(&mut self) -> bool;
    /// `DeleteWdfObject` of the default target.
    fn delete_target(&mut self) -> HResult;
    /// Begins `Remove` of the default target.
    fn begin_target_remove(&mut self) -> Call;
    /// `GetState` of the default target, as a number.
    fn target_state(&mut self) -> u32;
}
