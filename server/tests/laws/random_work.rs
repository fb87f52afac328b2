//! One session, random work.

use proptest::prelude::*;
use uuid::Uuid;

use crate::desk::{Desk, Ledger, send_read};

/// One thing to do; numbers choose among what is there.
#[derive(Debug, Clone)]
enum Step {
    Create,
    Send(usize),
    Cancel(usize),
    CancelForFile(usize),
    Close(usize),
    Control(&'static str),
    Hear,
}

fn step() -> impl Strategy<Value = Step> {
    let control = prop::sample::select(vec![
        "on read: arm",
        "on read: complete(S_OK, 4)",
        "on read: complete(E_OUTOFMEMORY, 0)",
        "on read nth=3: queue",
    ]);
    prop_oneof![
        2 => Just(Step::Create),
        8 => (0usize..8).prop_map(Step::Send),
        3 => (0usize..64).prop_map(Step::Cancel),
        1 => (0usize..8).prop_map(Step::CancelForFile),
        2 => (0usize..8).prop_map(Step::Close),
        1 => control.prop_map(Step::Control),
        2 => Just(Step::Hear),
    ]
}

async fn work(steps: Vec<Step>) {
    let desk = Desk::new();
    let session = desk.open("scripted").await;
    let stack = session.view().expect("open").instance.to_string();
    let instance = desk.catalog.instance(&stack).expect("it lives");
    let (mut files, mut sent, mut ledger): (Vec<Uuid>, Vec<u64>, _) = (Vec::new(), Vec::new(), Ledger::default());
    let mut next = 1;
    for step in steps {
        match step {
            Step::Create => {
                let created = session.create_wdf_file(next, None).await.expect("within all limits");
                files.push(created.expect("scripted accepts creates"));
                next += 1;
            }
            Step::Send(which) => {
                let Some(file) = files.get(which % files.len().max(1)).copied() else { continue };
                let answer = send_read(&session, next, file).await;
                assert!(answer.status.is_success());
                ledger.accepted(next, file);
                sent.push(next);
                next += 1;
            }
            Step::Cancel(which) => {
                let Some(number) = sent.get(which % sent.len().max(1)).copied() else { continue };
                let _ = session.cancel(number); // it may be gone already, which is an answer too
            }
            Step::CancelForFile(which) => {
                let Some(file) = files.get(which % files.len().max(1)) else { continue };
                session.cancel_for_file(&file.to_string(), "").expect("an own file");
            }
            Step::Close(which) if !files.is_empty() => {
                let file = files.remove(which % files.len());
                session.close_file(&file.to_string()).await.expect("an own file");
            }
            Step::Close(_) => {}
            Step::Control(command) => drop(instance.control(1, command).expect("the driver understands")),
            Step::Hear => ledger.hear(&session),
        }
        let total = session.view().expect("open").balance.total;
        assert!(total.accepted >= total.completed + total.cancelled + total.failed);
    }
    for file in files {
        session.close_file(&file.to_string()).await.expect("an own file");
    }
    ledger.hear(&session);
    session.acknowledge(ledger.last).expect("what was heard");
    ledger.hear(&session);
    let last = desk.sessions.close(session.id()).await.expect("it ends");
    ledger.settle(&last.balance);
    assert_eq!(last.files_left_open, 0);
    let report = instance.outstanding().expect("remembered").report;
    assert!(report.files.is_empty(), "{report:?}");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn every_accepted_send_completes_once_and_nothing_is_left(steps in prop::collection::vec(step(), 1..80)) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        runtime.block_on(work(steps));
    }
}
