//! Ids that name nothing: unknown, malformed, stale, zero. Foreign ones are the matter of the ownership test.

use lowerdeck_proto::{reason, v1};
use lowerdeck_tests::wire::Server;
use tonic::Code::{FailedPrecondition, InvalidArgument, NotFound, PermissionDenied};

use crate::contract::{self, IdPath, Ids};
use crate::refusal::expect;
use crate::upper::{self, Upper};

/// A file that was closed and is gone, and a request that was deleted.
async fn stale(upper: &Upper) -> (String, u64) {
    let file = upper.file().await;
    let mut events = upper.events_after(0).await;
    upper.close(&file).await;
    assert_eq!(events.file_gone().await.1, file);
    let request_id = upper.object().await;
    upper.device().delete_request(v1::DeleteRequestRequest { request_id }).await.expect("it is unsent");
    (file, request_id)
}

#[test]
fn malformed_file_ids_are_refused_like_unknown_ones() {
    let server = Server::start();
    server.run(async {
        let upper = Upper::on(&server, "scripted").await;
        let file = upper.file().await;
        let unknown = uuid::Uuid::new_v4().to_string();
        let (denied, reason) = (PermissionDenied, reason::FILE_NOT_OWNED_OR_UNKNOWN);
        let mut bodies = Vec::new();
        for id in [unknown.as_str(), "", "file#1", "1", &file[1..], &"f".repeat(10_000), "\u{0}", "ÿ"] {
            let close = v1::CloseRequest { file_id: id.to_owned() };
            bodies.push(upper.refused(upper.device().close(close), denied, reason).await.body());
            let cancel = v1::CancelSentRequestsForFileRequest { file_id: id.to_owned(), target_id: String::new() };
            let answer = async { upper.device().cancel_sent_requests_for_file(cancel).await };
            bodies.push(upper.refused(answer, denied, reason).await.body());
        }
        bodies.dedup();
        assert_eq!(bodies.len(), 1, "all of them hear the same");
        upper.close(&file).await;
    });
}

#[test]
fn stale_ids_are_refused_by_every_call_that_names_them() {
    let server = Server::start();
    server.run(async {
        let upper = Upper::on(&server, "scripted").await;
        let (file, request) = stale(&upper).await;
        let own = Ids { file: upper.file().await, request, target: String::new(), handle: String::new(), callback: 1 };
        let gone = Ids { file, ..own.clone() };
        let object = upper.object().await;
        let before = upper.standing().await;
        let session = upper.id.to_string();
        let mut asked = 0;
        for form in contract::forms() {
            let chooses = form.ids().iter().any(IdPath::is_chosen_by_client);
            for id in form.ids() {
                let (body, reason) = match id.field().name() {
                    "request_id" if form.name() != "CreateWdfFile" => (form.filled(&own, None), reason::REQUEST_GONE),
                    "file_id" => {
                        // The request comes before the file: a new number, or an object of its own.
                        let request = if chooses { upper.number() } else { object };
                        let own = Ids { request, ..own.clone() };
                        (form.filled(&own, Some((&id, &gone))), reason::FILE_GONE)
                    }
                    _ => continue,
                };
                let path = contract::path_of(&form.method);
                let answer = contract::call(&server.channel(), &path, &[&session], body).await;
                expect(form.judged(answer), NotFound, reason);
                asked += 1;
            }
        }
        assert!(asked > 0);
        assert_eq!(upper.standing().await, before);
    });
}

#[test]
fn a_number_that_was_used_is_refused_for_a_create() {
    let server = Server::start();
    server.run(async {
        let upper = Upper::on(&server, "scripted").await;
        let (_, request_id) = stale(&upper).await;
        let create = v1::CreateWdfFileRequest { request_id, file_name: None };
        upper.refused(upper.device().create_wdf_file(create), NotFound, reason::REQUEST_GONE).await;
    });
}

#[test]
fn a_stale_file_cannot_be_formatted_with() {
    let server = Server::start();
    server.run(async {
        let upper = Upper::on(&server, "scripted").await;
        let (file, _) = stale(&upper).await;
        let request_id = upper.object().await;
        let format = v1::FormatRequestRequest { request_id, format: Some(upper::read(&file, 4)) };
        upper.refused(upper.device().format_request(format), NotFound, reason::FILE_GONE).await;
    });
}

#[test]
fn zero_is_no_request_id() {
    let server = Server::start();
    server.run(async {
        let upper = Upper::on(&server, "scripted").await;
        let ids =
            Ids { file: upper.file().await, request: 0, target: String::new(), handle: String::new(), callback: 1 };
        let before = upper.standing().await;
        let session = upper.id.to_string();
        let mut asked = 0;
        for form in contract::forms() {
            if form.ids().iter().any(|id| id.field().name() == "request_id") {
                let (path, body) = (contract::path_of(&form.method), form.filled(&ids, None));
                let answer = form.judged(contract::call(&server.channel(), &path, &[&session], body).await);
                assert_eq!(expect(answer, InvalidArgument, reason::REQUEST_ID_ZERO).fields(), ["request_id"]);
                asked += 1;
            }
        }
        assert!(asked > 0);
        assert_eq!(upper.standing().await, before);
    });
}

#[test]
fn the_largest_number_is_a_request_id_like_any_other() {
    let server = Server::start();
    server.run(async {
        let upper = Upper::on(&server, "scripted").await;
        let file = upper.file().await;
        let mut events = upper.events_after(0).await;
        let format = Some(upper::read(&file, 4));
        let send = v1::FormatAndSendRequest { request_id: u64::MAX, format, ..Default::default() };
        let reply = upper.device().format_and_send(send).await.expect("every number but zero will do");
        assert_eq!(reply.into_inner().hresult, 0);
        assert_eq!(events.completion().await.1.request_id, u64::MAX);
    });
}

#[test]
fn a_create_is_no_request_object() {
    let server = Server::start();
    server.run(async {
        let upper = Upper::on(&server, "scripted").await;
        let request_id = upper.number();
        let create = v1::CreateWdfFileRequest { request_id, file_name: None };
        let file = upper.device().create_wdf_file(create).await.expect("the stack opens files").into_inner().file_id;
        let ids = Ids { file, request: request_id, target: String::new(), handle: String::new(), callback: 1 };
        let before = upper.standing().await;
        let session = upper.id.to_string();
        let mut asked = 0;
        for form in contract::forms() {
            let mut of_requests = form.ids().into_iter().filter(|id| id.field().name() == "request_id");
            if of_requests.any(|id| !id.is_chosen_by_client()) {
                let (path, body) = (contract::path_of(&form.method), form.filled(&ids, None));
                let answer = form.judged(contract::call(&server.channel(), &path, &[&session], body).await);
                assert_eq!(expect(answer, FailedPrecondition, reason::REQUEST_IS_CREATE).metadata("rule"), "FILE-10");
                asked += 1;
            }
        }
        assert!(asked > 0);
        assert_eq!(upper.standing().await, before);
    });
}

#[test]
fn a_callback_returns_once() {
    let server = Server::start();
    server.run(async {
        let stack = upper::plug(&server.channel(), upper::template("scripted")).await;
        let callbacks = vec![v1::PnpCallback::OnPrepareHardware.into()];
        let terms = v1::OpenSessionRequest { callbacks, ..upper::on_stack(&stack) };
        let upper = Upper::attach(&server.channel(), terms).await;
        let mut events = upper.events_after(0).await;
        let Some(v1::event::Body::CallbackInvoked(invoked)) = events.event().await.body else {
            panic!("the callback comes first")
        };
        let back = v1::ReturnFromCallbackRequest { callback_id: invoked.callback_id, hresult: 0 };
        upper.device().return_from_callback(back).await.expect("it is waited for");
        upper.refused(upper.device().return_from_callback(back), NotFound, reason::CALLBACK_GONE).await;
    });
}
