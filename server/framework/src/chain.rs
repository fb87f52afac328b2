//! Ordered lists threaded through the received requests themselves.
//!
//! A queue, a file and a target each keep their requests in order of arrival, and each must lose any one of
//! them in constant time: cancel among a million pending is O(1), close of a file holding k is O(k). So the
//! links live in the request, and the list is its two ends.

use slotmap::SlotMap;

use crate::ids::ReceivedId;
use crate::received::Received;

/// Neighbours of one request in one chain.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Link {
    previous: Option<ReceivedId>,
    next: Option<ReceivedId>,
}

/// Which chain a link belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ChainKind {
    /// Undelivered requests of a queue.
    Queue,
    /// Requests tied to a file, from any layer.
    File,
    /// Requests of a target: pended or in flight.
    Target,
}

/// The two ends of a chain.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Chain {
    kind: ChainKind,
    head: Option<ReceivedId>,
    tail: Option<ReceivedId>,
}

type Table = SlotMap<ReceivedId, Received>;

impl Chain {
    pub(crate) fn new(kind: ChainKind) -> Chain {
        Chain { kind, head: None, tail: None }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.head.is_none()
    }

    pub(crate) fn first(&self) -> Option<ReceivedId> {
        self.head
    }

    fn link(kind: ChainKind, received: &mut Received) -> &mut Link {
        match kind {
            ChainKind::Queue => &mut received.queue_link,
            ChainKind::File => &mut received.file_link,
            ChainKind::Target => &mut received.target_link,
        }
    }

    /// Adds `id` at the end. `id` must be in `table` and in no chain of this kind.
    pub(crate) fn push_back(&mut self, table: &mut Table, id: ReceivedId) {
        let tail = self.tail.replace(id);
        *Self::link(self.kind, &mut table[id]) = Link { previous: tail, next: None };
        match tail {
            Some(tail) => Self::link(self.kind, &mut table[tail]).next = Some(id),
            None => self.head = Some(id),
        }
    }

    /// Adds `id` at the front (QUE-7, Requeue). Same conditions as [`Chain::push_back`].
    pub(crate) fn push_front(&mut self, table: &mut Table, id: ReceivedId) {
        let head = self.head.replace(id);
        *Self::link(self.kind, &mut table[id]) = Link { previous: None, next: head };
        match head {
            Some(head) => Self::link(self.kind, &mut table[head]).previous = Some(id),
            None => self.tail = Some(id),
        }
    }

    /// Takes `id` out, if it is in this chain. It must be in no other one of this kind.
    pub(crate) fn remove(&mut self, table: &mut Table, id: ReceivedId) {
        let link = std::mem::take(Self::link(self.kind, &mut table[id]));
        if link.previous.is_none() && self.head != Some(id) {
            return; // the only one without a neighbour before it is the first
        }
        match link.previous {
            Some(previous) => Self::link(self.kind, &mut table[previous]).next = link.next,
            None => self.head = link.next,
        }
        match link.next {
            Some(next) => Self::link(self.kind, &mut table[next]).previous = link.previous,
            None => self.tail = link.previous,
        }
    }

    /// The member after `id`, in order.
    pub(crate) fn after(&self, table: &Table, id: ReceivedId) -> Option<ReceivedId> {
        let received = &table[id];
        match self.kind {
            ChainKind::Queue => received.queue_link.next,
            ChainKind::File => received.file_link.next,
            ChainKind::Target => received.target_link.next,
        }
    }

    /// All members, oldest first, as they are now.
    pub(crate) fn members(&self, table: &Table) -> Vec<ReceivedId> {
        std::iter::successors(self.head, |id| self.after(table, *id)).collect()
    }
}
