//! The fast path: a batch of calls in one step on the stack.
//!
//! Laws: a submission means what the call of the same name means and runs the same code; a batch is taken in its
//! order, and a refused submission changes nothing and stops nobody. What a Close gives comes when it has returned,
//! or when the end of the stack cuts it off, which nobody waits for here: it is kept for the reader of the stream that
//! submitted it.

use std::sync::Arc;

use lowerdeck_framework::io::SendOptions;
use lowerdeck_framework::stack::CancelAnswer;
use lowerdeck_framework::status::HResult;

use super::error::SessionError;
use super::event_calls::EventReader;
use super::live::{Operation, Session};
use super::quota;
use super::request_calls::{FormatArguments, Sending};
use super::state::BlockedCall;

/// One call.
#[derive(Debug, Clone, PartialEq)]
pub enum Submission {
    /// FormatAndSend, never synchronous.
    FormatAndSend {
        /// The client's number of the request.
        number: u64,
        /// Its format.
        format: FormatArguments,
        /// Its options.
        options: SendOptions,
        /// Whether it is kept after its completion was acknowledged.
        retain: bool,
    },
    /// CreateRequest.
    CreateRequest {
        /// The client's number for it.
        number: u64,
        /// Whether completions are called back.
        callback: bool,
    },
    /// FormatRequestForXxx.
    FormatRequest {
        /// Which request.
        number: u64,
        /// Its format.
        format: FormatArguments,
    },
    /// Send, never synchronous.
    SendRequest {
        /// Which request.
        number: u64,
        /// Its options.
        options: SendOptions,
        /// The target; empty for the default one.
        target: Box<str>,
    },
    /// Reuse.
    ReuseRequest {
        /// Which request.
        number: u64,
        /// What GetStatus gives from now on.
        status: HResult,
        /// Whether completions are called back.
        callback: bool,
    },
    /// DeleteWdfObject of a request.
    DeleteRequest(u64),
    /// CancelSentRequest.
    Cancel(u64),
    /// CancelSentRequestsForFile.
    CancelForFile {
        /// The file.
        file: String,
        /// The target; empty for the default one.
        target: Box<str>,
    },
    /// Close.
    Close(String),
    /// The return from a callback.
    ReturnFromCallback {
        /// The callback.
        callback: u64,
        /// What it gives.
        status: HResult,
    },
}

/// What a call gave.
#[derive(Debug, Clone, PartialEq)]
pub enum Answer {
    /// Send did not accept the request.
    Sent(HResult),
    /// CreateRequest.
    Created(HResult),
    /// FormatRequestForXxx.
    Formatted(HResult),
    /// Reuse.
    Reused,
    /// DeleteWdfObject of a request.
    Deleted(HResult),
    /// CancelSentRequest.
    Cancelled(CancelAnswer),
    /// CancelSentRequestsForFile.
    CancelledForFile,
    /// Close has returned.
    Closed,
    /// The callback has returned.
    Returned,
}

/// What a submission gave. There is none for an accepted Send, and none for a Close that has not returned.
#[derive(Debug, Clone, PartialEq)]
pub struct SubmissionResult {
    /// The number of the submission in its stream, from 1.
    pub submission: u64,
    /// What it gave, or why it was refused.
    pub answer: Result<Answer, SessionError>,
}

/// The place of a submission that has not returned: its stream, and its number there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Ticket {
    stream: u64,
    submission: u64,
}

/// A submission that waits no more.
#[derive(Debug)]
struct Ready {
    ticket: Ticket,
    /// The end of the stack cut it off.
    is_cut_off: bool,
}

/// Submissions that waited and have returned, for the stream they came on. At most as many as there are files.
#[derive(Debug, Default)]
pub(super) struct Returned {
    ready: Vec<Ready>,
    waiting: u64,
    total: u64,
}

impl Returned {
    /// Takes a return in.
    pub(super) fn push(&mut self, ticket: Ticket) {
        self.add(Ready { ticket, is_cut_off: false });
    }

    /// Takes in that a submission will not return: the stack has ended.
    pub(super) fn cut_off(&mut self, ticket: Ticket) {
        self.add(Ready { ticket, is_cut_off: true });
    }

    fn add(&mut self, ready: Ready) {
        self.ready.push(ready);
        self.waiting -= 1;
        self.total += 1;
    }

    /// Returns taken in so far, to see whether there are new ones.
    pub(super) fn count(&self) -> u64 {
        self.total
    }

    /// Gives what is ready to the reader of `stream`, and `error` for what was cut off. Older streams are over: what
    /// was for them goes.
    pub(super) fn drain_into(
        &mut self,
        stream: u64,
        error: impl Fn() -> SessionError,
        results: &mut Vec<SubmissionResult>,
    ) {
        let ours = self.ready.drain(..).filter(|ready| ready.ticket.stream == stream);
        results.extend(ours.map(|Ready { ticket, is_cut_off }| SubmissionResult {
            submission: ticket.submission,
            answer: if is_cut_off { Err(error()) } else { Ok(Answer::Closed) },
        }));
    }
}

impl Session {
    /// Takes a batch of `reader`'s stream, after acknowledging everything up to event `through`; 0 acknowledges
    /// nothing. Formats that name no file mean `file`. `batch` gives the submissions with their numbers in the stream,
    /// and must not call the session; what they give is added to `results`.
    ///
    /// # Errors
    /// [`SessionError::EventSequenceUnknown`]; nothing was taken then. Everything else is the result of a submission.
    pub fn submit(
        &self,
        reader: &EventReader,
        through: u64,
        file: Option<&Arc<str>>,
        mut batch: impl Iterator<Item = (u64, Submission)>,
        results: &mut Vec<SubmissionResult>,
    ) -> Result<(), SessionError> {
        let (stream, before) = (reader.generation(), results.len());
        let taken = self.operate(|op| {
            if through > 0 {
                op.acknowledge(through)?;
            }
            op.is_submission = true;
            op.batch_file = file.cloned();
            for (submission, call) in &mut batch {
                let answer = op.perform(call, Ticket { stream, submission }).transpose();
                results.extend(answer.map(|answer| SubmissionResult { submission, answer }));
            }
            Ok(())
        });
        match taken {
            Ok(()) => {}
            // The stack has ended: what was to be acknowledged still is, and nothing else can be done. If the session has
            // ended too, a message that was under way is no fault of its client's: the stream goes on to tell what was
            // recorded before the end.
            Err(error @ (SessionError::Host(_) | SessionError::SessionEnded(_))) => {
                let error = match self.acknowledge(through) {
                    Ok(_) => error,
                    Err(ended @ SessionError::SessionEnded(_)) => ended,
                    Err(unknown) => return Err(unknown),
                };
                let refused = |(submission, _)| SubmissionResult { submission, answer: Err(error.clone()) };
                results.extend(batch.map(refused));
            }
            Err(error) => return Err(error),
        }
        for result in &results[before..] {
            if let Err(error) = &result.answer {
                self.audit_refusal(error);
            }
        }
        Ok(())
    }
}

/// What a Send has to say: only that it was refused.
fn refused(sending: &Sending) -> Option<Answer> {
    match sending {
        Sending::Answered(status) if !status.is_success() => Some(Answer::Sent(*status)),
        Sending::Answered(_) | Sending::Completed(_) | Sending::Waiting(_) => None,
    }
}

impl Operation<'_> {
    /// One submission. None when there is nothing to say now.
    fn perform(&mut self, call: Submission, ticket: Ticket) -> Result<Option<Answer>, SessionError> {
        match call {
            Submission::FormatAndSend { number, format, options, retain } => {
                self.format_and_send(number, format, options, retain).map(|sending| refused(&sending))
            }
            Submission::CreateRequest { number, callback } => {
                self.create_request(number, callback).map(|status| Some(Answer::Created(status)))
            }
            Submission::FormatRequest { number, format } => {
                self.format_request(number, format).map(|status| Some(Answer::Formatted(status)))
            }
            Submission::SendRequest { number, options, target } => {
                self.send_request(number, options, &target).map(|sending| refused(&sending))
            }
            Submission::ReuseRequest { number, status, callback } => {
                self.reuse_request(number, status, callback).map(|()| Some(Answer::Reused))
            }
            Submission::DeleteRequest(number) => {
                self.delete_request(number).map(|status| Some(Answer::Deleted(status)))
            }
            Submission::Cancel(number) => self.cancel(number).map(|answer| Some(Answer::Cancelled(answer))),
            Submission::CancelForFile { file, target } => {
                self.cancel_for_file(&file, &target)?;
                Ok(Some(Answer::CancelledForFile))
            }
            Submission::Close(file) => self.submit_close(&file, ticket),
            Submission::ReturnFromCallback { callback, status } => {
                self.callback_returned(callback, status)?;
                Ok(Some(Answer::Returned))
            }
        }
    }

    fn submit_close(&mut self, file: &str, ticket: Ticket) -> Result<Option<Answer>, SessionError> {
        let file = self.own(file)?;
        let advice = "wait for the results of closes";
        quota::check("blocking_calls_max", self.state.returned.waiting, 1, self.limits.blocking_calls_max, advice)?;
        self.state.returned.waiting += 1;
        let call = self.state.block(BlockedCall::SubmittedClose(ticket));
        self.state.files.close_asked(file);
        self.stack.close_requested(self.now, self.upper, file.id, call);
        Ok(None)
    }
}
