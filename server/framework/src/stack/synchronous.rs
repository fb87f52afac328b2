//! Synchronous Sends of hosted drivers (REQ-13) as callbacks that have not returned: nothing in the core blocks.
//!
//! ```text
//!  callback ── Send(SYNCHRONOUS) accepted ──► not returned, holding the lock it holds (SYN-5)
//!                                                 │ the hop has ended
//!                       OnCompletion, if registered, and once it has returned
//!                                                 │ Step::SendReturned
//!                 on_send_returned, in the name of the same callback ──► returned, the lock is free
//! ```
//!
//! A refused Send returns at once and changes nothing. How the hop ends is no concern of this module: a completion,
//! a cancel, a timeout and a target that is started or removed all climb the same way (`complete.rs`).

use crate::driver::CompletedRequest;
use crate::ids::{CallbackId, DeviceId, FileId, ReceivedId, RequestId, RequestLabel};
use crate::io::{CompletionParams, SendOptions};
use crate::received::OwnedRequest;
use crate::scheduler::Step;
use crate::status::HResult;
use crate::trace::{Call, TraceKind};

use super::core::Core;

/// The synchronous Send inside which a callback is.
#[derive(Debug)]
pub(crate) enum SynchronousSend {
    /// The request has not completed.
    Underway {
        /// How traces name it.
        request: RequestLabel,
        /// `OnCompletion` was registered, for a received request; a created one knows that itself.
        callback: bool,
    },
    /// It has, and its `OnCompletion`, if it has one, was called.
    Over(ReturnedSend),
}

/// What a synchronous Send returns with.
#[derive(Debug)]
pub(crate) struct ReturnedSend {
    request: RequestLabel,
    /// Given back by the Send; None when `OnCompletion` got it.
    given: Option<SentRequest>,
    pub(crate) params: CompletionParams,
}

/// A request whose Send has returned.
#[derive(Debug, Clone, Copy)]
pub(crate) enum SentRequest {
    /// Received by the sender before, which owns it again.
    Received(ReceivedId),
    /// Made by the sender.
    Created(RequestId),
}

impl ReturnedSend {
    /// What the driver gets: whose request it is again, unless `OnCompletion` had it.
    pub(crate) fn given_back(&self) -> Option<CompletedRequest> {
        self.given.map(|given| match given {
            SentRequest::Received(request) => CompletedRequest::Received(OwnedRequest::new(request)),
            SentRequest::Created(request) => CompletedRequest::Created(request),
        })
    }
}

impl Core {
    /// Whether a callback is inside a synchronous Send: its thread can make no other.
    pub(crate) fn is_in_send(&self, callback: CallbackId) -> bool {
        self.callbacks.get(callback).is_some_and(|blocked| blocked.send.is_some())
    }

    /// A received request is about to be sent on, accepted: a synchronous Send is a moment of its own.
    pub(super) fn note_synchronous(
        &mut self,
        device: DeviceId,
        file: Option<FileId>,
        request: RequestId,
        options: SendOptions,
    ) {
        if options.has(SendOptions::SYNCHRONOUS) {
            let sent = self.note(device, TraceKind::Call(Call::Send)).file(file).request(Some(request));
            sent.status(HResult::S_OK).record();
        }
    }

    /// A Send that has just been accepted as `hop` is synchronous: `waiter` goes on when it has ended.
    pub(crate) fn wait_for_hop(&mut self, waiter: CallbackId, hop: ReceivedId, callback: bool) {
        let Some(received) = self.received.get_mut(hop) else { return };
        received.waiter = Some(waiter);
        let request = received.request;
        let label = self.label(request);
        if let Some(blocked) = self.callbacks.get_mut(waiter) {
            blocked.send = Some(SynchronousSend::Underway { request: label, callback });
        }
    }

    /// Whether `OnCompletion` was registered for the received request that `waiter` has sent on synchronously.
    pub(crate) fn tells_completion(&self, waiter: CallbackId) -> bool {
        let send = self.callbacks.get(waiter).and_then(|blocked| blocked.send.as_ref());
        matches!(send, Some(SynchronousSend::Underway { callback: true, .. }))
    }

    /// The hop that `waiter` waits for has ended. The Send returns with `given`, or after `OnCompletion`, which gets
    /// the request, has returned.
    pub(crate) fn send_over(&mut self, waiter: CallbackId, given: Option<SentRequest>, params: &CompletionParams) {
        let Some(blocked) = self.callbacks.get_mut(waiter) else { return };
        let Some(SynchronousSend::Underway { request, .. }) = blocked.send else { return };
        blocked.send = Some(SynchronousSend::Over(ReturnedSend { request, given, params: params.clone() }));
        if given.is_some() {
            self.run_queue.push(Step::SendReturned(waiter));
        }
    }

    /// The Send returns into its callback: whose, and with what.
    pub(crate) fn take_returned_send(&mut self, waiter: CallbackId) -> Option<(DeviceId, ReturnedSend)> {
        let blocked = self.callbacks.get_mut(waiter)?;
        let returned = match blocked.send.take() {
            Some(SynchronousSend::Over(returned)) => returned,
            underway => {
                blocked.send = underway;
                return None;
            }
        };
        let device = blocked.device;
        let status = returned.params.status;
        self.note(device, TraceKind::CallReturned(Call::Send)).label(returned.request).status(status).record();
        Some((device, returned))
    }
}
