//! From the inside outward: what a queue pair says about submissions and events.

use lowerdeck_proto::v1;
use lowerdeck_proto::v1::submission_result::Result as Wire;

use super::status::{Refusal, refused_submission};
use super::to_proto;
use crate::session::events::{Event, EventBody};
use crate::session::{Answer, SubmissionResult};

/// What a submission gave.
pub fn result(result: SubmissionResult) -> v1::SubmissionResult {
    let wire = match result.answer {
        Ok(Answer::Sent(status)) => Wire::Sent(v1::FormatAndSendResponse { hresult: status.0, completion: None }),
        Ok(Answer::Created(status)) => Wire::Created(v1::CreateRequestResponse { hresult: status.0 }),
        Ok(Answer::Formatted(status)) => Wire::Formatted(v1::FormatRequestResponse { hresult: status.0 }),
        Ok(Answer::Reused) => Wire::Reused(v1::ReuseRequestResponse {}),
        Ok(Answer::Deleted(status)) => Wire::Deleted(v1::DeleteRequestResponse { hresult: status.0 }),
        Ok(Answer::Cancelled(answer)) => Wire::Cancelled(to_proto::cancel(answer)),
        Ok(Answer::CancelledForFile) => Wire::CancelledForFile(v1::CancelSentRequestsForFileResponse {}),
        Ok(Answer::Closed) => Wire::Closed(v1::CloseResponse {}),
        Ok(Answer::Returned) => Wire::Returned(v1::ReturnFromCallbackResponse {}),
        Err(error) => Wire::Refused(refused_submission(&error.into())),
    };
    v1::SubmissionResult { submission: result.submission, result: Some(wire) }
}

/// A submission that means nothing.
pub fn malformed(submission: u64, refusal: &Refusal) -> v1::SubmissionResult {
    v1::SubmissionResult { submission, result: Some(Wire::Refused(refused_submission(refusal))) }
}

/// An event: in full, unless the client that submitted the request knows the rest.
pub fn entry(event: &Event) -> v1::QueueEntry {
    use v1::queue_entry::Body;
    let body = match &event.body {
        EventBody::RequestCompleted(completed) if completed.was_submitted => Body::Completion(v1::QueueCompletion {
            request_id: completed.number,
            hresult: completed.params.status.0,
            information: completed.params.information,
            data: completed.params.output.clone(),
        }),
        _ => Body::Event(Box::new(to_proto::event(event))),
    };
    v1::QueueEntry { body: Some(body) }
}
