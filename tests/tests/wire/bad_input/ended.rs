//! Calls on what is over: an ended session, a stopped stack, a removed one.

use bytes::Bytes;
use lowerdeck_proto::{reason, v1};
use lowerdeck_tests::wire::Server;
use tonic::Code::{FailedPrecondition, NotFound};
use v1::event::Body;

use crate::contract::{self, Form, Ids};
use crate::refusal::{expect, granted};
use crate::upper::{self, Upper};

/// Makes every call of a session in each of its forms, but those in `except`, with valid-looking messages and gives
/// (form, answer).
async fn every_call(
    server: &Server,
    upper: &Upper,
    ids: &Ids,
    except: &[&str],
) -> Vec<(Form, Result<Option<Bytes>, tonic::Status>)> {
    let (session, mut answers) = (upper.id.to_string(), Vec::new());
    let of_sessions = contract::forms().into_iter().filter(|form| form.method.parent_service().name() != "LabService");
    for form in of_sessions.filter(|form| !except.contains(&form.method.name())) {
        let (path, body) = (contract::path_of(&form.method), form.filled(ids, None));
        let answer = contract::call(&server.channel(), &path, &[&session], body).await;
        answers.push((form, answer));
    }
    answers
}

#[test]
fn an_ended_session_answers_no_call_but_its_last_word() {
    let server = Server::start();
    server.run(async {
        let upper = Upper::on(&server, "scripted").await;
        let ids =
            Ids { file: upper.file().await, request: 99, target: String::new(), handle: String::new(), callback: 1 };
        let last_word = granted(upper.session().close_session(v1::CloseSessionRequest {}).await);
        let trace = upper.trace().await;
        let answers = every_call(&server, &upper, &ids, &[]).await;
        assert!(answers.len() > 2);
        for (form, answer) in answers {
            match form.method.name() {
                "CloseSession" => assert!(answer.is_ok(), "{answer:?}"),
                // With another message than the first: the UUID stays taken either way.
                "OpenSession" => assert!(answer.is_err(), "an ended session's UUID opens no other"),
                _ => {
                    let refusal = expect(answer, NotFound, reason::SESSION_ENDED);
                    assert_eq!(refusal.metadata("end_reason"), "SESSION_END_REASON_CLOSED", "{}", form.name());
                }
            }
        }
        assert_eq!(granted(upper.session().close_session(v1::CloseSessionRequest {}).await), last_word);
        assert_eq!(upper.trace().await, trace);
    });
}

/// Calls that go on after the session's stack ended, as the contract says.
const WITHOUT_STACK: [&str; 9] = [
    "StreamEvents",
    "AcknowledgeEvents",
    "GetSession",
    "RenewSession",
    "CloseSession",
    "OpenSession",
    "CloseHandle",
    "ConnectNamedPipe",
    "DisconnectNamedPipe",
];

async fn refused_for_the_stack(server: &Server, upper: &Upper, ids: &Ids, reason: &str) {
    let mut asked = 0;
    for (form, answer) in every_call(server, upper, ids, &WITHOUT_STACK).await {
        let refusal = expect(form.judged(answer), FailedPrecondition, reason);
        assert_eq!(refusal.metadata("stack"), upper.stack, "{}", form.name());
        asked += 1;
    }
    assert!(asked > 0);
}

#[test]
fn a_stopped_stack_refuses_every_call_on_it() {
    let server = Server::start();
    server.run(async {
        let upper = Upper::on(&server, "scripted").await;
        upper.control("on read: arm").await;
        let file = upper.file().await;
        let in_flight = upper.send(upper::read(&file, 4)).await;
        let mut events = upper.events_after(0).await;
        // Sending what is outstanding is a verifier violation (REQ-11).
        let send = v1::SendRequestRequest { request_id: in_flight, options: None, target_id: String::new() };
        let _whatever_the_send_says = upper.device().send_request(send).await;
        let stopped = events.until(|body| matches!(body, Body::DriverStopped(_))).await;
        let Some(Body::DriverStopped(stopped)) = stopped.body else { unreachable!("it was waited for") };
        assert_eq!(stopped.driver_stop.map(|stop| stop.rule).as_deref(), Some("REQ-11"));
        let ending = events.until(|body| matches!(body, Body::SessionEnding(_))).await;
        let Some(Body::SessionEnding(ending)) = &ending.body else { unreachable!("it was waited for") };
        assert_eq!(ending.reason(), v1::SessionEndReason::DriverStop);

        let ids = Ids { file, request: in_flight, target: String::new(), handle: String::new(), callback: 1 };
        refused_for_the_stack(&server, &upper, &ids, reason::STACK_STOPPED).await;
        // What was recorded can be read again, and the books balance.
        assert_eq!(
            upper.events_after(0).await.end().await.map(|body| matches!(body, Body::SessionEnding(_))),
            Some(true)
        );
        let balance =
            granted(upper.session().close_session(v1::CloseSessionRequest {}).await).balance.expect("its books");
        assert_eq!((balance.accepted, balance.failed, balance.outstanding), (1, 1, 0));
    });
}

#[test]
fn a_removed_stack_refuses_every_call_on_it() {
    let server = Server::start();
    server.run(async {
        let stack = upper::plug(&server.channel(), upper::shared("scripted")).await;
        let upper = Upper::attach(&server.channel(), upper::on_stack(&stack)).await;
        let mut events = upper.events_after(0).await;
        let reply = granted(upper.lab().unplug_stack(v1::UnplugStackRequest { name: stack }).await);
        assert_eq!(reply.hresult, 0);
        let Some(Body::SessionEnding(ending)) = events.end().await else { panic!("its last event says why it ends") };
        assert_eq!(ending.reason(), v1::SessionEndReason::StackRemoved);
        let ids = Ids {
            file: uuid::Uuid::new_v4().to_string(),
            request: 1,
            target: String::new(),
            handle: String::new(),
            callback: 1,
        };
        refused_for_the_stack(&server, &upper, &ids, reason::STACK_REMOVED).await;
    });
}
