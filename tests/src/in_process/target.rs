//! The default target of the framework back end.

use lowerdeck_framework::status::HResult;

use super::InProcess;
use crate::backend::{Call, DefaultTarget, Outcome, SentIoAction};

impl DefaultTarget for InProcess {
    fn begin_target_change(&mut self, action: Option<SentIoAction>) -> Call {
        self.begin(|stack, now, upper, call| match action {
            Some(_) => stack.target_stop_requested(now, upper, None, action, None, call),
            None => stack.target_start_requested(now, upper, None, call),
        })
    }

    fn begin_stop(&mut self, action: u32, inside: Option<u64>) -> Call {
        let (action, inside) = (SentIoAction::from_number(action), inside.map(|request| self.request(request)));
        self.begin(|stack, now, upper, call| {
            stack.target_stop_requested(now, upper, None, action, inside, call);
        })
    }

    fn has_target_file(&mut self) -> bool {
        self.stack.target_file(self.upper, None).is_some()
    }

    fn delete_target(&mut self) -> HResult {
        let call = self.begin(|stack, now, upper, call| stack.target_delete_requested(now, upper, None, call));
        match self.returned.get(&call) {
            Some(Outcome::Status(status)) => *status,
            other => panic!("the deletion of the default target returned {other:?}"),
        }
    }

    fn begin_target_remove(&mut self) -> Call {
        self.begin(|stack, now, upper, call| stack.target_remove_requested(now, upper, None, call))
    }

    fn target_state(&mut self) -> u32 {
        self.stack.target_state(self.upper, None).number()
    }
}
