//! Why an operation may end before its I/O does: it is cancelled, or its handle is closed.

use tokio_util::sync::CancellationToken;

/// Both reasons. The object selects between its I/O and [`Ending::requested`], the I/O first: what has happened is
/// reported and not lost (FHT-13).
#[derive(Debug, Clone)]
pub struct Ending {
    pub(crate) cancelled: CancellationToken,
    pub(crate) closed: CancellationToken,
}

impl Ending {
    /// Resolves when the operation shall end; it answers `ERROR_OPERATION_ABORTED` in either case (FHT-13, FHT-20).
    pub async fn requested(&self) {
        tokio::select! {
            () = self.cancelled.cancelled() => {}
            () = self.closed.cancelled() => {}
        }
    }

    /// Whether it shall end already.
    pub fn is_requested(&self) -> bool {
        self.cancelled.is_cancelled() || self.closed.is_cancelled()
    }
}
