//! What a refused call says: code, reason and details, and the form that every refusal has.
//!
//! Law: the refusal of a submission is judged as that of a call is.

use std::collections::{BTreeMap, HashMap};
use std::fmt::Debug;

use lowerdeck_proto::{ERROR_DOMAIN, detail, reason, v1};
use tonic::{Code, Response, Status};
use tonic_types::{ErrorDetails, StatusExt};

/// A refusal whose form was checked.
#[derive(Debug)]
pub struct Refusal {
    status: Status,
    details: ErrorDetails,
    metadata: HashMap<String, String>,
}

impl Refusal {
    /// What the answer says under `key` of the ErrorInfo metadata.
    pub fn metadata(&self, key: &str) -> &str {
        self.metadata.get(key).unwrap_or_else(|| panic!("no metadata `{key}`: {:?}", self.status))
    }

    /// The message and the details as bytes: all that a caller can tell two refusals apart by.
    pub fn body(&self) -> (String, Vec<u8>) {
        (self.status.message().to_owned(), self.status.details().to_vec())
    }

    /// What calls and submissions say alike: code, reason, message and metadata.
    pub fn said(&self) -> (Code, String, String, BTreeMap<String, String>) {
        let reason = self.details.error_info().map(|info| info.reason.clone()).unwrap_or_default();
        let metadata = self.metadata.clone().into_iter().collect();
        (self.status.code(), reason, self.status.message().to_owned(), metadata)
    }

    /// The fields that `google.rpc.BadRequest` names.
    pub fn fields(&self) -> Vec<&str> {
        let violations = self.details.bad_request().map(|request| request.field_violations.as_slice());
        violations.unwrap_or_default().iter().map(|violation| violation.field.as_str()).collect()
    }
}

/// Reads the details of `status`, holding it to the form that all refusals have.
#[track_caller]
pub fn read(status: Status) -> Refusal {
    let details = status.get_error_details();
    let Some(info) = details.error_info() else { panic!("without ErrorInfo: {status:?}") };
    assert_eq!(info.domain, ERROR_DOMAIN, "{status:?}");
    assert!(reason::ALL.contains(&info.reason.as_str()), "reason {} is not in the contract", info.reason);
    let message = status.message();
    assert!(!message.is_empty() && !message.ends_with('.'), "a message ends without full stop: `{message}`");
    assert!(!message.starts_with(|first: char| first.is_uppercase()), "a message begins in lower case: `{message}`");
    match info.reason.as_str() {
        reason::FIELD_INVALID | reason::FIELD_MISSING | reason::FIELD_TOO_LONG | reason::ENUM_VALUE_UNKNOWN => {
            assert!(details.bad_request().is_some_and(|bad| !bad.field_violations.is_empty()), "{status:?}");
        }
        reason::LIMIT_REACHED | reason::RETENTION_FULL | reason::MESSAGE_TOO_LARGE => {
            assert!(details.quota_failure().is_some_and(|full| !full.violations.is_empty()), "{status:?}");
            assert!(info.metadata.contains_key("limit"), "the limit is named: {status:?}");
        }
        reason::DRAINING => {
            assert!(details.retry_info().is_some_and(|retry| retry.retry_delay.is_some()), "{status:?}");
        }
        _ => {}
    }
    let metadata = info.metadata.clone();
    Refusal { status, details, metadata }
}

/// The status that a refused submission stands for. Its metadata has what the details of a status are made from. Every
/// field is named here, so that a new one cannot go unjudged.
pub fn of_submission(refused: v1::SubmissionRefused) -> Status {
    let v1::SubmissionRefused { code, reason, message, metadata } = refused;
    let mut details = ErrorDetails::new();
    if let Some(field) = metadata.get(detail::FIELD) {
        details.add_bad_request_violation(field, &message);
    }
    if let Some(limit) = metadata.get(detail::LIMIT) {
        details.add_quota_failure_violation(limit, &message);
    }
    details.set_error_info(reason, ERROR_DOMAIN, metadata);
    Status::with_error_details(Code::from(code), message, details)
}

/// The refusal with `code` and `reason` that `result` must be.
#[track_caller]
pub fn expect<T: Debug>(result: Result<T, Status>, code: Code, reason: &str) -> Refusal {
    let status = match result {
        Ok(answer) => panic!("{reason} was expected, the answer is {answer:?}"),
        Err(status) => status,
    };
    assert_eq!(status.code(), code, "{reason} was expected: {status:?}");
    let said = status.get_error_details().error_info().map(|info| info.reason.clone());
    assert_eq!(said.as_deref(), Some(reason), "{status:?}");
    read(status)
}

/// The message of an answer that must be OK.
#[track_caller]
pub fn granted<T>(result: Result<Response<T>, Status>) -> T {
    match result {
        Ok(answer) => answer.into_inner(),
        Err(status) => panic!("{status:?}"),
    }
}
