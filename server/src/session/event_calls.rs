//! What a session does with its events: stream them, acknowledge them, return from callbacks.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::SystemTime;

use lowerdeck_framework::status::HResult;

use super::error::SessionError;
use super::events::Event;
use super::leasing::LeaseHold;
use super::live::Session;
use super::requests::Entry;
use super::state::Phase;
use crate::host::clock;

/// What a reader of events finds.
#[derive(Debug, PartialEq)]
pub enum Reading {
    /// The next events; never empty.
    Events(Vec<Event>),
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
        let (completed, acknowledged) = {
            let mut state = self.lock();
            if let Phase::Ended(reason) = state.phase {
                return Err(SessionError::SessionEnded(reason));
            }
            (state.events.acknowledge(through)?, state.events.acknowledged())
        };
        if !completed.is_empty() {
            let deleted = self.operate(|op| {
                for number in completed {
                    if let Some(Entry::Object(object)) = op.state.requests.entry(number)
                        && object.delete_on_acknowledge
                        && !object.outstanding
                    {
                        let id = object.id;
                        op.delete(number, id);
                    }
                }
                Ok(())
            });
            // On a stack that has ended there is nothing left to delete.
            if let Err(error) = deleted {
                tracing::debug!(session = %self.prefix(), %error, "nothing to delete");
            }
        }
        Ok(acknowledged)
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
        self.operate(|op| {
            let callback = op.state.callbacks.take(id)?;
            if !op.stack.callback_returned(op.now, op.upper, callback, status) {
                tracing::debug!(callback = id, "the stack did not wait for this callback any more");
            }
            Ok(())
        })
    }
}

impl EventReader {
    /// What there is to read now.
    ///
    /// # Errors
    /// [`SessionError::EventStreamReplaced`] once a newer reader took over.
    pub fn read(&mut self) -> Result<Reading, SessionError> {
        if self.session.stream_generation.load(Ordering::Acquire) != self.generation {
            return Err(SessionError::EventStreamReplaced);
        }
        let limits = &self.session.limits;
        let state = self.session.lock();
        let events = state.events.batch_after(self.after, limits.event_batch_events_max, limits.event_batch_bytes_max);
        Ok(match events.last() {
            Some(last) => {
                self.after = last.sequence;
                Reading::Events(events)
            }
            None if state.events.is_finished() => Reading::Finished,
            None => Reading::Quiet,
        })
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
