//! From the inside outward: stacks, layers, traces, findings and reports as messages.

use lowerdeck_framework::callback::Callback;
use lowerdeck_framework::driver::{DispatchType, LockingConstraint, QueueConfig};
use lowerdeck_framework::file::FileState;
use lowerdeck_framework::forwarding::{DriverRole, ForwardingState};
use lowerdeck_framework::handle::LeakedHandle;
use lowerdeck_framework::ids::Level;
use lowerdeck_framework::io::IoKind;
use lowerdeck_framework::received::ReceivedState;
use lowerdeck_framework::report::{OutstandingFile, OutstandingRequest};
use lowerdeck_framework::trace::{Call, TraceEntry, TraceKind};
use lowerdeck_framework::verifier::Finding;
use lowerdeck_proto::v1;

use super::to_proto::{clock, dispatcher, io_kind, method_neither, stack_state, ticks, verifier};
use crate::session::lab::{DriverStopRecord, LayerRecord, OutstandingRecord, Sharing, StackDescription, StackSummary};

/// The name of the layer `level` in a stack whose lowest layer is `lowest`.
pub fn layer_name(level: Level, lowest: u8) -> String {
    if level.0 == lowest && lowest != 0 { "T".to_owned() } else { level.to_string() }
}

/// One line of the list of stacks.
pub fn summary(summary: StackSummary) -> v1::StackSummary {
    let sharing = match summary.sharing {
        Sharing::Private => v1::StackSharing::Private,
        Sharing::Shared => v1::StackSharing::Shared,
    };
    v1::StackSummary {
        name: summary.name,
        is_template: summary.state.is_none(),
        template_name: summary.template.unwrap_or_default(),
        sharing: sharing.into(),
        state: summary.state.map_or(v1::StackState::Unspecified, stack_state).into(),
        expression: summary.expression,
        session_prefixes: summary.sessions.iter().map(|prefix| prefix.to_string()).collect(),
    }
}

/// All about one stack.
pub fn description(description: StackDescription) -> v1::StackDescription {
    let lowest = description.layers.len();
    let layers = description.layers.iter().enumerate();
    v1::StackDescription {
        summary: Some(summary(description.summary)),
        verifier: verifier(description.verifier).into(),
        clock: clock(description.clock).into(),
        layers: layers.map(|(index, record)| layer(index + 1, lowest, record)).collect(),
        time_ticks: ticks(description.ticks),
        method_neither: method_neither(description.method_neither).into(),
        umdf_dispatcher: dispatcher(description.dispatcher).into(),
    }
}

fn layer(number: usize, lowest: usize, record: &LayerRecord) -> v1::LayerDescription {
    let is_terminator = number == lowest;
    let role = match record.config.role {
        _ if is_terminator => v1::DriverRole::Terminator,
        DriverRole::Function => v1::DriverRole::Function,
        DriverRole::Filter => v1::DriverRole::Filter,
    };
    let forwarding = match record.config.forwarding {
        ForwardingState::UseDefault => v1::AutoForward::UseDefault,
        ForwardingState::False => v1::AutoForward::False,
        ForwardingState::True => v1::AutoForward::True,
    };
    let locking = match record.config.locking {
        LockingConstraint::DeviceLevel => v1::LockingConstraint::DeviceLevel,
        LockingConstraint::None => v1::LockingConstraint::None,
    };
    let queues = &record.config.queues;
    let option = |(name, value): &(String, String)| v1::DriverOption { name: name.clone(), value: value.clone() };
    v1::LayerDescription {
        layer: u32::try_from(number).unwrap_or(u32::MAX),
        layer_name: if is_terminator { "T".to_owned() } else { format!("L{number}") },
        driver: record.driver.clone(),
        role: role.into(),
        forwarding: forwarding.into(),
        has_create_handler: handles_create(queues),
        queues: queues.iter().enumerate().map(|(index, config)| queue(index, config)).collect(),
        locking: locking.into(),
        options: record.options.iter().map(option).collect(),
        controllable: record.controllable,
    }
}

/// Whether the queue that gets creates has OnCreateFile (FILE-15).
fn handles_create(queues: &[QueueConfig]) -> bool {
    let routed = queues.iter().find(|queue| queue.routes.contains(&IoKind::Create));
    let queue = routed.or_else(|| queues.iter().find(|queue| queue.is_default));
    queue.is_some_and(|queue| queue.handlers.contains(Callback::OnCreateFile))
}

fn queue(index: usize, config: &QueueConfig) -> v1::QueueDescription {
    let dispatch = match config.dispatch {
        DispatchType::Sequential => v1::QueueDispatch::Sequential,
        DispatchType::Parallel => v1::QueueDispatch::Parallel,
        DispatchType::Manual => v1::QueueDispatch::Manual,
    };
    v1::QueueDescription {
        name: if config.is_default { "default".to_owned() } else { format!("queue{index}") },
        dispatch: dispatch.into(),
        default_queue: config.is_default,
        power_managed: config.power_managed,
        allow_zero_length: config.allow_zero_length,
        io_kinds: config.routes.iter().map(|kind| io_kind(Some(*kind)).into()).collect(),
    }
}

/// One thing that happened.
pub fn trace_entry(entry: &TraceEntry, lowest: u8) -> v1::TraceEntry {
    let (kind, text) = trace_kind(entry.kind);
    let io = match entry.kind {
        TraceKind::Io(kind) | TraceKind::HostIo(kind) | TraceKind::HostDone(kind) => Some(kind),
        TraceKind::Create | TraceKind::CreateByFramework | TraceKind::CreateDone => Some(IoKind::Create),
        _ => None,
    };
    let pnp = match entry.kind {
        TraceKind::PnpEnter(kind) | TraceKind::PnpLeave(kind) => callback(kind),
        _ => v1::PnpCallback::Unspecified,
    };
    let completes =
        matches!(entry.kind, TraceKind::Done | TraceKind::HostDone(_) | TraceKind::OnCompletion | TraceKind::OnIoStop);
    v1::TraceEntry {
        sequence: entry.sequence,
        time_ticks: ticks(entry.time),
        layer: entry.level.0.into(),
        layer_name: layer_name(entry.level, lowest),
        kind: kind.into(),
        file_label: entry.file.map(|label| label.to_string()).unwrap_or_default(),
        request_label: entry.request.map(|label| label.to_string()).unwrap_or_default(),
        io_kind: io_kind(io).into(),
        callback: pnp.into(),
        hresult: entry.status.map(|status| status.0),
        information: completes.then_some(entry.information),
        rule: entry.rule.map(|rule| rule.id().to_owned()).unwrap_or_default(),
        text,
    }
}

/// The contract's kind, and for calls the method's name.
fn trace_kind(kind: TraceKind) -> (v1::TraceKind, String) {
    use v1::TraceKind as Wire;
    let wire = match kind {
        TraceKind::Call(call @ Call::Send) => return (Wire::Send, format!("{call:?}")),
        TraceKind::Call(call) => return (Wire::Call, format!("{call:?}")),
        TraceKind::CallReturned(call) => return (Wire::Return, format!("{call:?}")),
        TraceKind::HostIo(kind) => return (Wire::Call, host_function(kind).to_owned()),
        TraceKind::HostDone(kind) => return (Wire::Return, host_function(kind).to_owned()),
        TraceKind::CreateByFramework => Wire::CreateByFramework,
        TraceKind::CancelCreatorsRequests => Wire::CancelCreatorsRequests,
        TraceKind::ContextCleanup => Wire::ContextCleanup,
        TraceKind::Timeout => Wire::Timeout,
        TraceKind::UpperLost => Wire::UpperLost,
        TraceKind::UpperLeft => Wire::UpperLeft,
        TraceKind::Create => Wire::Create,
        TraceKind::CreateDone => Wire::CreateDone,
        TraceKind::Io(_) => Wire::Io,
        TraceKind::OnIoCanceledOnQueue => Wire::OnIoCanceledOnQueue,
        TraceKind::OnIoStop => Wire::OnIoStop,
        TraceKind::OnIoResume => Wire::OnIoResume,
        TraceKind::OnCancel => Wire::OnCancel,
        TraceKind::Done => Wire::Done,
        TraceKind::OnCompletion => Wire::OnCompletion,
        TraceKind::CleanupEnter => Wire::CleanupEnter,
        TraceKind::CleanupLeave => Wire::CleanupLeave,
        TraceKind::CloseEnter => Wire::CloseEnter,
        TraceKind::CloseLeave => Wire::CloseLeave,
        TraceKind::FileGone => Wire::FileGone,
        TraceKind::PnpEnter(_) => Wire::PnpEnter,
        TraceKind::PnpLeave(_) => Wire::PnpLeave,
        TraceKind::Finding => Wire::Finding,
        TraceKind::DriverStop => Wire::DriverStop,
    };
    (wire, String::new())
}

/// What performs a request on a handle (FHT-10).
fn host_function(kind: IoKind) -> &'static str {
    match kind {
        IoKind::Read => "ReadFile",
        IoKind::Write => "WriteFile",
        IoKind::FlushBuffers => "FlushFileBuffers",
        IoKind::QueryInformation => "GetFileInformationByHandleEx",
        IoKind::SetInformation => "SetFileInformationByHandle",
        IoKind::DeviceControl | IoKind::Create => "DeviceIoControl", // a create never goes to a handle
    }
}

/// A plug-and-play callback.
pub fn callback(kind: Callback) -> v1::PnpCallback {
    use v1::PnpCallback as Wire;
    match kind {
        Callback::OnDeviceAdd => Wire::OnDeviceAdd,
        Callback::OnPrepareHardware => Wire::OnPrepareHardware,
        Callback::OnD0Entry => Wire::OnD0Entry,
        Callback::OnSelfManagedIoInit => Wire::OnSelfManagedIoInit,
        Callback::OnSelfManagedIoSuspend => Wire::OnSelfManagedIoSuspend,
        Callback::OnD0Exit => Wire::OnD0Exit,
        Callback::OnReleaseHardware => Wire::OnReleaseHardware,
        Callback::OnSelfManagedIoFlush => Wire::OnSelfManagedIoFlush,
        Callback::OnSelfManagedIoCleanup => Wire::OnSelfManagedIoCleanup,
        Callback::OnQueryRemove => Wire::OnQueryRemove,
        Callback::OnSelfManagedIoRestart => Wire::OnSelfManagedIoRestart,
        Callback::OnQueryStop => Wire::OnQueryStop,
        Callback::OnSurpriseRemoval => Wire::OnSurpriseRemoval,
        _ => Wire::Unspecified, // not a callback of plug and play
    }
}

/// A finding about a stack whose lowest layer is `lowest`.
pub fn finding(finding: &Finding, lowest: u8) -> v1::Finding {
    v1::Finding {
        sequence: finding.sequence,
        rule: finding.rule.id().to_owned(),
        layer: layer_name(finding.level, lowest),
        driver: finding.driver.clone(),
        sentence: finding.rule.sentence().to_owned(),
        advice: finding.rule.advice().to_owned(),
        file_label: finding.file.map(|label| label.to_string()).unwrap_or_default(),
        request_label: finding.request.map(|label| label.to_string()).unwrap_or_default(),
        time_ticks: ticks(finding.time),
    }
}

/// A driver stop, with the fields of a UMDF error report (STOP-6).
pub fn driver_stop(record: &DriverStopRecord) -> v1::DriverStop {
    let stop = &record.stop;
    let sentence = match stop.detail.as_str() {
        "" => stop.rule.sentence().to_owned(),
        detail => format!("{}: {detail}", stop.rule.sentence()),
    };
    v1::DriverStop {
        rule: stop.rule.id().to_owned(),
        layer: layer_name(stop.level, record.outstanding.lowest),
        driver: stop.driver.clone(),
        sentence,
        advice: stop.rule.advice().to_owned(),
        event_class: stop.event_class.to_owned(),
        problem: stop.problem.to_owned(),
        operation: stop.operation.to_owned(),
        outstanding: (!record.outstanding.report.files.is_empty()).then(|| outstanding(&record.outstanding)),
        time_ticks: ticks(stop.time),
    }
}

/// Who holds what.
pub fn outstanding(record: &OutstandingRecord) -> v1::OutstandingReport {
    let files = record.report.files.iter().zip(&record.creators);
    v1::OutstandingReport {
        stack: record.stack.clone(),
        files: files.map(|(file, creator)| outstanding_file(file, creator)).collect(),
        time_ticks: ticks(record.ticks),
        leaked_handles: record.report.leaked_handles.iter().map(leaked_handle).collect(),
    }
}

fn leaked_handle(leaked: &LeakedHandle) -> v1::LeakedHandle {
    v1::LeakedHandle { layer: leaked.level.0.into(), driver: leaked.driver.clone(), handle_number: leaked.handle.0 }
}

fn outstanding_file(file: &OutstandingFile, creator: &str) -> v1::OutstandingFile {
    let state = match file.state {
        FileState::Creating => v1::FileState::Creating,
        FileState::Open => v1::FileState::Open,
        FileState::CleaningUp => v1::FileState::Cleanup,
        FileState::Draining => v1::FileState::Draining,
        FileState::Closing | FileState::Pinned | FileState::Gone => v1::FileState::Closed,
    };
    v1::OutstandingFile {
        label: file.label.to_string(),
        creator_layer: file.creator.0.into(),
        creator: creator.to_owned(),
        name: file.name.clone(),
        state: state.into(),
        requests: file.requests.iter().map(outstanding_request).collect(),
    }
}

fn outstanding_request(request: &OutstandingRequest) -> v1::OutstandingRequest {
    let layers = request.layers.iter().map(|layer| v1::OutstandingLayer {
        layer: layer.level.0.into(),
        driver: layer.driver.clone(),
        owner_state: owner_state(layer.state).to_owned(),
    });
    v1::OutstandingRequest {
        label: request.label.to_string(),
        created_by_layer: request.label.creator.0.into(),
        io_kind: io_kind(request.kind).into(),
        completed: request.completed,
        undeleted: request.completed,
        cancel_requested: request.cancel_requested,
        age_ticks: ticks(request.age),
        layers: layers.collect(),
    }
}

fn owner_state(state: ReceivedState) -> &'static str {
    match state {
        ReceivedState::Pended => "pended in the target above",
        ReceivedState::Queued => "waiting in a queue",
        ReceivedState::Owned => "held, not cancelable",
        ReceivedState::Armed => "held, cancelable",
        ReceivedState::CancelPending => "held, OnCancel about to be called",
        ReceivedState::Cancelled => "held, OnCancel called",
        ReceivedState::Forwarded => "sent down",
        ReceivedState::AtHost => "with the host, on a handle",
        ReceivedState::AtHostCancelling => "with the host, which was asked to cancel it",
        ReceivedState::Completed => "completed",
    }
}
