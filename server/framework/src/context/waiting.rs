//! What keeps a callback from returning, and who may go on meanwhile: blocking, synchronous Sends, the device's lock.

use crate::driver::LockAnswer;
use crate::ids::{CallbackId, ReceivedId, RequestId, TargetId};
use crate::io::SendOptions;
use crate::status::HResult;

use super::DriverContext;

impl DriverContext<'_> {
    /// Prepares not to return from the present callback: give the id back in [`crate::driver::Flow::Blocked`]. The
    /// same callback has the same id, also when it goes on after a synchronous Send.
    pub fn block(&mut self) -> CallbackId {
        let (device, callback) = (self.device, self.callback);
        *self.entry.get_or_insert_with(|| self.core.block_callback(device, callback))
    }

    /// `AcquireLock` of this driver's device (SYN-6), from a callback that the lock does not cover: until
    /// [`DriverContext::release_lock`], no queue or file callback of this layer runs.
    ///
    /// # Errors
    /// `STATUS_INVALID_DEVICE_REQUEST` when the device has no lock ([`crate::driver::LockingConstraint::None`]), and
    /// when this driver has the lock or has asked for it.
    pub fn acquire_lock(&mut self) -> Result<LockAnswer, HResult> {
        self.core.acquire_lock(self.device, self.callback)
    }

    /// `ReleaseLock`. A violation without [`DriverContext::acquire_lock`] before (SYN-6).
    pub fn release_lock(&mut self) {
        self.core.release_lock(self.device);
    }

    /// Goes on in a callback of this driver that was left blocked, as its thread would: what `go_on` does is done in
    /// the name of that callback. None when it has returned or is inside a synchronous Send.
    pub fn resume<R>(&mut self, callback: CallbackId, go_on: impl FnOnce(&mut DriverContext<'_>) -> R) -> Option<R> {
        let blocked = self.core.callbacks.get(callback).filter(|blocked| blocked.device == self.device)?;
        if blocked.send.is_some() {
            return None;
        }
        let name = blocked.callback;
        let mut cx =
            DriverContext { core: &mut *self.core, device: self.device, callback: name, entry: Some(callback) };
        Some(go_on(&mut cx))
    }

    /// Returns from a callback that was left blocked. `result` matters to PnP callbacks only.
    /// False when that callback has returned already, or is inside a synchronous Send.
    pub fn return_from_callback(&mut self, callback: CallbackId, result: Result<(), HResult>) -> bool {
        self.core.return_from_callback(callback, result)
    }

    /// Whether the present callback is inside a synchronous Send and would begin another: no thread can.
    pub(crate) fn is_second_synchronous(&self, options: SendOptions) -> bool {
        options.has(SendOptions::SYNCHRONOUS) && self.is_in_send()
    }

    /// Whether a synchronous Send was accepted in the present callback, which does not return before it.
    pub fn is_in_send(&self) -> bool {
        self.entry.is_some_and(|entry| self.core.is_in_send(entry))
    }

    /// `Send` of a driver-created request to `target`; None is the default target.
    pub(crate) fn send_created(
        &mut self,
        request: RequestId,
        target: Option<TargetId>,
        options: SendOptions,
    ) -> HResult {
        if self.is_second_synchronous(options) {
            return HResult::STATUS_INVALID_DEVICE_REQUEST;
        }
        match self.core.try_send_request(self.device, request, target, options) {
            Ok(hop) => {
                self.wait_if_synchronous(hop, options, false);
                HResult::S_OK
            }
            Err(status) => status,
        }
    }

    pub(crate) fn wait_if_synchronous(&mut self, hop: ReceivedId, options: SendOptions, callback: bool) {
        if options.has(SendOptions::SYNCHRONOUS) {
            let waiter = self.block();
            self.core.wait_for_hop(waiter, hop, callback);
        }
    }
}
