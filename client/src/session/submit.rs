//! Sending: a place in the window, an entry in the books before the message leaves, and the reply entered whatever
//! happens to the caller.

use std::sync::Arc;

use lowerdeck_proto::{reason, v1};

use crate::completion::{Completion, OnCompletion, PendingIo, Ticket};
use crate::error::Error;
use crate::hresult::HResult;
use crate::limits;
use crate::request::{SendOptions, SendOutcome};
use crate::session::core::{Core, Repeat};
use crate::session::format_echo::FormatEcho;
use crate::session::pairing::Reply;

/// An entered Send whose reply is to come. Dropped without one, the books say so: the caller gave up, or cannot
/// know, and the completion will tell.
struct Entry<'a> {
    core: &'a Core,
    request_id: u64,
    answered: bool,
}

impl Entry<'_> {
    /// Enters the reply.
    fn answer(mut self, call: &'static str, hresult: HResult) -> Result<(), Error> {
        self.answered = true;
        let mut books = self.core.books();
        let reply = if hresult.is_success() {
            books.pairing.accepted(self.request_id)
        } else {
            books.pairing.refused(self.request_id)
        };
        match reply {
            Reply::Accepted => books.ledger.accepted += 1,
            Reply::Refused(ticket) => {
                drop(books);
                drop(ticket); // after the lock: gives the place in the window back
            }
            Reply::RefusedThoughCompleted => {
                books.ledger.unexpected += 1;
                return Err(Error::ContractBroken {
                    call,
                    what: format!("request {} was refused with {hresult} and has completed", self.request_id),
                });
            }
            Reply::Open | Reply::Unknown => {}
        }
        Ok(())
    }

    /// The call was refused as a question: nothing was sent.
    fn withdraw(mut self) {
        self.answered = true;
        let reply = self.core.books().pairing.refused(self.request_id);
        drop(reply);
    }
}

impl Drop for Entry<'_> {
    fn drop(&mut self) {
        if self.answered {
            return;
        }
        let mut books = self.core.books();
        let reply = books.pairing.unanswered(self.request_id);
        if matches!(reply, Reply::Accepted) {
            books.ledger.accepted += 1;
        }
    }
}

impl Core {
    /// FormatAndSend, with `retain` unset; `call` names it in errors.
    pub(crate) async fn format_and_send(
        self: &Arc<Self>,
        call: &'static str,
        format: v1::Format,
        options: SendOptions,
    ) -> Result<PendingIo, Error> {
        let request_id = self.next_request_id();
        let (format, options) = (Some(format), Some(options.into()));
        let message = v1::FormatAndSendRequest { request_id, format, options, retain: false };
        let place = self.place().await?;
        let (ticket, pending) = Ticket::new(self, request_id, None, place);
        let echo = self.queue.as_ref().and(message.format.as_ref()).map(|format| Box::new(FormatEcho::of(format)));
        let submission = self.enter(request_id, ticket, echo);
        let sent = self.accepting(|| self.ask(message.clone())).await;
        let hresult = match sent {
            Ok(sent) => HResult(sent.hresult),
            // The reply was lost, the call was repeated, and meanwhile the request completed and was acknowledged.
            Err(error) if error.is(reason::REQUEST_GONE) && self.completed_early(request_id) => HResult::S_OK,
            Err(error) => return Err(abandon(submission, error)),
        };
        submission.answer("FormatAndSend", hresult)?;
        if hresult.is_success() { Ok(pending) } else { Err(Error::Umdf { call, hresult }) }
    }

    /// SendRequest. A `silent` request has no completion callback, so no event will tell.
    pub(crate) async fn send_request(
        self: &Arc<Self>,
        message: v1::SendRequestRequest,
        silent: bool,
        callback: Option<OnCompletion>,
    ) -> Result<SendOutcome, Error> {
        let request_id = message.request_id;
        let mut entry = None;
        if !silent {
            let place = self.place().await?;
            let (ticket, pending) = Ticket::new(self, request_id, callback, place);
            entry = self.try_enter(request_id, ticket, None).map(|submission| (submission, pending));
        }
        let sent = self.accepting(|| self.ask(message.clone())).await;
        let sent = match sent {
            Err(Error::Interrupted { call, cause }) => self.sent_after_all(request_id, call, cause).await,
            other => other,
        };
        let (submission, pending) = entry.unzip();
        let sent = match (sent, submission) {
            (Ok(sent), Some(submission)) => {
                submission.answer("SendRequest", HResult(sent.hresult))?;
                sent
            }
            (Ok(sent), None) => {
                if silent && HResult(sent.hresult).is_success() {
                    let ledger = &mut self.books().ledger;
                    ledger.accepted += 1;
                    ledger.silent += 1;
                }
                sent
            }
            (Err(error), Some(submission)) => return Err(abandon(submission, error)),
            (Err(error), None) => return Err(error),
        };
        let hresult = HResult(sent.hresult);
        Ok(SendOutcome {
            hresult,
            pending: pending.filter(|_| hresult.is_success()),
            completion: sent.completion.map(Completion::from),
        })
    }

    /// After a lost reply: a request that is sent or completed was accepted. Anything else is open, because the
    /// message may still arrive.
    async fn sent_after_all(
        &self,
        request_id: u64,
        call: &'static str,
        cause: String,
    ) -> Result<v1::SendRequestResponse, Error> {
        let request = self.get_request(request_id).await?;
        match request.state() {
            v1::RequestState::Pended | v1::RequestState::InFlight | v1::RequestState::Completed => {
                Ok(v1::SendRequestResponse { hresult: HResult::S_OK.0, completion: request.completion })
            }
            _ => Err(Error::Interrupted { call, cause }),
        }
    }

    /// Repeats a send that was refused because too many events are unacknowledged, after acknowledging: a submission takes
    /// its acknowledgement along.
    async fn accepting<T, F>(&self, send: impl Fn() -> F) -> Result<T, Error>
    where
        F: Future<Output = Result<T, Error>>,
    {
        let mut retries = limits::RETENTION_RETRIES;
        loop {
            match send().await {
                Err(error) if retries > 0 && error.is(reason::RETENTION_FULL) => {
                    retries -= 1;
                    if self.queue.is_none() {
                        let through_sequence = *self.processed.borrow();
                        self.acknowledge(through_sequence).await?;
                    }
                }
                other => return other,
            }
        }
    }

    /// AcknowledgeEvents; answers how far the session is.
    pub(crate) async fn acknowledge(&self, through_sequence: u64) -> Result<u64, Error> {
        let message = v1::AcknowledgeEventsRequest { through_sequence };
        let acknowledged =
            self.call("AcknowledgeEvents", Repeat::Safe, |mut device| async move {
                device.acknowledge_events(message).await
            })
            .await?;
        Ok(acknowledged.acknowledged_sequence)
    }

    fn completed_early(&self, request_id: u64) -> bool {
        self.books().pairing.is_early(request_id)
    }

    fn enter(&self, request_id: u64, ticket: Ticket, echo: Option<Box<FormatEcho>>) -> Entry<'_> {
        self.try_enter(request_id, ticket, echo).expect("a new request id has no slot")
    }

    /// `None` if the request is sent already.
    fn try_enter(&self, request_id: u64, ticket: Ticket, echo: Option<Box<FormatEcho>>) -> Option<Entry<'_>> {
        let entered = self.books().pairing.sending(request_id, ticket, echo);
        self.sweep_if_ended();
        match entered {
            Ok(()) => Some(Entry { core: self, request_id, answered: false }),
            Err(ticket) => {
                drop(ticket);
                None
            }
        }
    }
}

/// An error is either a clear no, or leaves open whether the request was sent.
fn abandon(submission: Entry<'_>, error: Error) -> Error {
    if matches!(error, Error::Refused(_)) {
        submission.withdraw();
    }
    error
}
