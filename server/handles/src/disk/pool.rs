//! Where calls of the host that block are made: on the runtime's blocking threads, a bounded number at a time.
//!
//! A call that waits for its turn can be cancelled and then was never made; one that has begun runs to its end, which is
//! one of the legal outcomes of a cancel (FHT-13). Every call is tracked, so that nothing outlives
//! [`BlockingPool::finished`]. Knows no file.

use std::panic::resume_unwind;
use std::sync::Arc;

use tokio::sync::Semaphore;
use tokio_util::task::TaskTracker;

use crate::win32::Win32Error;

/// Calls that are made at a time: 16, enough to keep a disk busy, few enough for the runtime's other blocking work.
pub const BLOCKING_CALLS_MAX: usize = 16;
/// Calls that are made or wait for their turn: 65,536, each of which holds what it will write.
pub const WAITING_CALLS_MAX: usize = 65_536;

/// See the module. Clones are the same pool.
#[derive(Debug, Clone)]
pub(super) struct BlockingPool {
    turns: Arc<Semaphore>,
    places: Arc<Semaphore>,
    tracker: TaskTracker,
}

impl BlockingPool {
    /// `turns` calls at a time, `places` with those that wait.
    pub fn new(turns: usize, places: usize) -> BlockingPool {
        BlockingPool {
            turns: Arc::new(Semaphore::new(turns)),
            places: Arc::new(Semaphore::new(places)),
            tracker: TaskTracker::new(),
        }
    }

    /// Makes a call when it is its turn: in the order of the callers.
    ///
    /// `ERROR_OPERATION_ABORTED` when `cancelled` was ready before its turn, `ERROR_NO_SYSTEM_RESOURCES` when all places are
    /// taken. The call itself runs to its end even if this future is dropped.
    pub async fn call<T, F>(&self, cancelled: impl Future<Output = ()>, call: F) -> Result<T, Win32Error>
    where
        T: Send + 'static,
        F: FnOnce() -> T + Send + 'static,
    {
        let place = Arc::clone(&self.places).try_acquire_owned().map_err(|_| Win32Error::NO_SYSTEM_RESOURCES)?;
        let turn = tokio::select! {
            biased; // what was cancelled before it came is never made
            () = cancelled => return Err(Win32Error::OPERATION_ABORTED),
            turn = Arc::clone(&self.turns).acquire_owned() => turn.map_err(|_| Win32Error::OPERATION_ABORTED)?,
        };
        let made = self.tracker.spawn_blocking(move || {
            let _held_until_made = (place, turn);
            call()
        });
        match made.await {
            Ok(answer) => Ok(answer),
            Err(lost) if lost.is_panic() => resume_unwind(lost.into_panic()),
            Err(_) => Err(Win32Error::OPERATION_ABORTED), // the runtime is going down
        }
    }

    /// Waits until every call that was made has ended; later ones are not stopped.
    pub async fn finished(&self) {
        self.tracker.close();
        self.tracker.wait().await;
        self.tracker.reopen();
    }
}
