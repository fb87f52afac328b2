//! The QueuePair of the fake server: hands each submission to the test as a call, and reports what was answered.
//!
//! Laws: the head of the queue passes a submission when the test has answered it and all before it; a Close is passed at
//! once, as by a real server. A call that the test drops unanswered was taken. `lost` as an answer cuts the stream.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use lowerdeck_client::v1;
use lowerdeck_client::v1::submission::Call;
use lowerdeck_client::v1::submission_result::Result as Answer;
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tonic::{Code, Status, Streaming};
use tonic_types::StatusExt;

use super::feed::{self, Feed, FeedStream};
use super::{Shared, hand_over, lost};

/// What the test said of a submission: None stands for nothing to say.
type Said = Result<Option<Answer>, Status>;

struct Queue {
    shared: Arc<Shared>,
    /// Weak, so that the stream ends when the test ends it.
    sender: mpsc::WeakSender<Result<v1::QueuePairResponse, Status>>,
    head: Arc<AtomicU64>,
    submitted: u64,
    /// By number, what is answered and not yet passed by the head.
    answered: BTreeMap<u64, Option<Answer>>,
    asked: JoinSet<(u64, Said)>,
}

/// Opens the stream with its first message, and serves it until either side ends it.
pub(super) async fn serve(
    shared: &Arc<Shared>,
    mut inbound: Streaming<v1::QueuePairRequest>,
) -> Result<FeedStream<v1::QueuePairResponse>, Status> {
    let first = inbound.message().await?.ok_or_else(lost)?;
    let (sender, stream) = feed::channel();
    let head = Arc::new(AtomicU64::new(0));
    let mut queue = Queue {
        shared: Arc::clone(shared),
        sender: sender.downgrade(),
        head: Arc::clone(&head),
        submitted: 0,
        answered: BTreeMap::new(),
        asked: JoinSet::new(),
    };
    shared.begin(first.after_sequence, Feed::QueuePair { sender, head }).await?;
    queue.hand_out(first).await;
    #[allow(clippy::disallowed_methods, reason = "ends with the test's runtime")]
    tokio::spawn(queue.run(inbound));
    Ok(stream)
}

impl Queue {
    async fn run(mut self, mut inbound: Streaming<v1::QueuePairRequest>) {
        loop {
            tokio::select! {
                message = inbound.message() => match message {
                    Ok(Some(message)) => self.hand_out(message).await,
                    Ok(None) | Err(_) => return,
                },
                Some(said) = self.asked.join_next() => {
                    let (number, said) = said.expect("it does not panic");
                    match said {
                        Ok(answer) => self.answer(number, answer),
                        Err(status) => return self.cut(status),
                    }
                }
            }
        }
    }

    async fn hand_out(&mut self, message: v1::QueuePairRequest) {
        self.shared.heard_of(message.acknowledged_sequence);
        let _ = self.shared.messages.try_send(message.clone()); // most tests do not look
        for submission in message.submissions {
            self.submitted += 1;
            let call = submission.call.expect("a call");
            self.ask(self.submitted, call, &message.file_id).await;
        }
    }

    async fn ask(&mut self, number: u64, call: Call, file: &str) {
        let of_batch = |field: &mut String| {
            if field.is_empty() {
                file.clone_into(field);
            }
        };
        match call {
            Call::FormatAndSend(mut send) => {
                send.format.iter_mut().for_each(|format| of_batch(&mut format.file_id));
                let answer = hand_over(&self.shared.sends, send).await;
                self.asked.spawn(async move {
                    let sent = answer.await.unwrap_or_else(|_| super::accepted());
                    let refused = |sent: v1::FormatAndSendResponse| (sent.hresult != 0).then_some(Answer::Sent(sent));
                    (number, said(sent.map(refused)))
                });
            }
            Call::Close(mut close) => {
                of_batch(&mut close.file_id);
                self.answered.insert(number, None);
                self.report(Vec::new());
                let answer = hand_over(&self.shared.closes, close).await;
                self.asked.spawn(async move {
                    let closed = answer.await.unwrap_or_else(|_| Err(lost()));
                    (number, said(closed.map(|closed| Some(Answer::Closed(closed)))))
                });
            }
            Call::Cancel(cancel) => {
                let cancelled = self.shared.cancel(cancel).await;
                self.answer(number, Some(Answer::Cancelled(cancelled)));
            }
            Call::ReturnFromCallback(returned) => {
                let _ = self.shared.returns.send(returned).await; // a test may have ended
                self.answer(number, Some(Answer::Returned(v1::ReturnFromCallbackResponse {})));
            }
            other => {
                let status = Status::unimplemented(format!("{other:?}"));
                self.answer(number, Some(refusal(&status)));
            }
        }
    }

    fn answer(&mut self, number: u64, answer: Option<Answer>) {
        if number > self.head.load(Ordering::Relaxed) {
            self.answered.insert(number, answer);
            return self.report(Vec::new());
        }
        // A Close that returns: the head has passed it.
        self.report(vec![v1::SubmissionResult { submission: number, result: answer }]);
    }

    /// Says how far the head is, and what was answered on the way.
    fn report(&mut self, mut results: Vec<v1::SubmissionResult>) {
        let mut head = self.head.load(Ordering::Relaxed);
        while let Some(answer) = self.answered.remove(&(head + 1)) {
            head += 1;
            results.extend(answer.map(|answer| v1::SubmissionResult { submission: head, result: Some(answer) }));
        }
        self.head.store(head, Ordering::Relaxed);
        if let Some(sender) = self.sender.upgrade() {
            let message = v1::QueuePairResponse { submissions_taken: head, results, ..Default::default() };
            let _ = sender.try_send(Ok(message)); // the client may have gone
        }
    }

    fn cut(&self, status: Status) {
        self.shared.lock().stream = None;
        if let Some(sender) = self.sender.upgrade() {
            let _ = sender.try_send(Err(status)); // the client may have gone
        }
    }
}

/// A refusal is something to say; a lost connection is not.
fn said(answer: Result<Option<Answer>, Status>) -> Said {
    match answer {
        Err(status) if status.get_details_error_info().is_some() => Ok(Some(refusal(&status))),
        other => other,
    }
}

fn refusal(status: &Status) -> Answer {
    let info = status.get_details_error_info();
    let (reason, metadata) = info.map(|info| (info.reason, info.metadata)).unwrap_or_default();
    let (code, message) = (status.code() as i32, status.message().to_owned());
    Answer::Refused(v1::SubmissionRefused { code: Code::from(code) as i32, reason, message, metadata })
}
