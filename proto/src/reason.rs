//! The reasons of `google.rpc.ErrorInfo`, grouped by the gRPC code that each comes with.
//!
//! Laws: a reason has one code and one meaning for ever; every reason is named in the comments of the `.proto` files
//! where it can be met (`tests/contract.rs`). A UMDF result is never a reason (MAP-2).

// INVALID_ARGUMENT: the message is malformed; nothing was done.

/// A field's value is out of its range. `google.rpc.BadRequest` names the field.
pub const FIELD_INVALID: &str = "FIELD_INVALID";

/// A field or oneof that the call needs is absent. `google.rpc.BadRequest` names it.
pub const FIELD_MISSING: &str = "FIELD_MISSING";

/// A text is longer than its limit. `google.rpc.BadRequest` names the field.
pub const FIELD_TOO_LONG: &str = "FIELD_TOO_LONG";

/// An enum field holds a number that the contract does not define, or no value where one is needed.
pub const ENUM_VALUE_UNKNOWN: &str = "ENUM_VALUE_UNKNOWN";

/// The request type cannot be delivered to a UMDF driver. The metadata names the rule.
pub const IO_KIND_NOT_DELIVERABLE: &str = "IO_KIND_NOT_DELIVERABLE";

/// A request id is zero.
pub const REQUEST_ID_ZERO: &str = "REQUEST_ID_ZERO";

/// An event number is beyond the newest event of the session.
pub const EVENT_SEQUENCE_UNKNOWN: &str = "EVENT_SEQUENCE_UNKNOWN";

/// A page token was not given out by this server for this list.
pub const PAGE_TOKEN_INVALID: &str = "PAGE_TOKEN_INVALID";

/// A stack expression does not parse, or names an unknown driver or option.
pub const STACK_EXPRESSION_INVALID: &str = "STACK_EXPRESSION_INVALID";

/// A driver does not understand a control command.
pub const CONTROL_COMMAND_INVALID: &str = "CONTROL_COMMAND_INVALID";

// UNAUTHENTICATED: the call does not say who is calling.

/// The metadata entry `lowerdeck-session` is absent.
pub const SESSION_METADATA_MISSING: &str = "SESSION_METADATA_MISSING";

/// The metadata entry `lowerdeck-session` is not a version 4 UUID, or is there twice.
pub const SESSION_METADATA_MALFORMED: &str = "SESSION_METADATA_MALFORMED";

// PERMISSION_DENIED: not the session's own. Foreign and never-existing ids get the same answer.

/// The file id is not, and never was, the session's own.
pub const FILE_NOT_OWNED_OR_UNKNOWN: &str = "FILE_NOT_OWNED_OR_UNKNOWN";

/// The request id is not, and never was, the session's own.
pub const REQUEST_NOT_OWNED_OR_UNKNOWN: &str = "REQUEST_NOT_OWNED_OR_UNKNOWN";

/// The target id is not, and never was, the session's own.
pub const TARGET_NOT_OWNED_OR_UNKNOWN: &str = "TARGET_NOT_OWNED_OR_UNKNOWN";

/// The handle id is not, and never was, the session's own.
pub const HANDLE_NOT_OWNED_OR_UNKNOWN: &str = "HANDLE_NOT_OWNED_OR_UNKNOWN";

/// The callback id is not, and never was, the session's own.
pub const CALLBACK_NOT_OWNED_OR_UNKNOWN: &str = "CALLBACK_NOT_OWNED_OR_UNKNOWN";

// NOT_FOUND: there is no such thing, or no longer.

/// No stack has this name.
pub const STACK_UNKNOWN: &str = "STACK_UNKNOWN";

/// The stack has no layer of this number.
pub const LAYER_UNKNOWN: &str = "LAYER_UNKNOWN";

/// No session has this UUID.
pub const SESSION_UNKNOWN: &str = "SESSION_UNKNOWN";

/// The session has ended; the metadata tells why.
pub const SESSION_ENDED: &str = "SESSION_ENDED";

/// The session's own file is gone.
pub const FILE_GONE: &str = "FILE_GONE";

/// The session's own request is deleted. Its id is never used again.
pub const REQUEST_GONE: &str = "REQUEST_GONE";

/// The session's own callback has returned before.
pub const CALLBACK_GONE: &str = "CALLBACK_GONE";

// ALREADY_EXISTS: the name is taken by something different.

/// The UUID names a session that was opened differently.
pub const SESSION_ID_IN_USE: &str = "SESSION_ID_IN_USE";

/// The request id names something different from this message.
pub const REQUEST_ID_IN_USE: &str = "REQUEST_ID_IN_USE";

/// The handle id names a handle that another message opened, or one that is closed.
pub const HANDLE_ID_IN_USE: &str = "HANDLE_ID_IN_USE";

/// The target id names a target on another handle.
pub const TARGET_ID_IN_USE: &str = "TARGET_ID_IN_USE";

/// The stack name means something different from this message.
pub const STACK_NAME_IN_USE: &str = "STACK_NAME_IN_USE";

// FAILED_PRECONDITION: the question is sound, and its object is in no state for it.

/// The stack was unplugged.
pub const STACK_REMOVED: &str = "STACK_REMOVED";

/// The stack ended by a driver stop.
pub const STACK_STOPPED: &str = "STACK_STOPPED";

/// A driver failed to start; the metadata carries its hresult.
pub const STACK_START_FAILED: &str = "STACK_START_FAILED";

/// The name is that of a template, and the call needs an instance.
pub const STACK_IS_TEMPLATE: &str = "STACK_IS_TEMPLATE";

/// The request id is that of a create, which cannot be touched once issued (FILE-10).
pub const REQUEST_IS_CREATE: &str = "REQUEST_IS_CREATE";

/// The driver takes no control commands.
pub const DRIVER_NOT_CONTROLLABLE: &str = "DRIVER_NOT_CONTROLLABLE";

/// The server has no place for this kind of object; the metadata names the setting that gives one.
pub const HANDLES_NOT_CONFIGURED: &str = "HANDLES_NOT_CONFIGURED";

/// The stack's clock is real and moves by itself.
pub const CLOCK_NOT_MANUAL: &str = "CLOCK_NOT_MANUAL";

/// The events asked for were acknowledged and are no longer kept.
pub const EVENTS_ALREADY_ACKNOWLEDGED: &str = "EVENTS_ALREADY_ACKNOWLEDGED";

/// A newer event stream of the same session took over.
pub const EVENT_STREAM_REPLACED: &str = "EVENT_STREAM_REPLACED";

// RESOURCE_EXHAUSTED: a named limit is full; nothing was done.

/// A limit is reached; metadata and `google.rpc.QuotaFailure` name it.
pub const LIMIT_REACHED: &str = "LIMIT_REACHED";

/// The session keeps as many unacknowledged events as it may. Acknowledge, then send again.
pub const RETENTION_FULL: &str = "RETENTION_FULL";

/// The gRPC message is larger than the limit.
pub const MESSAGE_TOO_LARGE: &str = "MESSAGE_TOO_LARGE";

// UNAVAILABLE: not now; `google.rpc.RetryInfo` says when.

/// The server is shutting down and takes nothing new.
pub const DRAINING: &str = "DRAINING";

// DEADLINE_EXCEEDED: the caller stopped waiting.

/// The call's deadline passed. What it began goes on (MAP-5).
pub const DEADLINE_PASSED: &str = "DEADLINE_PASSED";

// INTERNAL: a fault of the server.

/// An invariant of the server does not hold; its log says more.
pub const INTERNAL: &str = "INTERNAL";

/// Every reason there is, in the order above.
pub const ALL: &[&str] = &[
    FIELD_INVALID,
    FIELD_MISSING,
    FIELD_TOO_LONG,
    ENUM_VALUE_UNKNOWN,
    IO_KIND_NOT_DELIVERABLE,
    REQUEST_ID_ZERO,
    EVENT_SEQUENCE_UNKNOWN,
    PAGE_TOKEN_INVALID,
    STACK_EXPRESSION_INVALID,
    CONTROL_COMMAND_INVALID,
    SESSION_METADATA_MISSING,
    SESSION_METADATA_MALFORMED,
    FILE_NOT_OWNED_OR_UNKNOWN,
    REQUEST_NOT_OWNED_OR_UNKNOWN,
    TARGET_NOT_OWNED_OR_UNKNOWN,
    HANDLE_NOT_OWNED_OR_UNKNOWN,
    CALLBACK_NOT_OWNED_OR_UNKNOWN,
    STACK_UNKNOWN,
    LAYER_UNKNOWN,
    SESSION_UNKNOWN,
    SESSION_ENDED,
    FILE_GONE,
    REQUEST_GONE,
    CALLBACK_GONE,
    SESSION_ID_IN_USE,
    REQUEST_ID_IN_USE,
    HANDLE_ID_IN_USE,
    TARGET_ID_IN_USE,
    STACK_NAME_IN_USE,
    STACK_REMOVED,
    STACK_STOPPED,
    STACK_START_FAILED,
    STACK_IS_TEMPLATE,
    REQUEST_IS_CREATE,
    DRIVER_NOT_CONTROLLABLE,
    CLOCK_NOT_MANUAL,
    HANDLES_NOT_CONFIGURED,
    EVENTS_ALREADY_ACKNOWLEDGED,
    EVENT_STREAM_REPLACED,
    LIMIT_REACHED,
    RETENTION_FULL,
    MESSAGE_TOO_LARGE,
    DRAINING,
    DEADLINE_PASSED,
    INTERNAL,
];
