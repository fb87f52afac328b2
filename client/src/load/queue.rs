//! The two halves of a load's `QueuePair`: batches out, and whatever comes back.
//!
//! Law: nothing is read, sent or acknowledged but when the owner says so, so that a load can be as slow as it likes.

use std::sync::atomic::Ordering;

use lowerdeck_proto::v1;
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Code, Status, Streaming};

use super::LoadIo;
use super::aim::Aim;
use super::setup::LoadSession;
use crate::error::{Error, Refusal};
use crate::hresult::HResult;

/// Batches on their way to the connection; whoever waits for completions bounds them already.
const OUTBOUND_BATCHES: usize = 64;

const CALL: &str = "QueuePair";

/// An open `QueuePair`.
#[derive(Debug)]
pub struct LoadQueue {
    sender: mpsc::Sender<v1::QueuePairRequest>,
    inbound: Streaming<v1::QueuePairResponse>,
}

fn broken(status: &Status) -> Error {
    Error::from_status(CALL, status)
}

fn ended() -> Error {
    Error::ContractBroken { call: CALL, what: "the stream ended early".to_owned() }
}

impl LoadQueue {
    /// Opens one on `session`, with a first message.
    ///
    /// # Errors
    /// As the call.
    pub async fn open(session: &LoadSession, first: v1::QueuePairRequest) -> Result<LoadQueue, Error> {
        let (sender, receiver) = mpsc::channel(OUTBOUND_BATCHES);
        sender.send(first).await.map_err(|_| ended())?;
        let mut device = session.device.clone();
        let opened = device.queue_pair(ReceiverStream::new(receiver)).await;
        Ok(LoadQueue { sender, inbound: opened.map_err(|status| broken(&status))?.into_inner() })
    }

    /// Hands a message to the connection; waits while too many are on their way.
    ///
    /// # Errors
    /// When the stream has ended.
    pub async fn send(&self, message: v1::QueuePairRequest) -> Result<(), Error> {
        self.sender.send(message).await.map_err(|_| ended())
    }

    /// The next message of the server.
    ///
    /// # Errors
    /// As the call; when the stream has ended.
    pub async fn next(&mut self) -> Result<v1::QueuePairResponse, Error> {
        self.inbound.message().await.map_err(|status| broken(&status))?.ok_or_else(ended)
    }
}

/// Says what the next requests of a load are.
pub struct Submitter {
    aim: Aim,
    file: String,
    pub(super) next_request: u64,
}

impl Submitter {
    /// Requests of one kind on the file of `session`, numbered on from what it has sent.
    pub fn new(session: &LoadSession, io: LoadIo) -> Submitter {
        let next_request = session.next_request.load(Ordering::Relaxed);
        Submitter { aim: Aim::new(io, 1), file: session.file.clone(), next_request }
    }

    /// A message with the next `count` requests, which acknowledges what was processed.
    pub fn batch(&mut self, count: usize, processed: u64) -> v1::QueuePairRequest {
        let submissions = (0..count)
            .map(|_| {
                let request_id = self.next_request;
                self.next_request += 1;
                let format = Some(self.aim.next());
                let send = v1::FormatAndSendRequest { request_id, format, ..Default::default() };
                v1::Submission { call: Some(v1::submission::Call::FormatAndSend(send)) }
            })
            .collect();
        v1::QueuePairRequest {
            after_sequence: processed,
            acknowledged_sequence: processed,
            file_id: self.file.clone(),
            submissions,
        }
    }
}

/// The error of a request that was not accepted, as the unary call would give it.
pub(super) fn not_accepted(result: &v1::SubmissionResult) -> Error {
    use v1::submission_result::Result as Answer;
    const CALL: &str = "FormatAndSend";
    match &result.result {
        Some(Answer::Refused(refused)) => Error::Refused(Box::new(Refusal {
            call: CALL,
            code: Code::from_i32(refused.code),
            reason: refused.reason.clone(),
            message: refused.message.clone(),
            metadata: refused.metadata.clone().into_iter().collect(),
            fields: Vec::new(),
            retry_after: None,
        })),
        Some(Answer::Sent(sent)) => Error::Umdf { call: CALL, hresult: HResult(sent.hresult) },
        other => Error::ContractBroken { call: CALL, what: format!("a send was answered with {other:?}") },
    }
}
