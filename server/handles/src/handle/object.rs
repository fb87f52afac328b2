//! What a handle is of, and the one way in which its operations begin and end.

use lowerdeck_framework::status::HResult;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::sync::{CancellationToken, DropGuard};

use super::{Ending, OpenRequest, Places};
use crate::disk::DiskFile;
use crate::operation::{Operation, Outcome, TRANSFER_BYTES_MAX};
use crate::pipe::{ClientEnd, PipeName, ServerEnd};
use crate::socket::Socket;
use crate::win32::Win32Error;

/// Most operations of one handle at one time: as many as a device can have requests in flight many times over; one more
/// is `ERROR_NO_SYSTEM_RESOURCES`.
pub const OPERATIONS_MAX: usize = 1024;

/// An object of the host.
#[derive(Debug)]
pub enum Object {
    /// An instance of a named pipe.
    Server(Box<ServerEnd>),
    /// The client end of one.
    Client(Box<ClientEnd>),
    /// A file below the configured root.
    File(Box<DiskFile>),
    /// A connected socket.
    Socket(Box<Socket>),
}

impl Object {
    /// Opens what is asked for.
    pub async fn open(request: &OpenRequest, places: &Places) -> Result<Object, Win32Error> {
        let pipes = places.pipes.as_ref().ok_or(Win32Error::ACCESS_DENIED);
        match request {
            OpenRequest::Pipe(pipe) => Ok(Object::Server(Box::new(ServerEnd::create(pipes?, pipe)?))),
            OpenRequest::File(file) if PipeName::is_pipe(&file.name) => {
                Ok(Object::Client(Box::new(ClientEnd::open(pipes?, file)?)))
            }
            OpenRequest::File(file) => {
                let files = places.files.as_ref().ok_or(Win32Error::ACCESS_DENIED)?;
                Ok(Object::File(Box::new(files.create_file(file).await?.file)))
            }
            OpenRequest::Socket(socket) => {
                let opened = Socket::open(&socket.address, places.sockets, places.pipes.as_deref()).await?;
                Ok(Object::Socket(Box::new(opened)))
            }
        }
    }

    async fn perform(&self, operation: Operation, ending: &Ending) -> Outcome {
        match self {
            Object::Server(server) => server.perform(operation, ending).await,
            Object::Client(client) => client.perform(operation, ending).await,
            Object::File(file) => file.perform(operation, ending).await,
            Object::Socket(socket) => socket.perform(operation, ending).await,
        }
    }

    fn close(&self) {
        match self {
            Object::Server(server) => server.close(),
            Object::Client(client) => client.close(),
            Object::File(file) => file.close(),
            Object::Socket(socket) => socket.close(),
        }
    }
}

/// An open handle. Operations keep it alive until they have ended, while its number is gone with the close.
#[derive(Debug)]
pub struct Open {
    object: Object,
    pub is_overlapped: bool,
    closed: CancellationToken,
    operations: Semaphore,
    freed: CancellationToken,
    /// Its place among the handles of the table; after the object, so that it is free when the descriptor is.
    _place: OwnedSemaphorePermit,
    /// Cancels `freed`; the last of all.
    _frees: DropGuard,
}

impl Open {
    pub fn new(object: Object, is_overlapped: bool, place: OwnedSemaphorePermit) -> Open {
        let freed = CancellationToken::new();
        Open {
            object,
            is_overlapped,
            closed: CancellationToken::new(),
            operations: Semaphore::new(OPERATIONS_MAX),
            _place: place,
            _frees: freed.clone().drop_guard(),
            freed,
        }
    }

    pub async fn perform(&self, operation: Operation, cancelled: CancellationToken) -> Outcome {
        if transferred(&operation) > TRANSFER_BYTES_MAX as usize {
            return Outcome::failed(HResult::E_INVALIDARG);
        }
        let Ok(_counted) = self.operations.try_acquire() else {
            return Outcome::failed(Win32Error::NO_SYSTEM_RESOURCES.hresult());
        };
        let ending = Ending { cancelled, closed: self.closed.clone() };
        if ending.is_requested() {
            return Outcome::failed(HResult::ERROR_OPERATION_ABORTED);
        }
        self.object.perform(operation, &ending).await
    }

    /// Cancelled when this is dropped, and the object of the host with it.
    pub fn freed(&self) -> CancellationToken {
        self.freed.clone()
    }

    /// Ends what is under way. The order matters: whoever wakes up by the object's end shall find the reason.
    pub fn close(&self) {
        self.closed.cancel();
        self.object.close();
    }
}

/// The larger of what goes in and what comes out.
fn transferred(operation: &Operation) -> usize {
    match operation {
        Operation::Read { length, .. } => *length as usize,
        Operation::Write { data, .. } => data.len(),
        Operation::Control { input, output_length, .. } => input.len().max(*output_length as usize),
    }
}
