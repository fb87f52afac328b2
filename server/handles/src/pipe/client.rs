//! The client end of a pipe (`CreateFile` on its name), whoever serves it.

use std::sync::Arc;

use lowerdeck_framework::status::HResult;
use rustix::io::Errno;
use rustix::net::connect;

use super::connection::Connection;
use super::control::FSCTL_PIPE_PEEK;
use super::directory::{PipeDirectory, socket};
use super::listener::{Listener, connected};
use super::name::PipeName;
use crate::handle::{Access, CreateFile, Direction, Disposition, Ending, Framing};
use crate::operation::{Operation, Outcome};
use crate::win32::Win32Error;

/// See the module.
#[derive(Debug)]
pub struct ClientEnd {
    connection: Connection,
    access: Access,
}

impl ClientEnd {
    /// Connects. Never waits: there is an instance that listens, or there is none. Needs the context of a runtime.
    ///
    /// # Errors
    /// `ERROR_FILE_NOT_FOUND` when nobody serves the name, `ERROR_PIPE_BUSY` when no instance listens,
    /// `ERROR_ACCESS_DENIED` for rights that the direction or the modes do not give, `ERROR_INVALID_PARAMETER` for
    /// another disposition than `OPEN_EXISTING`, and for a message read mode on a byte pipe.
    pub fn open(directory: &Arc<PipeDirectory>, request: &CreateFile) -> Result<ClientEnd, Win32Error> {
        let name = PipeName::parse(&request.name)?;
        if request.disposition != Disposition::OpenExisting {
            return Err(Win32Error::INVALID_PARAMETER);
        }
        if let Some(listener) = directory.listener(&name) {
            let wrong_way = match listener.direction {
                Direction::Inbound => request.access.reads(),
                Direction::Outbound => request.access.writes(),
                Direction::Duplex => false,
            };
            if wrong_way {
                return Err(Win32Error::ACCESS_DENIED);
            }
            if !listener.has_listening() {
                return Err(Win32Error::PIPE_BUSY);
            }
        }
        let address = directory.address(&name)?;
        // The type of the pipe is its server's; a socket of the other type is told so, and costs nothing.
        let attempt = |pipe_type: Framing| -> Result<_, Errno> {
            let socket = socket(Listener::socket_type(pipe_type))?;
            connect(&socket, &address)?;
            Ok((socket, pipe_type))
        };
        let attempted = match attempt(Framing::Message) {
            Err(Errno::PROTOTYPE) => attempt(Framing::Byte),
            attempted => attempted,
        };
        let (socket, pipe_type) = attempted.map_err(refusal)?;
        if pipe_type == Framing::Byte && request.read_mode == Framing::Message {
            return Err(Win32Error::INVALID_PARAMETER);
        }
        let transport = connected(socket, pipe_type, 0)?;
        let connection = Connection::new(transport, pipe_type, request.read_mode);
        Ok(ClientEnd { connection, access: request.access })
    }

    /// Performs one operation.
    pub async fn perform(&self, operation: Operation, ending: &Ending) -> Outcome {
        match operation {
            Operation::Read { .. } if !self.access.reads() => Outcome::failed(HResult::ERROR_ACCESS_DENIED),
            Operation::Write { .. } if !self.access.writes() => Outcome::failed(HResult::ERROR_ACCESS_DENIED),
            Operation::Read { length, .. } => self.connection.read(length as usize, ending).await,
            Operation::Write { data, .. } => self.connection.write(data, ending).await,
            Operation::Control { code: FSCTL_PIPE_PEEK, .. } if !self.access.reads() => {
                Outcome::failed(HResult::ERROR_ACCESS_DENIED)
            }
            Operation::Control { code: FSCTL_PIPE_PEEK, output_length, .. } => {
                self.connection.peek(output_length as usize)
            }
            Operation::Control { .. } => Outcome::failed(HResult::ERROR_INVALID_FUNCTION),
        }
    }

    /// Closes the end: the server reads what was written, and then the end.
    pub fn close(&self) {
        self.connection.end();
    }
}

/// Why a connect to a name failed.
fn refusal(error: Errno) -> Win32Error {
    match error {
        Errno::NOENT | Errno::CONNREFUSED => Win32Error::FILE_NOT_FOUND,
        Errno::AGAIN => Win32Error::PIPE_BUSY,
        error => error.into(),
    }
}
