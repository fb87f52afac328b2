//! Ownership (design 3.3): the ids of another session are worth nothing, whatever the call.
//!
//! The test walks the descriptor set, so a call or a kind of submission that is added later is tested the day it is
//! added.

use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;
use lowerdeck_proto::{reason, v1};
use lowerdeck_tests::wire::Server;
use tonic::Code;
use uuid::Uuid;

use crate::contract::{self, Form, IdPath, Ids};
use crate::event_feed::EventFeed;
use crate::refusal::{Refusal, expect, granted};
use crate::upper::{self, Standing, Upper};

/// Request ids of the victim begin here, far from those that the intruder uses.
const VICTIMS_NUMBERS: u64 = 1_000_000;
/// Numbers that no session uses.
const NOBODYS_NUMBER: u64 = 999_999_999;

/// A session with something of everything that can be named.
struct Victim {
    upper: Upper,
    ids: Ids,
    in_flight: u64,
    _events: EventFeed,
}

impl Victim {
    /// It answers one of its own callbacks, and has not answered it yet; it has a file, a request object, and a read
    /// that the driver keeps.
    async fn on(server: &Server, stack: v1::PlugStackRequest) -> Victim {
        let stack = upper::plug(&server.channel(), stack).await;
        let callbacks = vec![v1::PnpCallback::OnPrepareHardware.into()];
        let terms = v1::OpenSessionRequest { callbacks, ..upper::on_stack(&stack) };
        let upper = Upper::attach(&server.channel(), terms).await;
        let mut events = upper.events_after(0).await;
        let invoked = events.until(|body| matches!(body, v1::event::Body::CallbackInvoked(_))).await;
        let Some(v1::event::Body::CallbackInvoked(invoked)) = invoked.body else { unreachable!("it was waited for") };
        upper.control("on read: arm").await;
        let create = v1::CreateWdfFileRequest { request_id: VICTIMS_NUMBERS, file_name: None };
        let file = granted(upper.device().create_wdf_file(create).await).file_id;
        let object = v1::CreateRequestRequest { request_id: VICTIMS_NUMBERS + 1, no_completion_callback: false };
        granted(upper.device().create_request(object).await);
        let in_flight = VICTIMS_NUMBERS + 2;
        let format = Some(upper::read(&file, 4));
        let send = v1::FormatAndSendRequest { request_id: in_flight, format, ..Default::default() };
        assert_eq!(granted(upper.device().format_and_send(send).await).hresult, 0);
        let handle = upper.pipe().await;
        let target = Uuid::new_v4().to_string();
        let create = v1::CreateFileHandleTargetRequest { target_id: target.clone(), handle_id: handle.clone() };
        assert_eq!(granted(upper.device().create_file_handle_target(create).await).hresult, 0);
        let ids = Ids { file, request: VICTIMS_NUMBERS + 1, target, handle, callback: invoked.callback_id };
        Victim { upper, ids, in_flight, _events: events }
    }

    async fn standing(&self) -> (Standing, Vec<v1::GetRequestResponse>) {
        let mut requests = Vec::new();
        for number in [self.ids.request, self.in_flight] {
            requests.push(self.upper.request(number).await.expect("the victim's requests stay"));
        }
        (self.upper.standing().await, requests)
    }
}

/// The reason with which a foreign id is refused.
fn reason_for(id: &IdPath) -> &'static str {
    match id.field().name() {
        "file_id" => reason::FILE_NOT_OWNED_OR_UNKNOWN,
        "request_id" => reason::REQUEST_NOT_OWNED_OR_UNKNOWN,
        "target_id" => reason::TARGET_NOT_OWNED_OR_UNKNOWN,
        "handle_id" => reason::HANDLE_NOT_OWNED_OR_UNKNOWN,
        "callback_id" => reason::CALLBACK_NOT_OWNED_OR_UNKNOWN,
        other => panic!("no reason is known for a foreign `{other}`"),
    }
}

/// Forms of calls and ids that are to be refused, and how many forms have none.
fn probes() -> (Vec<(Form, IdPath)>, usize) {
    let (mut probes, mut without) = (Vec::new(), 0);
    for form in contract::forms() {
        let ids: Vec<_> = form.ids().into_iter().filter(|id| !id.is_chosen_by_client()).collect();
        without += usize::from(ids.is_empty());
        probes.extend(ids.into_iter().map(|id| (form.clone(), id)));
    }
    (probes, without)
}

/// Makes one call of the intruder's with one id that is not its own. Gives the refusal, and the whole message that has
/// it where it is no status.
async fn probe(
    server: &Server,
    intruder: &Upper,
    form: &Form,
    id: &IdPath,
    odd: &Ids,
    file: &str,
) -> (Refusal, Option<Bytes>) {
    let audit = server.running().audit();
    let before = audit.count();
    // Where the contract lets the client choose, the number must be a new one; elsewhere an object of its own.
    let chooses = form.ids().iter().any(IdPath::is_chosen_by_client);
    let request = if chooses { intruder.number() } else { intruder.object().await };
    let own =
        Ids { file: file.to_owned(), request, target: String::new(), handle: String::new(), callback: NOBODYS_NUMBER };
    let body = form.filled(&own, Some((id, odd)));
    let session = intruder.id.to_string();
    let answer = contract::call(&server.channel(), &contract::path_of(&form.method), &[&session], body).await;
    let message = answer.clone().ok().flatten();
    let refusal = expect(form.judged(answer), Code::PermissionDenied, reason_for(id));
    let audited = audit.entries();
    let last = audited.last().unwrap_or_else(|| panic!("{}: no audit entry", form.name()));
    assert_eq!(audit.count(), before + 1, "{}: one audit entry for one refusal", form.name());
    assert_eq!(*last.session, session[..8], "the audit names the intruder by 8 digits");
    (refusal, message)
}

async fn every_rpc_refuses(server: &Server, victim: &Victim, intruder: &Upper) {
    let file = intruder.file().await;
    let before = victim.standing().await;
    let foreign = victim.ids.clone();
    let unknown = Ids {
        file: Uuid::new_v4().to_string(),
        request: NOBODYS_NUMBER,
        target: Uuid::new_v4().to_string(),
        handle: Uuid::new_v4().to_string(),
        callback: NOBODYS_NUMBER,
    };
    let (probes, without) = probes();
    let mut said = BTreeMap::new();
    for (form, id) in &probes {
        let (name, id_name) = (form.name(), id.field().name());
        let (of_another, its_message) = probe(server, intruder, form, id, &foreign, &file).await;
        let (of_nobody, nobodys_message) = probe(server, intruder, form, id, &unknown, &file).await;
        assert_eq!(of_another.body(), of_nobody.body(), "{name} tells them apart by {id_name}");
        assert_eq!(its_message, nobodys_message, "{name} tells them apart by {id_name}");
        assert_eq!(its_message.is_some(), form.is_submission(), "{name}");
        let asked = (form.message().full_name().to_owned(), id_name.to_owned());
        let alike = said.entry(asked).or_insert_with(|| of_another.said());
        assert_eq!(*alike, of_another.said(), "{name} is refused as the same call is, for its {id_name}");
    }
    assert_eq!(victim.standing().await, before, "the other session's objects are as they were");
    // Were the classes confused, the walk would have tested nothing: both are there, in every service's proportion.
    let probed: BTreeSet<_> = probes.iter().map(|(form, _)| form.name()).collect();
    let device = contract::methods().iter().filter(|call| call.parent_service().name() == "DeviceService").count();
    assert!(probed.len() > device / 2, "most calls of a device name something: {probed:?}");
    assert!(without > 0 && probed.len() + without == contract::forms().len(), "{} and {without}", probed.len());
}

#[test]
fn every_rpc_refuses_a_foreign_sessions_ids() {
    let server = Server::with_handles();
    server.run(async {
        let victim = Victim::on(&server, upper::template("scripted")).await;
        let intruder = Upper::on(&server, "scripted").await;
        every_rpc_refuses(&server, &victim, &intruder).await;
    });
}

#[test]
fn a_shared_stack_shares_no_ids() {
    let server = Server::start();
    server.run(async {
        let stack = upper::plug(&server.channel(), upper::shared("scripted")).await;
        let file_of = |upper: &Upper, file| (upper.device(), v1::CloseRequest { file_id: file });
        let one = Upper::attach(&server.channel(), upper::on_stack(&stack)).await;
        let other = Upper::attach(&server.channel(), upper::on_stack(&stack)).await;
        assert_eq!(one.stack, other.stack, "they are on one instance");
        let file = one.file().await;
        let (mut device, message) = file_of(&other, file.clone());
        let foreign =
            other.refused(device.close(message), Code::PermissionDenied, reason::FILE_NOT_OWNED_OR_UNKNOWN).await;
        let (mut device, message) = file_of(&other, Uuid::new_v4().to_string());
        let unknown =
            other.refused(device.close(message), Code::PermissionDenied, reason::FILE_NOT_OWNED_OR_UNKNOWN).await;
        assert_eq!(foreign.body(), unknown.body());
        one.close(&file).await;
    });
}

#[test]
fn numbers_that_a_client_chooses_are_its_own() {
    let server = Server::with_handles();
    server.run(async {
        let victim = Victim::on(&server, upper::template("scripted")).await;
        let before = victim.standing().await;
        let mut named = 0;
        for form in contract::forms() {
            if !form.ids().iter().any(IdPath::is_chosen_by_client) {
                continue;
            }
            named += 1;
            let intruder = Upper::on(&server, "scripted").await;
            let (file, session) = (intruder.file().await, intruder.id.to_string());
            let handle = intruder.pipe().await;
            // The victim's live numbers are free for everybody else.
            for request in [VICTIMS_NUMBERS, victim.ids.request, victim.in_flight] {
                let (target, file, handle) = (String::new(), file.clone(), handle.clone());
                let own = Ids { file, request, target, handle, callback: NOBODYS_NUMBER };
                let odd =
                    form.ids().into_iter().find(|id| id.is_chosen_by_client() && id.field().name() != "request_id");
                let (path, body) =
                    (contract::path_of(&form.method), form.filled(&own, odd.as_ref().map(|id| (id, &victim.ids))));
                let answer = form.judged(contract::call(&server.channel(), &path, &[&session], body).await);
                assert!(answer.is_ok(), "{}: {answer:?}", form.name());
            }
        }
        assert!(named > 0);
        assert_eq!(victim.standing().await, before, "the other session's objects are as they were");
    });
}

#[test]
fn every_rpc_of_a_session_asks_who_is_calling() {
    let server = Server::start();
    server.run(async {
        let upper = Upper::on(&server, "scripted").await;
        let before = upper.standing().await;
        let (unknown, version_1) = (Uuid::new_v4().to_string(), "a6e1c2f0-9b1d-11ee-8c90-0242ac120002");
        let own = upper.id.to_string();
        let malformed: [&[&str]; 6] =
            [&["nobody"], &[""], &[version_1], &[&own, &own], &[&own[..35]], &["00000000-0000-0000-0000-000000000000"]];
        let mut walked = 0;
        for form in contract::forms().iter().filter(|form| form.method.parent_service().name() != "LabService") {
            let call = &form.method;
            let ids =
                Ids { file: unknown.clone(), request: 1, target: String::new(), handle: String::new(), callback: 1 };
            let (path, body) = (contract::path_of(call), form.filled(&ids, None));
            let missing = contract::call(&server.channel(), &path, &[], body.clone()).await;
            expect(missing, Code::Unauthenticated, reason::SESSION_METADATA_MISSING);
            for sessions in malformed {
                let answer = contract::call(&server.channel(), &path, sessions, body.clone()).await;
                expect(answer, Code::Unauthenticated, reason::SESSION_METADATA_MALFORMED);
            }
            if call.name() != "OpenSession" {
                let answer = contract::call(&server.channel(), &path, &[&unknown], body).await;
                expect(answer, Code::NotFound, reason::SESSION_UNKNOWN);
            }
            walked += 1;
        }
        assert!(walked > 0);
        assert_eq!(upper.standing().await, before);
    });
}
