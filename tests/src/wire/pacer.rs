//! Knows when a server's handles have been heard of: a pipe of its own, on a stack of its own, with a read always pending.
//!
//! The host performs the operations of all handles on one runtime, which hears of them in the order in which they can go
//! on: a round trip through this pipe ends after whatever could go on before it began.

use lowerdeck_framework::io::SendOptions;
use lowerdeck_proto::v1;
use tokio::task::JoinHandle;
use tonic::Status;

use super::handle_calls::{create_target, named_pipe, new_name, open_handle};
use super::peer::Peer;
use super::session::Clients;
use super::{Road, Server, messages, session};
use crate::backend::Io;
use crate::scenario::with_handles;

/// See the module.
pub(super) struct Pacer {
    clients: Clients,
    target: String,
    peer: Peer,
    reads: u64,
    pending: JoinHandle<Result<u32, Status>>,
}

impl Pacer {
    /// On a stack of its own.
    pub(super) fn new(server: &Server) -> Pacer {
        let opened = server.run(session::try_open(server, &with_handles("scripted"), Road::Calls));
        let Ok((clients, ..)) = opened else { panic!("the pacer's stack did not start") };
        let name = new_name();
        let (handle, _) = server.run(open_handle(&clients, named_pipe(&name, true)));
        let peer = Peer::connect(&server.pipe_directory().join(name));
        let (target, status) = server.run(create_target(&clients, handle));
        assert!(status.is_success(), "the pacer's target was not made: {status}");
        let pending = server.spawn(read(clients.clone(), 1, target.clone()));
        Pacer { clients, target, peer, reads: 1, pending }
    }

    /// One round trip.
    pub(super) fn pace(&mut self, server: &Server) {
        self.peer.write(b"pace");
        let ended = server.run(&mut self.pending).unwrap_or_else(|panicked| panic!("{panicked}"));
        assert_eq!(ended.unwrap_or_else(|status| panic!("{status:?}")), 0, "the pacer's read ends well");
        self.reads += 1; // one after the other: two under way could overtake each other
        self.pending = server.spawn(read(self.clients.clone(), self.reads, self.target.clone()));
    }
}

impl Drop for Pacer {
    fn drop(&mut self) {
        self.pending.abort();
    }
}

/// A read that answers when it has ended; gives its status.
async fn read(clients: Clients, request_id: u64, target_id: String) -> Result<u32, Status> {
    let io = Io::Read { size: Some(4), window: None, offset: None };
    let format = v1::Format { file_id: String::new(), target_id, io: Some(messages::format_io(io)) };
    let options = Some(v1::SendOptions { flags: SendOptions::SYNCHRONOUS, timeout_ticks: 0 });
    let message = v1::FormatAndSendRequest { request_id, format: Some(format), options, retain: false };
    let reply = clients.device.clone().format_and_send(message).await?.into_inner();
    Ok(reply.completion.map_or(reply.hresult, |done| done.hresult))
}
