//! `AcquireLock` and `ReleaseLock` of a device (SYN-6): the lock that the framework's own callbacks take (SYN-1),
//! in the hands of the driver.
//!
//! A callback that the lock does not cover (a timer, a command, `OnCompletion`) takes it; no queue or file callback of
//! that layer runs until it is released. Nothing waits here: who cannot have the lock at once is queued with the steps
//! that want it too, and told when it has it.

use crate::callback::Callback;
use crate::device::LockHolder;
use crate::driver::LockAnswer;
use crate::ids::DeviceId;
use crate::rule::Rule;
use crate::scheduler::Step;
use crate::status::HResult;

use super::core::Core;

impl Core {
    /// `AcquireLock` of a device by its driver, from `callback`.
    pub(crate) fn acquire_lock(&mut self, device: DeviceId, callback: Callback) -> Result<LockAnswer, HResult> {
        let refused = HResult::STATUS_INVALID_DEVICE_REQUEST;
        let lock = self.lock_of(device).ok_or(refused)?;
        if callback.takes_device_lock() || lock.wanted || lock.holder == Some(LockHolder::Driver) {
            return Err(refused); // it has it already, or has asked for it
        }
        if lock.holder.is_some() {
            lock.wanted = true;
            lock.waiting.push_back(Step::AcquireLock(device));
            return Ok(LockAnswer::Waits);
        }
        lock.holder = Some(LockHolder::Driver);
        Ok(LockAnswer::Acquired)
    }

    /// The lock may be free for a driver that waits for it. True when the driver has it now and must be told.
    pub(crate) fn lock_acquired(&mut self, device: DeviceId) -> bool {
        if self.waits_for_lock(device, Step::AcquireLock(device)) {
            return false;
        }
        let Some(lock) = self.lock_of(device) else { return false };
        lock.wanted = false;
        lock.holder = Some(LockHolder::Driver);
        true
    }

    /// `ReleaseLock`: what waited goes on. Without having acquired it, a violation, and nothing else happens.
    pub(crate) fn release_lock(&mut self, device: DeviceId) {
        match self.lock_of(device).map(|lock| lock.holder) {
            Some(Some(LockHolder::Driver)) => self.free_lock(device),
            _ => self.violation(device, Rule::Syn6, None, None),
        }
    }

    /// Nobody holds the lock of `device` any more; those who wait for it try again, in the order they came.
    pub(crate) fn free_lock(&mut self, device: DeviceId) {
        let Some(lock) = self.lock_of(device) else { return };
        lock.holder = None;
        for step in std::mem::take(&mut lock.waiting) {
            self.run_queue.push(step);
        }
    }
}
