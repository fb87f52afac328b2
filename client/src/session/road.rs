//! The two roads of a call about requests: as a submission on the session's QueuePair, or as a unary call.
//!
//! Laws: a call means the same on both, and fails with the same error. What the QueuePair cannot take goes the other
//! road: what would wait there, what is too large for the stream, and everything once the stream has ended for good.

use std::future::Future;

use lowerdeck_proto::v1::device_service_client::DeviceServiceClient;
use lowerdeck_proto::v1::submission::Call;
use lowerdeck_proto::v1::submission_result::Result as Answer;
use lowerdeck_proto::{detail, v1};
use tonic::{Code, Response, Status};

use crate::error::{Error, Refusal};
use crate::request::SendOptions;
use crate::session::core::{Core, Repeat};
use crate::session::submissions::Outcome;
use crate::transport::SessionChannel;

/// How the requests and the events of a session travel.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Road {
    /// In batches on one stream, `QueuePair`: what is ready goes out together, without waiting for more.
    #[default]
    QueuePair,
    /// Each call for itself, and the events on `StreamEvents`: for what stands between a client and its server and does
    /// not carry a stream both ways.
    Unary,
}

/// A call that both roads know.
pub(crate) trait RequestCall: Clone {
    /// What it answers.
    type Reply;
    /// Its name in the contract.
    const NAME: &'static str;
    /// Whether it may be sent again when its reply was lost.
    const REPEAT: Repeat;

    /// Whether the answer waits for more than the call itself, which a submission may not.
    fn is_synchronous(&self) -> bool {
        false
    }
    /// It as a submission.
    fn into_submission(self) -> Call;
    /// It from the submission that was made of it.
    fn from_submission(call: Call) -> Option<Self>;
    /// Its reply from what the submission gave; `None` there stands for nothing to say. Without a reply it was another
    /// call's.
    fn reply(answer: Option<Answer>) -> Option<Self::Reply>;
    /// It as a unary call.
    fn call(
        self,
        device: DeviceServiceClient<SessionChannel>,
    ) -> impl Future<Output = Result<Response<Self::Reply>, Status>> + Send;
}

/// `Name: Repeat, method, Answer` for a call whose submission gives its response.
macro_rules! request_call {
    ($name:ident, $repeat:ident, $request:ident -> $response:ident, $method:ident, $($reply:tt)*) => {
        impl RequestCall for v1::$request {
            type Reply = v1::$response;
            const NAME: &'static str = stringify!($name);
            const REPEAT: Repeat = Repeat::$repeat;

            fn into_submission(self) -> Call {
                Call::$name(self)
            }

            fn from_submission(call: Call) -> Option<Self> {
                match call {
                    Call::$name(message) => Some(message),
                    _ => None,
                }
            }

            async fn call(
                self,
                mut device: DeviceServiceClient<SessionChannel>,
            ) -> Result<Response<v1::$response>, Status> {
                device.$method(self).await
            }

            request_call!(@reply $response, $($reply)*);
        }
    };
    (@reply $response:ident, $answer:ident) => {
        fn reply(answer: Option<Answer>) -> Option<v1::$response> {
            match answer {
                Some(Answer::$answer(response)) => Some(response),
                _ => None,
            }
        }
    };
    (@reply $response:ident, a send) => {
        fn is_synchronous(&self) -> bool {
            self.options.is_some_and(|options| options.flags & SendOptions::SYNCHRONOUS != 0)
        }

        fn reply(answer: Option<Answer>) -> Option<v1::$response> {
            let hresult = match answer {
                None => 0, // accepted
                Some(Answer::Sent(sent)) => sent.hresult,
                Some(_) => return None,
            };
            Some(v1::$response { hresult, completion: None })
        }
    };
}

request_call!(FormatAndSend, Safe, FormatAndSendRequest -> FormatAndSendResponse, format_and_send, a send);
request_call!(SendRequest, Never, SendRequestRequest -> SendRequestResponse, send_request, a send);
request_call!(CreateRequest, Safe, CreateRequestRequest -> CreateRequestResponse, create_request, Created);
request_call!(FormatRequest, Safe, FormatRequestRequest -> FormatRequestResponse, format_request, Formatted);
request_call!(ReuseRequest, Never, ReuseRequestRequest -> ReuseRequestResponse, reuse_request, Reused);
request_call!(DeleteRequest, Never, DeleteRequestRequest -> DeleteRequestResponse, delete_request, Deleted);
request_call!(Cancel, Safe, CancelRequest -> CancelResponse, cancel, Cancelled);
request_call!(Close, Never, CloseRequest -> CloseResponse, close, Closed);
request_call!(
    CancelSentRequestsForFile,
    Safe,
    CancelSentRequestsForFileRequest -> CancelSentRequestsForFileResponse,
    cancel_sent_requests_for_file,
    CancelledForFile
);
request_call!(
    ReturnFromCallback,
    Safe,
    ReturnFromCallbackRequest -> ReturnFromCallbackResponse,
    return_from_callback,
    Returned
);

impl Core {
    /// Makes the call on the session's road.
    pub(crate) async fn ask<C: RequestCall>(&self, mut message: C) -> Result<C::Reply, Error> {
        if let Some(queue) = &self.queue
            && !message.is_synchronous()
        {
            let answer = match queue.submit(message.into_submission(), C::REPEAT).await {
                Some(Outcome::Accepted) => return reply_of::<C>(None),
                Some(Outcome::Answered(answer)) => return reply_of::<C>(Some(answer)),
                Some(Outcome::Interrupted(cause)) => return Err(Error::Interrupted { call: C::NAME, cause }),
                Some(Outcome::NotTaken(call)) => C::from_submission(call),
                None => return Err(self.ended_error()),
            };
            message = answer.expect("a submission comes back as the call that it was");
        }
        self.call(C::NAME, C::REPEAT, |device| message.clone().call(device)).await
    }
}

fn reply_of<C: RequestCall>(answer: Option<Answer>) -> Result<C::Reply, Error> {
    if let Some(Answer::Refused(refused)) = answer {
        return Err(Error::Refused(Box::new(refusal(C::NAME, refused))));
    }
    let broken = || Error::ContractBroken { call: C::NAME, what: "it gave what another call gives".to_owned() };
    C::reply(answer).ok_or_else(broken)
}

/// The refusal that the unary call would have ended with. Its fields at fault travel in the metadata.
fn refusal(call: &'static str, refused: v1::SubmissionRefused) -> Refusal {
    let v1::SubmissionRefused { code, reason, message, metadata } = refused;
    let at_fault = metadata.get(detail::FIELD).map(|field| (field.clone(), message.clone()));
    Refusal {
        call,
        code: Code::from(code),
        reason,
        message,
        metadata: metadata.into_iter().collect(),
        fields: at_fault.into_iter().collect(),
        retry_after: None,
    }
}
