//! Files: `CreateWdfFile`, `Close` and what else L0 does with a file, named by the script's number.

use lowerdeck_framework::status::HResult;

use super::Call;

/// What L0 does with its files.
pub trait Files {
    /// Begins `CreateWdfFile`; `file` is the number of both the file and its create.
    fn begin_create(&mut self, file: u64, name: Option<&str>) -> Call;
    /// Begins `Close`.
    fn begin_close(&mut self, file: u64) -> Call;
    /// Another upper driver on the same stack creates a file, which must open.
    fn open_elsewhere(&mut self, file: u64);
    /// L0 forgets a file without closing it.
    fn forget_file(&mut self, file: u64);
    /// `DeleteWdfObject` of a file.
    fn delete_file(&mut self, file: u64) -> HResult;
    /// `CancelSentRequestsForFile`.
    fn cancel_for_file(&mut self, file: u64);
    /// L0 closes `file` from inside its `OnCompletion` of `request`, before it has returned from that.
    fn close_in_completion(&mut self, request: u64, file: u64);
}
