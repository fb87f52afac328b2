//! What a session can refuse. Not what a driver answers: that is a result, never an error (MAP-2).

use std::time::Duration;

use uuid::Uuid;

use crate::host::error::HostError;

/// Why a session ended or is about to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum EndReason {
    /// CloseSession.
    Closed,
    /// The lease ran out (MAP-6).
    LeaseExpired,
    /// The server shuts down.
    Draining,
    /// The stack was unplugged.
    StackRemoved,
    /// The stack ended by a driver stop.
    DriverStop,
    /// It did not return from a callback in time (STOP-8, MAP-6).
    NotAnswering,
}

impl std::fmt::Display for EndReason {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            EndReason::Closed => "it was closed",
            EndReason::LeaseExpired => "its lease ran out",
            EndReason::Draining => "the server shut down",
            EndReason::StackRemoved => "its stack was removed",
            EndReason::DriverStop => "its stack ended by a driver stop",
            EndReason::NotAnswering => "it did not return from a callback in time",
        })
    }
}

/// A refusal. Nothing was changed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SessionError {
    /// No session has the UUID.
    #[error("no session has this UUID; OpenSession makes one")]
    SessionUnknown,
    /// The session has ended.
    #[error("the session has ended because {0}; open another one")]
    SessionEnded(EndReason),
    /// The UUID names a session that was opened differently.
    #[error("the UUID names a session that was opened with another message; choose a new UUID")]
    SessionIdInUse,
    /// The lease asked for is out of bounds.
    #[error("a lease of {asked:?} is out of bounds; ask for {min:?} to {max:?}")]
    LeaseOutOfBounds {
        /// What was asked for.
        asked: Duration,
        /// The shortest.
        min: Duration,
        /// The longest.
        max: Duration,
    },
    /// The file is not, and never was, the session's own. The id is for the audit trail only: the caller gets the
    /// same answer whatever it is, and so with the three below.
    #[error("the file is not one of this session's")]
    FileNotOwned(String),
    /// The session's own file is gone.
    #[error("file {0} is gone; its id is never used again")]
    FileGone(String),
    /// The request is not, and never was, the session's own.
    #[error("the request is not one of this session's")]
    RequestNotOwned(u64),
    /// The session's own request is deleted.
    #[error("request {0} is deleted; its id is never used again")]
    RequestGone(u64),
    /// The target is not, and never was, the session's own.
    #[error("the target is not one of this session's")]
    TargetNotOwned(String),
    /// The handle is not, and never was, the session's own.
    #[error("the handle is not one of this session's")]
    HandleNotOwned(String),
    /// The handle id names something different.
    #[error("handle id {0} is in use for something different, or its handle is closed; choose a new UUID")]
    HandleIdInUse(Uuid),
    /// The target id names a target on another handle.
    #[error("target id {0} is in use for a target on another handle; choose a new UUID")]
    TargetIdInUse(Uuid),
    /// The server has no place for this kind of object.
    #[error("this server has no place for such a handle: start it with `{setting}`")]
    HandlesNotConfigured {
        /// The key of the configuration that gives one.
        setting: &'static str,
    },
    /// The callback is not, and never was, the session's own.
    #[error("the callback is not one of this session's")]
    CallbackNotOwned(u64),
    /// The session's own callback has returned.
    #[error("callback {0} has returned before")]
    CallbackGone(u64),
    /// The request id names something different.
    #[error("request id {0} is in use for something different; choose an id that was never used")]
    RequestIdInUse(u64),
    /// The id is that of a create.
    #[error("request id {0} is that of a create, which cannot be touched once issued (FILE-10)")]
    RequestIsCreate(u64),
    /// A limit is reached.
    #[error("limit {name} of {value} is reached; {advice}")]
    LimitReached {
        /// The limit, as in the limits table.
        name: &'static str,
        /// Its value.
        value: u64,
        /// What makes room.
        advice: &'static str,
    },
    /// The session keeps as many unacknowledged events as it may.
    #[error("limit {name} of {value} is reached by events that wait for acknowledgement; acknowledge, then send again")]
    RetentionFull {
        /// The limit.
        name: &'static str,
        /// Its value.
        value: u64,
    },
    /// A memory is larger than the limit.
    #[error("a memory of {size} bytes is larger than limit payload_bytes_max of {value}; split the transfer")]
    PayloadTooLarge {
        /// Its size.
        size: u64,
        /// The limit.
        value: u64,
    },
    /// The events asked for are no longer kept.
    #[error("events up to {acknowledged} are acknowledged and no longer kept; resume after that number or a later one")]
    EventsAlreadyAcknowledged {
        /// The number up to which they are acknowledged.
        acknowledged: u64,
    },
    /// No event has had the number.
    #[error("event number {asked} is beyond the newest event {last}")]
    EventSequenceUnknown {
        /// The number asked for.
        asked: u64,
        /// The newest.
        last: u64,
    },
    /// A newer event stream took over.
    #[error("a newer event stream of this session took over")]
    EventStreamReplaced,
    /// The server takes no new sessions.
    #[error("the server is shutting down and takes nothing new; try another one or try again later")]
    Draining {
        /// When to try again.
        retry_after: Duration,
    },
    /// The host refused.
    #[error(transparent)]
    Host(#[from] HostError),
}
