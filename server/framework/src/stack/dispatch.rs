//! The run loop and the choke point: the only place from which drivers are called.
//!
//! One step at a time. Around every call: the device lock is looked at before, the call is made with unwinding
//! caught (a panic is a driver stop, STOP-9), lost requests are looked for after (REQ-44), and only then does
//! what follows go on.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};

use crate::callback::Callback;
use crate::context::DriverContext;
use crate::driver::{CompletedRequest, Driver, Flow};
use crate::ids::{CallbackId, DeviceId, FileId, QueueId, ReceivedId, RequestId};
use crate::io::CompletionParams;
use crate::io_stop::StopFlags;
use crate::received::OwnedRequest;
use crate::rule::Rule;
use crate::scheduler::Step;
use crate::status::HResult;
use crate::trace::TraceKind;

use super::Stack;
use super::core::{Core, Sequel};

/// A driver call to make.
#[derive(Debug)]
pub(crate) enum Invocation {
    Queue {
        device: DeviceId,
        queue: QueueId,
        handler: Callback,
        received: ReceivedId,
    },
    Cancel {
        device: DeviceId,
        received: ReceivedId,
    },
    CompletionOfReceived {
        device: DeviceId,
        received: ReceivedId,
        params: CompletionParams,
        waiter: Option<CallbackId>,
    },
    CompletionOfCreated {
        device: DeviceId,
        request: RequestId,
        params: CompletionParams,
        waiter: Option<CallbackId>,
    },
    File {
        device: DeviceId,
        callback: Callback,
        file: FileId,
        layer: u8,
    },
    Pnp {
        device: DeviceId,
        callback: Callback,
    },
    IoStop {
        device: DeviceId,
        queue: QueueId,
        received: ReceivedId,
        flags: StopFlags,
    },
    IoResume {
        device: DeviceId,
        queue: QueueId,
        received: ReceivedId,
    },
}

impl Stack {
    /// Runs one step that is ready. False when there was none.
    pub(super) fn run_one(&mut self) -> bool {
        let Some(step) = self.core.run_queue.pop() else { return false };
        match step {
            Step::Dispatch(device, queue) => {
                if !self.core.waits_for_lock(device, step)
                    && let Some(invocation) = self.core.dispatch(device, queue)
                {
                    self.invoke(invocation);
                }
            }
            Step::Cancel(received) | Step::CancelOnQueue(received) => self.run_cancel(step, received),
            Step::IoStop(received) => {
                if let Some(invocation) = self.core.deliver_io_stop(received) {
                    self.invoke(invocation);
                }
            }
            Step::IoResume(received) => {
                if let Some(invocation) = self.core.deliver_io_resume(received) {
                    self.invoke(invocation);
                }
            }
            Step::Climb(received) => {
                let (invocation, untied) = self.core.climb(received);
                if let Some(invocation) = invocation {
                    self.invoke(invocation);
                }
                if let Some(untied) = untied
                    && !self.core.is_dead()
                {
                    self.core.settle(untied);
                }
            }
            Step::Release(target) => self.core.release(target),
            Step::Notify(file, layer) => {
                if let Some(invocation) = self.core.notify(file, layer) {
                    self.invoke(invocation);
                }
            }
            Step::Pnp(device) => {
                if let Some(invocation) = self.core.pnp(device) {
                    self.invoke(invocation);
                }
            }
            Step::Surprise(device) => {
                if let Some(invocation) = self.core.surprise(device) {
                    self.invoke(invocation);
                }
            }
            Step::ContextCleanup(device, file, context) => {
                self.core.note(device, TraceKind::ContextCleanup).file(Some(file)).record();
                self.call(device, Callback::OnContextCleanup, |driver, cx| {
                    driver.on_context_cleanup(cx, file, context)
                });
            }
            Step::Return(device) => self.run_return(device),
            Step::SendReturned(waiter) => self.run_send_returned(waiter),
            Step::AcquireLock(device) => {
                if self.core.lock_acquired(device) {
                    self.call(device, Callback::OnTimer, |driver, cx| driver.on_lock_acquired(cx));
                }
            }
            Step::Timer(device, cookie) => {
                self.call(device, Callback::OnTimer, |driver, cx| driver.on_timer(cx, cookie));
            }
        }
        true
    }

    fn run_cancel(&mut self, step: Step, received: ReceivedId) {
        let Some(device) = self.core.received.get(received).map(|received| received.receiver) else { return };
        if self.core.waits_for_lock(device, step) {
            return;
        }
        let invocation = match step {
            Step::CancelOnQueue(_) => self.core.deliver_queue_cancel(received),
            _ => self.core.deliver_cancel(received),
        };
        if let Some(invocation) = invocation {
            self.invoke(invocation);
        }
    }

    fn run_return(&mut self, device: DeviceId) {
        let Some(hosted) = self.core.devices.get_mut(device).and_then(|device| device.hosted_mut()) else { return };
        if let Some((call, result)) = hosted.returns.pop_front() {
            self.call(device, Callback::OnCallReturned, |driver, cx| driver.on_call_returned(cx, call, result));
        }
    }

    /// Makes one driver call and lets go on what follows it.
    fn invoke(&mut self, invocation: Invocation) {
        match invocation {
            Invocation::Queue { device, queue, handler, received } => {
                let length = self.core.received[received].parameters.length();
                let file = self.core.received[received].file;
                self.flow(device, handler, Sequel::Nothing, |driver, cx| {
                    let request = OwnedRequest::new(received);
                    match (handler, file) {
                        (Callback::OnCreateFile, Some(file)) => driver.on_create_file(cx, queue, request, file),
                        (Callback::OnRead, _) => driver.on_read(cx, queue, request, length),
                        (Callback::OnWrite, _) => driver.on_write(cx, queue, request, length),
                        (Callback::OnDeviceIoControl, _) => driver.on_device_io_control(cx, queue, request),
                        (Callback::OnIoCanceledOnQueue, _) => driver.on_io_canceled_on_queue(cx, queue, request),
                        _ => driver.on_default_io_handler(cx, queue, request),
                    }
                });
            }
            Invocation::Cancel { device, received } => {
                self.flow(device, Callback::OnCancel, Sequel::Nothing, |driver, cx| driver.on_cancel(cx, received));
            }
            Invocation::IoStop { device, queue, received, flags } => {
                self.flow(device, Callback::OnIoStop, Sequel::Nothing, |driver, cx| {
                    driver.on_io_stop(cx, queue, received, flags)
                });
            }
            Invocation::IoResume { device, queue, received } => {
                self.flow(device, Callback::OnIoResume, Sequel::Nothing, |driver, cx| {
                    driver.on_io_resume(cx, queue, received)
                });
            }
            Invocation::CompletionOfReceived { device, received, params, waiter } => {
                let sequel = waiter.map_or(Sequel::Nothing, Sequel::Send);
                self.flow(device, Callback::OnCompletion, sequel, |driver, cx| {
                    driver.on_completion(cx, CompletedRequest::Received(OwnedRequest::new(received)), &params)
                });
            }
            Invocation::CompletionOfCreated { device, request, params, waiter } => {
                let sequel = waiter.map_or(Sequel::Nothing, Sequel::Send);
                self.flow(device, Callback::OnCompletion, sequel, |driver, cx| {
                    driver.on_completion(cx, CompletedRequest::Created(request), &params)
                });
            }
            Invocation::File { device, callback, file, layer } => {
                self.flow(device, callback, Sequel::Walk(file, layer), |driver, cx| match callback {
                    Callback::OnCleanupFile => driver.on_cleanup_file(cx, file),
                    _ => driver.on_close_file(cx, file),
                });
            }
            Invocation::Pnp { device, callback } => self.invoke_pnp(device, callback),
        }
    }

    fn invoke_pnp(&mut self, device: DeviceId, callback: Callback) {
        let result = self.call(device, callback, |driver, cx| {
            let result = driver.on_pnp(cx, callback);
            cx.entry.map_or(result, |entry| Ok(Flow::Blocked(entry)))
        });
        match result {
            Some(Ok(Flow::Returned)) => self.core.after_callback(device, callback, Sequel::Nothing, Ok(())),
            Some(Err(status)) => self.core.after_callback(device, callback, Sequel::Nothing, Err(status)),
            Some(Ok(Flow::Blocked(_))) | None => {}
        }
    }

    /// A synchronous Send returns into its callback, which goes on in its own name and under the lock it holds.
    fn run_send_returned(&mut self, waiter: CallbackId) {
        let Some((device, returned)) = self.core.take_returned_send(waiter) else { return };
        let Some(callback) = self.core.callbacks.get(waiter).map(|blocked| blocked.callback) else { return };
        let result = self.call_as(device, callback, Some(waiter), |driver, cx| {
            let result = driver.on_send_returned(cx, returned.given_back(), &returned.params);
            if cx.core.is_in_send(waiter) { Ok(Flow::Blocked(waiter)) } else { result }
        });
        let _ = match result {
            Some(Ok(Flow::Returned)) => self.core.return_from_callback(waiter, Ok(())),
            Some(Err(status)) => self.core.return_from_callback(waiter, Err(status)),
            Some(Ok(Flow::Blocked(_))) | None => false,
        };
    }

    /// A call that may leave its callback blocked; `sequel` is what goes on when it returns.
    fn flow(
        &mut self,
        device: DeviceId,
        callback: Callback,
        sequel: Sequel,
        call: impl FnOnce(&mut dyn Driver, &mut DriverContext<'_>) -> Flow,
    ) {
        let flow = self.call(device, callback, |driver, cx| {
            let flow = call(driver, cx);
            cx.entry.map_or(flow, Flow::Blocked)
        });
        match flow {
            Some(Flow::Returned) => self.core.after_callback(device, callback, sequel, Ok(())),
            Some(Flow::Blocked(id)) => {
                if let Some(blocked) = self.core.callbacks.get_mut(id) {
                    blocked.sequel = sequel;
                }
            }
            None => {}
        }
    }

    /// A call of a callback from its beginning: see [`Stack::call_as`].
    pub(super) fn call<R>(
        &mut self,
        device: DeviceId,
        callback: Callback,
        call: impl FnOnce(&mut dyn Driver, &mut DriverContext<'_>) -> R,
    ) -> Option<R> {
        self.call_as(device, callback, None, call)
    }

    /// The choke point; `entry` is that of a callback that goes on. None when the driver panicked or the stack was
    /// stopped during the call.
    fn call_as<R>(
        &mut self,
        device: DeviceId,
        callback: Callback,
        entry: Option<CallbackId>,
        call: impl FnOnce(&mut dyn Driver, &mut DriverContext<'_>) -> R,
    ) -> Option<R> {
        let driver = self.core.devices.get(device)?.hosted()?.driver;
        let driver = self.drivers[driver].as_mut();
        let mut cx = DriverContext { core: &mut self.core, device, callback, entry };
        let outcome = catch_unwind(AssertUnwindSafe(|| call(driver, &mut cx)));
        let lost = OwnedRequest::take_lost();
        match outcome {
            Err(panic) => {
                self.core.driver_stop(device, Rule::Stop9, panic_text(panic.as_ref()));
                None
            }
            Ok(_) if self.core.is_dead() => None,
            Ok(result) => {
                report_lost(&mut self.core, device, &lost);
                Some(result)
            }
        }
    }
}

/// REQ-44: whoever drops a received request without a word is told at once.
fn report_lost(core: &mut Core, device: DeviceId, lost: &[ReceivedId]) {
    for id in lost {
        if let Some((file, request)) = core.received.get(*id).map(|hop| (hop.file, hop.request)) {
            core.violation(device, Rule::Req44, file, Some(request));
        }
    }
}

fn panic_text(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    text.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap_or_else(|| "no message".to_owned())
}

/// What an unanswered status means in a driver's own vocabulary.
pub(crate) const fn as_result(status: HResult) -> Result<(), HResult> {
    if status.is_success() { Ok(()) } else { Err(status) }
}
