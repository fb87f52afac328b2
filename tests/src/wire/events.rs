//! The session's events, read up to what the server says is its last one.

use lowerdeck_framework::status::HResult;
use lowerdeck_proto::v1;
use lowerdeck_proto::v1::queue_entry::Body;

use super::road::Feed;
use super::{Wire, messages};
use crate::backend::{Completion, Files};

impl Wire {
    /// Takes in every event up to the session's last one.
    pub(super) fn drain_events(&mut self) {
        if self.events.is_none() {
            return;
        }
        let session = self.run(self.clients.session.clone().get_session(v1::GetSessionRequest {}));
        let last = session.session.map_or(0, |session| session.last_event_sequence);
        while self.reading && self.seen < last {
            match &mut self.events {
                None => return,
                Some(Feed::Events(events)) => {
                    let batch = self.server.run(events.message()).unwrap_or_else(|status| panic!("{status:?}"));
                    for event in batch.unwrap_or_else(|| panic!("the event stream ended at {}", self.seen)).events {
                        self.take(event);
                    }
                }
                Some(Feed::Queue(queue)) => match queue.next_entry(&self.server) {
                    (number, Body::Event(event)) => {
                        assert_eq!(event.sequence, number, "an event has the number of its place");
                        self.take(*event);
                    }
                    (number, Body::Completion(done)) => {
                        assert_eq!(number, self.seen + 1, "event numbers have no gaps");
                        self.seen = number;
                        self.complete_submitted(done);
                    }
                },
            }
        }
    }

    /// A completion that leaves out what L0 itself has submitted.
    fn complete_submitted(&mut self, done: v1::QueueCompletion) {
        let echo = self.submitted.get(&done.request_id).cloned();
        let echo = echo.unwrap_or_else(|| panic!("request {} was not formatted by a submission", done.request_id));
        self.complete(Completion {
            request: done.request_id,
            status: HResult(done.hresult),
            information: done.information,
            echo,
            data: done.data,
        });
    }

    fn complete(&mut self, completion: Completion) {
        if let Some(file) = self.closes.remove(&completion.request) {
            self.begin_close(file);
        }
        self.completions.push(completion);
    }

    fn take(&mut self, event: v1::Event) {
        assert_eq!(event.sequence, self.seen + 1, "event numbers have no gaps");
        self.seen = event.sequence;
        match event.body {
            Some(v1::event::Body::RequestCompleted(done)) => {
                self.complete(Completion {
                    request: done.request_id,
                    status: HResult(done.hresult),
                    information: done.information,
                    echo: messages::echo(&done),
                    data: done.data,
                });
            }
            Some(v1::event::Body::CallbackInvoked(invoked)) => {
                self.invoked.push_back((invoked.callback_id, messages::callback_name(invoked.callback())));
            }
            _ => {}
        }
    }
}
