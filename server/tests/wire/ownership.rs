//! Ownership: what is another session's, and what never was, get the same answer; the operator hears of it.

use lowerdeck_proto::{reason, v1};
use tonic::{Code, Status};
use uuid::Uuid;

use crate::bench::{Bench, Upper, read, refusal};

/// Every call that names something, with ids of the caller's choosing.
async fn name_everything(
    upper: &mut Upper,
    file: &str,
    request_id: u64,
    callback_id: u64,
) -> Vec<(Status, &'static str)> {
    let device = &mut upper.device;
    let target_id = "target".to_owned();
    let file_id = file.to_owned();
    let format = read(1, file, 1, 0).format;
    let file_reason = reason::FILE_NOT_OWNED_OR_UNKNOWN;
    let request_reason = reason::REQUEST_NOT_OWNED_OR_UNKNOWN;
    let target_reason = reason::TARGET_NOT_OWNED_OR_UNKNOWN;
    let mut refused = Vec::new();
    macro_rules! refused {
        ($call:ident, $message:expr, $reason:expr) => {
            let status = device.$call($message).await.err().expect(concat!(stringify!($call), " is refused"));
            refused.push((status, $reason));
        };
    }
    refused!(close, v1::CloseRequest { file_id: file_id.clone() }, file_reason);
    refused!(delete_file, v1::DeleteFileRequest { file_id: file_id.clone() }, file_reason);
    refused!(format_and_send, read(1000, file, 1, 0), file_reason);
    refused!(
        cancel_sent_requests_for_file,
        v1::CancelSentRequestsForFileRequest { file_id, target_id: String::new() },
        file_reason
    );
    refused!(format_request, v1::FormatRequestRequest { request_id, format }, request_reason);
    refused!(send_request, v1::SendRequestRequest { request_id, ..Default::default() }, request_reason);
    refused!(reuse_request, v1::ReuseRequestRequest { request_id, ..Default::default() }, request_reason);
    refused!(delete_request, v1::DeleteRequestRequest { request_id }, request_reason);
    refused!(get_request, v1::GetRequestRequest { request_id }, request_reason);
    refused!(cancel, v1::CancelRequest { request_id }, request_reason);
    refused!(get_target, v1::GetTargetRequest { target_id: target_id.clone() }, target_reason);
    refused!(start_target, v1::StartTargetRequest { target_id: target_id.clone() }, target_reason);
    refused!(
        stop_target,
        v1::StopTargetRequest { target_id: target_id.clone(), action: 1, ..Default::default() },
        target_reason
    );
    refused!(remove_target, v1::RemoveTargetRequest { target_id: target_id.clone(), surprise: false }, target_reason);
    refused!(delete_target, v1::DeleteTargetRequest { target_id }, target_reason);
    refused!(
        return_from_callback,
        v1::ReturnFromCallbackRequest { callback_id, hresult: 0 },
        reason::CALLBACK_NOT_OWNED_OR_UNKNOWN
    );
    refused
}

#[tokio::test]
async fn foreign_and_unknown_ids_get_the_same_answer_and_an_audit_entry() {
    let bench = Bench::new().await;
    let mut owner = bench.open("scripted").await;
    let file = owner.file("mine").await;
    let create = v1::CreateRequestRequest { request_id: 500, no_completion_callback: false };
    owner.device.create_request(create).await.expect("created");
    let mut other = bench.open("scripted").await;
    let foreign = name_everything(&mut other, &file, 500, 1).await;
    let unknown = name_everything(&mut other, &Uuid::new_v4().to_string(), 501, 2).await;
    for ((foreign, expected), (unknown, _)) in foreign.iter().zip(&unknown) {
        assert_eq!(refusal(foreign), (Code::PermissionDenied, (*expected).to_owned()));
        assert_eq!((foreign.message(), foreign.details()), (unknown.message(), unknown.details()));
    }
    assert_eq!(bench.server.audit().count(), (foreign.len() + unknown.len()) as u64);
    let entries = bench.server.audit().entries();
    assert!(entries.iter().any(|entry| entry.id == file && other.id.starts_with(&*entry.session)));
    bench.server.shutdown().await;
}

#[tokio::test]
async fn a_refused_foreign_call_changes_nothing_for_the_owner() {
    let bench = Bench::new().await;
    let mut owner = bench.open("scripted").await;
    bench.control(&owner.stack, 1, "on read: hold").await;
    let file = owner.file("mine").await;
    let (id, _) = owner.send_read(&file, 1, 0).await;
    let before = bench.trace(&owner.stack).await.len();
    let mut other = bench.open("scripted").await;
    name_everything(&mut other, &file, id, 1).await;
    assert_eq!(bench.trace(&owner.stack).await.len(), before);
    bench.server.shutdown().await;
}

#[tokio::test]
async fn own_ids_that_are_gone_get_their_own_answer() {
    let bench = Bench::new().await;
    let mut upper = bench.open("null").await;
    let file = upper.file("f").await;
    upper.close(&file).await;
    let closed = upper.device.close(v1::CloseRequest { file_id: file }).await.expect_err("gone");
    assert_eq!(refusal(&closed), (Code::NotFound, reason::FILE_GONE.to_owned()));
    let create = v1::CreateRequestRequest { request_id: 50, no_completion_callback: false };
    upper.device.create_request(create).await.expect("created");
    let delete = v1::DeleteRequestRequest { request_id: 50 };
    upper.device.delete_request(delete).await.expect("deleted");
    let again = upper.device.delete_request(delete).await.expect_err("gone");
    assert_eq!(refusal(&again), (Code::NotFound, reason::REQUEST_GONE.to_owned()));
    let reused = upper.device.create_request(create).await.expect_err("gone");
    assert_eq!(refusal(&reused), (Code::NotFound, reason::REQUEST_GONE.to_owned()));
    assert_eq!(bench.server.audit().count(), 0);
    bench.server.shutdown().await;
}
