//! What can go wrong with a question: the mirror of the server's status table. A failed I/O is no error of this kind;
//! it is an [`HResult`] in a completion (MAP-2), and becomes [`Error::Umdf`] only where a caller asks for it.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use lowerdeck_proto::{ERROR_DOMAIN, reason};
use tonic::{Code, Status};
use tonic_types::StatusExt;

use crate::hresult::HResult;
use crate::session::{Imbalance, SessionEnd};

/// Why a call has no answer.
#[derive(Debug, Clone, thiserror::Error)]
pub enum Error {
    /// The server understood and said no; nothing was done, unless the reason says otherwise.
    #[error(transparent)]
    Refused(Box<Refusal>),
    /// No connection could be made.
    #[error("cannot reach a server at {endpoint}: {cause}; is `lowerdeckd serve` running there?")]
    Unreachable {
        /// The endpoint as given.
        endpoint: String,
        /// What the transport says.
        cause: String,
    },
    /// The connection was lost under a call that may not be repeated blindly, or was not found again in time. What the
    /// call asked for may or may not have been done.
    #[error("the connection was lost during {call} and its outcome is unknown: {cause}")]
    Interrupted {
        /// The call, by its name in the contract.
        call: &'static str,
        /// What the transport says.
        cause: String,
    },
    /// The call was answered with a failing UMDF result, and the caller wanted its success.
    #[error("{call} failed: {hresult}")]
    Umdf {
        /// The UMDF method or the kind of I/O.
        call: &'static str,
        /// The result.
        hresult: HResult,
    },
    /// The session is over; what was pending has no completion.
    #[error("the session has ended: {0}")]
    SessionEnded(SessionEnd),
    /// The server has not drawn the balance in time: a driver holds a request that nobody can cancel (CLS-7). The close
    /// goes on, and the lease ends the session at the latest.
    #[error(
        "the session is still open after {waited:?}: a driver holds a request that cannot be cancelled (CLS-7); \
         `lowerdeck stack outstanding` tells which"
    )]
    StillOpen {
        /// How long the client waited.
        waited: Duration,
    },
    /// The session was closed, and its books do not balance.
    #[error("the books of the session do not balance: {0}")]
    Unbalanced(Box<Imbalance>),
    /// The endpoint is no URI.
    #[error("`{endpoint}` is no endpoint: {cause}; write it as http://HOST:PORT")]
    EndpointMalformed {
        /// The endpoint as given.
        endpoint: String,
        /// What is wrong with it.
        cause: String,
    },
    /// The server's answer breaks the contract.
    #[error("the server broke the contract in {call}: {what}")]
    ContractBroken {
        /// The call, by its name in the contract.
        call: &'static str,
        /// What is wrong with the answer.
        what: String,
    },
}

/// A refusal with its stable reason, from `google.rpc.ErrorInfo`, `BadRequest` and `RetryInfo`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// The call, by its name in the contract.
    pub call: &'static str,
    /// The gRPC code.
    pub code: Code,
    /// One of the constants of [`lowerdeck_proto::reason`]; empty if a proxy or another server answered.
    pub reason: String,
    /// For people.
    pub message: String,
    /// What the reason is about, by the keys of [`lowerdeck_proto::detail`].
    pub metadata: BTreeMap<String, String>,
    /// Fields at fault with what is wrong with them.
    pub fields: Vec<(String, String)>,
    /// When to try again, if the server says so.
    pub retry_after: Option<Duration>,
}

impl Error {
    /// Reads the answer to `call`. A status without our `ErrorInfo` that only a transport produces is an
    /// interruption.
    pub fn from_status(call: &'static str, status: &Status) -> Error {
        let info = status.get_details_error_info().filter(|info| info.domain == ERROR_DOMAIN);
        if info.is_none() && is_of_transport(status.code()) {
            let cause = cause_of(status);
            return Error::Interrupted { call, cause };
        }
        let (reason, metadata) = match info {
            Some(info) => (info.reason, info.metadata.into_iter().collect()),
            None => (String::new(), BTreeMap::new()),
        };
        let violations = status.get_details_bad_request().map(|bad| bad.field_violations).unwrap_or_default();
        Error::Refused(Box::new(Refusal {
            call,
            code: status.code(),
            reason,
            message: status.message().to_owned(),
            metadata,
            fields: violations.into_iter().map(|violation| (violation.field, violation.description)).collect(),
            retry_after: status.get_details_retry_info().and_then(|retry| retry.retry_delay),
        }))
    }

    /// The refusal, if it is one.
    pub fn refusal(&self) -> Option<&Refusal> {
        match self {
            Error::Refused(refusal) => Some(refusal),
            _ => None,
        }
    }

    /// Whether the server refused for this reason, one of [`lowerdeck_proto::reason`].
    pub fn is(&self, reason: &str) -> bool {
        self.refusal().is_some_and(|refusal| refusal.reason == reason)
    }

    /// Whether the session that was named is no more.
    pub(crate) fn is_end_of_session(&self) -> bool {
        self.is(reason::SESSION_ENDED) || self.is(reason::SESSION_UNKNOWN)
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} refused: {}", self.call, self.message)?;
        if self.reason.is_empty() { write!(f, " ({:?})", self.code) } else { write!(f, " ({})", self.reason) }
    }
}

impl std::error::Error for Refusal {}

/// Codes that a client's own transport makes up when a connection dies; a server of ours never sends them bare.
fn is_of_transport(code: Code) -> bool {
    matches!(code, Code::Unavailable | Code::Unknown | Code::Internal | Code::Cancelled)
}

/// The innermost source of a transport error, which is the one that tells something ("connection refused").
fn cause_of(status: &Status) -> String {
    let mut innermost: &dyn std::error::Error = status;
    while let Some(source) = innermost.source() {
        innermost = source;
    }
    if std::ptr::addr_eq(innermost, status) { status.message().to_owned() } else { innermost.to_string() }
}

#[cfg(test)]
mod tests;
