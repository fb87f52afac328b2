//! Many sessions on one stack, from many threads.

use std::sync::Arc;

use lowerdeck_server::session::Session;

use crate::desk::{Desk, Ledger, send_read};

/// Opens files, sends, cancels every other request, closes, and balances.
async fn work(session: &Arc<Session>) -> Ledger {
    let mut ledger = Ledger::default();
    let mut next = 1;
    for _ in 0..5 {
        let file = session.create_wdf_file(next, None).await.expect("within all limits").expect("accepted");
        next += 1;
        for _ in 0..20 {
            assert!(send_read(session, next, file).await.status.is_success());
            ledger.accepted(next, file);
            if next % 2 == 0 {
                assert!(session.cancel(next).expect("an own request").is_true());
            }
            next += 1;
            tokio::task::yield_now().await;
        }
        session.close_file(&file.to_string()).await.expect("an own file");
        ledger.hear(session);
        session.acknowledge(ledger.last).expect("what was heard");
    }
    ledger.hear(session);
    ledger
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn sessions_on_one_stack_do_not_disturb_each_other() {
    let desk = Arc::new(Desk::new());
    let tasks = tokio_util::task::TaskTracker::new();
    let workers: Vec<_> = (0..8)
        .map(|_| {
            let desk = Arc::clone(&desk);
            tasks.spawn(async move {
                let session = desk.open("common").await;
                let ledger = work(&session).await;
                let last = desk.sessions.close(session.id()).await.expect("it ends");
                ledger.settle(&last.balance);
                last.balance.total.cancelled
            })
        })
        .collect();
    for worker in workers {
        assert_eq!(worker.await.expect("no law was broken"), 100);
    }
    let common = desk.catalog.instance("common").expect("it lives");
    assert!(common.outstanding().expect("it lives").report.files.is_empty());
    assert!(common.summary().expect("it lives").sessions.is_empty());
}
