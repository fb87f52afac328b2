//! The request ids of a session: what each number names, and which were used.
//!
//! Laws: a number names one thing for ever; it is used from the moment the thing exists, and a refusal leaves it
//! free. A message that comes again is recognised by comparing it with the one that made the entry, which is kept
//! for that (payloads are shared, not copied).

use std::collections::VecDeque;
use std::sync::Arc;

use lowerdeck_framework::ids::{RequestId, TargetId};
use lowerdeck_framework::io::{CompletionParams, FormatIo, IoParameters, SendOptions};
use lowerdeck_framework::status::HResult;
use rustc_hash::FxHashMap;
use tokio::sync::oneshot;
use uuid::Uuid;

use super::balance::AccountId;
use super::error::SessionError;
use super::events::{Completion, FormatEcho};
use super::ownership::OwnedFile;
use super::quota;
use super::used_ids::UsedIds;
use crate::host::limits::Limits;

/// The outcome of a create: the file, or the failing status.
pub type CreateOutcome = Result<u128, HResult>;

/// What a number names.
#[derive(Debug)]
pub(super) enum Entry {
    /// A create. It stays until its file is gone, or among the last failed ones. Boxed: the table has a place of this
    /// size for every request.
    Create(Box<Create>),
    /// A request object.
    Object(Box<Object>),
}

/// A create.
#[derive(Debug)]
pub(super) struct Create {
    pub(super) name: Option<String>,
    pub(super) outcome: Option<CreateOutcome>,
    pub(super) waiters: Vec<oneshot::Sender<CreateOutcome>>,
}

/// The message that made a request object.
#[derive(Debug, PartialEq)]
pub(super) enum Origin {
    /// CreateRequest.
    Created {
        /// Whether completions are called back.
        callback: bool,
    },
    /// FormatAndSend.
    Sent {
        /// The file of the stack that it named.
        file: Option<Uuid>,
        /// What its format asked for.
        asked: Asked,
        /// A `DeviceOffset` was given.
        has_device_offset: bool,
        /// Its options.
        options: SendOptions,
        /// Whether it is kept after its completion was acknowledged.
        retain: bool,
    },
}

/// What a FormatAndSend asked for, to know it again.
#[derive(Debug, PartialEq)]
pub(super) enum Asked {
    /// What the request is formatted for still.
    Formatted,
    /// This; the request was formatted again or reused.
    Parameters(Arc<IoParameters>),
    /// This, which says more than parameters can.
    Exactly(Box<FormatIo>),
    /// This, of a file-handle target. Boxed: a session may have many requests, and few of them go to handles.
    OfHandle(Box<AskedOfHandle>),
}

/// What a FormatAndSend asked of a file-handle target.
#[derive(Debug, PartialEq)]
pub(super) struct AskedOfHandle {
    pub(super) target: TargetId,
    /// The target file that it named.
    pub(super) file: Option<Uuid>,
    pub(super) io: FormatIo,
}

/// The file that a request is formatted on.
#[derive(Debug, Clone, Copy)]
pub(super) struct FormattedOn {
    pub(super) uuid: Uuid,
    pub(super) account: AccountId,
}

impl From<OwnedFile> for FormattedOn {
    fn from(file: OwnedFile) -> FormattedOn {
        FormattedOn { uuid: file.uuid, account: file.account }
    }
}

/// A session may have `requests_max` of them.
const _: () = assert!(size_of::<Object>() <= 128 && size_of::<Entry>() <= 16);

/// A request object.
#[derive(Debug)]
pub(super) struct Object {
    pub(super) id: RequestId,
    pub(super) origin: Origin,
    /// Deleted when its completion is acknowledged.
    pub(super) delete_on_acknowledge: bool,
    pub(super) outstanding: bool,
    pub(super) file: Option<FormattedOn>,
    pub(super) echo: FormatEcho,
    /// Bytes of its memories.
    pub(super) bytes: u64,
    /// It came on a queue pair.
    pub(super) was_submitted: bool,
    /// Who waits for its completion (synchronous sends).
    #[expect(clippy::box_collection, reason = "one word for what almost no request has")]
    waiters: Option<Box<Vec<oneshot::Sender<Completion>>>>,
}

impl Object {
    pub(super) fn new(id: RequestId, origin: Origin) -> Object {
        Object {
            id,
            delete_on_acknowledge: matches!(origin, Origin::Sent { retain: false, .. }),
            origin,
            outstanding: false,
            file: None,
            echo: FormatEcho::default(),
            bytes: 0,
            was_submitted: false,
            waiters: None,
        }
    }

    /// Its completion, under the client's number.
    pub(super) fn completion(&self, number: u64, params: CompletionParams) -> Completion {
        let (file, echo) = (self.file.map(|file| file.uuid), self.echo.clone());
        Completion { number, file, params, echo, was_submitted: self.was_submitted }
    }

    /// Somebody waits for its completion. Those who gave up do not count any more.
    pub(super) fn wait(&mut self) -> oneshot::Receiver<Completion> {
        let (sender, receiver) = oneshot::channel();
        let waiters = self.waiters.get_or_insert_default();
        waiters.retain(|waiter| !waiter.is_closed());
        waiters.push(sender);
        receiver
    }

    /// Tells everybody who waits.
    pub(super) fn tell(&mut self, completion: &Completion) {
        for waiter in self.waiters.take().into_iter().flat_map(|waiters| *waiters) {
            let _ = waiter.send(completion.clone()); // whoever stopped waiting asks GetRequest
        }
    }
}

/// The table.
#[derive(Debug, Default)]
pub struct RequestTable {
    entries: FxHashMap<u64, Entry>,
    used: UsedIds,
    objects: u64,
    creating: u64,
    bytes: u64,
    failed_creates: VecDeque<u64>,
    /// Boxes of objects that are gone, to be used for new ones: see [`SPARES_MAX`].
    #[expect(clippy::vec_box, reason = "it is the boxes that are kept")]
    spares: Vec<Box<Object>>,
}

/// Most boxes that wait to be used again, about 150 KiB: one that is allocated by one thread and freed by another costs
/// more than what it holds.
const SPARES_MAX: usize = 1024;

impl RequestTable {
    pub(super) fn entry(&mut self, number: u64) -> Option<&mut Entry> {
        self.entries.get_mut(&number)
    }

    pub(super) fn get(&self, number: u64) -> Option<&Entry> {
        self.entries.get(&number)
    }

    /// Why `number` names no entry: it was used, or never was.
    pub(super) fn missing(&self, number: u64) -> SessionError {
        if self.used.contains(number) {
            SessionError::RequestGone(number)
        } else {
            SessionError::RequestNotOwned(number)
        }
    }

    /// The request object that `number` names.
    ///
    /// # Errors
    /// [`SessionError::RequestIsCreate`], [`SessionError::RequestGone`], [`SessionError::RequestNotOwned`].
    pub(super) fn object(&mut self, number: u64) -> Result<&mut Object, SessionError> {
        if !self.entries.contains_key(&number) {
            return Err(self.missing(number));
        }
        match self.entries.get_mut(&number) {
            Some(Entry::Object(object)) => Ok(object),
            _ => Err(SessionError::RequestIsCreate(number)),
        }
    }

    /// Whether `number`, which names nothing now, may name something new.
    ///
    /// # Errors
    /// [`SessionError::RequestGone`] for a used number, [`SessionError::LimitReached`].
    pub(super) fn check_new(&self, number: u64, limits: &Limits) -> Result<(), SessionError> {
        if self.used.contains(number) {
            return Err(SessionError::RequestGone(number));
        }
        let (name, value) = ("used_request_id_ranges_max", limits.used_request_id_ranges_max);
        if !self.used.has_room(number, value) {
            return Err(SessionError::LimitReached {
                name,
                value,
                advice: "count request ids up instead of scattering them",
            });
        }
        Ok(())
    }

    /// Whether one more request object with `bytes` of memories fits.
    ///
    /// # Errors
    /// [`SessionError::LimitReached`].
    pub(super) fn check_object(&self, bytes: u64, limits: &Limits) -> Result<(), SessionError> {
        quota::check("requests_max", self.objects, 1, limits.requests_max, "acknowledge or delete completed requests")?;
        self.check_bytes(0, bytes, limits)
    }

    /// Whether `bytes` of memories fit in place of `before`.
    ///
    /// # Errors
    /// [`SessionError::LimitReached`].
    pub(super) fn check_bytes(&self, before: u64, bytes: u64, limits: &Limits) -> Result<(), SessionError> {
        let advice = "acknowledge or delete completed requests, or send smaller ones";
        quota::check("bytes_in_flight_max", self.bytes - before, bytes, limits.bytes_in_flight_max, advice)
    }

    /// Creates that have not returned.
    pub(super) fn creating(&self) -> u64 {
        self.creating
    }

    pub(super) fn insert_create(&mut self, number: u64, create: Create) {
        self.used.insert(number);
        self.creating += 1;
        self.entries.insert(number, Entry::Create(Box::new(create)));
    }

    pub(super) fn insert_object(&mut self, number: u64, object: Object) {
        self.used.insert(number);
        self.objects += 1;
        self.bytes += object.bytes;
        let object = match self.spares.pop() {
            Some(mut spare) => {
                *spare = object;
                spare
            }
            None => Box::new(object),
        };
        self.entries.insert(number, Entry::Object(object));
    }

    /// Charges `bytes` for the memories of an object instead of what it had.
    pub(super) fn charge(&mut self, number: u64, bytes: u64) {
        if let Some(Entry::Object(object)) = self.entries.get_mut(&number) {
            self.bytes = self.bytes - object.bytes + bytes;
            object.bytes = bytes;
        }
    }

    /// A create returned: its waiters hear it; of the failed ones the last `failed_max` are remembered.
    pub(super) fn create_returned(&mut self, number: u64, outcome: CreateOutcome, failed_max: u64) {
        let Some(Entry::Create(create)) = self.entries.get_mut(&number) else { return };
        create.outcome = Some(outcome);
        for waiter in create.waiters.drain(..) {
            let _ = waiter.send(outcome); // whoever stopped waiting may ask again
        }
        self.creating -= 1;
        if outcome.is_err() {
            self.failed_creates.push_back(number);
            if self.failed_creates.len() as u64 > failed_max
                && let Some(oldest) = self.failed_creates.pop_front()
            {
                self.entries.remove(&oldest);
            }
        }
    }

    /// The thing that `number` named is gone.
    pub(super) fn remove(&mut self, number: u64) {
        if let Some(Entry::Object(mut object)) = self.entries.remove(&number) {
            self.objects -= 1;
            self.bytes -= object.bytes;
            if self.spares.len() < SPARES_MAX {
                object.origin = Origin::Created { callback: false }; // nothing of the request stays
                self.spares.push(object);
            }
        }
    }

    /// Everything is gone: whoever waits hears nothing more.
    pub(super) fn clear(&mut self) {
        self.entries.clear();
        self.spares.clear();
        (self.objects, self.creating, self.bytes) = (0, 0, 0);
        self.failed_creates.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn created() -> Object {
        Object::new(RequestId::default(), Origin::Created { callback: true })
    }

    #[test]
    fn a_number_names_one_thing_for_ever() {
        let (mut table, limits) = (RequestTable::default(), Limits::default());
        assert_eq!(table.check_new(7, &limits), Ok(()));
        table.insert_object(7, created());
        table.remove(7);
        assert_eq!(table.check_new(7, &limits), Err(SessionError::RequestGone(7)));
        assert_eq!(table.object(7).err(), Some(SessionError::RequestGone(7)));
        assert_eq!(table.object(8).err(), Some(SessionError::RequestNotOwned(8)));
    }

    #[test]
    fn deleting_gives_the_bytes_back() {
        let (mut table, limits) = (RequestTable::default(), Limits { bytes_in_flight_max: 10, ..Limits::default() });
        table.insert_object(1, Object { bytes: 10, ..created() });
        assert!(table.check_object(1, &limits).is_err());
        table.charge(1, 4);
        assert_eq!(table.check_object(6, &limits), Ok(()));
        table.remove(1);
        assert_eq!(table.check_object(10, &limits), Ok(()));
    }

    #[test]
    fn only_the_last_failed_creates_are_recognised() {
        let mut table = RequestTable::default();
        for number in 1..=3 {
            table.insert_create(number, Create { name: None, outcome: None, waiters: Vec::new() });
            table.create_returned(number, Err(HResult::E_INVALIDARG), 2);
        }
        assert_eq!(table.creating(), 0);
        assert!(table.entry(1).is_none() && table.entry(2).is_some() && table.entry(3).is_some());
        assert_eq!(table.missing(1), SessionError::RequestGone(1));
    }
}
