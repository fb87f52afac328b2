//! The trace and the report of a stack, in the vocabulary of the scenarios.

use lowerdeck_framework::report;
use lowerdeck_framework::trace::{Call, TraceEntry, TraceKind};

use crate::backend::{Outstanding, OutstandingRequest, RawMoment};

pub(super) fn raw_moment(entry: TraceEntry) -> RawMoment {
    let kind = if let TraceKind::Io(kind) = entry.kind { kind.to_string() } else { String::new() };
    let completes =
        matches!(entry.kind, TraceKind::Done | TraceKind::HostDone(_) | TraceKind::OnCompletion | TraceKind::OnIoStop);
    RawMoment {
        layer: u32::from(entry.level.0),
        name: name_of(entry.kind),
        file: entry.file.map(|file| file.to_string()).unwrap_or_default(),
        request: entry.request.map(|request| request.to_string()).unwrap_or_default(),
        kind,
        status: entry.status,
        information: completes.then_some(entry.information),
        rule: entry.rule.map(|rule| rule.to_string()).unwrap_or_default(),
    }
}

/// The scenarios' name of a trace entry.
fn name_of(kind: TraceKind) -> String {
    match kind {
        TraceKind::Call(call) => call_name(call).to_owned(),
        TraceKind::CallReturned(call) => format!("{}.returned", call_name(call)),
        TraceKind::CleanupEnter => "Cleanup+".to_owned(),
        TraceKind::CleanupLeave => "Cleanup-".to_owned(),
        TraceKind::CloseEnter => "Close+".to_owned(),
        TraceKind::CloseLeave => "Close-".to_owned(),
        TraceKind::Io(_) => "Io".to_owned(),
        TraceKind::HostIo(_) => "HostIo".to_owned(),
        TraceKind::HostDone(_) => "HostDone".to_owned(),
        TraceKind::PnpEnter(callback) => format!("{callback}+"),
        TraceKind::PnpLeave(callback) => format!("{callback}-"),
        other => format!("{other:?}"),
    }
}

fn call_name(call: Call) -> &'static str {
    match call {
        Call::CreateWdfFile => "CreateWdfFile",
        Call::Send => "Send",
        Call::CancelSentRequest => "CancelSentRequest",
        Call::CancelSentRequestsForFile => "CancelSentRequestsForFile",
        Call::Close => "Close",
        Call::Start => "Start",
        Call::Stop => "Stop",
        Call::Remove => "Remove",
        Call::CreateFileHandleTarget => "CreateFileHandleTarget",
        Call::DeleteTarget => "DeleteTarget",
    }
}

pub(super) fn outstanding_file(file: report::OutstandingFile) -> Outstanding {
    let request = |request: report::OutstandingRequest| OutstandingRequest {
        label: request.label.to_string(),
        completed: request.completed,
        cancel_requested: request.cancel_requested,
        layers: request.layers.iter().map(|layer| layer.level.to_string()).collect(),
        kind: request.kind.map(|kind| kind.to_string()).unwrap_or_default(),
    };
    Outstanding {
        file: file.label.to_string(),
        creator: file.creator.to_string(),
        requests: file.requests.into_iter().map(request).collect(),
    }
}
