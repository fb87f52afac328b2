//! `StreamEvents`: one session's events as a response stream.
//!
//! Laws: the first message comes at once; events wait in the session's log and not here, so a slow reader loses
//! nothing and costs nothing; a silent stream carries heartbeats; at the end of a drain it ends with a status.

use lowerdeck_proto::v1;

use super::pulled_stream::{PulledStream, Source};
use super::status::Refusal;
use super::{Streams, to_proto};
use crate::session::{EventReader, Reading};

/// The stream.
pub type EventStream = PulledStream<EventSource>;

/// Reads a session's log.
pub struct EventSource {
    reader: EventReader,
    streams: Streams,
    is_first: bool,
}

impl EventSource {
    /// Everything that `reader` reads, until it has finished or `streams` end.
    pub fn new(reader: EventReader, streams: Streams) -> EventSource {
        EventSource { reader, streams, is_first: true }
    }

    fn heartbeat(&self) -> v1::StreamEventsResponse {
        let heartbeat = to_proto::heartbeat(self.reader.vital_signs());
        v1::StreamEventsResponse { events: Vec::new(), heartbeat: Some(heartbeat) }
    }
}

impl Source for EventSource {
    type Message = v1::StreamEventsResponse;

    async fn next(&mut self) -> Result<Option<v1::StreamEventsResponse>, Refusal> {
        let is_first = std::mem::take(&mut self.is_first);
        let session = std::sync::Arc::clone(self.reader.session());
        loop {
            let change = session.changes();
            tokio::pin!(change);
            change.as_mut().enable(); // from here on no change is missed
            match self.reader.read(to_proto::event)? {
                Reading::Events(events) => return Ok(Some(v1::StreamEventsResponse { events, heartbeat: None })),
                Reading::Finished => return Ok(None),
                Reading::Quiet if is_first => return Ok(Some(self.heartbeat())),
                Reading::Quiet => {}
            }
            tokio::select! {
                biased; // what was recorded before the end is told before the end
                () = change => {}
                silent = self.streams.silence() => return silent.map(|()| Some(self.heartbeat())),
            }
        }
    }
}
