//! From the wire inward: what a message means, or why it means nothing.
//!
//! Law: everything that can be judged from the message alone is judged here, so nothing behind this module sees an
//! unknown enum value, an over-long text or a missing part.

use std::time::Duration;

use bytes::Bytes;
use lowerdeck_framework::callback::{Callback, CallbackSet};
use lowerdeck_framework::handle::Dispatcher;
use lowerdeck_framework::io::{FormatIo, SendOptions};
use lowerdeck_framework::ioctl::{IoControlCode, MethodNeitherAction};
use lowerdeck_framework::memory::{InputMemory, MemoryOffset, OutputMemory};
use lowerdeck_framework::status::HResult;
use lowerdeck_framework::target::SentIoAction;
use lowerdeck_framework::verifier::VerifierMode;
use lowerdeck_proto::v1;

use crate::host::limits::{
    CLIENT_NAME_CHARS_MAX, CONTROL_COMMAND_CHARS_MAX, Limits, STACK_EXPRESSION_CHARS_MAX, STACK_NAME_CHARS_MAX,
};
use crate::session::lab::{ClockKind, Declaration, PowerState, Sharing};
use crate::session::{FormatArguments, OpenTerms, Submission};

use super::status::Refusal;

/// A message that means nothing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("field `{field}` {fault}")]
pub struct DecodeError {
    /// The path of the field.
    pub field: &'static str,
    /// What is wrong with it.
    pub fault: Fault,
}

/// What is wrong with a field.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// Its value is out of its range.
    #[error("{0}")]
    Invalid(&'static str),
    /// It is needed and absent.
    #[error("is missing")]
    Missing,
    /// It is a text beyond its limit.
    #[error("has {length} {unit}, the limit {limit} is {value}")]
    TooLong {
        /// Its length.
        length: usize,
        /// What is counted.
        unit: &'static str,
        /// The limit's name.
        limit: &'static str,
        /// The limit's value.
        value: u64,
    },
    /// It is an enum with a number that the contract does not define, or none where one is needed.
    #[error("has enum value {0}, which has no meaning here")]
    UnknownEnum(i32),
    /// It asks for a request type that no UMDF driver can get.
    #[error(
        "asks for an internal device control, which cannot be delivered to a UMDF driver ({0}); use device_control"
    )]
    NotDeliverable(&'static str),
    /// It is a request id of zero.
    #[error("is zero; request ids begin at 1")]
    ZeroRequestId,
    /// It is a page token of somebody else's.
    #[error("is no page token of this list; pass `next_page_token` of the previous answer")]
    PageToken,
}

fn refuse(field: &'static str, fault: Fault) -> Refusal {
    Refusal::Decode(DecodeError { field, fault })
}

fn too_long(field: &'static str, length: usize, limit: &'static str, value: usize) -> Refusal {
    refuse(field, Fault::TooLong { length, unit: "characters", limit, value: value as u64 })
}

/// A request id: not zero.
pub fn request_id(id: u64) -> Result<u64, Refusal> {
    if id == 0 { Err(refuse("request_id", Fault::ZeroRequestId)) } else { Ok(id) }
}

/// The name of a stack as a call gives it.
pub fn stack_name(field: &'static str, name: String) -> Result<String, Refusal> {
    let length = name.chars().count();
    if length > STACK_NAME_CHARS_MAX {
        return Err(too_long(field, length, "stack_name_chars_max", STACK_NAME_CHARS_MAX));
    }
    if name.is_empty() { Err(refuse(field, Fault::Missing)) } else { Ok(name) }
}

/// What OpenSession asks for.
pub fn open_terms(message: v1::OpenSessionRequest) -> Result<OpenTerms, Refusal> {
    let length = message.client_name.chars().count();
    if length > CLIENT_NAME_CHARS_MAX {
        return Err(too_long("client_name", length, "client_name_chars_max", CLIENT_NAME_CHARS_MAX));
    }
    match v1::LossPolicy::try_from(message.loss_policy) {
        Ok(v1::LossPolicy::Unspecified | v1::LossPolicy::ApplicationDeath) => {}
        Ok(_) => {
            return Err(refuse(
                "loss_policy",
                Fault::Invalid("names a policy that this server does not offer yet; use APPLICATION_DEATH"),
            ));
        }
        Err(_) => return Err(refuse("loss_policy", Fault::UnknownEnum(message.loss_policy))),
    }
    Ok(OpenTerms {
        stack: stack_name("stack", message.stack)?,
        lease: lease(message.lease)?,
        callbacks: callbacks(&message.callbacks)?,
        client_name: message.client_name,
    })
}

/// A lease; its bounds are the session's business.
pub fn lease(lease: Option<prost_types::Duration>) -> Result<Option<Duration>, Refusal> {
    // Not prost's own conversion, which normalises first and overflows on the way.
    let convert = |lease: prost_types::Duration| {
        let (seconds, nanos) = (u64::try_from(lease.seconds).ok()?, u32::try_from(lease.nanos).ok()?);
        (nanos < 1_000_000_000).then(|| Duration::new(seconds, nanos))
    };
    let invalid = || refuse("lease", Fault::Invalid("must be a duration that is not negative"));
    lease.map(|lease| convert(lease).ok_or_else(invalid)).transpose()
}

fn callbacks(numbers: &[i32]) -> Result<CallbackSet, Refusal> {
    let mut set = CallbackSet::EMPTY;
    for number in numbers {
        let known = v1::PnpCallback::try_from(*number).ok().and_then(callback);
        set = set.with(known.ok_or_else(|| refuse("callbacks", Fault::UnknownEnum(*number)))?);
    }
    Ok(set)
}

fn callback(kind: v1::PnpCallback) -> Option<Callback> {
    use v1::PnpCallback as Wire;
    Some(match kind {
        Wire::OnDeviceAdd => Callback::OnDeviceAdd,
        Wire::OnPrepareHardware => Callback::OnPrepareHardware,
        Wire::OnD0Entry => Callback::OnD0Entry,
        Wire::OnSelfManagedIoInit => Callback::OnSelfManagedIoInit,
        Wire::OnSelfManagedIoSuspend => Callback::OnSelfManagedIoSuspend,
        Wire::OnD0Exit => Callback::OnD0Exit,
        Wire::OnReleaseHardware => Callback::OnReleaseHardware,
        Wire::OnSelfManagedIoFlush => Callback::OnSelfManagedIoFlush,
        Wire::OnSelfManagedIoCleanup => Callback::OnSelfManagedIoCleanup,
        Wire::OnQueryRemove => Callback::OnQueryRemove,
        Wire::OnSelfManagedIoRestart => Callback::OnSelfManagedIoRestart,
        Wire::OnQueryStop => Callback::OnQueryStop,
        Wire::OnSurpriseRemoval => Callback::OnSurpriseRemoval,
        Wire::Unspecified => return None,
    })
}

/// A file name: None and the empty text are the same (FILE-3).
pub fn file_name(name: Option<String>, limits: &Limits) -> Result<Option<String>, Refusal> {
    let Some(name) = name.filter(|name| !name.is_empty()) else { return Ok(None) };
    let length = name.encode_utf16().count();
    if length as u64 > limits.file_name_chars_max {
        let (limit, value) = ("file_name_chars_max", limits.file_name_chars_max);
        return Err(refuse("file_name", Fault::TooLong { length, unit: "UTF-16 code units", limit, value }));
    }
    Ok(Some(name))
}

/// One submission of a batch that names `file`.
pub fn submission(message: v1::Submission, file: &str) -> Result<Submission, Refusal> {
    use v1::submission::Call;
    let of_batch = |named: String| if named.is_empty() { file.to_owned() } else { named };
    Ok(match message.call.ok_or_else(|| refuse("submissions.call", Fault::Missing))? {
        Call::FormatAndSend(send) => {
            let number = request_id(send.request_id)?;
            let format = format(send.format)?;
            let options = asynchronous("submissions.format_and_send.options.flags", send.options)?;
            Submission::FormatAndSend { number, format, options, retain: send.retain }
        }
        Call::CreateRequest(create) => Submission::CreateRequest {
            number: request_id(create.request_id)?,
            callback: !create.no_completion_callback,
        },
        Call::FormatRequest(message) => {
            let number = request_id(message.request_id)?;
            let format = format(message.format)?;
            Submission::FormatRequest { number, format }
        }
        Call::SendRequest(send) => Submission::SendRequest {
            number: request_id(send.request_id)?,
            options: asynchronous("submissions.send_request.options.flags", send.options)?,
            target: send.target_id.into(),
        },
        Call::ReuseRequest(reuse) => Submission::ReuseRequest {
            number: request_id(reuse.request_id)?,
            status: HResult(reuse.hresult),
            callback: !reuse.no_completion_callback,
        },
        Call::DeleteRequest(delete) => Submission::DeleteRequest(request_id(delete.request_id)?),
        Call::Cancel(cancel) => Submission::Cancel(request_id(cancel.request_id)?),
        Call::CancelSentRequestsForFile(cancel) => {
            Submission::CancelForFile { file: of_batch(cancel.file_id), target: cancel.target_id.into() }
        }
        Call::Close(close) => Submission::Close(of_batch(close.file_id)),
        Call::ReturnFromCallback(returned) => Submission::ReturnFromCallback {
            callback: callback_id(returned.callback_id)?,
            status: HResult(returned.hresult),
        },
    })
}

/// The options of a Send that nobody waits for.
fn asynchronous(field: &'static str, options: Option<v1::SendOptions>) -> Result<SendOptions, Refusal> {
    let options = send_options(options);
    if options.has(SendOptions::SYNCHRONOUS) {
        let fault = Fault::Invalid("has the SYNCHRONOUS flag; on a queue pair wait for the completion instead");
        return Err(refuse(field, fault));
    }
    Ok(options)
}

/// The arguments of a Format call.
pub fn format(message: Option<v1::Format>) -> Result<FormatArguments, Refusal> {
    let message = message.ok_or_else(|| refuse("format", Fault::Missing))?;
    let io = match message.io.ok_or_else(|| refuse("format.io", Fault::Missing))? {
        v1::format::Io::Read(read) => FormatIo::Read {
            output: output("format.read.output_memory.contents", read.output_memory)?,
            device_offset: read.device_offset,
        },
        v1::format::Io::Write(write) => {
            FormatIo::Write { input: write.input_memory.map(input), device_offset: write.device_offset }
        }
        v1::format::Io::DeviceControl(control) => FormatIo::DeviceControl {
            code: IoControlCode(control.code),
            input: control.input_memory.map(input),
            output: output("format.device_control.output_memory.contents", control.output_memory)?,
        },
        v1::format::Io::Flush(v1::FlushFormat {}) => FormatIo::FlushBuffers,
        v1::format::Io::QueryInformation(query) => FormatIo::QueryInformation {
            class: query.information_class,
            output: output("format.query_information.output_memory.contents", query.output_memory)?,
        },
        v1::format::Io::SetInformation(set) => {
            FormatIo::SetInformation { class: set.information_class, input: set.input_memory.map(input) }
        }
        v1::format::Io::InternalDeviceControl(_) => {
            return Err(refuse("format.internal_device_control", Fault::NotDeliverable("IOC-14")));
        }
    };
    Ok(FormatArguments { file: message.file_id.into(), target: message.target_id.into(), io })
}

fn input(memory: v1::InputMemory) -> InputMemory {
    let data: Bytes = memory.data;
    InputMemory { data, window: memory.offset.map(window) }
}

/// An output memory; `field` names its contents.
fn output(field: &'static str, memory: Option<v1::OutputMemory>) -> Result<Option<OutputMemory>, Refusal> {
    let Some(v1::OutputMemory { size, offset, contents }) = memory else { return Ok(None) };
    if contents.len() as u64 > size {
        return Err(refuse(field, Fault::Invalid("has more bytes than the `size` of its memory")));
    }
    let contents = (!contents.is_empty()).then(|| Box::new(contents));
    Ok(Some(OutputMemory { size, window: offset.map(window), contents }))
}

fn window(offset: v1::MemoryOffset) -> Box<MemoryOffset> {
    Box::new(MemoryOffset { buffer_offset: offset.buffer_offset, buffer_length: offset.buffer_length })
}

/// Flags and timeout, raw: the framework judges them (REQ-16).
pub fn send_options(options: Option<v1::SendOptions>) -> SendOptions {
    options.map_or_else(SendOptions::default, |options| SendOptions {
        flags: options.flags,
        timeout: options.timeout_ticks,
    })
}

/// What Stop does with requests in flight; None for anything out of range (TGT-23).
pub fn sent_io_action(number: i32) -> Option<SentIoAction> {
    u32::try_from(number).ok().and_then(SentIoAction::from_number) // the contract has UMDF's numbers
}

/// A callback id: zero names nothing.
pub fn callback_id(id: u64) -> Result<u64, Refusal> {
    if id == 0 { Err(refuse("callback_id", Fault::Invalid("is zero; callback ids begin at 1"))) } else { Ok(id) }
}

/// A power state that a virtual stack has.
pub fn power_state(number: i32) -> Result<PowerState, Refusal> {
    match v1::PowerState::try_from(number) {
        Ok(v1::PowerState::D0) => Ok(PowerState::D0),
        Ok(v1::PowerState::D3) => Ok(PowerState::D3),
        Ok(v1::PowerState::D3Final) => Ok(PowerState::D3Final),
        Ok(v1::PowerState::Unspecified) => Err(refuse("power_state", Fault::Missing)),
        Ok(_) => Err(refuse("power_state", Fault::Invalid("must be D0, D3 or D3_FINAL"))),
        Err(_) => Err(refuse("power_state", Fault::UnknownEnum(number))),
    }
}

/// What PlugStack declares.
pub fn declaration(message: v1::PlugStackRequest) -> Result<Declaration, Refusal> {
    let name = stack_name("name", message.name)?;
    let length = message.expression.chars().count();
    if length > STACK_EXPRESSION_CHARS_MAX {
        return Err(too_long("expression", length, "stack_expression_chars_max", STACK_EXPRESSION_CHARS_MAX));
    }
    let sharing = match v1::StackSharing::try_from(message.sharing) {
        Ok(v1::StackSharing::Unspecified | v1::StackSharing::Private) => Sharing::Private,
        Ok(v1::StackSharing::Shared) => Sharing::Shared,
        Err(_) => return Err(refuse("sharing", Fault::UnknownEnum(message.sharing))),
    };
    let verifier = match v1::VerifierMode::try_from(message.verifier) {
        Ok(v1::VerifierMode::Unspecified | v1::VerifierMode::Strict) => VerifierMode::Strict,
        Ok(v1::VerifierMode::Lenient) => VerifierMode::Lenient,
        Err(_) => return Err(refuse("verifier", Fault::UnknownEnum(message.verifier))),
    };
    let clock = match v1::ClockKind::try_from(message.clock) {
        Ok(v1::ClockKind::Unspecified | v1::ClockKind::Real) => ClockKind::Real,
        Ok(v1::ClockKind::Manual) => ClockKind::Manual,
        Err(_) => return Err(refuse("clock", Fault::UnknownEnum(message.clock))),
    };
    let method_neither = match v1::MethodNeitherAction::try_from(message.method_neither) {
        Ok(v1::MethodNeitherAction::Unspecified | v1::MethodNeitherAction::Reject) => MethodNeitherAction::Reject,
        Ok(v1::MethodNeitherAction::Copy) => MethodNeitherAction::Copy,
        Err(_) => return Err(refuse("method_neither", Fault::UnknownEnum(message.method_neither))),
    };
    let dispatcher = match v1::UmdfDispatcher::try_from(message.umdf_dispatcher) {
        Ok(v1::UmdfDispatcher::Unspecified | v1::UmdfDispatcher::Reflector) => Dispatcher::Reflector,
        Ok(v1::UmdfDispatcher::FileHandle) => Dispatcher::FileHandle,
        Err(_) => return Err(refuse("umdf_dispatcher", Fault::UnknownEnum(message.umdf_dispatcher))),
    };
    let declared = Declaration::new(&name, &message.expression)?;
    Ok(Declaration { sharing, verifier, clock, method_neither, dispatcher, ..declared })
}

/// A control command.
pub fn command(command: String) -> Result<String, Refusal> {
    let length = command.chars().count();
    if length > CONTROL_COMMAND_CHARS_MAX {
        return Err(too_long("command", length, "control_command_chars_max", CONTROL_COMMAND_CHARS_MAX));
    }
    if command.is_empty() { Err(refuse("command", Fault::Missing)) } else { Ok(command) }
}

/// A page token: the number after which the page begins; empty for the beginning.
pub fn page_token(token: &str) -> Result<u64, Refusal> {
    if token.is_empty() {
        return Ok(0);
    }
    token.parse().map_err(|_| refuse("page_token", Fault::PageToken))
}
