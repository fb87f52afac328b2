//! The two small tasks that keep a session alive: acknowledging what was processed, and renewing the lease.

use std::sync::Arc;
use std::time::Duration;

use lowerdeck_proto::v1;
use tokio_util::sync::CancellationToken;

use crate::session::core::Core;

/// Acknowledges as fast as one call at a time allows: what comes meanwhile makes the next batch.
pub(super) async fn acknowledge(core: Arc<Core>, stop: CancellationToken) {
    let work = async {
        let mut processed = core.processed.subscribe();
        let mut acknowledged = 0;
        while processed.changed().await.is_ok() {
            let through = *processed.borrow_and_update();
            if through <= acknowledged {
                continue;
            }
            match core.acknowledge(through).await {
                Ok(through) => acknowledged = through,
                Err(error) if error.is_end_of_session() => return,
                Err(error) => tracing::warn!(%error, "events could not be acknowledged"),
            }
        }
    };
    tokio::select! {
        () = work => {}
        () = stop.cancelled() => {}
    }
}

/// Renews three times per lease, so that two lost renewals do no harm. An open event stream renews too; this task
/// covers the times without one.
pub(super) async fn renew(core: Arc<Core>, lease: Duration, stop: CancellationToken) {
    let work = async {
        loop {
            tokio::time::sleep(lease / 3).await;
            let renewed = core
                .session_call("RenewSession", |mut sessions| async move {
                    let message = v1::RenewSessionRequest { lease: None };
                    sessions.renew_session(message).await
                })
                .await;
            match renewed {
                Ok(_) => {}
                Err(error) if error.is_end_of_session() => return,
                Err(error) => tracing::warn!(%error, "the lease could not be renewed"),
            }
        }
    };
    tokio::select! {
        () = work => {}
        () = stop.cancelled() => {}
    }
}
