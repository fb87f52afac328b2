//! Received requests: a packet as one layer sees it (OBJ-11), and who owns it.
//!
//! ```text
//!            Released            Delivered           Marked           CancelDelivered        CancelEntered
//!  Pended ────────────► Queued ────────────► Owned ◄─────────► Armed ────────────────► CancelPending ──────► Cancelled
//!                          ▲   Requeued     │  ▲    Unmarked                                                   │
//!                          └────────────────┤  │ Regained                                                      │
//!                                    SentOn ▼  │                                                               │
//!                                        Forwarded                              Completed (from any) ◄─────────┘
//! ```
//!
//! `Forgotten` (SEND_AND_FORGET) leads from Owned to Queued as well: the same hop then ends one layer further down,
//! and the layer in between has no part in it any more (REQ-18).
//!
//! A hop through a file-handle target ends at the host instead of at a layer: `Submitted` leads from Queued to AtHost,
//! `HostCancelAsked` from there to AtHostCancelling, and `FinishedByHost` ends either (FHT-10, FHT-13). Such a hop has
//! no receiver of its own; its sender stands in for it.
//!
//! Laws: at any instant one layer, queue or target owns the packet (REQ-44, REQ-29). A driver holds its
//! received request as an [`OwnedRequest`], which only completing, sending on or requeueing consumes; one that
//! is dropped is reported by the choke point. `OnCancel` comes at most once per arming (REQ-49).

use std::cell::RefCell;
use std::sync::Arc;

use crate::buffers::Buffers;
use crate::chain::Link;
use crate::handle::Aim;
use crate::ids::{CallbackId, DeviceId, FileId, QueueId, ReceivedId, RequestId};
use crate::io::IoParameters;
use crate::io_stop::StopNotice;
use crate::memory_object::RequestMemories;
use crate::target::TargetRef;
use crate::timer::TimerId;
use crate::transition::machine;

machine! {
    /// Who has the packet at this layer.
    states ReceivedState {
        /// Held inside the sender's stopped target.
        Pended,
        /// In the receiver's queue, not delivered.
        Queued,
        /// The driver owns it, not cancelable.
        Owned,
        /// The driver owns it and has marked it cancelable.
        Armed,
        /// `OnCancel` will be called; the driver must keep its hands off until then (REQ-50).
        CancelPending,
        /// `OnCancel` has been entered.
        Cancelled,
        /// Sent on to the next lower layer.
        Forwarded,
        /// The host performs it on a handle (FHT-10).
        AtHost,
        /// The host has been asked to cancel it; what becomes of it is up to the host (FHT-13).
        AtHostCancelling,
        /// Completed here; the completion is climbing.
        Completed,
    }
    /// What can happen to it.
    events ReceivedEvent {
        /// The target was started.
        Released,
        /// A queue callback got it, or the driver retrieved it.
        Delivered,
        /// The driver put it (back) into a queue.
        Requeued,
        /// `MarkCancelable`.
        Marked,
        /// `UnmarkCancelable` that succeeded.
        Unmarked,
        /// A cancel found it armed.
        CancelDelivered,
        /// A cancel found it in a queue whose driver wants to end such requests itself (REQ-52).
        CancelledOnQueue,
        /// `OnCancel` or `OnIoCanceledOnQueue` was entered.
        CancelEntered,
        /// Send to the next lower layer was accepted.
        SentOn,
        /// Sent on with SEND_AND_FORGET: from now on it is the next lower layer's (REQ-18).
        Forgotten,
        /// The lower layer completed it and this layer's `OnCompletion` runs.
        Regained,
        /// Given to the host.
        Submitted,
        /// A cancel found it at the host.
        HostCancelAsked,
        /// The host has finished it.
        FinishedByHost,
        /// Completed by its driver.
        CompletedByDriver,
        /// Completed by the framework: undelivered, or forwarded on the driver's behalf.
        CompletedByFramework,
    }
    table {
        Released: Pended => Queued;
        Delivered: Queued => Owned;
        Requeued: Owned => Queued;
        Marked: Owned => Armed;
        Unmarked: Armed => Owned;
        CancelDelivered: Armed => CancelPending;
        CancelledOnQueue: Queued => CancelPending;
        CancelEntered: CancelPending => Cancelled;
        SentOn: Owned | Queued => Forwarded;
        Forgotten: Owned => Queued;
        Regained: Forwarded => Owned;
        Submitted: Queued => AtHost;
        HostCancelAsked: AtHost => AtHostCancelling;
        FinishedByHost: AtHost | AtHostCancelling => Completed;
        CompletedByDriver: Owned | Cancelled => Completed;
        CompletedByFramework: Pended | Queued | Forwarded => Completed;
    }
}

/// One packet at one layer: what was sent, by whom, to whom, and where it is.
#[derive(Debug)]
pub(crate) struct Received {
    /// The driver-created request this packet began with.
    pub(crate) request: RequestId,
    /// The sender's own view of the packet, when the sender had received it itself.
    pub(crate) parent: Option<ReceivedId>,
    pub(crate) sender: DeviceId,
    pub(crate) receiver: DeviceId,
    /// Where its target leads: to the next lower device, or to a handle.
    pub(crate) aim: Aim,
    /// The session it belongs to at the receiver (TGT-8).
    pub(crate) file: Option<FileId>,
    /// What it asks for; shared by all hops until a driver changes it.
    pub(crate) parameters: Arc<IoParameters>,
    /// What its driver looks at and writes in place; made when it first does.
    pub(crate) buffers: Option<Box<Buffers>>,
    pub(crate) state: ReceivedState,
    pub(crate) queue: QueueId,
    /// The driver has had it before: it went back into a queue (REQ-52).
    pub(crate) seen: bool,
    /// What its driver was told of its being stopped (QUE-14).
    pub(crate) stop: StopNotice,
    /// Sent on by the framework itself (FWD-2, FWD-10): no driver regains it.
    pub(crate) by_framework: bool,
    /// Sent with IGNORE_TARGET_STATE: Stop neither cancels nor awaits it (TGT-27).
    pub(crate) ignores_target: bool,
    /// In its sender's target: held there (in the pended chain) or delivered (in the chain of those in flight).
    pub(crate) pended: bool,
    /// Boxed: few requests have a timeout.
    pub(crate) timer: Option<Box<TimerId>>,
    /// The callback of a hosted sender that goes on when this hop has ended (REQ-13).
    pub(crate) waiter: Option<CallbackId>,
    /// Memory objects its receiver has asked for or created under it (OBJ-13); almost always none.
    pub(crate) memories: Option<Box<RequestMemories>>,
    /// The timer of this Send fired before the completion was processed (REQ-26).
    pub(crate) timed_out: bool,
    pub(crate) file_link: Link,
    pub(crate) target_link: Link,
    pub(crate) queue_link: Link,
}

impl Received {
    /// The target it was sent to.
    pub(crate) fn target(&self) -> TargetRef {
        TargetRef { device: self.sender, handle: self.aim.target() }
    }
}

thread_local! {
    /// Requests whose owner was dropped during the present driver call. Emptied by the choke point after each
    /// call, on the same thread, so that it never carries anything from one call to the next.
    static LOST: RefCell<Vec<ReceivedId>> = const { RefCell::new(Vec::new()) };
}

/// A received request in the hands of its driver.
///
/// It is consumed by completing it, sending it on or putting it into a queue. A driver that keeps it keeps this
/// value. Dropping it is losing the request: a verifier violation (REQ-44), reported right after the callback.
#[derive(Debug, PartialEq, Eq)]
#[must_use = "a received request must be completed, sent on or kept"]
pub struct OwnedRequest {
    id: ReceivedId,
}

impl OwnedRequest {
    pub(crate) fn new(id: ReceivedId) -> OwnedRequest {
        OwnedRequest { id }
    }

    /// The request's identity at this layer, stable until it is completed.
    pub fn id(&self) -> ReceivedId {
        self.id
    }

    /// Gives the ownership to the framework.
    pub(crate) fn surrender(self) -> ReceivedId {
        let id = self.id;
        std::mem::forget(self);
        id
    }

    /// Requests lost since the last call, on this thread.
    pub(crate) fn take_lost() -> Vec<ReceivedId> {
        LOST.with(|lost| if lost.borrow().is_empty() { Vec::new() } else { lost.take() })
    }
}

impl Drop for OwnedRequest {
    fn drop(&mut self) {
        // The thread may be ending, its locals gone: then nobody is left to be told.
        let _ = LOST.try_with(|lost| lost.borrow_mut().push(self.id));
    }
}
