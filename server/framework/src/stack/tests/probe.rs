//! A driver that keeps what it gets and does with it what its commands say.

use crate::callback::{Callback, CallbackSet};
use crate::context::{DriverContext, Forward};
use crate::driver::{
    BufferRetrieval, CompletedRequest, DeviceConfig, DispatchType, Driver, FileObjectPolicy, Flow, LockingConstraint,
    QueueConfig,
};
use crate::forwarding::{DriverRole, ForwardingState};
use crate::ids::{FileId, QueueId, ReceivedId};
use crate::io::{CompletionParams, SendOptions};
use crate::received::OwnedRequest;
use crate::status::HResult;

/// What the probe does with every request it gets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Habit {
    Complete,
    Keep,
    Arm,
    Forward,
    ForwardAndWait,
    Lose,
    Panic,
}

/// See the module.
#[derive(Debug)]
pub(super) struct Probe {
    pub(super) role: DriverRole,
    pub(super) dispatch: DispatchType,
    pub(super) habit: Habit,
    pub(super) kept: Vec<OwnedRequest>,
}

impl Probe {
    pub(super) fn new(role: DriverRole, dispatch: DispatchType, habit: Habit) -> Probe {
        Probe { role, dispatch, habit, kept: Vec::new() }
    }

    fn take(&mut self, cx: &mut DriverContext<'_>, request: OwnedRequest) -> Flow {
        match self.habit {
            Habit::Complete => {
                let length = cx.parameters(&request).length();
                cx.complete_with_information(request, HResult::S_OK, length);
            }
            Habit::Keep => self.kept.push(request),
            Habit::Arm => {
                cx.mark_cancelable(&request);
                self.kept.push(request);
            }
            Habit::Forward => {
                if let Err((request, status)) =
                    cx.send_received(request, Forward::CurrentType, true, SendOptions::default())
                {
                    cx.complete(request, status);
                }
            }
            Habit::ForwardAndWait => {
                let options = SendOptions { flags: SendOptions::SYNCHRONOUS, timeout: 0 };
                if let Err((request, status)) = cx.send_received(request, Forward::CurrentType, false, options) {
                    cx.complete(request, status);
                }
            }
            Habit::Lose => drop(request),
            Habit::Panic => panic!("the probe was told to"),
        }
        Flow::Returned
    }
}

impl Driver for Probe {
    fn name(&self) -> &str {
        "probe"
    }

    fn configure(&self) -> DeviceConfig {
        let handlers = CallbackSet::of(&[Callback::OnRead, Callback::OnWrite, Callback::OnDeviceIoControl]);
        DeviceConfig {
            role: self.role,
            forwarding: ForwardingState::UseDefault,
            callbacks: CallbackSet::of(&[Callback::OnCleanupFile, Callback::OnCloseFile]),
            queues: vec![QueueConfig::default_queue(self.dispatch, handlers)],
            locking: LockingConstraint::DeviceLevel,
            file_policy: FileObjectPolicy::RejectNullAndUnknown,
            buffer_retrieval: BufferRetrieval::CopyImmediately,
        }
    }

    fn on_read(&mut self, cx: &mut DriverContext<'_>, _: QueueId, request: OwnedRequest, _: u64) -> Flow {
        self.take(cx, request)
    }

    fn on_write(&mut self, cx: &mut DriverContext<'_>, _: QueueId, request: OwnedRequest, _: u64) -> Flow {
        self.take(cx, request)
    }

    fn on_cancel(&mut self, cx: &mut DriverContext<'_>, request: ReceivedId) -> Flow {
        if let Some(index) = self.kept.iter().position(|kept| kept.id() == request) {
            let request = self.kept.swap_remove(index);
            cx.complete(request, HResult::ERROR_OPERATION_ABORTED);
        }
        Flow::Returned
    }

    fn on_completion(
        &mut self,
        cx: &mut DriverContext<'_>,
        request: CompletedRequest,
        params: &CompletionParams,
    ) -> Flow {
        if let CompletedRequest::Received(request) = request {
            cx.complete_as(request, params);
        }
        Flow::Returned
    }

    fn on_cleanup_file(&mut self, _: &mut DriverContext<'_>, _: FileId) -> Flow {
        Flow::Returned
    }

    /// `complete` ends the oldest kept request properly; `habit …` changes what is done with the next.
    fn on_control(&mut self, cx: &mut DriverContext<'_>, command: &str) -> Result<String, String> {
        self.habit = match command {
            "complete" => {
                if self.kept.is_empty() {
                    return Ok("nothing".to_owned());
                }
                let request = self.kept.remove(0);
                match cx.unmark_cancelable(&request) {
                    Err(HResult::ERROR_OPERATION_ABORTED) => self.kept.push(request), // OnCancel will end it (REQ-50)
                    _ => cx.complete(request, HResult::S_OK),
                }
                return Ok("done".to_owned());
            }
            "habit complete" => Habit::Complete,
            "habit keep" => Habit::Keep,
            "habit arm" => Habit::Arm,
            "habit forward" => Habit::Forward,
            "habit forward-and-wait" => Habit::ForwardAndWait,
            other => return Err(format!("no such command: {other}")),
        };
        Ok(String::new())
    }
}
