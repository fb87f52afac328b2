//! Driver-created requests (REQ-1 to REQ-6) and the packet that travels when one is sent.
//!
//! ```text
//!  Unformatted ──Formatted──► Formatted ──Pended──► Pended ──Released──► InFlight ──Completed──► Completed
//!       ▲                      │   ▲  └─────────────Delivered──────────────▲                        │ │
//!       │                      └───┘ Formatted again                                                │ │
//!       └──────────────────────────────────────Reused◄──────────────────────────────────────────────┘ └► Formatted
//! ```
//!
//! Deleting is legal from every state except Pended and InFlight. A completed request that was formatted on a
//! file pins that file until it is deleted, reused or formatted again (CLS-19).

use std::sync::Arc;

use bytes::Bytes;

use crate::handle::Aim;
use crate::ids::{DeviceId, FileId, ReceivedId, RequestId};
use crate::io::{CompletionParams, IoKind, IoParameters};
use crate::memory_object::RequestMemories;
use crate::status::HResult;
use crate::transition::machine;

machine! {
    /// Life of a driver-created request.
    states RequestState {
        /// Fresh or reused.
        Unformatted,
        /// Ready to be sent.
        Formatted,
        /// Accepted by a stopped target and held there.
        Pended,
        /// With a lower layer.
        InFlight,
        /// Its completion was delivered.
        Completed,
    }
    /// What can happen to it.
    events RequestEvent {
        /// A Format call succeeded.
        Formatted,
        /// A Format call failed: the request is unformatted (TGT-14).
        FormatFailed,
        /// Send was accepted and delivered.
        Delivered,
        /// Send was accepted by a stopped target.
        Pended,
        /// The target delivers it after Start.
        Released,
        /// The completion reached the sender.
        Completed,
        /// `Reuse`.
        Reused,
    }
    table {
        Formatted: Unformatted | Formatted | Completed => Formatted;
        FormatFailed: Unformatted | Formatted | Completed => Unformatted;
        Delivered: Formatted => InFlight;
        Pended: Formatted => Pended;
        Released: Pended => InFlight;
        Completed: Pended | InFlight => Completed;
        Reused: Unformatted | Formatted | Completed => Unformatted;
    }
}

impl RequestState {
    /// Pended or in flight.
    pub const fn is_outstanding(self) -> bool {
        matches!(self, RequestState::Pended | RequestState::InFlight)
    }
}

/// Whom a request was created under, and what was created under it (OBJ-1).
#[derive(Debug, Default)]
pub(crate) struct Family {
    /// None is the device (REQ-1).
    pub(crate) parent: Option<RequestId>,
    /// Not deleted, oldest first.
    pub(crate) children: Vec<RequestId>,
}

/// A driver-created request. While it is outstanding it is also the travelling packet.
#[derive(Debug)]
pub(crate) struct Request {
    pub(crate) creator: DeviceId,
    /// The requests above and below it in the tree; almost always none.
    pub(crate) family: Option<Box<Family>>,
    /// The creator's number for it.
    pub(crate) number: u64,
    pub(crate) state: RequestState,
    /// `SetCompletionCallback`: consumed by the completion that uses it (REQ-6).
    pub(crate) callback: bool,
    /// What the last Format asked for; shared with the hops that carry it.
    pub(crate) io: Option<Arc<IoParameters>>,
    /// The target of the last Format (TGT-17).
    pub(crate) aim: Aim,
    /// File of the last Format: pins it when completed (CLS-19).
    pub(crate) file: Option<FileId>,
    /// Memory objects it is formatted with (OBJ-16) or that were created under it; almost always none.
    pub(crate) memories: Option<Box<RequestMemories>>,
    /// Cancel mark: sticky before Send (REQ-34), remembered while travelling (REQ-28).
    pub(crate) cancelled: bool,
    /// The lowest layer that has the packet, while outstanding.
    pub(crate) current: Option<ReceivedId>,
    /// Status as `GetStatus` reports it; while travelling, the result being carried up.
    pub(crate) status: HResult,
    pub(crate) information: u64,
    pub(crate) output: Bytes,
    /// When it was last sent, in monotonic ticks: the age in reports.
    pub(crate) sent_at: u64,
    /// The framework's own create request of a file: never seen by a driver as an object.
    pub(crate) is_create: bool,
}

impl Request {
    pub(crate) fn new(creator: DeviceId, number: u64, callback: bool) -> Request {
        Request {
            creator,
            family: None,
            number,
            state: RequestState::Unformatted,
            callback,
            io: None,
            aim: Aim::Lower,
            file: None,
            memories: None,
            cancelled: false,
            current: None,
            status: HResult::S_OK,
            information: 0,
            output: Bytes::new(),
            sent_at: 0,
            is_create: false,
        }
    }

    /// The completion as the sender reads it.
    pub(crate) fn completion(&self) -> CompletionParams {
        let (status, information, output) = (self.status, self.information, self.output.clone());
        match &self.io {
            Some(io) => io.completion(status, information, output),
            None => IoParameters::create().completion(status, information, output),
        }
    }

    /// What it was last formatted for.
    pub(crate) fn kind(&self) -> Option<IoKind> {
        self.io.as_ref().map(|io| io.kind)
    }
}

/// A snapshot of a driver-created request, for its creator.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RequestView {
    /// Where it is in its life.
    pub state: RequestState,
    /// `GetStatus` (REQ-8).
    pub status: HResult,
    /// `GetType`; None is `WdfRequestTypeNoFormat` (REQ-2).
    pub kind: Option<IoKind>,
    /// Whether a cancel was asked.
    pub cancel_requested: bool,
    /// Completion parameters, once completed.
    pub completion: Option<CompletionParams>,
}
