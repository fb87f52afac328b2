//! A file of the server's host, read through a file-handle target from its beginning to its end.

use bytes::Bytes;
use lowerdeck_proto::v1;
use lowerdeck_proto::v1::open_handle_request::Object;
use lowerdeck_proto::v1::queue_entry::Body;
use uuid::Uuid;

use super::queue::{LoadQueue, not_accepted};
use super::setup::LoadSession;
use crate::error::Error;
use crate::hresult::HResult;

/// `GENERIC_READ`.
const GENERIC_READ: u32 = 0x8000_0000;
/// `FILE_SHARE_READ`.
const SHARE_READ: u32 = 1;
/// `OPEN_EXISTING`.
const OPEN_EXISTING: u32 = 3;
/// `FILE_FLAG_OVERLAPPED`.
const OVERLAPPED: u32 = 0x4000_0000;

/// How a file is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HandleRead {
    /// Bytes of the file.
    pub bytes: u64,
    /// Bytes of each read.
    pub piece: u64,
    /// Reads in flight.
    pub depth: u64,
}

/// A file-handle target on a file, in a session.
#[derive(Debug)]
pub struct LoadHandle {
    session: LoadSession,
    target: String,
}

/// What a call answers, if it is success.
fn succeeded(call: &'static str, hresult: u32) -> Result<(), Error> {
    let hresult = HResult(hresult);
    if hresult.is_success() { Ok(()) } else { Err(Error::Umdf { call, hresult }) }
}

impl LoadSession {
    /// Opens the file `name` below the server's root for overlapped reads, with a target on it.
    ///
    /// # Errors
    /// As the calls; [`Error::Umdf`] when one fails.
    pub async fn open_handle(&self, name: &str) -> Result<LoadHandle, Error> {
        let (handle_id, target_id) = (Uuid::new_v4().to_string(), Uuid::new_v4().to_string());
        let file = v1::CreateFile {
            name: name.to_owned(),
            desired_access: GENERIC_READ,
            share_mode: SHARE_READ,
            creation_disposition: OPEN_EXISTING,
            flags_and_attributes: OVERLAPPED,
            pipe_read_mode: 0,
        };
        let open = v1::OpenHandleRequest { handle_id: handle_id.clone(), object: Some(Object::CreateFile(file)) };
        let mut device = self.device.clone();
        let opened = device.open_handle(open).await.map_err(|status| Error::from_status("OpenHandle", &status))?;
        succeeded("OpenHandle", opened.into_inner().hresult)?;
        const CREATE: &str = "CreateFileHandleTarget";
        let create = v1::CreateFileHandleTargetRequest { target_id: target_id.clone(), handle_id };
        let created = device.create_file_handle_target(create).await;
        succeeded(CREATE, created.map_err(|status| Error::from_status(CREATE, &status))?.into_inner().hresult)?;
        Ok(LoadHandle { session: self.clone(), target: target_id })
    }
}

impl LoadHandle {
    /// Reads the file once, on a `QueuePair`. `take` gets every piece with its offset, as they complete.
    ///
    /// # Errors
    /// As `QueuePair`; [`Error::Umdf`] when a read fails.
    pub async fn read(&self, read: HandleRead, mut take: impl FnMut(u64, Bytes)) -> Result<(), Error> {
        let session = &self.session;
        let pieces = read.bytes.div_ceil(read.piece);
        let first_request = session.reserve_requests(pieces);
        let (mut submitted, mut completed) = (0, 0);
        let mut message = |count: u64| {
            let more = submitted..pieces.min(submitted + count);
            submitted = more.end;
            let processed = session.processed();
            v1::QueuePairRequest {
                after_sequence: processed,
                acknowledged_sequence: processed,
                submissions: more
                    .map(|piece| self.submission(first_request + piece, piece * read.piece, read))
                    .collect(),
                ..Default::default()
            }
        };
        let mut queue = LoadQueue::open(session, message(read.depth)).await?;
        while completed < pieces {
            let response = queue.next().await?;
            if let Some(result) = response.results.first() {
                return Err(not_accepted(result));
            }
            let came = response.entries.len() as u64;
            session.add_processed(came);
            for entry in response.entries {
                let Some(Body::Completion(completion)) = entry.body else {
                    let what = format!("an event that no read leads to: {:?}", entry.body);
                    return Err(Error::ContractBroken { call: "QueuePair", what });
                };
                succeeded("read", completion.hresult)?;
                take((completion.request_id - first_request) * read.piece, completion.data);
                completed += 1;
            }
            if came > 0 {
                queue.send(message(came)).await?;
            }
        }
        Ok(())
    }

    fn submission(&self, request_id: u64, offset: u64, read: HandleRead) -> v1::Submission {
        let size = read.piece.min(read.bytes - offset);
        let output_memory = Some(v1::OutputMemory { size, offset: None, contents: Bytes::new() });
        let io = v1::format::Io::Read(v1::ReadFormat { device_offset: Some(offset.cast_signed()), output_memory });
        let format = v1::Format { file_id: String::new(), target_id: self.target.clone(), io: Some(io) };
        let send = v1::FormatAndSendRequest { request_id, format: Some(format), ..Default::default() };
        v1::Submission { call: Some(v1::submission::Call::FormatAndSend(send)) }
    }
}
