//! Handles of the wire back end: real pipes, with this process as the peer, and real files below the server's root.

use std::cell::RefCell;
use std::collections::HashMap;
use std::path::PathBuf;
use std::rc::Rc;

use bytes::Bytes;
use lowerdeck_framework::status::HResult;
use lowerdeck_proto::{reason, v1};

use super::handle_calls::{create_target, disk_file, named_pipe, new_name, open_handle};
use super::pacer::Pacer;
use super::peer::Peer;
use super::{Server, Wire, messages};
use crate::backend::{Call, Io, Outcome, Requests, SentIoAction};
use crate::handles::{Handles, Opened, PeerAct};

/// `HRESULT_FROM_WIN32(ERROR_PIPE_CONNECTED)`: a client had come before `ConnectNamedPipe`, which is no failure.
const ERROR_PIPE_CONNECTED: HResult = HResult(0x8007_0217);

/// What a handle is of, seen from outside the server.
enum Outside {
    /// A pipe, which is this socket; the peer once it has connected.
    Pipe(PathBuf, Option<Peer>),
    /// This file.
    Disk(PathBuf),
}

struct Handle {
    id: String,
    /// `OpenHandleResponse.handle_number`.
    number: u64,
    outside: Outside,
}

/// Handles and file-handle targets by the script's numbers.
#[derive(Default)]
pub(super) struct Held {
    handles: HashMap<u64, Handle>,
    targets: HashMap<u64, String>,
    /// One for all sessions of a test, made when the first needs it.
    pacer: Rc<RefCell<Option<Pacer>>>,
}

impl Held {
    /// None yet, for another session on the same server.
    pub(super) fn of_a_sibling(&self) -> Held {
        Held { pacer: Rc::clone(&self.pacer), ..Held::default() }
    }

    /// Whether no handle was ever opened.
    pub(super) fn is_empty(&self) -> bool {
        self.handles.is_empty()
    }

    /// Returns when what could go on at the server's handles has gone on.
    pub(super) fn catch_up(&self, server: &Server) {
        self.pacer.borrow_mut().get_or_insert_with(|| Pacer::new(server)).pace(server);
    }

    /// The other end of a pipe.
    pub(super) fn peer(&self, handle: u64) -> &Peer {
        match &self.handle(handle).outside {
            Outside::Pipe(_, Some(peer)) => peer,
            _ => panic!("nobody is at the other end of handle {handle}"),
        }
    }

    /// The other end of a pipe is closed.
    fn drop_peer(&mut self, handle: u64) {
        match self.handles.get_mut(&handle).map(|handle| &mut handle.outside) {
            Some(Outside::Pipe(_, peer @ Some(_))) => *peer = None,
            _ => panic!("nobody is at the other end of handle {handle}"),
        }
    }

    fn handle(&self, number: u64) -> &Handle {
        self.handles.get(&number).unwrap_or_else(|| panic!("the script never opened handle {number}"))
    }

    fn target(&self, number: u64) -> String {
        self.targets.get(&number).cloned().unwrap_or_else(|| panic!("the script never asked for target {number}"))
    }
}

impl Wire {
    /// A client comes to a pipe whose server end waits for it.
    fn connect_peer(&mut self, handle: u64) {
        let handle = self.held.handles.get_mut(&handle).unwrap_or_else(|| panic!("there is no handle {handle}"));
        let Outside::Pipe(path, peer @ None) = &mut handle.outside else { panic!("nobody can connect to it") };
        *peer = Some(Peer::connect(path));
        let message = v1::ConnectNamedPipeRequest { handle_id: handle.id.clone() };
        let connected = HResult(self.run(self.clients.device.clone().connect_named_pipe(message)).hresult);
        assert_eq!(connected, ERROR_PIPE_CONNECTED, "the client had come before");
    }

    /// A Format call on a file-handle target; `file` is the target whose file is `pFile`.
    fn aimed(&self, target: u64, file: Option<u64>, io: Io) -> v1::Format {
        let file_id = file.map(|of| self.target(self.held.target(of)).target_file_id).unwrap_or_default();
        v1::Format { file_id, target_id: self.held.target(target), io: Some(messages::format_io(io)) }
    }
}

impl Handles for Wire {
    fn open_handle(&mut self, handle: u64, opened: Opened, overlapped: bool) -> u64 {
        let name = new_name();
        let (object, outside) = match &opened {
            Opened::Pipe | Opened::ListeningPipe => {
                let socket = self.server.pipe_directory().join(&name);
                (named_pipe(&name, overlapped), Outside::Pipe(socket, None))
            }
            Opened::Disk(content) => {
                let path = self.server.files_root().join(&name);
                std::fs::write(&path, content).expect("the root takes a file");
                (disk_file(&name, overlapped), Outside::Disk(path))
            }
        };
        let (id, number) = self.server.run(open_handle(&self.clients, object));
        self.held.handles.insert(handle, Handle { id, number, outside });
        if opened == Opened::Pipe {
            self.connect_peer(handle);
        }
        number
    }

    fn close_handle(&mut self, handle: u64) {
        let message = v1::CloseHandleRequest { handle_id: self.held.handle(handle).id.clone() };
        let closed = HResult(self.run(self.clients.device.clone().close_handle(message)).hresult);
        assert_eq!(closed, HResult::S_OK, "the script closes an open handle");
    }

    fn system_number(&self, handle: u64) -> u64 {
        self.held.handle(handle).number
    }

    fn uses_numbers_again(&self) -> bool {
        false
    }

    fn peer(&mut self, handle: u64, act: PeerAct) {
        match act {
            PeerAct::Connect => self.connect_peer(handle),
            PeerAct::Write(message) => self.held.peer(handle).write(&message),
            PeerAct::Close => self.held.drop_peer(handle),
        }
    }

    fn written(&mut self, handle: u64) -> Vec<Bytes> {
        match &self.held.handle(handle).outside {
            Outside::Pipe(..) => self.held.peer(handle).take(),
            Outside::Disk(path) => vec![Bytes::from(std::fs::read(path).expect("the file is there"))],
        }
    }

    fn create_target(&mut self, target: u64, handle: u64) -> HResult {
        let handle = self.held.handle(handle).id.clone();
        let (id, status) = self.server.run(create_target(&self.clients, handle));
        self.held.targets.insert(target, id);
        status
    }

    fn begin_delete_target(&mut self, target: u64) -> Call {
        let message = v1::DeleteTargetRequest { target_id: self.held.target(target) };
        let mut device = self.clients.device.clone();
        self.begin("DeleteTarget", None, None, async move {
            Ok(Outcome::Status(HResult(device.delete_target(message).await?.into_inner().hresult)))
        })
    }

    fn begin_change(&mut self, target: u64, action: Option<SentIoAction>) -> Call {
        self.begin_change_of(self.held.target(target), action)
    }

    fn state(&mut self, target: u64) -> u32 {
        let message = v1::GetTargetRequest { target_id: self.held.target(target) };
        let state = match self.server.run(self.clients.device.clone().get_target(message)) {
            Ok(reply) => reply.into_inner().state(),
            // With the device its targets are gone (FHT-22), and whoever could be asked about them.
            Err(refused) if messages::reason(&refused) == reason::STACK_REMOVED => v1::TargetState::Deleted,
            Err(refused) => panic!("{refused:?}"),
        };
        messages::target_state_number(state)
    }

    fn has_file(&mut self, target: u64) -> bool {
        self.target(self.held.target(target)).has_target_file
    }

    fn format_for(&mut self, request: u64, target: u64, file: Option<u64>, io: Io) -> HResult {
        let message = v1::FormatRequestRequest { request_id: request, format: Some(self.aimed(target, file, io)) };
        let status = HResult(self.perform(message).hresult);
        if status.is_success() {
            self.submitted.remove(&request); // from now on its completions repeat what this says
        }
        status
    }

    fn send_to(&mut self, request: u64, target: Option<u64>, flags: u32, timeout: i64) -> HResult {
        let target_id = target.map(|target| self.held.target(target)).unwrap_or_default();
        let message = v1::SendRequestRequest { target_id, ..messages::send(request, flags, timeout) };
        HResult(self.perform(message).hresult)
    }

    fn start_on(&mut self, request: u64, target: u64, file: Option<u64>, io: Io) -> HResult {
        if self.queue().is_some() {
            self.submitted.insert(request, messages::echo_of(&io));
            let format = Some(self.aimed(target, file, io));
            let message = v1::FormatAndSendRequest { request_id: request, format, options: None, retain: true };
            return HResult(self.perform(message).hresult);
        }
        self.create_request(request, true);
        match self.format_for(request, target, file, io) {
            HResult::S_OK => self.send_to(request, Some(target), 0, 0),
            failed => failed,
        }
    }

    fn leaked(&mut self) -> Vec<u64> {
        let request = v1::GetOutstandingFilesRequest { stack: self.stack.clone() };
        let report = self.run(self.clients.lab.clone().get_outstanding_files(request)).report;
        report
            .map(|report| report.leaked_handles.iter().map(|leaked| leaked.handle_number).collect())
            .unwrap_or_default()
    }
}
