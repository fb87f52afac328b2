//! The border to the host: what it is asked, and that wrong answers change nothing.

use bytes::Bytes;

use super::probe::{Habit, Probe};
use crate::callback::CallbackSet;
use crate::clock::Now;
use crate::driver::{DispatchType, Driver};
use crate::effect::{CallResult, Effect};
use crate::forwarding::DriverRole;
use crate::handle::{Dispatcher, HANDLE_TARGETS_MAX, HandleFacts, HandleId, HostIoId};
use crate::ids::{CallId, DeviceId, RequestId, TargetId};
use crate::io::{FormatIo, SendOptions};
use crate::memory::OutputMemory;
use crate::request::RequestState;
use crate::scheduler::Scheduler;
use crate::stack::{CancelAnswer, Stack, StackConfig, UpperConfig};
use crate::status::HResult;
use crate::target::SentIoAction;

pub(super) const HANDLE: HandleId = HandleId(7);

pub(super) struct Desk {
    pub(super) stack: Stack,
    pub(super) now: Now,
    pub(super) upper: DeviceId,
    pub(super) target: TargetId,
}

impl Desk {
    /// A started stack whose upper driver has a target on [`HANDLE`].
    fn new() -> Desk {
        Desk::over(Habit::Complete)
    }

    /// The same above a driver with another habit.
    fn over(habit: Habit) -> Desk {
        Desk::scheduled(habit, None)
    }

    pub(super) fn scheduled(habit: Habit, scheduler: Option<Box<dyn Scheduler>>) -> Desk {
        let probe = Probe::new(DriverRole::Function, DispatchType::Parallel, habit);
        let drivers: Vec<Box<dyn Driver>> = vec![Box::new(probe)];
        let mut stack = Stack::new(StackConfig {
            drivers,
            verifier: Default::default(),
            dispatcher: Dispatcher::FileHandle,
            critical_operation_ticks: crate::stack::CRITICAL_OPERATION_TICKS,
            method_neither: Default::default(),
            trace_capacity: 100,
            findings_capacity: 100,
            scheduler,
        })
        .expect("the probe declares nothing wrong");
        let now = Now::default();
        let upper = stack.upper_attached(now, UpperConfig { tag: 1, callbacks: CallbackSet::EMPTY });
        stack.start(now);
        stack.handle_opened(HANDLE, HandleFacts { overlapped: true });
        let target = stack.handle_target_requested(now, upper, HANDLE).expect("the handle is good");
        let mut desk = Desk { stack, now, upper, target };
        desk.effects();
        desk
    }

    /// How many hops and file-handle targets there are.
    pub(super) fn left(&self) -> (usize, usize) {
        (self.stack.core.received.len(), self.stack.core.handles.targets.len())
    }

    /// Runs the stack, and gives what came of it.
    fn effects(&mut self) -> Vec<Effect> {
        self.stack.run(self.now);
        let mut effects = Vec::new();
        self.stack.take_effects(&mut effects);
        effects
    }

    /// A read of 4 bytes that was sent to the target.
    fn read(&mut self) -> (RequestId, HostIoId) {
        let request = self.stack.request_created(self.upper, 1, true);
        let formatted = self.stack.handle_format_requested(self.upper, request, self.target, None, four_bytes());
        assert_eq!(formatted, HResult::S_OK);
        let options = SendOptions::default();
        let sent = self.stack.send_to_requested(self.now, self.upper, request, Some(self.target), options);
        assert_eq!(sent, HResult::S_OK);
        let effects = self.effects();
        let [Effect::SubmitHostIo { io, handle: HANDLE, .. }] = effects[..] else { panic!("{effects:?}") };
        (request, io)
    }

    fn finish(&mut self, io: HostIoId, information: u64, data: &'static [u8]) -> Vec<Effect> {
        self.stack.host_io_finished(self.now, io, HResult::S_OK, information, Bytes::from_static(data));
        self.effects()
    }
}

pub(super) fn four_bytes() -> FormatIo {
    FormatIo::Read { output: Some(OutputMemory::empty(4)), device_offset: None }
}

fn completions(effects: &[Effect]) -> Vec<(HResult, u64, Bytes)> {
    let completion = |effect: &Effect| match effect {
        Effect::CompleteRequest { params, .. } => Some((params.status, params.information, params.output.clone())),
        _ => None,
    };
    effects.iter().filter_map(completion).collect()
}

#[test]
fn an_operation_is_answered_once_and_strange_answers_change_nothing() {
    let mut desk = Desk::new();
    let (request, io) = desk.read();
    assert_eq!(desk.finish(HostIoId::default(), 4, b"none"), []);
    assert_eq!(desk.stack.request_view(request).expect("it is there").state, RequestState::InFlight);
    desk.stack.host_io_finished(desk.now, io, HResult::S_OK, 4, Bytes::from_static(b"data"));
    let answered = desk.finish(io, 2, b"no"); // before anything could run
    assert_eq!(completions(&answered), [(HResult::S_OK, 4, Bytes::from_static(b"data"))]);
    assert_eq!(desk.finish(io, 4, b"late"), []);
    assert_eq!(desk.stack.reuse_requested(desk.upper, request, HResult::S_OK, false), HResult::S_OK);
}

#[test]
fn the_host_is_asked_once_to_cancel() {
    let mut desk = Desk::new();
    let (request, io) = desk.read();
    assert_eq!(desk.stack.cancel_requested(desk.now, desk.upper, request), CancelAnswer::Delivered);
    assert_eq!(desk.effects(), [Effect::CancelHostIo { io }]);
    assert_eq!(desk.stack.cancel_requested(desk.now, desk.upper, request), CancelAnswer::Remembered);
    let stop = Some(SentIoAction::Cancel);
    desk.stack.target_stop_requested(desk.now, desk.upper, Some(desk.target), stop, None, CallId(1));
    assert_eq!(desk.effects(), [], "the Stop waits for the host");
    let ended = desk.finish(io, 4, b"data");
    assert_eq!(completions(&ended).len(), 1);
    assert!(matches!(ended.last(), Some(Effect::ReturnCall { call: CallId(1), .. })), "{ended:?}");
}

#[test]
fn what_a_host_reports_beyond_the_buffer_is_not_delivered_and_nobodys_fault() {
    let mut desk = Desk::new();
    let (_, io) = desk.read();
    let ended = desk.finish(io, 9, b"123456789");
    assert_eq!(completions(&ended), [(HResult::S_OK, 4, Bytes::from_static(b"1234"))]);
    assert_eq!(desk.stack.findings().count(), 0);
}

#[test]
fn a_device_has_a_limit_of_targets_and_each_its_own() {
    let mut desk = Desk::new();
    let mut last = desk.target;
    for _ in 1..HANDLE_TARGETS_MAX {
        last = desk.stack.handle_target_requested(desk.now, desk.upper, HANDLE).expect("within the limit");
    }
    let refused = desk.stack.handle_target_requested(desk.now, desk.upper, HANDLE);
    assert_eq!(refused, Err(HResult::E_OUTOFMEMORY));
    let other = desk.stack.upper_attached(desk.now, UpperConfig { tag: 2, callbacks: CallbackSet::EMPTY });
    desk.effects();
    assert!(desk.stack.target_file(desk.upper, Some(last)).is_some());
    assert!(desk.stack.target_file(other, Some(last)).is_none(), "it is not the other one's");
    let request = desk.stack.request_created(other, 1, true);
    let io = FormatIo::Read { output: None, device_offset: None };
    assert_eq!(desk.stack.handle_format_requested(other, request, last, None, io), HResult::E_INVALIDARG);
    desk.stack.upper_left(desk.now, desk.upper);
    let left = desk.effects();
    assert!(left.contains(&Effect::ForgetUpper { upper: desk.upper }), "{left:?}");
    let now = desk.now;
    assert_eq!(desk.stack.outstanding(now).leaked_handles.len(), 1, "one handle, however many targets were on it");
}

#[test]
fn a_removal_waits_for_the_host() {
    let mut desk = Desk::new();
    let (_, io) = desk.read();
    desk.stack.surprise_removed(desk.now);
    assert_eq!(desk.effects(), [Effect::CancelHostIo { io }]);
    let ended = desk.finish(io, 0, b"");
    assert_eq!(completions(&ended).len(), 1);
    assert_eq!(ended.last(), Some(&Effect::StackRemoved));
}

#[test]
fn a_driver_stop_lets_the_host_forget_what_it_has() {
    let mut desk = Desk::over(Habit::Panic);
    let (now, upper) = (desk.now, desk.upper);
    desk.stack.create_requested(now, upper, 1, 1, None, CallId(1));
    let created = desk.effects();
    let [Effect::ReturnCall { result: CallResult::WdfFileCreated(Ok(file)), .. }] = created[..] else {
        panic!("{created:?}")
    };
    let (_, io) = desk.read();
    let culprit = desk.stack.request_created(upper, 2, true);
    desk.stack.format_requested(upper, culprit, Some(file), four_bytes());
    desk.stack.send_requested(now, upper, culprit, SendOptions::default());
    let stopped = desk.effects();
    assert!(stopped.contains(&Effect::CancelHostIo { io }), "{stopped:?}");
    let ends: Vec<HResult> = completions(&stopped).into_iter().map(|(status, ..)| status).collect();
    assert_eq!(ends, [HResult::STATUS_DRIVER_PROCESS_TERMINATED; 2]);
    assert_eq!(desk.finish(io, 4, b"late"), []);
}
