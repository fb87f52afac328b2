//! Statuses as the server and as a dying connection make them.

use std::collections::HashMap;
use std::time::Duration;

use lowerdeck_proto::{detail, reason};
use tonic::{Code, Status};
use tonic_types::{ErrorDetails, StatusExt};

use super::Error;

fn refused(code: Code, reason: &str, details: ErrorDetails) -> Status {
    let mut details = details;
    details.set_error_info(reason, "lowerdeck.dev", [(detail::ID, "7")].map(owned));
    Status::with_error_details(code, "no such thing", details)
}

fn owned((key, value): (&str, &str)) -> (String, String) {
    (key.to_owned(), value.to_owned())
}

#[test]
fn a_refusal_carries_reason_metadata_and_message() {
    let status = refused(Code::NotFound, reason::REQUEST_GONE, ErrorDetails::new());
    let error = Error::from_status("Cancel", &status);
    assert!(error.is(reason::REQUEST_GONE));
    let refusal = error.refusal().expect("made from a refusal");
    assert_eq!(refusal.code, Code::NotFound);
    assert_eq!(refusal.metadata[detail::ID], "7");
    assert_eq!(error.to_string(), "Cancel refused: no such thing (REQUEST_GONE)");
}

#[test]
fn fields_at_fault_are_listed() {
    let mut details = ErrorDetails::new();
    details.add_bad_request_violation("request_id", "must not be zero");
    let status = refused(Code::InvalidArgument, reason::REQUEST_ID_ZERO, details);
    let error = Error::from_status("Cancel", &status);
    let refusal = error.refusal().expect("made from a refusal");
    assert_eq!(refusal.fields, [owned(("request_id", "must not be zero"))]);
}

#[test]
fn an_unavailable_with_our_reason_is_a_refusal_with_its_delay() {
    let mut details = ErrorDetails::new();
    details.set_retry_info(Some(Duration::from_secs(3)));
    let status = refused(Code::Unavailable, reason::DRAINING, details);
    let error = Error::from_status("OpenSession", &status);
    let refusal = error.refusal().expect("made from a refusal");
    assert_eq!(refusal.retry_after, Some(Duration::from_secs(3)));
}

#[test]
fn an_unavailable_without_reason_is_an_interruption() {
    let status = Status::unavailable("tcp connect error");
    assert!(matches!(Error::from_status("Close", &status), Error::Interrupted { call: "Close", .. }));
}

#[test]
fn a_foreign_domain_gives_no_reason() {
    let mut details = ErrorDetails::new();
    details.set_error_info("FILE_GONE", "proxy.example", HashMap::new());
    let status = Status::with_error_details(Code::NotFound, "not here", details);
    let error = Error::from_status("Close", &status);
    assert!(!error.is(reason::FILE_GONE));
    assert_eq!(error.to_string(), "Close refused: not here (NotFound)");
}

#[test]
fn an_ended_and_an_unknown_session_are_both_the_end() {
    for reason in [reason::SESSION_ENDED, reason::SESSION_UNKNOWN] {
        let status = refused(Code::NotFound, reason, ErrorDetails::new());
        assert!(Error::from_status("GetSession", &status).is_end_of_session());
    }
}
