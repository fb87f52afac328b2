//! The lab bench against a server: `lowerdeck stack` and the library's `Lab`, for what changes a running stack.

use lowerdeck_client::{HResult, Lab, SendOptions, Session, SessionOptions, transport, v1};
use v1::SentIoAction::WaitForSentIoToComplete;

use crate::server::Server;

fn done(text: &str) -> (Option<i32>, String) {
    (Some(0), text.to_owned())
}

#[test]
fn a_stack_is_brought_down_and_up_from_the_command_line() {
    let server = Server::start();
    assert_eq!(server.stack(&["power", "common", "d3"]), done("common is in d3"));
    assert_eq!(server.stack(&["power", "common", "d0"]), done("common is in d0"));
    assert_eq!(server.stack(&["rebalance", "common"]), done("common is rebalanced"));
    let (_, trace) = server.stack(&["trace", "common"]);
    for callback in ["OnD0Exit+", "OnQueryStop+", "OnSelfManagedIoRestart+"] {
        assert!(trace.contains(callback), "{callback} in {trace}");
    }
}

#[test]
fn a_veto_of_a_rebalance_is_an_answer_of_no() {
    let server = Server::start();
    server.stack(&["control", "common", "1", "on query-stop: fail(E_OUTOFMEMORY)"]);
    let (code, text) = server.stack(&["rebalance", "common"]);
    assert_eq!(code, Some(1), "{text}");
    assert!(text.starts_with("L1 vetoed the rebalance with "), "{text}");
}

#[test]
fn a_device_is_pulled_from_the_command_line() {
    let server = Server::start();
    assert_eq!(server.stack(&["surprise-remove", "common"]), done("common is removed"));
    let (_, trace) = server.stack(&["trace", "common"]);
    assert!(trace.contains("OnSurpriseRemoval+"), "{trace}");
    let (code, text) = server.stack(&["power", "common", "d3"]);
    assert_eq!(code, Some(3), "what is removed has no power: {text}");
}

#[tokio::test]
async fn a_stop_inside_a_completion_does_not_wait_for_itself() {
    let server = Server::start();
    let channel = transport::connect(&server.endpoint).await.expect("it listens");
    let lab = Lab::new(channel.clone());
    let session = Session::open(channel, SessionOptions::new("scripted")).await.expect("opened");
    let stack = session.stack().to_owned();
    lab.control_driver(&stack, 1, "on read nth=1: hold").await.expect("understood");
    let device = session.device();
    let file = device.create_wdf_file(None).await.expect("created");
    let held = file.read(0, 4).await.expect("accepted");
    let target = device.get_default_io_target();
    let request = device.create_request().await.expect("created");
    target.format_request_for_read(&request, &file, None, None).await.expect("an answer");
    let sent = request.send(&target, SendOptions::default()).await.expect("an answer");
    sent.pending.expect("accepted").await.expect("completed");
    let stopped = target.stop_inside_completion_of(&request, WaitForSentIoToComplete).await;
    assert_eq!(stopped.expect("an answer"), HResult::S_OK);
    let rules = lab.list_findings(&stack).await.expect("an answer").findings.into_iter().map(|finding| finding.rule);
    assert_eq!(rules.collect::<Vec<_>>(), ["TGT-26"]);
    assert_eq!(target.start().await.expect("an answer"), HResult::S_OK);
    lab.control_driver(&stack, 1, &format!("complete L0:{} S_OK 4", held.request_id())).await.expect("it is held");
    held.await.expect("completed");
    request.delete_wdf_object().await.expect("deleted");
    file.close().await.expect("closed").gone().await.expect("gone");
    session.close().await.expect("the books balance");
}
