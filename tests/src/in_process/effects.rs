//! What the framework tells L0: effects, taken when the stack has nothing to do or between the steps of a race.

use lowerdeck_framework::effect::{CallResult, Effect};
use lowerdeck_framework::status::HResult;

use super::InProcess;
use crate::backend::{Act, Call, Completion, Echo, Outcome};

impl InProcess {
    /// True when there were any, and L0 reads.
    pub(super) fn take_effects(&mut self) -> bool {
        let mut effects = Vec::new();
        if self.reading {
            self.stack.take_effects(&mut effects);
        }
        let any = !effects.is_empty();
        effects.into_iter().for_each(|effect| self.take(effect));
        any
    }

    fn take(&mut self, effect: Effect) {
        match effect {
            Effect::ReturnCall { call, result, .. } => {
                let outcome = match result {
                    CallResult::WdfFileCreated(Ok(file)) => {
                        self.files.insert(self.creates[&call], file);
                        Outcome::Status(HResult::S_OK)
                    }
                    CallResult::WdfFileCreated(Err(status)) | CallResult::TargetChanged(status) => {
                        Outcome::Status(status)
                    }
                    CallResult::Closed => Outcome::Void,
                };
                self.returned.insert(Call(call.0), outcome);
            }
            Effect::CompleteRequest { number, callback, params, .. } => {
                self.completed.insert(number, params.status);
                if let Some(file) = self.closes.remove(&number) {
                    self.apply(&Act::Close(file));
                }
                if callback {
                    let echo = Echo {
                        kind: params.kind.to_string(),
                        code: params.code.0,
                        device_offset: params.device_offset,
                        input_start: params.input_start,
                        output_start: params.output_start,
                    };
                    let (status, information, data) = (params.status, params.information, params.output);
                    self.completions.push(Completion { request: number, status, information, data, echo });
                }
            }
            Effect::ReportDriverStop(stop) => self.decision = Some(self.policy.failed(stop.time)),
            Effect::InvokeCallback { callback, kind, .. } => self.invoked.push_back((callback, kind)),
            Effect::SubmitHostIo { io, handle, parameters } => self.host.submitted(io, handle, parameters),
            Effect::CancelHostIo { io } => self.host.cancel_asked(io),
            _ => {}
        }
    }
}
