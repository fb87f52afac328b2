//! `FollowTrace`: a stack's trace as it grows.
//!
//! Laws: the stack never waits for a reader, which hears how many entries it has missed; the stream ends with OK when
//! the stack has ended and everything was sent.

use std::sync::Arc;

use lowerdeck_proto::v1;
use tokio::sync::{OwnedSemaphorePermit, watch};

use super::pulled_stream::{PulledStream, Source};
use super::status::Refusal;
use super::{Streams, lab_to_proto};
use crate::session::lab::StackInstance;

/// The stream.
pub type TraceStream = PulledStream<TraceSource>;

/// Reads a stack's trace.
pub struct TraceSource {
    instance: Arc<StackInstance>,
    growth: watch::Receiver<u64>,
    after: u64,
    is_first: bool,
    streams: Streams,
    _permit: OwnedSemaphorePermit,
}

impl TraceSource {
    /// The trace of `instance` after entry `after`, until the stack or `streams` end.
    pub fn new(
        instance: Arc<StackInstance>,
        after: u64,
        streams: Streams,
        permit: OwnedSemaphorePermit,
    ) -> TraceSource {
        let growth = instance.trace_growth();
        TraceSource { instance, growth, after, is_first: true, streams, _permit: permit }
    }
}

impl Source for TraceSource {
    type Message = v1::FollowTraceResponse;

    async fn next(&mut self) -> Result<Option<v1::FollowTraceResponse>, Refusal> {
        if std::mem::take(&mut self.is_first) {
            return Ok(Some(v1::FollowTraceResponse::default()));
        }
        loop {
            self.growth.mark_unchanged(); // what grows from here on wakes us
            let piece = self.instance.trace_after(self.after, 0)?;
            self.after = piece.next_after;
            if !piece.entries.is_empty() {
                let entries = piece.entries.iter().map(|entry| lab_to_proto::trace_entry(entry, piece.lowest));
                return Ok(Some(v1::FollowTraceResponse { entries: entries.collect(), dropped: piece.dropped }));
            }
            if piece.ended {
                return Ok(None);
            }
            tokio::select! {
                grown = self.growth.changed() => {
                    if grown.is_err() {
                        return Ok(None); // the stack is forgotten
                    }
                }
                silent = self.streams.silence() => return silent.map(|()| Some(v1::FollowTraceResponse::default())),
            }
        }
    }
}
