//! What an upper driver calls about handles, and the formats of its I/O through a target on one.

use bytes::Bytes;
use lowerdeck_proto::v1;
use tonic::{Response, Status};
use uuid::Uuid;
use v1::format::Io;

use super::win32::{OK, Openable};
use crate::event_feed::EventFeed;
use crate::refusal::granted;
use crate::upper::Upper;

/// The format of `io` for `target`, on its own handle.
pub fn through(target: &str, io: Io) -> v1::Format {
    v1::Format { file_id: String::new(), target_id: target.to_owned(), io: Some(io) }
}

/// A read of at most `size` bytes at `offset`.
pub fn read_at(target: &str, size: u64, offset: i64) -> v1::Format {
    let output_memory = Some(v1::OutputMemory { size, offset: None, contents: Bytes::new() });
    through(target, Io::Read(v1::ReadFormat { device_offset: Some(offset), output_memory }))
}

/// A read of at most `size` bytes.
pub fn read(target: &str, size: u64) -> v1::Format {
    read_at(target, size, 0)
}

/// A write of `data` at `offset`.
pub fn write_at(target: &str, data: &[u8], offset: i64) -> v1::Format {
    let input_memory = Some(v1::InputMemory { data: Bytes::copy_from_slice(data), offset: None });
    through(target, Io::Write(v1::WriteFormat { device_offset: Some(offset), input_memory }))
}

/// A write of `data`.
pub fn write(target: &str, data: &[u8]) -> v1::Format {
    write_at(target, data, 0)
}

/// A device control request.
pub fn control(target: &str, code: u32, input: &[u8], size: u64) -> v1::Format {
    let input_memory = Some(v1::InputMemory { data: Bytes::copy_from_slice(input), offset: None });
    let output_memory = Some(v1::OutputMemory { size, offset: None, contents: Bytes::new() });
    through(target, Io::DeviceControl(v1::DeviceControlFormat { code, input_memory, output_memory }))
}

/// An OpenHandle under a new id.
pub fn opening(object: impl Openable) -> v1::OpenHandleRequest {
    v1::OpenHandleRequest { handle_id: Uuid::new_v4().to_string(), object: Some(object.object()) }
}

impl Upper {
    /// A session on a private stack on which targets can be made.
    pub async fn with_handles(server: &lowerdeck_tests::wire::Server) -> Upper {
        Upper::on(server, "null").await
    }

    /// OpenHandle.
    pub async fn open_handle(
        &self,
        message: v1::OpenHandleRequest,
    ) -> Result<Response<v1::OpenHandleResponse>, Status> {
        self.device().open_handle(message).await
    }

    /// What OpenHandle answers for `object`.
    pub async fn try_open(&self, object: impl Openable) -> u32 {
        let reply = granted(self.open_handle(opening(object)).await);
        assert_eq!(reply.hresult == OK, reply.handle_number != 0, "a number exactly when it opened");
        reply.hresult
    }

    /// Opens `object` and gives the id of the handle.
    pub async fn handle(&self, object: impl Openable) -> String {
        let message = opening(object);
        let handle_id = message.handle_id.clone();
        let shown = format!("{:?}", message.object);
        let reply = granted(self.open_handle(message).await);
        assert_eq!(reply.hresult, OK, "{shown}: {:#x}", reply.hresult);
        handle_id
    }

    /// CloseHandle.
    pub async fn close_handle(&self, handle_id: &str) -> u32 {
        let message = v1::CloseHandleRequest { handle_id: handle_id.to_owned() };
        granted(self.device().close_handle(message).await).hresult
    }

    /// ConnectNamedPipe.
    pub async fn connect(&self, handle_id: &str) -> u32 {
        let message = v1::ConnectNamedPipeRequest { handle_id: handle_id.to_owned() };
        granted(self.device().connect_named_pipe(message).await).hresult
    }

    /// DisconnectNamedPipe.
    pub async fn disconnect(&self, handle_id: &str) -> u32 {
        let message = v1::DisconnectNamedPipeRequest { handle_id: handle_id.to_owned() };
        granted(self.device().disconnect_named_pipe(message).await).hresult
    }

    /// What CreateFileHandleTarget answers.
    pub async fn try_target(&self, handle_id: &str) -> u32 {
        let message = v1::CreateFileHandleTargetRequest {
            target_id: Uuid::new_v4().to_string(),
            handle_id: handle_id.to_owned(),
        };
        granted(self.device().create_file_handle_target(message).await).hresult
    }

    /// A target on a handle.
    pub async fn target_on(&self, handle_id: &str) -> String {
        let target_id = Uuid::new_v4().to_string();
        let message =
            v1::CreateFileHandleTargetRequest { target_id: target_id.clone(), handle_id: handle_id.to_owned() };
        assert_eq!(granted(self.device().create_file_handle_target(message).await).hresult, OK);
        target_id
    }

    /// DeleteTarget, which waits for what was sent through it.
    pub async fn delete_target(&self, target_id: &str) {
        let message = v1::DeleteTargetRequest { target_id: target_id.to_owned() };
        assert_eq!(granted(self.device().delete_target(message).await).hresult, OK);
    }

    /// Opens `object` with a target on it; gives the ids of both.
    pub async fn open_with_target(&self, object: impl Openable) -> (String, String) {
        let handle = self.handle(object).await;
        let target = self.target_on(&handle).await;
        (handle, target)
    }

    /// Sends `format` and waits for its completion, which must be the next.
    pub async fn done(&self, events: &mut EventFeed, format: v1::Format) -> v1::RequestCompleted {
        let request = self.send(format).await;
        let (sequence, completion) = events.completion().await;
        assert_eq!(completion.request_id, request, "the next completion is that of the request");
        self.acknowledge(sequence).await;
        completion
    }

    /// [`Upper::done`] down to what most ask for: HRESULT, Information, and the data.
    pub async fn ended(&self, events: &mut EventFeed, format: v1::Format) -> (u32, u64, Vec<u8>) {
        let completion = self.done(events, format).await;
        (completion.hresult, completion.information, completion.data.to_vec())
    }
}
