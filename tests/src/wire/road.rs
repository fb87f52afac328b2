//! The two roads to DeviceService: unary calls beside the session's StreamEvents, or its QueuePair.
//!
//! Law: a call means the same on both. What a QueuePair does not carry (CreateWdfFile, targets, synchronous sends, the
//! lab) is a unary call on either, and so is everything once the server has ended the stream.

use std::fmt;
use std::future::Future;

use lowerdeck_framework::io::SendOptions;
use lowerdeck_proto::v1;
use lowerdeck_proto::v1::submission::Call;
use lowerdeck_proto::v1::submission_result::Result as Answer;
use tonic::{Code, Response, Status};

use super::queue::Queue;
use super::session::{Channelled, Clients};
use super::{Server, Wire};

type Device = v1::device_service_client::DeviceServiceClient<Channelled>;

/// How the requests and the events of a session travel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Road {
    /// Unary calls, and StreamEvents.
    Calls,
    /// One QueuePair.
    QueuePair,
}

impl Road {
    /// Both.
    pub const ALL: [Road; 2] = [Road::Calls, Road::QueuePair];
}

impl fmt::Display for Road {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Road::Calls => "unary calls and StreamEvents",
            Road::QueuePair => "QueuePair",
        })
    }
}

/// Where a session's events come from.
pub(super) enum Feed {
    /// StreamEvents.
    Events(tonic::Streaming<v1::StreamEventsResponse>),
    /// The completion queue.
    Queue(Queue),
}

impl Feed {
    /// Opens the stream that `road` needs.
    ///
    /// # Errors
    /// The server's refusal.
    pub(super) async fn open(road: Road, clients: &Clients) -> Result<Feed, Status> {
        match road {
            Road::Calls => {
                let message = v1::StreamEventsRequest { after_sequence: 0 };
                Ok(Feed::Events(clients.device.clone().stream_events(message).await?.into_inner()))
            }
            Road::QueuePair => Queue::open(clients).await.map(Feed::Queue),
        }
    }
}

/// A message that can be either a unary call or a submission.
pub(super) trait Submission: Sized {
    /// What the call answers.
    type Reply;

    /// Whether it is refused as a submission, because it would wait.
    fn is_unary(&self) -> bool {
        false
    }
    /// It as a submission.
    fn submission(self) -> Call;
    /// The same reply from what the submission gave. None: it gave something else.
    fn reply(answer: Option<Answer>) -> Option<Self::Reply>;
    /// It as a call.
    fn call(self, device: Device) -> impl Future<Output = Result<Response<Self::Reply>, Status>>;
}

macro_rules! submission {
    ($message:ty, $reply:ty, $call:ident, $method:ident, $answer:pat => $given:expr) => {
        impl Submission for $message {
            type Reply = $reply;

            fn submission(self) -> Call {
                Call::$call(self)
            }

            fn reply(answer: Option<Answer>) -> Option<$reply> {
                match answer {
                    $answer => Some($given),
                    _ => None,
                }
            }

            async fn call(self, mut device: Device) -> Result<Response<$reply>, Status> {
                device.$method(self).await
            }
        }
    };
    ($message:ident, $reply:ident, $call:ident, $method:ident, $answer:ident) => {
        submission!(v1::$message, v1::$reply, $call, $method, Some(Answer::$answer(reply)) => reply);
    };
}

submission!(CreateRequestRequest, CreateRequestResponse, CreateRequest, create_request, Created);
submission!(FormatRequestRequest, FormatRequestResponse, FormatRequest, format_request, Formatted);
submission!(ReuseRequestRequest, ReuseRequestResponse, ReuseRequest, reuse_request, Reused);
submission!(DeleteRequestRequest, DeleteRequestResponse, DeleteRequest, delete_request, Deleted);
submission!(CancelRequest, CancelResponse, Cancel, cancel, Cancelled);
submission!(CloseRequest, CloseResponse, Close, close, Closed);
submission!(
    CancelSentRequestsForFileRequest,
    CancelSentRequestsForFileResponse,
    CancelSentRequestsForFile,
    cancel_sent_requests_for_file,
    CancelledForFile
);
submission!(ReturnFromCallbackRequest, ReturnFromCallbackResponse, ReturnFromCallback, return_from_callback, Returned);

impl Submission for v1::SendRequestRequest {
    type Reply = v1::SendRequestResponse;

    fn is_unary(&self) -> bool {
        self.options.is_some_and(|options| options.flags & SendOptions::SYNCHRONOUS != 0)
    }

    fn submission(self) -> Call {
        Call::SendRequest(self)
    }

    fn reply(answer: Option<Answer>) -> Option<v1::SendRequestResponse> {
        sent(answer).map(|hresult| v1::SendRequestResponse { hresult, completion: None })
    }

    async fn call(self, mut device: Device) -> Result<Response<v1::SendRequestResponse>, Status> {
        device.send_request(self).await
    }
}

impl Submission for v1::FormatAndSendRequest {
    type Reply = v1::FormatAndSendResponse;

    fn is_unary(&self) -> bool {
        self.options.is_some_and(|options| options.flags & SendOptions::SYNCHRONOUS != 0)
    }

    fn submission(self) -> Call {
        Call::FormatAndSend(self)
    }

    fn reply(answer: Option<Answer>) -> Option<v1::FormatAndSendResponse> {
        sent(answer).map(|hresult| v1::FormatAndSendResponse { hresult, completion: None })
    }

    async fn call(self, mut device: Device) -> Result<Response<v1::FormatAndSendResponse>, Status> {
        device.format_and_send(self).await
    }
}

/// What Send gave: a submission of which nothing is said was accepted.
fn sent(answer: Option<Answer>) -> Option<u32> {
    match answer {
        None => Some(0),
        Some(Answer::Sent(sent)) => {
            assert_ne!(sent.hresult, 0, "an accepted Send needs no word");
            Some(sent.hresult)
        }
        Some(_) => None,
    }
}

/// The reply in `answer`.
///
/// # Errors
/// The refusal, as [`refusal`] writes it.
pub(super) fn reply_of<M: Submission>(answer: Option<Answer>) -> Result<M::Reply, String> {
    if let Some(Answer::Refused(refused)) = answer {
        return Err(refusal(Code::from(refused.code), &refused.message));
    }
    let said = format!("{answer:?}");
    Ok(M::reply(answer).unwrap_or_else(|| panic!("a submission gave what another call gives: {said}")))
}

/// A refusal in one line, the same on both roads.
fn refusal(code: Code, message: &str) -> String {
    format!("{code:?}: {message}")
}

impl Wire {
    /// The queue pair of a session that goes by it, open or ended, and what speaks to it.
    pub(super) fn stream(&mut self) -> Option<(&mut Queue, &Server)> {
        match &mut self.events {
            Some(Feed::Queue(queue)) => Some((queue, &*self.server)),
            _ => None,
        }
    }

    /// The queue pair while it takes submissions.
    pub(super) fn queue(&mut self) -> Option<(&mut Queue, &Server)> {
        self.stream().filter(|(queue, _)| !queue.has_ended())
    }

    /// Makes the call that `message` is, on the session's road.
    ///
    /// # Errors
    /// The refusal, as a code and a message.
    pub(super) fn ask<M: Submission>(&mut self, message: M) -> Result<M::Reply, String> {
        let seen = self.seen;
        if !message.is_unary()
            && let Some((queue, server)) = self.queue()
        {
            let number = queue.submit(server, seen, vec![message.submission()]);
            return reply_of::<M>(queue.answer(server, number));
        }
        let replied = self.server.run(message.call(self.clients.device.clone()));
        replied.map(Response::into_inner).map_err(|status| refusal(status.code(), status.message()))
    }

    /// As [`Wire::ask`]; a refusal fails the script.
    pub(super) fn perform<M: Submission>(&mut self, message: M) -> M::Reply {
        self.ask(message).unwrap_or_else(|refusal| panic!("{refusal}"))
    }
}
