//! The session's event stream, read up to what the server says is its last event.

use lowerdeck_framework::status::HResult;
use lowerdeck_proto::v1;

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
            let Some(events) = &mut self.events else { return };
            let batch = self.server.run(events.message()).unwrap_or_else(|status| panic!("{status:?}"));
            for event in batch.unwrap_or_else(|| panic!("the event stream ended at {}", self.seen)).events {
                assert_eq!(event.sequence, self.seen + 1, "event numbers have no gaps");
                self.seen = event.sequence;
                self.take(event);
            }
        }
    }

    fn take(&mut self, event: v1::Event) {
        match event.body {
            Some(v1::event::Body::RequestCompleted(done)) => {
                if let Some(file) = self.closes.remove(&done.request_id) {
                    self.begin_close(file);
                }
                self.completions.push(Completion {
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
