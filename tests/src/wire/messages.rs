//! Between the contract's messages and the words of the back ends.

use bytes::Bytes;
use lowerdeck_framework::status::HResult;
use lowerdeck_proto::v1;
use tonic_types::StatusExt;

use crate::backend::{
    CancelAnswer, Echo, Io, MethodNeitherAction, Outstanding, OutstandingRequest, PowerState, RawMoment, SentIoAction,
    Window,
};

/// The UMDF name of a callback.
pub fn callback_name(callback: v1::PnpCallback) -> String {
    // ON_SELF_MANAGED_IO_INIT is OnSelfManagedIoInit.
    let words = callback.as_str_name().trim_start_matches("PNP_CALLBACK_").split('_');
    words.map(|word| format!("{}{}", &word[..1], word[1..].to_lowercase())).collect()
}

/// The callback of a UMDF name.
pub fn callback(name: &str) -> v1::PnpCallback {
    let all = (1..).map_while(|number| v1::PnpCallback::try_from(number).ok());
    let mut matching = all.filter(|callback| callback_name(*callback).eq_ignore_ascii_case(name));
    matching.next().unwrap_or_else(|| panic!("`{name}` is no PnP callback"))
}

pub fn power_state(power: PowerState) -> v1::PowerState {
    match power {
        PowerState::D0 => v1::PowerState::D0,
        PowerState::D3 => v1::PowerState::D3,
        PowerState::D3Final => v1::PowerState::D3Final,
    }
}

pub fn sent_io_action(action: SentIoAction) -> v1::SentIoAction {
    match action {
        SentIoAction::Cancel => v1::SentIoAction::CancelSentIo,
        SentIoAction::WaitForCompletion => v1::SentIoAction::WaitForSentIoToComplete,
        SentIoAction::LeavePending => v1::SentIoAction::LeaveSentIoPending,
    }
}

/// The dispatcher of a stack with or without file-handle targets.
pub fn umdf_dispatcher(file_handles: bool) -> v1::UmdfDispatcher {
    if file_handles { v1::UmdfDispatcher::FileHandle } else { v1::UmdfDispatcher::Reflector }
}

/// The contract's target states have UMDF's numbers.
pub fn target_state_number(state: v1::TargetState) -> u32 {
    u32::try_from(i32::from(state)).unwrap_or_default()
}

pub fn request_state_name(state: v1::RequestState) -> String {
    format!("{state:?}")
}

pub fn cancel_answer(answer: v1::CancelAnswer) -> CancelAnswer {
    match answer {
        v1::CancelAnswer::Delivered => CancelAnswer::Delivered,
        v1::CancelAnswer::Remembered => CancelAnswer::Remembered,
        v1::CancelAnswer::CompletedByFramework => CancelAnswer::CompletedByFramework,
        v1::CancelAnswer::AlreadyCompleted => CancelAnswer::AlreadyCompleted,
        v1::CancelAnswer::Sticky => CancelAnswer::Sticky,
        v1::CancelAnswer::Unspecified => panic!("a cancel was answered without an answer"),
    }
}

/// What a completion repeats of its Format call.
pub fn echo(done: &v1::RequestCompleted) -> Echo {
    Echo {
        kind: kind_name(done.io_kind()).to_owned(),
        code: done.ioctl_code,
        device_offset: done.device_offset.unwrap_or(0),
        input_start: done.input_offset.map_or(0, |offset| offset.buffer_offset),
        output_start: done.output_offset.map_or(0, |offset| offset.buffer_offset),
    }
}

/// What a completion would repeat of `io`.
pub fn echo_of(io: &Io) -> Echo {
    let start = |window: &Option<Window>| window.map_or(0, |(start, _)| start);
    let (kind, code, device_offset, input_start, output_start) = match io {
        Io::Read { window, offset, .. } => (v1::IoKind::Read, 0, offset.unwrap_or(0), 0, start(window)),
        Io::Write { window, offset, .. } => (v1::IoKind::Write, 0, offset.unwrap_or(0), start(window), 0),
        Io::DeviceControl { code, .. } | Io::InDirect { code, .. } | Io::InternalDeviceControl { code } => {
            (v1::IoKind::DeviceControl, *code, 0, 0, 0)
        }
        Io::FlushBuffers => (v1::IoKind::FlushBuffers, 0, 0, 0, 0),
        Io::QueryInformation { .. } => (v1::IoKind::QueryInformation, 0, 0, 0, 0),
        Io::SetInformation { .. } => (v1::IoKind::SetInformation, 0, 0, 0, 0),
    };
    Echo { kind: kind_name(kind).to_owned(), code, device_offset, input_start, output_start }
}

fn offset(window: Option<Window>) -> Option<v1::MemoryOffset> {
    window.map(|(buffer_offset, buffer_length)| v1::MemoryOffset { buffer_offset, buffer_length })
}

fn input(data: Option<Bytes>) -> Option<v1::InputMemory> {
    data.map(|data| v1::InputMemory { data, offset: None })
}

fn output(size: Option<u64>, window: Option<Window>) -> Option<v1::OutputMemory> {
    size.map(|size| v1::OutputMemory { size, offset: offset(window), contents: Bytes::new() })
}

pub fn method_neither(action: MethodNeitherAction) -> v1::MethodNeitherAction {
    match action {
        MethodNeitherAction::Reject => v1::MethodNeitherAction::Reject,
        MethodNeitherAction::Copy => v1::MethodNeitherAction::Copy,
    }
}

/// The reason in the details of a refused RPC.
pub fn reason(status: &tonic::Status) -> String {
    status.get_details_error_info().map_or_else(|| status.to_string(), |info| info.reason)
}

pub fn format_io(io: Io) -> v1::format::Io {
    match io {
        Io::Read { size, window, offset: device_offset } => {
            v1::format::Io::Read(v1::ReadFormat { device_offset, output_memory: output(size, window) })
        }
        Io::Write { data, window, offset: device_offset } => v1::format::Io::Write(v1::WriteFormat {
            device_offset,
            input_memory: data.map(|data| v1::InputMemory { data, offset: offset(window) }),
        }),
        Io::DeviceControl { code, input: data, output: size } => {
            let (input_memory, output_memory) = (input(data), output(size, None));
            v1::format::Io::DeviceControl(v1::DeviceControlFormat { code, input_memory, output_memory })
        }
        Io::InDirect { code, input: data, contents } => {
            let output_memory = Some(v1::OutputMemory { size: contents.len() as u64, offset: None, contents });
            v1::format::Io::DeviceControl(v1::DeviceControlFormat { code, input_memory: input(data), output_memory })
        }
        Io::InternalDeviceControl { code } => v1::format::Io::InternalDeviceControl(v1::DeviceControlFormat {
            code,
            input_memory: None,
            output_memory: None,
        }),
        Io::FlushBuffers => v1::format::Io::Flush(v1::FlushFormat {}),
        Io::QueryInformation { class, size } => v1::format::Io::QueryInformation(v1::QueryInformationFormat {
            information_class: class,
            output_memory: output(size, None),
        }),
        Io::SetInformation { class, data } => v1::format::Io::SetInformation(v1::SetInformationFormat {
            information_class: class,
            input_memory: input(data),
        }),
    }
}

pub fn send(request_id: u64, flags: u32, timeout_ticks: i64) -> v1::SendRequestRequest {
    let options = Some(v1::SendOptions { flags, timeout_ticks });
    v1::SendRequestRequest { request_id, options, target_id: String::new() }
}

/// Whether a described stack is as started as when it was opened.
pub fn is_started(reply: &v1::DescribeStackResponse) -> bool {
    let summary = reply.stack.as_ref().and_then(|stack| stack.summary.as_ref());
    let state = summary.map(|summary| summary.state());
    matches!(state, Some(v1::StackState::Started | v1::StackState::Starting))
}

pub fn kind_name(kind: v1::IoKind) -> &'static str {
    match kind {
        v1::IoKind::Read => "read",
        v1::IoKind::Write => "write",
        v1::IoKind::DeviceControl => "ioctl",
        v1::IoKind::Create => "create",
        v1::IoKind::FlushBuffers => "flush",
        v1::IoKind::QueryInformation => "query-information",
        v1::IoKind::SetInformation => "set-information",
        v1::IoKind::Unspecified => "",
    }
}

pub fn raw_moment(entry: v1::TraceEntry) -> RawMoment {
    use v1::TraceKind as Kind;
    let callback = || callback_name(entry.callback());
    let of_host = entry.io_kind() != v1::IoKind::Unspecified;
    let name = match entry.kind() {
        Kind::Create => "Create".to_owned(),
        Kind::CreateDone => "CreateDone".to_owned(),
        Kind::CleanupEnter => "Cleanup+".to_owned(),
        Kind::CleanupLeave => "Cleanup-".to_owned(),
        Kind::CloseEnter => "Close+".to_owned(),
        Kind::CloseLeave => "Close-".to_owned(),
        Kind::Io => "Io".to_owned(),
        Kind::OnIoCanceledOnQueue => "OnIoCanceledOnQueue".to_owned(),
        Kind::OnIoStop => "OnIoStop".to_owned(),
        Kind::OnIoResume => "OnIoResume".to_owned(),
        Kind::OnCancel => "OnCancel".to_owned(),
        Kind::Done => "Done".to_owned(),
        Kind::OnCompletion => "OnCompletion".to_owned(),
        Kind::FileGone => "FileGone".to_owned(),
        Kind::PnpEnter => format!("{}+", callback()),
        Kind::PnpLeave => format!("{}-", callback()),
        Kind::Finding => "Finding".to_owned(),
        Kind::DriverStop => "DriverStop".to_owned(),
        Kind::Send => "Send".to_owned(),
        // A call that names a kind of I/O is one of the host's.
        Kind::Call if of_host => "HostIo".to_owned(),
        Kind::Return if of_host => "HostDone".to_owned(),
        Kind::Call => entry.text.clone(),
        Kind::Return => format!("{}.returned", entry.text),
        Kind::CreateByFramework => "CreateByFramework".to_owned(),
        Kind::CancelCreatorsRequests => "CancelCreatorsRequests".to_owned(),
        Kind::ContextCleanup => "ContextCleanup".to_owned(),
        Kind::Timeout => "Timeout".to_owned(),
        Kind::UpperLost => "UpperLost".to_owned(),
        Kind::UpperLeft => "UpperLeft".to_owned(),
        Kind::Unspecified => panic!("a trace entry without a kind: {entry:?}"),
    };
    let completes = matches!(entry.kind(), Kind::Done | Kind::OnCompletion | Kind::OnIoStop) || name == "HostDone";
    RawMoment {
        layer: entry.layer,
        name,
        kind: kind_name(entry.io_kind()).to_owned(),
        status: entry.hresult.map(HResult),
        information: if completes { Some(entry.information.unwrap_or_default()) } else { None },
        file: entry.file_label,
        request: entry.request_label,
        rule: entry.rule,
    }
}

pub fn outstanding(file: v1::OutstandingFile) -> Outstanding {
    let request = |request: v1::OutstandingRequest| OutstandingRequest {
        kind: kind_name(request.io_kind()).to_owned(),
        label: request.label,
        completed: request.completed,
        cancel_requested: request.cancel_requested,
        layers: request.layers.iter().map(|layer| format!("L{}", layer.layer)).collect(),
    };
    Outstanding {
        file: file.label,
        creator: format!("L{}", file.creator_layer),
        requests: file.requests.into_iter().map(request).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn callback_names_go_both_ways() {
        assert_eq!(callback_name(v1::PnpCallback::OnSelfManagedIoInit), "OnSelfManagedIoInit");
        assert_eq!(callback("OnPrepareHardware"), v1::PnpCallback::OnPrepareHardware);
        assert_eq!(callback("OnD0Entry"), v1::PnpCallback::OnD0Entry);
    }
}
