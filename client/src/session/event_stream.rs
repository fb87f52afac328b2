//! The events of a session on the unary road: one `StreamEvents`, in full. A task of its own acknowledges (`upkeep`).

use lowerdeck_proto::v1;

use crate::session::event::SessionEnd;
use crate::session::pump::{EventPump, Followed, Silence, next};
use crate::session::reconnect::Backoff;

/// The call, as errors name it.
const CALL: &str = "StreamEvents";

impl EventPump {
    /// Follows one stream to its end.
    pub(super) async fn follow_events(&mut self, backoff: &mut Backoff) -> Followed {
        let request = v1::StreamEventsRequest { after_sequence: self.cursor.processed() };
        let opened = self.core.devices.clone().stream_events(request).await;
        let mut stream = match opened {
            Ok(response) => response.into_inner(),
            Err(status) => return self.fell_silent(CALL, Silence::Ended(status)),
        };
        loop {
            let batch = match next(&mut stream).await {
                Ok(batch) => batch,
                Err(silence) => return self.fell_silent(CALL, silence),
            };
            backoff.reset();
            if let Err(end) = self.hear_events(batch) {
                return Followed::Ended(end);
            }
        }
    }

    fn hear_events(&mut self, batch: v1::StreamEventsResponse) -> Result<(), SessionEnd> {
        for event in batch.events {
            if self.is_next(event.sequence)? {
                self.dispatch.event(event);
            }
        }
        self.core.processed.send_replace(self.cursor.processed());
        Ok(())
    }
}
