//! The files of the framework back end. A file that never opened is a stale id: UMDF never handed it out.

use lowerdeck_framework::callback::CallbackSet;
use lowerdeck_framework::stack::UpperConfig;
use lowerdeck_framework::status::HResult;

use super::InProcess;
use crate::backend::{Call, Files, Outcome};

impl Files for InProcess {
    fn begin_create(&mut self, file: u64, name: Option<&str>) -> Call {
        let call = self.next_call();
        self.creates.insert(call, file);
        self.stack.create_requested(self.now, self.upper, file, u128::from(file), name, call);
        self.settle();
        Call(call.0)
    }

    fn begin_close(&mut self, file: u64) -> Call {
        let file = self.file(file);
        self.begin(|stack, now, upper, call| stack.close_requested(now, upper, file, call))
    }

    fn open_elsewhere(&mut self, file: u64) {
        let config = UpperConfig { tag: 2, callbacks: CallbackSet::EMPTY };
        let other = self.stack.upper_attached(self.now, config);
        self.settle();
        let call = self.next_call();
        self.creates.insert(call, file);
        self.stack.create_requested(self.now, other, file, u128::from(file), None, call);
        self.settle();
        assert_eq!(self.returned.get(&Call(call.0)), Some(&Outcome::Status(HResult::S_OK)));
    }

    fn forget_file(&mut self, file: u64) {
        self.files.remove(&file);
        self.settle();
    }

    fn delete_file(&mut self, file: u64) -> HResult {
        let status = self.stack.file_delete_requested(self.upper, self.file(file));
        self.settle();
        status
    }

    fn cancel_for_file(&mut self, file: u64) {
        self.stack.cancel_for_file_requested(self.now, self.upper, self.file(file));
        self.settle();
    }

    fn close_in_completion(&mut self, request: u64, file: u64) {
        self.closes.insert(request, file);
    }
}
