//! The event log of a session: what it has been told, numbered, kept until it is acknowledged.
//!
//! Laws: numbers begin at 1 and have no gaps; nothing is dropped, not even beyond a limit: a full log refuses new
//! sends instead (`retention_full`), and what was accepted still gets its event.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::SystemTime;

use lowerdeck_framework::callback::Callback;
use lowerdeck_framework::io::CompletionParams;
use lowerdeck_framework::memory::MemoryOffset;
use lowerdeck_framework::power::PowerState;
use lowerdeck_framework::verifier::Finding;
use uuid::Uuid;

use super::error::{EndReason, SessionError};
use crate::host::record::DriverStopRecord;

/// What a Format call gave and its completion parameters do not have: its client gets back what it gave (REQ-36).
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct FormatEcho {
    /// A `DeviceOffset` was given, 0 or not.
    pub has_device_offset: bool,
    /// The windows that were given. Boxed: they are rare.
    pub windows: Option<Box<Windows>>,
}

/// The windows of a Format call's memories.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Windows {
    /// Of the output memory.
    pub output: Option<MemoryOffset>,
    /// Of the input memory.
    pub input: Option<MemoryOffset>,
}

/// The one completion of an accepted Send.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Completion {
    /// The client's number of the request.
    pub number: u64,
    /// The file it was formatted with.
    pub file: Option<Uuid>,
    /// How it ended.
    pub params: CompletionParams,
    /// What it was formatted with.
    pub echo: FormatEcho,
    /// It was submitted on a queue pair: its client knows what it was formatted with.
    pub was_submitted: bool,
}

/// What happened.
#[derive(Debug, Clone, PartialEq)]
pub enum EventBody {
    /// A request completed.
    RequestCompleted(Completion),
    /// A closed file is gone.
    FileGone(u128),
    /// A callback of the session's own is called; answered by its id.
    CallbackInvoked {
        /// Names the invocation, from 1.
        id: u64,
        /// Which method.
        kind: Callback,
        /// The previous power state for `OnD0Entry`, the target for `OnD0Exit`.
        power: Option<PowerState>,
    },
    /// A finding about the stack.
    Finding(Box<Finding>),
    /// The stack ended by a driver stop.
    DriverStopped(Arc<DriverStopRecord>),
    /// The session is ending.
    SessionEnding {
        /// Why.
        reason: EndReason,
        /// When the server gives up waiting, with [`EndReason::Draining`].
        hard_deadline: Option<SystemTime>,
    },
}

impl EventBody {
    /// Bytes of data that it keeps.
    fn data_bytes(&self) -> u64 {
        match self {
            EventBody::RequestCompleted(completion) => completion.params.output.len() as u64,
            _ => 0,
        }
    }

    /// Whether nothing follows it.
    pub fn is_last(&self) -> bool {
        matches!(self, EventBody::SessionEnding { reason, .. } if *reason != EndReason::Draining)
    }
}

/// One numbered event.
#[derive(Debug, Clone, PartialEq)]
pub struct Event {
    /// Its number.
    pub sequence: u64,
    /// When it happened, on the stack's clock.
    pub ticks: u64,
    /// What happened.
    pub body: EventBody,
}

/// Completions of sends that were accepted in the same step and are not recorded yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Coming {
    /// How many.
    pub events: u64,
    /// Bytes of data that they may have.
    pub bytes: u64,
}

/// The log.
#[derive(Debug)]
pub struct EventLog {
    kept: VecDeque<Event>,
    last: u64,
    data_bytes: u64,
    finished: bool,
}

impl EventLog {
    /// An empty log.
    pub fn new() -> EventLog {
        EventLog { kept: VecDeque::new(), last: 0, data_bytes: 0, finished: false }
    }

    /// Appends an event; after the last one nothing is appended.
    pub fn append(&mut self, ticks: u64, body: EventBody) {
        if self.finished {
            return;
        }
        self.finished = body.is_last();
        self.last += 1;
        self.data_bytes += body.data_bytes();
        self.kept.push_back(Event { sequence: self.last, ticks, body });
    }

    /// The number of the newest event; 0 if there was none.
    pub fn last(&self) -> u64 {
        self.last
    }

    /// The number up to which events are acknowledged.
    pub fn acknowledged(&self) -> u64 {
        self.kept.front().map_or(self.last, |first| first.sequence - 1)
    }

    /// Whether the last event there will be has been appended.
    pub fn is_finished(&self) -> bool {
        self.finished
    }

    /// Whether new sends must wait for acknowledgement.
    ///
    /// # Errors
    /// [`SessionError::RetentionFull`] naming the limit.
    pub fn check_retention(&self, coming: Coming, events_max: u64, bytes_max: u64) -> Result<(), SessionError> {
        if (self.kept.len() as u64).saturating_add(coming.events) >= events_max {
            return Err(SessionError::RetentionFull { name: "retained_events_max", value: events_max });
        }
        if self.data_bytes.saturating_add(coming.bytes) >= bytes_max {
            return Err(SessionError::RetentionFull { name: "retained_bytes_max", value: bytes_max });
        }
        Ok(())
    }

    /// Acknowledges everything up to `through`; `completed` gets the numbers of the requests whose completions were
    /// among them.
    ///
    /// # Errors
    /// [`SessionError::EventSequenceUnknown`]; nothing was acknowledged then.
    pub fn acknowledge(&mut self, through: u64, mut completed: impl FnMut(u64)) -> Result<(), SessionError> {
        if through > self.last {
            return Err(SessionError::EventSequenceUnknown { asked: through, last: self.last });
        }
        while let Some(first) = self.kept.pop_front_if(|first| first.sequence <= through) {
            self.data_bytes -= first.body.data_bytes();
            if let EventBody::RequestCompleted(completion) = first.body {
                completed(completion.number);
            }
        }
        Ok(())
    }

    /// Whether a stream may begin after `sequence`: 0 for all that are kept.
    ///
    /// # Errors
    /// [`SessionError::EventsAlreadyAcknowledged`], [`SessionError::EventSequenceUnknown`].
    pub fn check_resume(&self, sequence: u64) -> Result<(), SessionError> {
        if sequence > self.last {
            return Err(SessionError::EventSequenceUnknown { asked: sequence, last: self.last });
        }
        if sequence != 0 && sequence < self.acknowledged() {
            return Err(SessionError::EventsAlreadyAcknowledged { acknowledged: self.acknowledged() });
        }
        Ok(())
    }

    /// The next events after `sequence`: at most `events_max`, and no more than `bytes_max` of data unless the first
    /// alone has more.
    pub fn batch_after(&self, sequence: u64, events_max: u64, bytes_max: u64) -> impl Iterator<Item = &Event> {
        let skip = sequence.saturating_sub(self.acknowledged());
        let skip = usize::try_from(skip).unwrap_or(usize::MAX).min(self.kept.len());
        let mut bytes = 0;
        let fits = move |(index, event): &(usize, &Event)| {
            bytes += event.body.data_bytes();
            (*index as u64) < events_max && (*index == 0 || bytes <= bytes_max)
        };
        self.kept.range(skip..).enumerate().take_while(fits).map(|(_, event)| event)
    }
}

impl Default for EventLog {
    fn default() -> EventLog {
        EventLog::new()
    }
}

#[cfg(test)]
mod tests;
