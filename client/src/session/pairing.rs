//! Pairs the reply of a Send with its completion, whichever comes first (MAP-4, REQ-12).
//!
//! ```text
//!            reply S_OK              completion
//!   Sent ───────────────► Accepted ─────────────► (paired)
//!    │ │ completion                 reply S_OK
//!    │ └────────────────► Early ────────────────► (paired)
//!    │ caller gone                  caller gone
//!    └──────────────────► Unanswered ───────────► (paired, when its completion comes)
//! ```
//!
//! Laws: a ticket is given back exactly once, with the completion, with the refusal, or at the end of the session; a
//! completion without an accepted Send is noticed; what was noted of a request stays until its completion, also when
//! nobody waits for that. Pure: knows neither tasks nor the wire.

use std::collections::HashMap;

/// Requests of one session that are sent and not paired, with a ticket `T` and a note `N` for each.
#[derive(Debug)]
pub(crate) struct Pairing<T, N> {
    slots: HashMap<u64, Slot<T, N>>,
}

#[derive(Debug)]
enum Slot<T, N> {
    /// Neither reply nor completion.
    Sent(T, N),
    /// The reply was S_OK.
    Accepted(T, N),
    /// The completion came first, and its ticket was given back.
    Early,
    /// Nobody waits for the reply any more; whether the Send was accepted is open.
    Unanswered(N),
}

/// What a reply, or its absence, means for the books.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Reply<T> {
    /// The Send was accepted: count it.
    Accepted,
    /// The Send was refused, or the session over; here is the ticket.
    Refused(T),
    /// It is open whether the Send was accepted; a completion will tell.
    Open,
    /// The reply says refused, but the request has completed: the contract is broken.
    RefusedThoughCompleted,
    /// No such request is sent.
    Unknown,
}

/// What a completion means for the books.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Completed<T, N> {
    /// Deliver it with this ticket.
    Deliver(T, N),
    /// Nobody waits; the Send was accepted after all: count it.
    Unawaited(N),
    /// No such request is sent, or it has completed before.
    Unknown,
}

impl<T, N> Pairing<T, N> {
    pub(crate) fn new() -> Pairing<T, N> {
        Pairing { slots: HashMap::new() }
    }

    /// Before the Send. A request that is sent already keeps its slot and gives the ticket back: what the Send of an
    /// outstanding request leads to is the verifier's business (REQ-11).
    pub(crate) fn sending(&mut self, request: u64, ticket: T, note: N) -> Result<(), T> {
        if self.slots.contains_key(&request) {
            return Err(ticket);
        }
        self.slots.insert(request, Slot::Sent(ticket, note));
        Ok(())
    }

    /// The reply is S_OK.
    pub(crate) fn accepted(&mut self, request: u64) -> Reply<T> {
        match self.slots.remove(&request) {
            Some(Slot::Sent(ticket, note)) => {
                self.slots.insert(request, Slot::Accepted(ticket, note));
                Reply::Accepted
            }
            Some(Slot::Early) => Reply::Accepted,
            other => self.put_back(request, other),
        }
    }

    /// The reply is a failure: no completion will follow (REQ-7).
    pub(crate) fn refused(&mut self, request: u64) -> Reply<T> {
        match self.slots.remove(&request) {
            Some(Slot::Sent(ticket, _)) => Reply::Refused(ticket),
            Some(Slot::Early) => Reply::RefusedThoughCompleted,
            other => self.put_back(request, other),
        }
    }

    /// Nobody waits for the reply any more.
    pub(crate) fn unanswered(&mut self, request: u64) -> Reply<T> {
        match self.slots.remove(&request) {
            Some(Slot::Sent(_, note)) => {
                self.slots.insert(request, Slot::Unanswered(note));
                Reply::Open
            }
            Some(Slot::Early) => Reply::Accepted,
            other => self.put_back(request, other),
        }
    }

    /// The request has completed.
    pub(crate) fn completed(&mut self, request: u64) -> Completed<T, N> {
        match self.slots.remove(&request) {
            Some(Slot::Sent(ticket, note)) => {
                self.slots.insert(request, Slot::Early);
                Completed::Deliver(ticket, note)
            }
            Some(Slot::Accepted(ticket, note)) => Completed::Deliver(ticket, note),
            Some(Slot::Unanswered(note)) => Completed::Unawaited(note),
            Some(Slot::Early) => {
                self.slots.insert(request, Slot::Early);
                Completed::Unknown
            }
            None => Completed::Unknown,
        }
    }

    /// Whether the completion came before the reply.
    pub(crate) fn is_early(&self, request: u64) -> bool {
        matches!(self.slots.get(&request), Some(Slot::Early))
    }

    /// Sends of which nobody knows whether they were accepted.
    pub(crate) fn open(&self) -> u64 {
        let open = |slot: &&Slot<T, N>| matches!(slot, Slot::Sent(..) | Slot::Unanswered(_));
        self.slots.values().filter(open).count() as u64
    }

    /// The session is over: gives back what still waits. What was not answered stays open.
    pub(crate) fn end(&mut self) -> Vec<T> {
        let mut tickets = Vec::new();
        for (request, slot) in std::mem::take(&mut self.slots) {
            match slot {
                Slot::Accepted(ticket, _) => tickets.push(ticket),
                Slot::Sent(ticket, note) => {
                    tickets.push(ticket);
                    self.slots.insert(request, Slot::Unanswered(note));
                }
                kept @ (Slot::Early | Slot::Unanswered(_)) => {
                    self.slots.insert(request, kept);
                }
            }
        }
        tickets
    }

    fn put_back(&mut self, request: u64, slot: Option<Slot<T, N>>) -> Reply<T> {
        if let Some(slot) = slot {
            self.slots.insert(request, slot);
        }
        Reply::Unknown
    }
}

#[cfg(test)]
mod tests;
