//! A client's side of a QueuePair: submissions by number, what they gave, and the events as they were numbered.
//!
//! Laws: every message is checked as it comes: the head never goes back, a submission has one result, events have no
//! gaps. What a message says of events is kept until L0 reads it, so that answers do not wait for L0 to read.

use std::collections::{HashMap, VecDeque};

use lowerdeck_proto::v1;
use lowerdeck_proto::v1::queue_entry::Body;
use lowerdeck_proto::v1::submission::Call;
use lowerdeck_proto::v1::submission_result::Result as Answer;
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Status, Streaming};

use super::Server;
use super::session::Clients;

/// Messages on their way to the connection: a script has one under way, and hears its answer before the next.
const MESSAGES_MAX: usize = 4;

/// The stream of one session.
pub(super) struct Queue {
    sender: mpsc::Sender<v1::QueuePairRequest>,
    inbound: Streaming<v1::QueuePairResponse>,
    submitted: u64,
    taken: u64,
    /// By the number of the submission, until they are asked for.
    answers: HashMap<u64, Answer>,
    entries: VecDeque<(u64, Body)>,
    last_entry: u64,
    has_ended: bool,
}

impl Queue {
    /// Opens the session's first stream.
    ///
    /// # Errors
    /// The server's refusal.
    pub(super) async fn open(clients: &Clients) -> Result<Queue, Status> {
        let (sender, receiver) = mpsc::channel(MESSAGES_MAX);
        // The first message opens the stream; the channel has room for it.
        let opened = sender.try_send(v1::QueuePairRequest::default());
        opened.expect("the channel is empty and its receiver lives");
        let inbound = clients.device.clone().queue_pair(ReceiverStream::new(receiver)).await?.into_inner();
        Ok(Queue {
            sender,
            inbound,
            submitted: 0,
            taken: 0,
            answers: HashMap::new(),
            entries: VecDeque::new(),
            last_entry: 0,
            has_ended: false,
        })
    }

    /// Whether the server has ended the stream.
    pub(super) fn has_ended(&self) -> bool {
        self.has_ended
    }

    /// Submits `calls` in one message, which acknowledges events up to `acknowledged`; gives the number of the first.
    pub(super) fn submit(&mut self, server: &Server, acknowledged: u64, calls: Vec<Call>) -> u64 {
        let first = self.submitted + 1;
        self.submitted += calls.len() as u64;
        let submissions = calls.into_iter().map(|call| v1::Submission { call: Some(call) }).collect();
        let batch = v1::QueuePairRequest { acknowledged_sequence: acknowledged, submissions, ..Default::default() };
        // A server that has ended the stream says so to whoever listens.
        drop(server.run(self.sender.send(batch)));
        first
    }

    /// What `submission` gave, once the server has taken it. None when nothing more is to be said of it than that; of
    /// a Close that means that it has not returned.
    pub(super) fn answer(&mut self, server: &Server, submission: u64) -> Option<Answer> {
        self.wait_until_taken(server, submission);
        self.answers.remove(&submission)
    }

    /// Listens until the server has taken `submission`.
    pub(super) fn wait_until_taken(&mut self, server: &Server, submission: u64) {
        while self.taken < submission {
            self.hear(server);
        }
    }

    /// What a Close gave, once it has returned.
    pub(super) fn closed(&mut self, server: &Server, submission: u64) -> Answer {
        loop {
            match self.answers.remove(&submission) {
                Some(answer) => return answer,
                None => self.hear(server),
            }
        }
    }

    /// Whether the server has said what `submission` gave.
    pub(super) fn is_answered(&self, submission: u64) -> bool {
        self.answers.contains_key(&submission)
    }

    /// The next event with its number, once there is one.
    pub(super) fn next_entry(&mut self, server: &Server) -> (u64, Body) {
        loop {
            match self.entries.pop_front() {
                Some(entry) => return entry,
                None => self.hear(server),
            }
        }
    }

    /// Takes the next message in.
    pub(super) fn hear(&mut self, server: &Server) {
        assert!(!self.has_ended, "the stream has ended after submission {} of {}", self.taken, self.submitted);
        let message = server.run(self.inbound.message()).unwrap_or_else(|status| panic!("{status:?}"));
        match message {
            Some(message) => self.take(message),
            None => self.has_ended = true,
        }
    }

    fn take(&mut self, message: v1::QueuePairResponse) {
        let taken = self.taken..=self.submitted;
        assert!(taken.contains(&message.submissions_taken), "{} is not in {taken:?}", message.submissions_taken);
        self.taken = message.submissions_taken;
        for v1::SubmissionResult { submission, result } in message.results {
            assert!((1..=self.taken).contains(&submission), "a result of submission {submission}, which was not taken");
            let result = result.unwrap_or_else(|| panic!("submission {submission} gave nothing"));
            let before = self.answers.insert(submission, result);
            assert_eq!(before, None, "submission {submission} has two results");
        }
        if message.entries.is_empty() {
            return;
        }
        assert_eq!(message.first_sequence, self.last_entry + 1, "event numbers have no gaps");
        for entry in message.entries {
            self.last_entry += 1;
            let body = entry.body.unwrap_or_else(|| panic!("entry {} is empty", self.last_entry));
            self.entries.push_back((self.last_entry, body));
        }
    }
}
