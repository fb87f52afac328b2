//! Synchronous Sends of hosted drivers (REQ-13): what only a driver written for it can do.

use super::life::{Life, read_on};
use super::probe::{Habit, Probe};
use crate::context::{DriverContext, Forward};
use crate::driver::{CompletedRequest, DeviceConfig, DispatchType, Driver, Flow};
use crate::forwarding::DriverRole;
use crate::ids::{CallId, CallbackId, DeviceId, FileId, Level, QueueId};
use crate::io::{CompletionParams, SendOptions};
use crate::received::OwnedRequest;
use crate::rule::Rule;
use crate::status::HResult;
use crate::target::{SentIoAction, TargetCall, TargetRef};
use crate::trace::TraceKind;
use crate::verifier::VerifierMode;

const SYNCHRONOUS: SendOptions = SendOptions { flags: SendOptions::SYNCHRONOUS, timeout: 0 };

/// What L1 does about its synchronous Sends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Manner {
    /// It sends and says that it has returned.
    Plain,
    /// It sends twice from one callback.
    Twice,
    /// It sends once more when the first Send has returned.
    Again,
    /// It drops the request that the Send gives back.
    Loses,
    /// It keeps a read until `OnCleanupFile`, and sends it there.
    InCleanup,
}

/// L1: sends every read on, synchronously.
struct Waiter {
    probe: Probe,
    manner: Manner,
    first: Option<OwnedRequest>,
    waits: Vec<CallbackId>,
}

impl Driver for Waiter {
    fn name(&self) -> &str {
        "waiter"
    }

    fn configure(&self) -> DeviceConfig {
        self.probe.configure()
    }

    fn on_read(&mut self, cx: &mut DriverContext<'_>, _: QueueId, request: OwnedRequest, _: u64) -> Flow {
        if matches!(self.manner, Manner::Twice | Manner::InCleanup) && self.first.is_none() {
            self.first = Some(request);
            return Flow::Returned;
        }
        let sent = cx.send_received(request, Forward::CurrentType, false, SYNCHRONOUS);
        assert!(sent.is_ok() && cx.is_in_send());
        self.waits.push(cx.block());
        if let Some(first) = self.first.take() {
            let refused = cx.send_received(first, Forward::CurrentType, false, SYNCHRONOUS);
            let (first, status) = refused.expect_err("its thread is in a Send");
            cx.complete(first, status);
        }
        Flow::Returned // not true, and without effect
    }

    fn on_send_returned(
        &mut self,
        cx: &mut DriverContext<'_>,
        request: Option<CompletedRequest>,
        params: &CompletionParams,
    ) -> Result<Flow, HResult> {
        let Some(CompletedRequest::Received(request)) = request else { return Ok(Flow::Returned) };
        assert_eq!(self.waits.last(), Some(&cx.block()), "the same callback goes on");
        match self.manner {
            Manner::Loses => drop(request),
            Manner::Again => {
                self.manner = Manner::Plain;
                cx.send_received(request, Forward::CurrentType, false, SYNCHRONOUS).expect("the first has returned");
            }
            Manner::Plain | Manner::Twice | Manner::InCleanup => cx.complete_as(request, params),
        }
        Ok(Flow::Returned)
    }

    fn on_cleanup_file(&mut self, cx: &mut DriverContext<'_>, _: FileId) -> Flow {
        if let Some(first) = self.first.take() {
            cx.send_received(first, Forward::CurrentType, false, SYNCHRONOUS).expect("the lower driver takes it");
            self.waits.push(cx.block());
        }
        Flow::Returned // not true, and without effect
    }

    /// Tries to return from its callbacks.
    fn on_control(&mut self, cx: &mut DriverContext<'_>, _: &str) -> Result<String, String> {
        let returned = self.waits.iter().filter(|callback| cx.return_from_callback(**callback, Ok(()))).count();
        Ok(returned.to_string())
    }
}

/// L1 in `manner` over a probe that keeps what it gets, and a file.
fn life(manner: Manner) -> (Life, FileId) {
    let probe = Probe::new(DriverRole::Filter, DispatchType::Parallel, Habit::Forward);
    let waiter = Waiter { probe, manner, first: None, waits: Vec::new() };
    let keeper = Probe::new(DriverRole::Function, DispatchType::Parallel, Habit::Arm);
    let mut life = Life::begin(vec![Box::new(waiter), Box::new(keeper)], VerifierMode::Strict, None);
    let file = life.open();
    (life, file)
}

/// The lower driver completes what it has kept longest.
fn complete(life: &mut Life) {
    assert_eq!(life.control(2, "complete").as_deref(), Ok("done"));
}

#[test]
fn a_callback_in_a_send_has_not_returned_whatever_it_says() {
    let (mut life, file) = life(Manner::Plain);
    read_on(&mut life, file, SendOptions::default());
    read_on(&mut life, file, SendOptions::default());
    assert_eq!(life.stack.core.callbacks.len(), 1, "the second read waits for the lock of the first");
    assert_eq!(life.control(1, "return").as_deref(), Ok("0"), "only the Send can return");
    complete(&mut life);
    complete(&mut life);
    assert_eq!(life.stack.core.callbacks.len(), 0);
    life.end();
    life.check();
}

#[test]
fn a_cleanup_in_a_send_goes_no_further() {
    let (mut life, file) = life(Manner::InCleanup);
    let request = read_on(&mut life, file, SendOptions::default());
    life.close_first();
    let left = |life: &Life| {
        let trace = life.stack.trace_after(0, usize::MAX);
        trace.iter().filter(|entry| entry.kind == TraceKind::CleanupLeave).count()
    };
    assert_eq!((life.status_of(request), left(&life)), (None, 0));
    complete(&mut life);
    assert_eq!((life.status_of(request), left(&life)), (Some(HResult::S_OK), 2), "L1 and then L2");
    life.end();
    life.check();
}

#[test]
fn a_callback_makes_one_synchronous_send_at_a_time() {
    let (mut life, file) = life(Manner::Twice);
    let kept = read_on(&mut life, file, SendOptions::default());
    let sent = read_on(&mut life, file, SendOptions::default());
    assert_eq!((life.status_of(kept), life.status_of(sent)), (Some(HResult::STATUS_INVALID_DEVICE_REQUEST), None));
    complete(&mut life);
    assert_eq!(life.status_of(sent), Some(HResult::S_OK));
    life.end();
    life.check();
}

#[test]
fn a_callback_may_send_again_when_its_send_has_returned() {
    let (mut life, file) = life(Manner::Again);
    let request = read_on(&mut life, file, SendOptions::default());
    complete(&mut life);
    assert_eq!((life.status_of(request), life.stack.core.callbacks.len()), (None, 1));
    complete(&mut life);
    assert_eq!((life.status_of(request), life.stack.core.callbacks.len()), (Some(HResult::S_OK), 0));
    life.end();
    life.check();
}

#[test]
fn a_request_lost_after_its_send_is_a_driver_stop() {
    let (mut life, file) = life(Manner::Loses);
    read_on(&mut life, file, SendOptions::default());
    complete(&mut life);
    assert_eq!(life.stack.driver_stop().map(|stop| stop.rule), Some(Rule::Req44));
    assert_eq!(life.completed, life.accepted);
}

fn change_target_of_l1(life: &mut Life, change: TargetCall) {
    let l1: DeviceId = life.stack.core.layers[0];
    life.stack.core.change_target(TargetRef { device: l1, handle: None }, CallId(1 << 40), change);
    life.settle();
}

#[test]
fn a_send_to_a_stopped_target_waits_for_start() {
    let (mut life, file) = life(Manner::Plain);
    change_target_of_l1(&mut life, TargetCall::Stop(SentIoAction::LeavePending));
    let request = read_on(&mut life, file, SendOptions::default());
    assert_eq!(life.control(2, "complete").as_deref(), Ok("nothing"), "it never came there");
    assert_eq!((life.status_of(request), life.stack.core.callbacks.len()), (None, 1));
    change_target_of_l1(&mut life, TargetCall::Start);
    complete(&mut life);
    assert_eq!(life.status_of(request), Some(HResult::S_OK));
    life.end();
    life.check();
}

#[test]
fn a_send_to_a_stopped_target_ends_with_a_cancel_or_a_timeout() {
    let (mut life, file) = life(Manner::Plain);
    change_target_of_l1(&mut life, TargetCall::Stop(SentIoAction::LeavePending));
    let cancelled = read_on(&mut life, file, SendOptions::default());
    life.stack.cancel_requested(life.now, life.upper, cancelled);
    life.settle();
    assert_eq!(life.status_of(cancelled), Some(HResult::ERROR_OPERATION_ABORTED));
    let timed = read_on(&mut life, file, SendOptions { flags: SendOptions::TIMEOUT, timeout: -10 });
    assert_eq!(life.status_of(timed), None);
    life.now.monotonic += 10;
    life.settle();
    assert_eq!(life.status_of(timed), Some(HResult::STATUS_IO_TIMEOUT));
    assert_eq!(life.stack.core.callbacks.len(), 0);
    life.end();
    life.check();
}

#[test]
fn a_driver_stop_ends_the_wait() {
    let (mut life, file) = life(Manner::Plain);
    let request = read_on(&mut life, file, SendOptions::default());
    life.stack.core.driver_stop(life.upper, Rule::Req11, String::new());
    life.settle();
    assert_eq!(life.status_of(request), Some(HResult::STATUS_DRIVER_PROCESS_TERMINATED));
    assert_eq!(life.control(Level(1).0, "return").ok(), None);
    assert_eq!(life.stack.core.callbacks.len(), 0);
}
