//! Files, by the script's names.

use lowerdeck_framework::status::HResult;

use super::Stage;
use crate::backend::Call;

impl Stage {
    /// `CreateWdfFile` that must have returned; gives its status.
    pub fn create(&mut self, file: &str) -> HResult {
        self.create_named(file, None)
    }

    /// `CreateWdfFile` with a file name.
    pub fn create_named(&mut self, file: &str, name: Option<&str>) -> HResult {
        let call = self.begin_create(file, name);
        self.status_of(call)
    }

    /// `CreateWdfFile` that may not return yet.
    pub fn begin_create(&mut self, file: &str, name: Option<&str>) -> Call {
        let number = self.name(file);
        self.backend.begin_create(number, name)
    }

    /// A file that must open.
    pub fn open(&mut self, file: &str) {
        let status = self.create(file);
        self.check(status == HResult::S_OK, &format!("`{file}` did not open: {status}"));
    }

    /// `Close` that must have returned.
    pub fn close(&mut self, file: &str) {
        let call = self.begin_close(file);
        self.eventually(|stage| {
            stage.backend.outcome(call).ok_or_else(|| format!("Close of `{file}` has not returned"))
        });
    }

    /// `Close` that may not return yet.
    pub fn begin_close(&mut self, file: &str) -> Call {
        let number = self.number(file);
        if !self.closed.insert(file.to_owned()) {
            self.misuses.push("CLS-17");
        }
        self.backend.begin_close(number)
    }

    /// A file that another upper driver on the same stack opens. It stays open.
    pub fn open_elsewhere(&mut self, file: &str) {
        let number = self.name(file);
        self.backend.open_elsewhere(number);
    }

    /// L0 drops its last reference to a file that it has not closed.
    pub fn forget(&mut self, file: &str) {
        let number = self.number(file);
        self.backend.forget_file(number);
    }

    /// `DeleteWdfObject` of a file.
    pub fn delete_file(&mut self, file: &str) -> HResult {
        let number = self.number(file);
        self.backend.delete_file(number)
    }

    /// `CancelSentRequestsForFile`.
    pub fn cancel_for_file(&mut self, file: &str) {
        let number = self.number(file);
        self.backend.cancel_for_file(number);
    }

    /// L0 calls `Close` of `file` from inside `OnCompletion` of `request`.
    pub fn close_in_completion(&mut self, request: &str, file: &str) {
        self.closed.insert(file.to_owned());
        self.backend.close_in_completion(self.number(request), self.number(file));
    }
}
