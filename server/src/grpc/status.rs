//! The one table from every refusal to what the wire says: code, reason, metadata, details.
//!
//! Laws: this is the only place that makes a `tonic::Status`; a reason always comes with the same code; nothing here
//! tells a foreign id from one that never was. A driver's answer is never a status (MAP-2).

use std::collections::HashMap;
use std::time::Duration;

use lowerdeck_proto::{ERROR_DOMAIN, detail, reason, v1};
use tonic::{Code, Status};
use tonic_types::{ErrorDetails, StatusExt};

use super::from_proto::{DecodeError, Fault};
use super::to_proto;
use crate::host::error::HostError;
use crate::session::error::{EndReason, SessionError};

/// Every way in which a call can be refused.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum Refusal {
    /// The message is malformed.
    #[error(transparent)]
    Decode(#[from] DecodeError),
    /// The session refuses.
    #[error(transparent)]
    Session(#[from] SessionError),
    /// The metadata entry is absent.
    #[error("metadata entry `lowerdeck-session` is missing; send the session's UUID with every call")]
    MetadataMissing,
    /// The metadata entry is no UUID.
    #[error("metadata entry `lowerdeck-session` must be one version 4 UUID in its hyphenated form")]
    MetadataMalformed,
    /// The caller stopped waiting.
    #[error("the call's deadline passed; what it began goes on, ask again to find its outcome")]
    DeadlinePassed,
    /// The gRPC message is too large.
    #[error("the message is larger than limit message_bytes_max of {limit}; split the transfer")]
    MessageTooLarge {
        /// The limit in bytes.
        limit: u64,
    },
    /// What came on a stream is no message of the contract, or the stream broke.
    #[error("what came on the stream is no QueuePairRequest")]
    Undecodable,
    /// A health service that nobody registered (grpc.health.v1 asks for this code).
    #[error("no service is named so here")]
    HealthServiceUnknown,
    /// An invariant of ours does not hold.
    #[error("a fault of the server; its log says more")]
    Internal,
}

impl From<HostError> for Refusal {
    fn from(error: HostError) -> Refusal {
        Refusal::Session(SessionError::Host(error))
    }
}

/// One row of the table.
#[derive(Debug, Clone, PartialEq)]
struct Row {
    code: Code,
    reason: &'static str,
    metadata: Vec<(&'static str, String)>,
    detail: Detail,
}

#[derive(Debug, Clone, PartialEq)]
enum Detail {
    None,
    BadRequest(String),
    Quota(&'static str),
    Retry(Duration),
}

fn row(code: Code, reason: &'static str) -> Row {
    Row { code, reason, metadata: Vec::new(), detail: Detail::None }
}

impl Row {
    fn with(mut self, key: &'static str, value: String) -> Row {
        self.metadata.push((key, value));
        self
    }

    fn field(mut self, path: &str) -> Row {
        self.detail = Detail::BadRequest(path.to_owned());
        self.with(detail::FIELD, path.to_string())
    }

    fn limit(mut self, name: &'static str, value: u64) -> Row {
        self.detail = Detail::Quota(name);
        self.with(detail::LIMIT, name.to_string()).with(detail::VALUE, value.to_string())
    }
}

fn invalid(reason: &'static str, field: &str) -> Row {
    row(Code::InvalidArgument, reason).field(field)
}

fn exhausted(reason: &'static str, name: &'static str, value: u64) -> Row {
    row(Code::ResourceExhausted, reason).limit(name, value)
}

fn row_of(refusal: &Refusal) -> Row {
    match refusal {
        Refusal::Decode(error) => decode_row(error),
        Refusal::Session(SessionError::Host(error)) => host_row(error),
        Refusal::Session(error) => session_row(error),
        Refusal::MetadataMissing => row(Code::Unauthenticated, reason::SESSION_METADATA_MISSING),
        Refusal::MetadataMalformed => row(Code::Unauthenticated, reason::SESSION_METADATA_MALFORMED),
        Refusal::DeadlinePassed => row(Code::DeadlineExceeded, reason::DEADLINE_PASSED),
        Refusal::MessageTooLarge { limit } => exhausted(reason::MESSAGE_TOO_LARGE, "message_bytes_max", *limit),
        Refusal::Undecodable => invalid(reason::FIELD_INVALID, "submissions"),
        Refusal::HealthServiceUnknown => row(Code::NotFound, reason::STACK_UNKNOWN),
        Refusal::Internal => row(Code::Internal, reason::INTERNAL),
    }
}

fn decode_row(error: &DecodeError) -> Row {
    let reason = match &error.fault {
        Fault::Invalid(_) => reason::FIELD_INVALID,
        Fault::Missing => reason::FIELD_MISSING,
        Fault::TooLong { limit, value, .. } => {
            return invalid(reason::FIELD_TOO_LONG, error.field)
                .with(detail::LIMIT, limit.to_string())
                .with(detail::VALUE, value.to_string());
        }
        Fault::UnknownEnum(_) => reason::ENUM_VALUE_UNKNOWN,
        Fault::NotDeliverable(rule) => {
            return invalid(reason::IO_KIND_NOT_DELIVERABLE, error.field).with(detail::RULE, rule.to_string());
        }
        Fault::ZeroRequestId => reason::REQUEST_ID_ZERO,
        Fault::PageToken => reason::PAGE_TOKEN_INVALID,
    };
    invalid(reason, error.field)
}

fn session_row(error: &SessionError) -> Row {
    let denied = |reason| row(Code::PermissionDenied, reason);
    let gone = |reason, id: &dyn ToString| row(Code::NotFound, reason).with(detail::ID, id.to_string());
    let in_use = |reason, id: &dyn ToString| row(Code::AlreadyExists, reason).with(detail::ID, id.to_string());
    match error {
        SessionError::SessionUnknown => row(Code::NotFound, reason::SESSION_UNKNOWN),
        SessionError::SessionEnded(why) => {
            row(Code::NotFound, reason::SESSION_ENDED).with(detail::END_REASON, end_reason_name(*why).to_string())
        }
        SessionError::SessionIdInUse => row(Code::AlreadyExists, reason::SESSION_ID_IN_USE),
        SessionError::LeaseOutOfBounds { .. } => invalid(reason::FIELD_INVALID, "lease"),
        SessionError::FileNotOwned(_) => denied(reason::FILE_NOT_OWNED_OR_UNKNOWN),
        SessionError::FileGone(id) => gone(reason::FILE_GONE, id),
        SessionError::RequestNotOwned(_) => denied(reason::REQUEST_NOT_OWNED_OR_UNKNOWN),
        SessionError::RequestGone(id) => gone(reason::REQUEST_GONE, id),
        SessionError::TargetNotOwned(_) => denied(reason::TARGET_NOT_OWNED_OR_UNKNOWN),
        SessionError::HandleNotOwned(_) => denied(reason::HANDLE_NOT_OWNED_OR_UNKNOWN),
        SessionError::HandleIdInUse(id) => in_use(reason::HANDLE_ID_IN_USE, id),
        SessionError::TargetIdInUse(id) => in_use(reason::TARGET_ID_IN_USE, id),
        SessionError::HandlesNotConfigured { setting } => {
            row(Code::FailedPrecondition, reason::HANDLES_NOT_CONFIGURED).with(detail::SETTING, setting.to_string())
        }
        SessionError::CallbackNotOwned(_) => denied(reason::CALLBACK_NOT_OWNED_OR_UNKNOWN),
        SessionError::CallbackGone(id) => gone(reason::CALLBACK_GONE, id),
        SessionError::RequestIdInUse(id) => in_use(reason::REQUEST_ID_IN_USE, id),
        SessionError::RequestIsCreate(id) => {
            let row = row(Code::FailedPrecondition, reason::REQUEST_IS_CREATE);
            row.with(detail::ID, id.to_string()).with(detail::RULE, "FILE-10".to_string())
        }
        SessionError::LimitReached { name, value, .. } => exhausted(reason::LIMIT_REACHED, name, *value),
        SessionError::PayloadTooLarge { value, .. } => exhausted(reason::LIMIT_REACHED, "payload_bytes_max", *value),
        SessionError::RetentionFull { name, value } => exhausted(reason::RETENTION_FULL, name, *value),
        SessionError::EventsAlreadyAcknowledged { acknowledged } => {
            let row = row(Code::FailedPrecondition, reason::EVENTS_ALREADY_ACKNOWLEDGED);
            row.with(detail::ACKNOWLEDGED_SEQUENCE, acknowledged.to_string())
        }
        SessionError::EventSequenceUnknown { .. } => row(Code::InvalidArgument, reason::EVENT_SEQUENCE_UNKNOWN),
        SessionError::EventStreamReplaced => row(Code::FailedPrecondition, reason::EVENT_STREAM_REPLACED),
        SessionError::Draining { retry_after } => {
            Row { detail: Detail::Retry(*retry_after), ..row(Code::Unavailable, reason::DRAINING) }
        }
        SessionError::Host(error) => host_row(error),
    }
}

fn host_row(error: &HostError) -> Row {
    let refused = |reason, stack: &str| row(Code::FailedPrecondition, reason).with(detail::STACK, stack.to_string());
    match error {
        HostError::StackUnknown(stack) => {
            row(Code::NotFound, reason::STACK_UNKNOWN).with(detail::STACK, stack.to_string())
        }
        HostError::StackRemoved(stack) => refused(reason::STACK_REMOVED, stack),
        HostError::StackStopped(stack) => refused(reason::STACK_STOPPED, stack),
        HostError::StartFailed { stack, status } => refused(reason::STACK_START_FAILED, stack)
            .with(detail::HRESULT, format!("{:#010X}", status.0).replace("0X", "0x")),
        HostError::StackIsTemplate(stack) => refused(reason::STACK_IS_TEMPLATE, stack),
        HostError::NameInUse(stack) => {
            row(Code::AlreadyExists, reason::STACK_NAME_IN_USE).with(detail::STACK, stack.to_string())
        }
        HostError::NameInvalid(_) => invalid(reason::FIELD_INVALID, "name"),
        HostError::ExpressionInvalid(_) => invalid(reason::STACK_EXPRESSION_INVALID, "expression"),
        HostError::LayerUnknown { stack, layer, .. } => row(Code::NotFound, reason::LAYER_UNKNOWN)
            .with(detail::STACK, stack.to_string())
            .with(detail::LAYER, layer.to_string()),
        HostError::NotControllable { stack, .. } => refused(reason::DRIVER_NOT_CONTROLLABLE, stack),
        HostError::CommandInvalid(_) => invalid(reason::CONTROL_COMMAND_INVALID, "command"),
        HostError::ClockNotManual(stack) => refused(reason::CLOCK_NOT_MANUAL, stack),
        HostError::LimitReached { name, value, .. } => exhausted(reason::LIMIT_REACHED, name, *value),
        HostError::Broken(stack) => row(Code::Internal, reason::INTERNAL).with(detail::STACK, stack.to_string()),
    }
}

/// The contract's name of why a session ended.
fn end_reason_name(reason: EndReason) -> &'static str {
    to_proto::end_reason(reason).as_str_name()
}

/// What the result of a submission says about `refusal`: the same as the status of a call would.
pub fn refused_submission(refusal: &Refusal) -> v1::SubmissionRefused {
    let row = row_of(refusal);
    v1::SubmissionRefused {
        code: row.code as i32,
        reason: row.reason.to_owned(),
        message: refusal.to_string(),
        metadata: row.metadata.into_iter().map(|(key, value)| (key.to_owned(), value)).collect(),
    }
}

/// What the wire says about `refusal`.
pub fn status_of(refusal: &Refusal) -> Status {
    let row = row_of(refusal);
    let message = refusal.to_string();
    let metadata: HashMap<String, String> =
        row.metadata.into_iter().map(|(key, value)| (key.to_owned(), value)).collect();
    let mut details = ErrorDetails::with_error_info(row.reason, ERROR_DOMAIN, metadata);
    match row.detail {
        Detail::None => {}
        Detail::BadRequest(field) => drop(details.add_bad_request_violation(field, message.clone())),
        Detail::Quota(name) => drop(details.add_quota_failure_violation(name, message.clone())),
        Detail::Retry(after) => drop(details.set_retry_info(Some(after))),
    }
    if row.code == Code::Internal {
        tracing::error!(%refusal, "a fault of the server");
    }
    Status::with_error_details(row.code, message, details)
}

impl From<Refusal> for Status {
    fn from(refusal: Refusal) -> Status {
        status_of(&refusal)
    }
}

#[cfg(test)]
mod tests;
