//! From the inside outward: sessions, events and requests as messages. Stacks and traces are in `lab_to_proto.rs`.

use std::time::SystemTime;

use lowerdeck_framework::callback::Callback;
use lowerdeck_framework::handle::{Dispatcher, HANDLE_TARGETS_MAX};
use lowerdeck_framework::io::IoKind;
use lowerdeck_framework::ioctl::MethodNeitherAction;
use lowerdeck_framework::memory::MemoryOffset;
use lowerdeck_framework::power::PowerState;
use lowerdeck_framework::request::RequestState;
use lowerdeck_framework::stack::{CancelAnswer, StackState};
use lowerdeck_framework::target::TargetState;
use lowerdeck_framework::verifier::VerifierMode;
use lowerdeck_proto::v1;
use uuid::Uuid;

use super::lab_to_proto;
use crate::host::limits::Limits;
use crate::session::balance::{Balance, FileAccount};
use crate::session::error::EndReason;
use crate::session::events::{Completion, Event, EventBody};
use crate::session::lab::ClockKind;
use crate::session::{LastWord, RequestRecord, Sent, SessionView};

/// A file's UUID as its id on the wire.
pub fn file_id(uuid: u128) -> String {
    Uuid::from_u128(uuid).to_string()
}

/// Ticks as the wire counts them: signed, and never beyond its range.
pub fn ticks(ticks: u64) -> i64 {
    i64::try_from(ticks).unwrap_or(i64::MAX)
}

/// How a session stands.
pub fn session(view: &SessionView) -> v1::Session {
    let sharing = if view.private { v1::StackSharing::Private } else { v1::StackSharing::Shared };
    v1::Session {
        stack: view.instance.to_string(),
        sharing: sharing.into(),
        stack_state: stack_state(view.stack_state).into(),
        verifier: verifier(view.verifier).into(),
        clock: clock(view.clock).into(),
        expire_time: Some(view.expires.into()),
        lease: prost_types::Duration::try_from(view.lease).ok(),
        loss_policy: v1::LossPolicy::ApplicationDeath.into(),
        last_event_sequence: view.last_event,
        acknowledged_sequence: view.acknowledged,
        limits: Some(limits(&view.limits)),
        balance: Some(balance(&view.balance)),
    }
}

fn limits(limits: &Limits) -> v1::SessionLimits {
    let small = |value: u64| u32::try_from(value).unwrap_or(u32::MAX);
    let milliseconds = |value: u64| prost_types::Duration::try_from(std::time::Duration::from_millis(value)).ok();
    v1::SessionLimits {
        files_max: small(limits.files_max),
        requests_max: small(limits.requests_max),
        retained_events_max: small(limits.retained_events_max),
        retained_bytes_max: limits.retained_bytes_max,
        payload_bytes_max: limits.payload_bytes_max,
        message_bytes_max: limits.message_bytes_max,
        file_name_chars_max: small(limits.file_name_chars_max),
        failed_creates_max: small(limits.failed_creates_max),
        balance_files_max: small(limits.balance_files_max),
        lease_min: milliseconds(limits.lease_ms_min),
        batch_submissions_max: small(limits.batch_submissions_max),
        lease_max: milliseconds(limits.lease_ms_max),
        handles_max: small(limits.handles_max),
        handle_targets_max: small(HANDLE_TARGETS_MAX as u64),
    }
}

/// The books.
pub fn balance(balance: &Balance) -> v1::Balance {
    v1::Balance {
        accepted: balance.total.accepted,
        completed: balance.total.completed,
        cancelled: balance.total.cancelled,
        failed: balance.total.failed,
        outstanding: balance.total.outstanding(),
        files: balance.files.iter().map(file_balance).collect(),
        omitted_files: balance.omitted_files,
    }
}

fn file_balance(file: &FileAccount) -> v1::FileBalance {
    v1::FileBalance {
        file_id: file_id(file.file),
        accepted: file.account.accepted,
        completed: file.account.completed,
        cancelled: file.account.cancelled,
        failed: file.account.failed,
        outstanding: file.account.outstanding(),
        gone: file.gone,
    }
}

/// A session's last word.
pub fn last_word(last: &LastWord) -> v1::CloseSessionResponse {
    v1::CloseSessionResponse { balance: Some(balance(&last.balance)), files_left_open: last.files_left_open }
}

/// An event.
pub fn event(event: &Event) -> v1::Event {
    use v1::event::Body;
    let body = match &event.body {
        EventBody::RequestCompleted(completed) => Body::RequestCompleted(completion(completed)),
        EventBody::FileGone(file) => Body::FileGone(v1::FileGone { file_id: file_id(*file) }),
        EventBody::CallbackInvoked { id, kind, power } => Body::CallbackInvoked(callback_invoked(*id, *kind, *power)),
        EventBody::Finding(finding) => {
            // Which layer is the terminator does not matter to a reader of events; L<n> names it too.
            Body::FindingRecorded(v1::FindingRecorded { finding: Some(lab_to_proto::finding(finding, u8::MAX)) })
        }
        EventBody::DriverStopped(record) => {
            Body::DriverStopped(v1::DriverStopped { driver_stop: Some(lab_to_proto::driver_stop(record)) })
        }
        EventBody::SessionEnding { reason, hard_deadline } => Body::SessionEnding(v1::SessionEnding {
            reason: end_reason(*reason).into(),
            hard_deadline: hard_deadline.map(Into::into),
        }),
    };
    v1::Event { sequence: event.sequence, time_ticks: ticks(event.ticks), body: Some(body) }
}

fn callback_invoked(id: u64, kind: Callback, power: Option<PowerState>) -> v1::CallbackInvoked {
    let power = power.map_or(v1::PowerState::Unspecified, power_state);
    let unspecified = v1::PowerState::Unspecified;
    let previous = if kind == Callback::OnD0Entry { power } else { unspecified };
    let target = if kind == Callback::OnD0Exit { power } else { unspecified };
    v1::CallbackInvoked {
        callback_id: id,
        callback: lab_to_proto::callback(kind).into(),
        previous_power_state: previous.into(),
        target_power_state: target.into(),
    }
}

const fn power_state(power: PowerState) -> v1::PowerState {
    match power {
        PowerState::D0 => v1::PowerState::D0,
        PowerState::D3 => v1::PowerState::D3,
        PowerState::D3Final => v1::PowerState::D3Final,
    }
}

/// A completion.
pub fn completion(completion: &Completion) -> v1::RequestCompleted {
    let Completion { number, file, params, echo, was_submitted: _ } = completion;
    let windows = echo.windows.as_deref().copied().unwrap_or_default();
    v1::RequestCompleted {
        request_id: *number,
        file_id: file.map(|file| file.to_string()).unwrap_or_default(),
        io_kind: io_kind(Some(params.kind)).into(),
        hresult: params.status.0,
        information: params.information,
        data: params.output.clone(),
        ioctl_code: params.code.0,
        device_offset: echo.has_device_offset.then_some(params.device_offset),
        output_offset: windows.output.map(offset),
        input_offset: windows.input.map(offset),
    }
}

fn offset(offset: MemoryOffset) -> v1::MemoryOffset {
    v1::MemoryOffset { buffer_offset: offset.buffer_offset, buffer_length: offset.buffer_length }
}

/// How a Send went, for FormatAndSend.
pub fn format_and_send(sent: &Sent) -> v1::FormatAndSendResponse {
    v1::FormatAndSendResponse { hresult: sent.status.0, completion: sent.completion.as_ref().map(completion) }
}

/// How a Send went, for SendRequest.
pub fn send_request(sent: &Sent) -> v1::SendRequestResponse {
    v1::SendRequestResponse { hresult: sent.status.0, completion: sent.completion.as_ref().map(completion) }
}

/// A request as its creator sees it.
pub fn request(record: &RequestRecord) -> v1::GetRequestResponse {
    let state = match record.state {
        RequestState::Unformatted => v1::RequestState::Unformatted,
        RequestState::Formatted => v1::RequestState::Formatted,
        RequestState::Pended => v1::RequestState::Pended,
        RequestState::InFlight => v1::RequestState::InFlight,
        RequestState::Completed => v1::RequestState::Completed,
    };
    let kind = if record.state == RequestState::Unformatted { None } else { record.kind };
    v1::GetRequestResponse {
        state: state.into(),
        hresult: record.status.0,
        io_kind: io_kind(kind).into(),
        completion: record.completion.as_ref().map(completion),
        cancel_requested: record.cancel_requested,
    }
}

/// What became of a cancel.
pub fn cancel(answer: CancelAnswer) -> v1::CancelResponse {
    let wire = match answer {
        CancelAnswer::Delivered => v1::CancelAnswer::Delivered,
        CancelAnswer::Remembered => v1::CancelAnswer::Remembered,
        CancelAnswer::CompletedByFramework => v1::CancelAnswer::CompletedByFramework,
        CancelAnswer::AlreadyCompleted => v1::CancelAnswer::AlreadyCompleted,
        CancelAnswer::Sticky => v1::CancelAnswer::Sticky,
    };
    v1::CancelResponse { cancelled: answer.is_true(), answer: wire.into() }
}

/// The state of a target.
pub fn target_state(state: TargetState) -> v1::TargetState {
    match state {
        TargetState::Started => v1::TargetState::Started,
        TargetState::Stopped => v1::TargetState::Stopped,
        TargetState::ClosedForQueryRemove => v1::TargetState::ClosedForQueryRemove,
        TargetState::Closed => v1::TargetState::Closed,
        TargetState::Deleted => v1::TargetState::Deleted,
    }
}

/// What a request asks for.
pub fn io_kind(kind: Option<IoKind>) -> v1::IoKind {
    match kind {
        None => v1::IoKind::Unspecified,
        Some(IoKind::Create) => v1::IoKind::Create,
        Some(IoKind::Read) => v1::IoKind::Read,
        Some(IoKind::Write) => v1::IoKind::Write,
        Some(IoKind::DeviceControl) => v1::IoKind::DeviceControl,
        Some(IoKind::FlushBuffers) => v1::IoKind::FlushBuffers,
        Some(IoKind::QueryInformation) => v1::IoKind::QueryInformation,
        Some(IoKind::SetInformation) => v1::IoKind::SetInformation,
    }
}

/// Why a session ends.
pub fn end_reason(reason: EndReason) -> v1::SessionEndReason {
    match reason {
        EndReason::Closed => v1::SessionEndReason::Closed,
        EndReason::LeaseExpired => v1::SessionEndReason::LeaseExpired,
        EndReason::Draining => v1::SessionEndReason::Draining,
        EndReason::StackRemoved => v1::SessionEndReason::StackRemoved,
        EndReason::DriverStop => v1::SessionEndReason::DriverStop,
        EndReason::NotAnswering => v1::SessionEndReason::NotAnswering,
    }
}

/// How far an instance is. Added is a moment before its start.
pub fn stack_state(state: StackState) -> v1::StackState {
    match state {
        StackState::Added | StackState::Starting => v1::StackState::Starting,
        StackState::Started => v1::StackState::Started,
        StackState::Removing => v1::StackState::Removing,
        StackState::Removed => v1::StackState::Removed,
        StackState::Stopped => v1::StackState::Stopped,
    }
}

/// What broken rules lead to.
pub fn verifier(mode: VerifierMode) -> v1::VerifierMode {
    match mode {
        VerifierMode::Strict => v1::VerifierMode::Strict,
        VerifierMode::Lenient => v1::VerifierMode::Lenient,
    }
}

/// Where I/O that leaves a stack goes.
pub fn dispatcher(dispatcher: Dispatcher) -> v1::UmdfDispatcher {
    match dispatcher {
        Dispatcher::Reflector => v1::UmdfDispatcher::Reflector,
        Dispatcher::FileHandle => v1::UmdfDispatcher::FileHandle,
    }
}

/// What becomes of METHOD_NEITHER control codes.
pub fn method_neither(action: MethodNeitherAction) -> v1::MethodNeitherAction {
    match action {
        MethodNeitherAction::Reject => v1::MethodNeitherAction::Reject,
        MethodNeitherAction::Copy => v1::MethodNeitherAction::Copy,
    }
}

/// What moves a clock.
pub fn clock(kind: ClockKind) -> v1::ClockKind {
    match kind {
        ClockKind::Real => v1::ClockKind::Real,
        ClockKind::Manual => v1::ClockKind::Manual,
    }
}

/// A sign of life.
pub fn heartbeat((last, expires): (u64, SystemTime)) -> v1::Heartbeat {
    v1::Heartbeat { last_event_sequence: last, expire_time: Some(expires.into()) }
}
