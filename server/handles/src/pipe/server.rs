//! The server end of a pipe: one instance of its name (`CreateNamedPipe`).
//!
//! ```text
//! Listening --client--> Connected --disconnect--> Disconnected --connect--> Listening
//! ```
//! Law: an instance that listens takes the first client that is there, whether `ConnectNamedPipe` waits for it or I/O
//! asks; nobody else gets that client. Closing the end is final, and the last one takes the socket file along.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use lowerdeck_framework::status::HResult;
use rustix::io::Errno;
use tokio::sync::Notify;

use super::connection::Connection;
use super::control::{FSCTL_PIPE_DISCONNECT, FSCTL_PIPE_LISTEN, FSCTL_PIPE_PEEK, PipeState, peek_buffer};
use super::directory::PipeDirectory;
use super::listener::Listener;
use crate::handle::{CreateNamedPipe, Direction, Ending, Framing};
use crate::operation::{Operation, Outcome};
use crate::win32::Win32Error;

/// See the module.
#[derive(Debug)]
pub struct ServerEnd {
    directory: Arc<PipeDirectory>,
    listener: Arc<Listener>,
    read_mode: Framing,
    out_buffer_bytes: u32,
    state: Mutex<State>,
    /// The state has changed: whoever waits for a client looks again.
    changed: Notify,
}

#[derive(Debug)]
enum State {
    Listening,
    Connected(Arc<Connection>),
    Disconnected,
    Closed,
}

impl ServerEnd {
    /// `CreateNamedPipe`. Needs the context of a runtime.
    ///
    /// # Errors
    /// As [`PipeDirectory`] says of instances.
    pub fn create(directory: &Arc<PipeDirectory>, request: &CreateNamedPipe) -> Result<ServerEnd, Win32Error> {
        let listener = directory.add_instance(request)?;
        listener.count_listening(true);
        Ok(ServerEnd {
            directory: Arc::clone(directory),
            listener,
            read_mode: request.mode.read_mode,
            out_buffer_bytes: request.out_buffer_bytes,
            state: Mutex::new(State::Listening),
            changed: Notify::new(),
        })
    }

    /// Performs one operation.
    pub async fn perform(&self, operation: Operation, ending: &Ending) -> Outcome {
        match operation {
            Operation::Read { .. } if self.listener.direction == Direction::Outbound => denied(),
            Operation::Write { .. } if self.listener.direction == Direction::Inbound => denied(),
            Operation::Read { length, .. } => match self.connection() {
                Ok(connection) => connection.read(length as usize, ending).await,
                Err(error) => Outcome::failed(error.hresult()),
            },
            Operation::Write { data, .. } => match self.connection() {
                Ok(connection) => connection.write(data, ending).await,
                Err(error) => Outcome::failed(error.hresult()),
            },
            Operation::Control { code: FSCTL_PIPE_LISTEN, .. } => {
                Outcome { status: self.connect(ending).await, information: 0, data: Bytes::new() }
            }
            Operation::Control { code: FSCTL_PIPE_DISCONNECT, .. } => {
                Outcome { status: self.disconnect(), information: 0, data: Bytes::new() }
            }
            Operation::Control { code: FSCTL_PIPE_PEEK, output_length, .. } => self.peek(output_length as usize),
            Operation::Control { .. } => Outcome::failed(HResult::ERROR_INVALID_FUNCTION),
        }
    }

    /// `ConnectNamedPipe`: waits for a client. `ERROR_PIPE_CONNECTED` means that one was there before, and is no failure
    /// of the connection; `ERROR_NO_DATA` that the client has gone and this end must disconnect first.
    pub async fn connect(&self, ending: &Ending) -> HResult {
        let mut is_waiting = false;
        loop {
            let changed = self.changed.notified();
            tokio::pin!(changed);
            changed.as_mut().enable();
            match self.advance(is_waiting) {
                Ok(true) => return HResult::S_OK,
                Ok(false) => return Win32Error::PIPE_CONNECTED.hresult(),
                Err(Win32Error::PIPE_LISTENING) => is_waiting = true,
                Err(_) if ending.is_requested() => return HResult::ERROR_OPERATION_ABORTED,
                Err(error) => return error.hresult(),
            }
            tokio::select! {
                biased;
                waited = self.listener.wait(|| self.take_client().map(|_| ())) => {
                    if let Err(error) = waited {
                        return Win32Error::from(error).hresult();
                    }
                }
                () = changed => {}
                () = ending.requested() => return HResult::ERROR_OPERATION_ABORTED,
            }
        }
    }

    /// `DisconnectNamedPipe`: the client is cut off, what waits here ends with `ERROR_PIPE_NOT_CONNECTED`. What the client
    /// has not read yet stays readable to it, for the host keeps it.
    pub fn disconnect(&self) -> HResult {
        let mut state = self.state();
        match &*state {
            State::Disconnected => return HResult::ERROR_PIPE_NOT_CONNECTED,
            State::Closed => return HResult::ERROR_INVALID_HANDLE,
            State::Listening => self.listener.count_listening(false),
            State::Connected(connection) => connection.end(),
        }
        *state = State::Disconnected;
        drop(state);
        self.changed.notify_waiters();
        HResult::S_OK
    }

    /// Closes the end, for good. What waits on it ends; the last instance of the name takes the socket file along.
    pub fn close(&self) {
        let mut state = self.state();
        match std::mem::replace(&mut *state, State::Closed) {
            State::Closed => return,
            State::Listening => self.listener.count_listening(false),
            State::Connected(connection) => connection.end(),
            State::Disconnected => {}
        }
        drop(state);
        self.directory.remove_instance(&self.listener);
        self.changed.notify_waiters();
    }

    /// One step of a connect: Ok(true) when the client came while it waited, Ok(false) when it was there before.
    fn advance(&self, is_waiting: bool) -> Result<bool, Win32Error> {
        let mut state = self.state();
        match &*state {
            State::Closed => return Err(Win32Error::INVALID_HANDLE),
            State::Connected(_) if is_waiting => return Ok(true),
            State::Connected(connection) if connection.is_drained() => return Err(Win32Error::NO_DATA),
            State::Connected(_) => return Ok(false),
            // Disconnected under the wait.
            State::Disconnected if is_waiting => return Err(Win32Error::PIPE_NOT_CONNECTED),
            State::Disconnected => {
                self.listener.count_listening(true);
                *state = State::Listening;
                self.take_client_of(&mut state).map_err(listening)?;
                return Ok(true);
            }
            State::Listening => {}
        }
        self.take_client_of(&mut state).map_err(listening)?;
        Ok(is_waiting)
    }

    /// The connection for I/O (FHT-18).
    fn connection(&self) -> Result<Arc<Connection>, Win32Error> {
        let mut state = self.state();
        match &*state {
            State::Connected(connection) => Ok(Arc::clone(connection)),
            State::Disconnected => Err(Win32Error::PIPE_NOT_CONNECTED),
            State::Closed => Err(Win32Error::INVALID_HANDLE),
            State::Listening => self.take_client_of(&mut state).map_err(listening),
        }
    }

    /// Ends a wait for a client: with one, or because the instance does not listen any more.
    fn take_client(&self) -> Result<(), Errno> {
        let mut state = self.state();
        match &*state {
            State::Listening => self.take_client_of(&mut state).map(|_| ()),
            _ => Ok(()),
        }
    }

    /// The client that is there, for an instance that listens.
    fn take_client_of(&self, state: &mut State) -> Result<Arc<Connection>, Errno> {
        let transport = self.listener.try_accept(self.out_buffer_bytes)?;
        let connection = Arc::new(Connection::new(transport, self.listener.pipe_type, self.read_mode));
        *state = State::Connected(Arc::clone(&connection));
        self.listener.count_listening(false);
        self.changed.notify_waiters();
        Ok(connection)
    }

    fn peek(&self, output_length: usize) -> Outcome {
        match self.connection() {
            Ok(connection) => connection.peek(output_length),
            Err(Win32Error::PIPE_LISTENING) => peek_buffer(output_length, |_| Ok((PipeState::Listening, None))),
            Err(Win32Error::PIPE_NOT_CONNECTED) => peek_buffer(output_length, |_| Ok((PipeState::Disconnected, None))),
            Err(error) => Outcome::failed(error.hresult()),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for ServerEnd {
    fn drop(&mut self) {
        self.close();
    }
}

/// No client is there: not an error of the host.
fn listening(error: Errno) -> Win32Error {
    if error == Errno::AGAIN { Win32Error::PIPE_LISTENING } else { error.into() }
}

fn denied() -> Outcome {
    Outcome::failed(HResult::ERROR_ACCESS_DENIED)
}
