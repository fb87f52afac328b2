//! The submissions of one session: which wait to be written, which are written, and what each has come to.
//!
//! ```text
//!  push           gather                head passes it
//!  ────► waiting ───────► written ─┬───────────────────► its outcome
//!           ▲               │      └─ (a Close) ► returning ──────► its outcome
//!           └───────────────┘
//!             the stream broke, and the call may be repeated
//! ```
//!
//! Laws: submissions are written in the order in which they came; each has one outcome; after a break only what may be
//! repeated is written again, before everything younger. Pure: knows neither tasks nor streams.

use std::collections::{HashMap, VecDeque};

use lowerdeck_proto::v1;
use lowerdeck_proto::v1::submission::Call;
use lowerdeck_proto::v1::submission_result::Result as Answer;
use prost::Message;

use crate::limits;
use crate::session::core::Repeat;

/// What a submission has come to.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Outcome {
    /// It was taken, and there is nothing more to say: a Send was accepted.
    Accepted,
    /// It was taken and gave this.
    Answered(Answer),
    /// It was written, the stream broke, and it may not be repeated; the cause. Whether it was taken is open.
    Interrupted(String),
    /// It was not taken and never will be, or may be asked again: here it is.
    NotTaken(Call),
}

/// A call to be submitted, and `R`, who hears what it came to.
#[derive(Debug)]
pub(crate) struct Submission<R> {
    call: Call,
    /// What the call says as its file, taken out of it; none for a call whose file no message may name.
    file: Option<String>,
    /// The size of the call as a message, in bytes.
    bytes: usize,
    repeat: Repeat,
    reply: R,
}

/// How much goes into one message.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Bounds {
    /// Submissions.
    pub(crate) submissions: usize,
    /// Bytes of the calls; one call may have more.
    pub(crate) bytes: usize,
}

/// Submissions that have no outcome yet, on the present stream.
#[derive(Debug)]
pub(crate) struct Submissions<R> {
    waiting: VecDeque<Submission<R>>,
    /// The submissions of the stream with the numbers from `taken + 1`.
    written: VecDeque<Submission<R>>,
    /// Taken, with the result to come, by number.
    returning: HashMap<u64, Submission<R>>,
    taken: u64,
}

/// The file that a message names for all its submissions.
enum Named {
    /// None so far.
    Open,
    /// This one.
    File(String),
    /// None, because a submission in it has a NULL file.
    Null,
}

impl<R> Submission<R> {
    pub(crate) fn new(mut call: Call, repeat: Repeat, reply: R) -> Submission<R> {
        let bytes = size_of_call(&call);
        let file = file_field(&mut call).map(std::mem::take);
        Submission { call, file, bytes, repeat, reply }
    }

    /// The size of the call as a message, in bytes.
    pub(crate) fn bytes(&self) -> usize {
        self.bytes
    }

    /// The call as it came.
    pub(crate) fn into_call(self) -> Call {
        self.into_parts().0
    }

    fn into_parts(mut self) -> (Call, R) {
        if let (Some(file), Some(field)) = (self.file, file_field(&mut self.call)) {
            *field = file;
        }
        (self.call, self.reply)
    }

    fn is_send(&self) -> bool {
        matches!(self.call, Call::FormatAndSend(_) | Call::SendRequest(_))
    }
}

impl Named {
    /// Takes a submission on `file` into the message; false if the message cannot have it. `field` is the call's own.
    fn admit(&mut self, file: &str, field: &mut String) -> bool {
        match self {
            Named::Open if file.is_empty() => *self = Named::Null,
            Named::Open => *self = Named::File(file.to_owned()),
            Named::File(_) if file.is_empty() => return false,
            Named::File(named) if named == file => {}
            Named::File(_) | Named::Null => file.clone_into(field),
        }
        true
    }
}

impl<R> Submissions<R> {
    pub(crate) fn new() -> Submissions<R> {
        Submissions { waiting: VecDeque::new(), written: VecDeque::new(), returning: HashMap::new(), taken: 0 }
    }

    /// Whether something waits to be written.
    pub(crate) fn is_waiting(&self) -> bool {
        !self.waiting.is_empty()
    }

    /// How many the server has not taken, as far as it has told.
    pub(crate) fn untaken(&self) -> usize {
        self.waiting.len() + self.written.len()
    }

    pub(crate) fn push(&mut self, submission: Submission<R>) {
        self.waiting.push_back(submission);
    }

    /// The next message: as much of what waits as `bounds` allow, and the file that is named once for all.
    pub(crate) fn gather(&mut self, bounds: Bounds) -> (String, Vec<v1::Submission>) {
        let mut named = Named::Open;
        let mut bytes = 0;
        let mut batch = Vec::with_capacity(self.waiting.len().min(bounds.submissions));
        while let Some(next) = self.waiting.front() {
            let is_full = batch.len() >= bounds.submissions || bytes + next.bytes > bounds.bytes;
            if is_full && !batch.is_empty() {
                break;
            }
            let mut call = next.call.clone(); // payloads are shared, and the file is not in it
            if let (Some(file), Some(field)) = (&next.file, file_field(&mut call))
                && !named.admit(file, field)
            {
                break;
            }
            bytes += next.bytes;
            batch.push(v1::Submission { call: Some(call) });
            self.written.extend(self.waiting.pop_front());
        }
        match named {
            Named::File(file) => (file, batch),
            Named::Open | Named::Null => (String::new(), batch),
        }
    }

    /// The server has taken the stream's submissions up to number `head`, and tells what some gave.
    ///
    /// # Errors
    /// What breaks the contract.
    pub(crate) fn settle(
        &mut self,
        head: u64,
        mut results: Vec<v1::SubmissionResult>,
    ) -> Result<Vec<(R, Outcome)>, String> {
        let newly = head.checked_sub(self.taken).filter(|newly| *newly <= self.written.len() as u64);
        let Some(newly) = newly else {
            let (taken, last) = (self.taken, self.taken + self.written.len() as u64);
            return Err(format!("{head} submissions were taken, where {taken} to {last} could be"));
        };
        let mut settled = Vec::with_capacity(newly as usize);
        results.sort_unstable_by_key(|result| result.submission);
        let mut results = results.into_iter().peekable();
        while let Some(result) = results.next_if(|result| result.submission <= self.taken) {
            let Some(returned) = self.returning.remove(&result.submission) else {
                return Err(format!("submission {} has a result too many", result.submission));
            };
            settled.push((returned.reply, outcome_of(result)?));
        }
        for submission in self.written.drain(..newly as usize) {
            self.taken += 1;
            match results.next_if(|result| result.submission == self.taken) {
                Some(result) => settled.push((submission.reply, outcome_of(result)?)),
                None if submission.is_send() => settled.push((submission.reply, Outcome::Accepted)),
                None => drop(self.returning.insert(self.taken, submission)),
            }
        }
        match results.next() {
            None => Ok(settled),
            Some(result) => Err(format!("submission {} has a result it should not have", result.submission)),
        }
    }

    /// The stream is broken, and the next one begins with what is written again. `cause` is for those that are not.
    pub(crate) fn interrupt(&mut self, cause: &str) -> Vec<(R, Outcome)> {
        let interrupted = || Outcome::Interrupted(cause.to_owned());
        let mut settled: Vec<_> = self.returning.drain().map(|(_, given_up)| (given_up.reply, interrupted())).collect();
        let mut again = VecDeque::with_capacity(self.written.len() + self.waiting.len());
        for submission in self.written.drain(..) {
            match submission.repeat {
                Repeat::Safe => again.push_back(submission),
                Repeat::Never => settled.push((submission.reply, interrupted())),
            }
        }
        again.append(&mut self.waiting);
        self.waiting = again;
        self.taken = 0;
        settled
    }

    /// There will be no further stream. With `in_order` the server has said its last word, so that what it has not
    /// taken it never will.
    pub(crate) fn finish(&mut self, in_order: bool) -> Vec<(R, Outcome)> {
        let mut settled = Vec::new();
        if in_order {
            self.written.append(&mut self.waiting);
            self.waiting = std::mem::take(&mut self.written);
        }
        settled.extend(self.interrupt("the session has ended"));
        settled.extend(self.waiting.drain(..).map(|submission| {
            let (call, reply) = submission.into_parts();
            (reply, Outcome::NotTaken(call))
        }));
        settled
    }
}

fn outcome_of(result: v1::SubmissionResult) -> Result<Outcome, String> {
    let empty = || format!("submission {} gave nothing", result.submission);
    result.result.map(Outcome::Answered).ok_or_else(empty)
}

/// Where a call names its file, if a message may name it for the call. A format that names a target says for itself what
/// its file is, and means NULL by an empty one.
fn file_field(call: &mut Call) -> Option<&mut String> {
    let of_default_target = |format: &&mut v1::Format| format.target_id.is_empty();
    match call {
        Call::FormatAndSend(send) => send.format.as_mut().filter(of_default_target).map(|format| &mut format.file_id),
        Call::FormatRequest(message) => {
            message.format.as_mut().filter(of_default_target).map(|format| &mut format.file_id)
        }
        Call::Close(close) => Some(&mut close.file_id),
        Call::CancelSentRequestsForFile(cancel) => Some(&mut cancel.file_id),
        Call::Cancel(_)
        | Call::ReturnFromCallback(_)
        | Call::CreateRequest(_)
        | Call::SendRequest(_)
        | Call::ReuseRequest(_)
        | Call::DeleteRequest(_) => None,
    }
}

/// The size of a call in a message: exact for what may carry a payload, a bound for the others.
fn size_of_call(call: &Call) -> usize {
    limits::SUBMISSION_BYTES
        + match call {
            Call::FormatAndSend(send) => send.encoded_len(),
            Call::FormatRequest(message) => message.encoded_len(),
            Call::SendRequest(send) => send.encoded_len(),
            _ => 0,
        }
}

#[cfg(test)]
mod tests;
