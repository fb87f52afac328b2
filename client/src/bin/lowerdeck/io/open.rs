//! What a script has open: a file on the stack, or a handle of the server's host with a file-handle target on it.
//!
//! Law: either is closed in order, the target before its handle (FHT-21).

use lowerdeck_client::v1::format::Io;
use lowerdeck_client::v1::open_handle_request::Object;
use lowerdeck_client::{DriverCreatedFile, Error, HResult, Handle, IoTarget, PFile, PendingIo, SendOptions, Session};

/// Where I/O goes.
#[derive(Debug)]
pub(super) enum Open {
    /// To the next lower driver.
    File(DriverCreatedFile),
    /// To the host.
    Handle(Handle, IoTarget),
}

/// Opens a handle and makes a target on it. The server end of a pipe waits for its client.
pub(super) async fn handle(session: &Session, object: Object) -> Result<(Handle, IoTarget), Error> {
    let is_server_end = matches!(object, Object::CreateNamedPipe(_));
    let handle = session.open_handle(object).await?;
    let target = match handle.create_target().await {
        Ok(target) => target,
        Err(error) => {
            handle.close().await?;
            return Err(error);
        }
    };
    if is_server_end && let Err(error) = connect(&handle).await {
        Open::Handle(handle, target).close().await?;
        return Err(error);
    }
    Ok((handle, target))
}

async fn connect(handle: &Handle) -> Result<(), Error> {
    match handle.connect_named_pipe().await? {
        HResult::ERROR_PIPE_CONNECTED => Ok(()), // its client came first
        other => success("ConnectNamedPipe", other),
    }
}

impl Open {
    /// Sends a request; `call` names it in errors.
    pub(super) async fn send(&self, call: &'static str, io: Io) -> Result<PendingIo, Error> {
        match self {
            Open::File(file) => file.send(call, io, SendOptions::default()).await,
            Open::Handle(_, target) => target.format_and_send(call, PFile::Null, io, SendOptions::default()).await,
        }
    }

    /// Closes it.
    pub(super) async fn close(self) -> Result<(), Error> {
        match self {
            Open::File(file) => file.close().await.map(drop),
            Open::Handle(handle, target) => {
                let deleted = target.delete_wdf_object().await;
                let closed = handle.close().await;
                success("DeleteWdfObject", deleted?)?;
                success("CloseHandle", closed?)
            }
        }
    }
}

fn success(call: &'static str, hresult: HResult) -> Result<(), Error> {
    if hresult.is_success() { Ok(()) } else { Err(Error::Umdf { call, hresult }) }
}
