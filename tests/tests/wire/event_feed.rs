//! A reader of one session's events that holds the numbering to its law: gapless, in order.

use std::collections::VecDeque;

use lowerdeck_proto::v1;
use tonic::{Status, Streaming};

use crate::refusal::granted;
use crate::upper::DeviceClient;

/// An open event stream.
pub struct EventFeed {
    stream: Streaming<v1::StreamEventsResponse>,
    batch: VecDeque<v1::Event>,
    last: u64,
}

impl EventFeed {
    /// Opens the stream after event `after_sequence` and waits for its first message.
    pub async fn open(mut device: DeviceClient, after_sequence: u64) -> EventFeed {
        let stream = granted(device.stream_events(v1::StreamEventsRequest { after_sequence }).await);
        EventFeed { stream, batch: VecDeque::new(), last: after_sequence }
    }

    /// The next message of the stream as it is; None at its end.
    pub async fn message(&mut self) -> Result<Option<v1::StreamEventsResponse>, Status> {
        self.stream.message().await
    }

    /// The next event; None when the stream ended with OK.
    pub async fn next(&mut self) -> Result<Option<v1::Event>, Status> {
        while self.batch.is_empty() {
            let Some(message) = self.stream.message().await? else { return Ok(None) };
            let is_heartbeat = message.heartbeat.is_some();
            assert_eq!(is_heartbeat, message.events.is_empty(), "a message has events or is a heartbeat");
            self.batch.extend(message.events);
        }
        let event = self.batch.pop_front();
        if let Some(event) = &event {
            assert!(self.last == 0 || event.sequence == self.last + 1, "{} follows {}", event.sequence, self.last);
            self.last = event.sequence;
        }
        Ok(event)
    }

    /// The number of the last event that was read.
    pub fn last(&self) -> u64 {
        self.last
    }

    /// The next event, which must come.
    pub async fn event(&mut self) -> v1::Event {
        match self.next().await {
            Ok(Some(event)) => event,
            Ok(None) => panic!("the stream ended after event {}", self.last),
            Err(status) => panic!("after event {}: {status:?}", self.last),
        }
    }

    /// Reads on until an event satisfies `wanted`.
    pub async fn until(&mut self, wanted: impl Fn(&v1::event::Body) -> bool) -> v1::Event {
        loop {
            let event = self.event().await;
            if event.body.as_ref().is_some_and(&wanted) {
                return event;
            }
        }
    }

    /// Reads on until a request completed, and gives its event number and its completion.
    pub async fn completion(&mut self) -> (u64, v1::RequestCompleted) {
        loop {
            let event = self.event().await;
            if let Some(v1::event::Body::RequestCompleted(completion)) = event.body {
                return (event.sequence, completion);
            }
        }
    }

    /// Reads on until a file is gone, and gives its event number and its id.
    pub async fn file_gone(&mut self) -> (u64, String) {
        loop {
            let event = self.event().await;
            if let Some(v1::event::Body::FileGone(gone)) = event.body {
                return (event.sequence, gone.file_id);
            }
        }
    }

    /// Reads on to the end, which must be OK; gives what the last event says.
    pub async fn end(&mut self) -> Option<v1::event::Body> {
        let mut last = None;
        loop {
            match self.next().await {
                Ok(Some(event)) => last = event.body,
                Ok(None) => return last,
                Err(status) => panic!("{status:?}"),
            }
        }
    }
}
