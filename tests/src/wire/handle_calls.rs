//! The calls with which a client opens a handle and makes a target of it, in the words of the reference example.

use lowerdeck_framework::status::HResult;
use lowerdeck_proto::v1;
use lowerdeck_proto::v1::open_handle_request::Object;
use tonic::{Response, Status};
use uuid::Uuid;

use super::session::Clients;

/// `PIPE_ACCESS_DUPLEX`.
const PIPE_ACCESS_DUPLEX: u32 = 3;
/// `PIPE_TYPE_MESSAGE | PIPE_READMODE_MESSAGE | PIPE_WAIT`.
const PIPE_OF_MESSAGES: u32 = 4 | 2;
/// `FILE_FLAG_OVERLAPPED`.
const FILE_FLAG_OVERLAPPED: u32 = 0x4000_0000;
/// `GENERIC_READ | GENERIC_WRITE`.
const GENERIC_READ_WRITE: u32 = 0xC000_0000;
/// `OPEN_EXISTING`.
const OPEN_EXISTING: u32 = 3;

/// A name that no pipe or file has.
pub(super) fn new_name() -> String {
    Uuid::new_v4().simple().to_string()
}

/// The server end of a duplex pipe of messages (FHT-14).
pub(super) fn named_pipe(name: &str, overlapped: bool) -> Object {
    Object::CreateNamedPipe(v1::CreateNamedPipe {
        name: format!(r"\\.\pipe\{name}"),
        open_mode: PIPE_ACCESS_DUPLEX | flags(overlapped),
        pipe_mode: PIPE_OF_MESSAGES,
        max_instances: 2,
        default_timeout_ms: 1000,
        ..Default::default()
    })
}

/// A file that is there, to be read and written.
pub(super) fn disk_file(name: &str, overlapped: bool) -> Object {
    Object::CreateFile(v1::CreateFile {
        name: name.to_owned(),
        desired_access: GENERIC_READ_WRITE,
        creation_disposition: OPEN_EXISTING,
        flags_and_attributes: flags(overlapped),
        ..Default::default()
    })
}

fn flags(overlapped: bool) -> u32 {
    if overlapped { FILE_FLAG_OVERLAPPED } else { 0 }
}

/// `OpenHandle`, which must succeed; gives the handle's id, and its number in the server.
pub(super) async fn open_handle(clients: &Clients, object: Object) -> (String, u64) {
    let handle_id = Uuid::new_v4().to_string();
    let message = v1::OpenHandleRequest { handle_id: handle_id.clone(), object: Some(object) };
    let opened = granted(clients.device.clone().open_handle(message).await);
    assert_eq!(HResult(opened.hresult), HResult::S_OK, "what a script asks for can be opened");
    (handle_id, opened.handle_number)
}

/// `CreateFileHandleTarget`; gives the target's id, and what it returned.
pub(super) async fn create_target(clients: &Clients, handle_id: String) -> (String, HResult) {
    let target_id = Uuid::new_v4().to_string();
    let message = v1::CreateFileHandleTargetRequest { target_id: target_id.clone(), handle_id };
    let created = granted(clients.device.clone().create_file_handle_target(message).await);
    (target_id, HResult(created.hresult))
}

fn granted<T>(answer: Result<Response<T>, Status>) -> T {
    answer.unwrap_or_else(|status| panic!("{status:?}")).into_inner()
}
