//! How sessions and stacks end: closed, lost, drained, unplugged, stopped.

use std::time::Duration;

use lowerdeck_proto::v1::event::Body;
use lowerdeck_proto::{reason, v1};
use tokio::io::AsyncReadExt;
use tokio::net::TcpStream;
use tokio_util::sync::CancellationToken;
use tonic::Code;

use crate::bench::{Bench, Events, abandon, read, refusal, within};

async fn ending(events: &mut Events) -> v1::SessionEndReason {
    loop {
        if let (_, Body::SessionEnding(ending)) = events.expect().await {
            return ending.reason();
        }
    }
}

#[tokio::test]
async fn a_closed_session_gives_the_same_last_word_again() {
    let bench = Bench::new().await;
    let mut upper = bench.open("null").await;
    let file = upper.file("left open").await;
    upper.send_read(&file, 1, 0).await;
    let mut events = upper.events(0).await;
    let last = upper.end().await;
    assert_eq!((last.files_left_open, last.balance.as_ref().expect("a balance").outstanding), (1, 0));
    assert_eq!(upper.end().await, last);
    assert_eq!(ending(&mut events).await, v1::SessionEndReason::Closed);
    assert!(events.next().await.expect("no error").is_none());
    let late = upper.session.get_session(v1::GetSessionRequest {}).await.expect_err("ended");
    assert_eq!(refusal(&late), (Code::NotFound, reason::SESSION_ENDED.to_owned()));
    let list = bench.lab().list_stacks(v1::ListStacksRequest::default()).await.expect("a list").into_inner();
    let instance = list.stacks.iter().find(|stack| stack.name == upper.stack).expect("remembered");
    assert_eq!(instance.state(), v1::StackState::Removed);
    bench.server.shutdown().await;
}

#[tokio::test]
async fn closing_waits_for_a_held_request_and_can_be_asked_again() {
    let bench = Bench::new().await;
    let mut upper = bench.open("scripted").await;
    bench.control(&upper.stack, 1, "on read: hold").await;
    let file = upper.file("f").await;
    let (id, _) = upper.send_read(&file, 1, 0).await;
    let mut impatient = upper.clone();
    // The file left open is a finding, so closing has begun when there is one.
    let left = bench.trace_until(&upper.stack, v1::TraceKind::Finding);
    abandon(impatient.end(), left).await;
    bench.control(&upper.stack, 1, &format!("complete L0:{id} S_OK 0")).await;
    let balance = upper.end().await.balance.expect("a balance");
    assert_eq!((balance.accepted, balance.outstanding), (1, 0));
    bench.server.shutdown().await;
}

#[tokio::test]
async fn a_lost_client_is_closed_through_the_ordinary_path() {
    let bench = Bench::with(|config| config.limits.lease_ms_min = 1).await;
    let mut upper = bench.open("demo").await;
    upper.file("lost").await;
    // An open stream holds the lease, so it runs out only once the stream is gone.
    let events = upper.events(0).await;
    let lease = prost_types::Duration::try_from(Duration::from_millis(1)).ok();
    upper.session.renew_session(v1::RenewSessionRequest { lease }).await.expect("renewed");
    drop(events);
    let kinds = bench.trace_until(&upper.stack, v1::TraceKind::CloseLeave).await;
    let place = |kind| kinds.iter().position(|there| *there == kind);
    assert!(place(v1::TraceKind::CleanupEnter) < place(v1::TraceKind::CloseEnter));
    let late = upper.session.get_session(v1::GetSessionRequest {}).await.expect_err("ended");
    assert_eq!(refusal(&late), (Code::NotFound, reason::SESSION_ENDED.to_owned()));
    bench.server.shutdown().await;
}

#[tokio::test]
async fn a_drain_refuses_new_sessions_and_lets_open_ones_finish() {
    let bench = Bench::new().await;
    let mut upper = bench.open("null").await;
    let mut events = upper.events(0).await;
    let mut newcomer = bench.caller(Some(&uuid::Uuid::new_v4().to_string()));
    let server = bench.server;
    let use_it = async {
        assert_eq!(ending(&mut events).await, v1::SessionEndReason::Draining);
        let terms = v1::OpenSessionRequest { stack: "null".to_owned(), ..Default::default() };
        let refused = newcomer.session.open_session(terms).await.expect_err("draining");
        assert_eq!(refusal(&refused), (Code::Unavailable, reason::DRAINING.to_owned()));
        let file = upper.file("still").await;
        upper.close(&file).await;
        upper.end().await;
        assert!(matches!(events.expect().await, (_, Body::FileGone(_))));
        assert_eq!(ending(&mut events).await, v1::SessionEndReason::Closed);
    };
    tokio::join!(server.drain(CancellationToken::new()), use_it);
}

#[tokio::test]
async fn at_the_deadline_of_a_drain_streams_end_with_a_status() {
    let bench = Bench::with(|config| config.limits.drain_ms_max = 10).await;
    let mut upper = bench.open("null").await;
    let mut events = upper.events(0).await;
    let server = bench.server;
    let watch = async {
        assert_eq!(ending(&mut events).await, v1::SessionEndReason::Draining);
        events.next().await
    };
    let (_, ended) = tokio::join!(server.drain(CancellationToken::new()), watch);
    let status = ended.expect_err("the stream ends with a status");
    assert_eq!(refusal(&status), (Code::Unavailable, reason::DRAINING.to_owned()));
}

#[tokio::test]
async fn unplugging_ends_the_sessions_of_a_shared_stack() {
    let bench = Bench::new().await;
    let plug = v1::PlugStackRequest {
        name: "common".to_owned(),
        expression: "null".to_owned(),
        sharing: v1::StackSharing::Shared.into(),
        ..Default::default()
    };
    bench.lab().plug_stack(plug.clone()).await.expect("plugged");
    bench.lab().plug_stack(plug).await.expect("the same again");
    let (mut one, mut two) = (bench.open("common").await, bench.open("common").await);
    assert_eq!((one.stack.as_str(), two.stack.as_str()), ("common", "common"));
    let (mut first, mut second) = (one.events(0).await, two.events(0).await);
    let unplug = v1::UnplugStackRequest { name: "common".to_owned() };
    assert_eq!(bench.lab().unplug_stack(unplug).await.expect("unplugged").into_inner().hresult, 0);
    for events in [&mut first, &mut second] {
        assert_eq!(ending(events).await, v1::SessionEndReason::StackRemoved);
    }
    let request = v1::CreateWdfFileRequest { request_id: 1, file_name: None };
    let late = one.device.create_wdf_file(request).await.expect_err("removed");
    assert_eq!(refusal(&late), (Code::FailedPrecondition, reason::STACK_REMOVED.to_owned()));
    one.end().await;
    bench.server.shutdown().await;
}

#[tokio::test]
async fn a_driver_stop_ends_its_stack_and_no_other() {
    let bench = Bench::new().await;
    let mut upper = bench.open("scripted").await;
    let mut other = bench.open("scripted").await;
    bench.control(&upper.stack, 1, "on read: hold").await;
    let file = upper.file("f").await;
    upper.send_read(&file, 1, 0).await;
    let mut events = upper.events(0).await;
    upper.close(&file).await;
    // CLS-17: closing twice is a violation, and the verifier is strict.
    let _ = upper.device.close(v1::CloseRequest { file_id: file.clone() }).await;
    assert_eq!(events.completion().await.1.hresult, 0xD000_0450);
    let Body::DriverStopped(stopped) = events.expect().await.1 else { panic!("expected the driver stop") };
    let stop = stopped.driver_stop.expect("a verdict");
    assert_eq!((stop.rule.as_str(), stop.layer.as_str(), stop.driver.as_str()), ("CLS-17", "L0", "client"));
    assert_eq!(ending(&mut events).await, v1::SessionEndReason::DriverStop);
    assert!(events.next().await.expect("no error").is_none());
    let late = upper.device.format_and_send(read(90, &file, 1, 0)).await.expect_err("stopped");
    assert_eq!(refusal(&late), (Code::FailedPrecondition, reason::STACK_STOPPED.to_owned()));
    upper.acknowledge(1).await;
    let balance = upper.end().await.balance.expect("a balance");
    assert_eq!((balance.accepted, balance.failed, balance.outstanding), (1, 1, 0));
    other.file("unharmed").await;
    bench.server.shutdown().await;
}

#[tokio::test]
async fn own_callbacks_are_answered_through_events() {
    let bench = Bench::new().await;
    let callbacks = vec![v1::PnpCallback::OnPrepareHardware.into(), v1::PnpCallback::OnReleaseHardware.into()];
    let terms = v1::OpenSessionRequest { stack: "null".to_owned(), callbacks, ..Default::default() };
    let mut upper = bench.open_with(terms).await;
    let mut events = upper.events(0).await;
    let Body::CallbackInvoked(start) = events.expect().await.1 else { panic!("expected a callback") };
    assert_eq!(start.callback(), v1::PnpCallback::OnPrepareHardware);
    let returned = v1::ReturnFromCallbackRequest { callback_id: start.callback_id, hresult: 0 };
    upper.device.return_from_callback(returned).await.expect("waited for");
    let again = upper.device.return_from_callback(returned).await.expect_err("returned");
    assert_eq!(refusal(&again), (Code::NotFound, reason::CALLBACK_GONE.to_owned()));
    let file = upper.file("f").await;
    let mut answering = upper.clone();
    let answer = async {
        let Body::CallbackInvoked(release) = events.expect().await.1 else { panic!("expected a callback") };
        assert_eq!(release.callback(), v1::PnpCallback::OnReleaseHardware);
        answering.close(&file).await;
        let returned = v1::ReturnFromCallbackRequest { callback_id: release.callback_id, hresult: 0 };
        answering.device.return_from_callback(returned).await.expect("waited for");
        assert!(matches!(events.expect().await.1, Body::FileGone(_)));
        assert_eq!(ending(&mut events).await, v1::SessionEndReason::Closed);
    };
    let (last, ()) = tokio::join!(upper.end(), answer);
    assert_eq!(last.files_left_open, 0, "a removal callback closed it (CLS-2)");
    bench.server.shutdown().await;
}

#[tokio::test]
async fn a_connection_that_says_nothing_is_cut_in_the_end() {
    let bench = Bench::new().await;
    let mut silent = TcpStream::connect(bench.server.addr).await.expect("a connection");
    bench.open("null").await; // so that the silent one was accepted before
    within(bench.server.shutdown()).await;
    let _ = within(silent.read_to_end(&mut Vec::new())).await; // cut or reset: it is over
}
