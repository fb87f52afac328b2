//! What a session does with its events: stream them, acknowledge them, return from callbacks.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::SystemTime;

use lowerdeck_framework::status::HResult;

use super::error::SessionError;
use super::events::Event;
use super::leasing::LeaseHold;
use super::live::{Operation, Session};
use super::queue_pair::SubmissionResult;
use super::request_operations::delete;
use super::requests::Entry;
use super::state::{Phase, SessionState};
use crate::host::clock;

/// What a reader of events finds.
#[derive(Debug, PartialEq)]
pub enum Reading<T> {
    /// The next events, as the reader wanted them; never empty.
    Events(Vec<T>),
    /// Nothing at the moment.
    Quiet,
    /// Everything was read and nothing follows.
    Finished,
}

/// A reader of one session's events. There is one at a time; a new one takes over.
pub struct EventReader {
    session: Arc<Session>,
    generation: u64,
    after: u64,
    _hold: LeaseHold,
}

impl Session {
    /// Acknowledges everything up to event `through`, deletes the requests that go with it, and gives the number up
    /// to which events are acknowledged now.
    ///
    /// # Errors
    /// [`SessionError::EventSequenceUnknown`].
    pub fn acknowledge(&self, through: u64) -> Result<u64, SessionError> {
        let acknowledged = self.operate(|op| op.acknowledge(through));
        if !matches!(acknowledged, Err(SessionError::Host(_))) {
            return acknowledged;
        }
        // On a stack that has ended there is nothing left to delete.
        let mut state = self.lock();
        if let Phase::Ended(reason) = state.phase {
            return Err(SessionError::SessionEnded(reason));
        }
        state.events.acknowledge(through, |_| {})?;
        Ok(state.events.acknowledged())
    }

    /// Begins to read after event `after`, acknowledging what is before, and takes over from an older reader.
    ///
    /// # Errors
    /// [`SessionError::EventsAlreadyAcknowledged`], [`SessionError::EventSequenceUnknown`].
    pub fn read_events(self: &Arc<Session>, after: u64) -> Result<EventReader, SessionError> {
        self.lock().events.check_resume(after)?;
        let acknowledged = self.acknowledge(after)?;
        let generation = self.stream_generation.fetch_add(1, Ordering::AcqRel) + 1;
        let hold = self.hold_lease();
        self.announce();
        Ok(EventReader { session: Arc::clone(self), generation, after: after.max(acknowledged), _hold: hold })
    }

    /// Returns from one of the session's own callbacks.
    ///
    /// # Errors
    /// [`SessionError::CallbackGone`], [`SessionError::CallbackNotOwned`], and those of every call.
    pub fn return_from_callback(&self, id: u64, status: HResult) -> Result<(), SessionError> {
        self.operate(|op| op.callback_returned(id, status))
    }
}

impl Operation<'_> {
    /// Acknowledges everything up to event `through`, and deletes the requests that go with it.
    pub(super) fn acknowledge(&mut self, through: u64) -> Result<u64, SessionError> {
        let SessionState { events, requests, .. } = &mut *self.state;
        let stack = &mut *self.stack;
        let upper = self.upper;
        events.acknowledge(through, |number| {
            if let Some(Entry::Object(object)) = requests.entry(number)
                && object.delete_on_acknowledge
                && !object.outstanding
            {
                let id = object.id;
                delete(stack, upper, requests, number, id);
            }
        })?;
        Ok(self.state.events.acknowledged())
    }

    /// [`Session::return_from_callback`].
    pub(super) fn callback_returned(&mut self, id: u64, status: HResult) -> Result<(), SessionError> {
        let callback = self.state.callbacks.take(id)?;
        if !self.stack.callback_returned(self.now, self.upper, callback, status) {
            tracing::debug!(callback = id, "the stack did not wait for this callback any more");
        }
        Ok(())
    }
}

impl EventReader {
    /// What there is to read now, each event through `take`, which must not call the session.
    ///
    /// # Errors
    /// [`SessionError::EventStreamReplaced`] once a newer reader took over.
    pub fn read<T>(&mut self, take: impl FnMut(&Event) -> T) -> Result<Reading<T>, SessionError> {
        let session = Arc::clone(&self.session);
        let state = session.lock();
        self.read_from(&state, take)
    }

    /// As [`EventReader::read`], besides what the submissions of this reader's stream gave that have returned since.
    ///
    /// # Errors
    /// As there.
    pub fn read_with_returns<T>(
        &mut self,
        take: impl FnMut(&Event) -> T,
        returned: &mut Vec<SubmissionResult>,
    ) -> Result<Reading<T>, SessionError> {
        let session = Arc::clone(&self.session);
        let mut state = session.lock();
        let reading = self.read_from(&state, take)?;
        let phase = state.phase;
        state.returned.drain_into(self.generation, || session.abandoned_in(phase), returned);
        Ok(reading)
    }

    /// The number of the last event read.
    pub fn position(&self) -> u64 {
        self.after
    }

    /// The number of this reader's stream: only the newest one goes on.
    pub(super) fn generation(&self) -> u64 {
        self.generation
    }

    fn read_from<T>(
        &mut self,
        state: &SessionState,
        take: impl FnMut(&Event) -> T,
    ) -> Result<Reading<T>, SessionError> {
        if self.session.stream_generation.load(Ordering::Acquire) != self.generation {
            return Err(SessionError::EventStreamReplaced);
        }
        let limits = &self.session.limits;
        let (events_max, bytes_max) = (limits.event_batch_events_max, limits.event_batch_bytes_max);
        let events: Vec<T> = state.events.batch_after(self.after, events_max, bytes_max).map(take).collect();
        if events.is_empty() {
            return Ok(if state.events.is_finished() { Reading::Finished } else { Reading::Quiet });
        }
        // Numbers have no gaps; what was acknowledged by other means is not read any more.
        self.after = self.after.max(state.events.acknowledged()) + events.len() as u64;
        Ok(Reading::Events(events))
    }

    /// The session's newest event, and when its lease runs out if nothing renews it from now on.
    pub fn vital_signs(&self) -> (u64, SystemTime) {
        let lease = self.session.lease();
        (self.session.lock().events.last(), clock::wall_time() + clock::duration(lease.length))
    }

    /// The session.
    pub fn session(&self) -> &Arc<Session> {
        &self.session
    }
}
