//! What a session hears, as values that are handed on, and why a session ends.

use lowerdeck_proto::v1;

use crate::completion::Completion;

/// One event of a session, for those who subscribe. Numbers and acknowledgements are the session's own business.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum SessionEvent {
    /// A request completed.
    RequestCompleted(Completion),
    /// A closed file reached its end; its id.
    FileGone(String),
    /// One of L0's callbacks is called.
    CallbackInvoked(v1::PnpCallback),
    /// The verifier recorded a finding about the stack.
    FindingRecorded(Box<v1::Finding>),
    /// The stack ended by a driver stop.
    DriverStopped(Box<v1::DriverStop>),
    /// The session is ending, or has begun to.
    SessionEnding(v1::SessionEndReason),
}

/// Why a session is over.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SessionEnd {
    /// It was closed in order.
    #[error("it was closed")]
    Closed,
    /// Its lease ran out, so its files were closed on its behalf (MAP-6).
    #[error("its lease ran out; the files were closed on its behalf (MAP-6)")]
    LeaseExpired,
    /// The server shut down before the session was closed.
    #[error("the server shut down")]
    ServerDrained,
    /// The stack was unplugged.
    #[error("its stack was unplugged")]
    StackRemoved,
    /// The stack ended by a driver stop.
    #[error("its stack ended by a driver stop")]
    DriverStop,
    /// It did not return from a callback in time, and is taken for dead.
    #[error("it did not return from a callback in time")]
    NotAnswering,
    /// The server does not know the session (any more).
    #[error("the server knows it no longer: {0}")]
    Forgotten(String),
    /// The server was not found again in time.
    #[error("the server was not found again within {window:?}: {cause}")]
    ConnectionLost {
        /// How long it was sought.
        window: std::time::Duration,
        /// What the transport said last.
        cause: String,
    },
    /// Another client follows the same session's events.
    #[error("another event stream of the same session took over")]
    Replaced,
    /// The server broke the contract.
    #[error("the server broke the contract: {0}")]
    ContractBroken(String),
    /// The session was dropped without `close`; the server closes its files when the lease runs out.
    #[error("it was dropped without close")]
    Dropped,
}

impl From<v1::SessionEndReason> for SessionEnd {
    fn from(reason: v1::SessionEndReason) -> SessionEnd {
        use v1::SessionEndReason as Reason;
        match reason {
            Reason::Closed => SessionEnd::Closed,
            Reason::LeaseExpired => SessionEnd::LeaseExpired,
            Reason::Draining => SessionEnd::ServerDrained,
            Reason::StackRemoved => SessionEnd::StackRemoved,
            Reason::DriverStop => SessionEnd::DriverStop,
            Reason::NotAnswering => SessionEnd::NotAnswering,
            Reason::Unspecified => SessionEnd::ContractBroken("a session ended without reason".to_owned()),
        }
    }
}
