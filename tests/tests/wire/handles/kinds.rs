//! Handles of the wrong kind or opened the wrong way: the call fails as Win32's does, and the handle stays good.

use lowerdeck_proto::v1;
use lowerdeck_tests::wire::Server;

use super::calls::{read, write};
use super::peer::Peer;
use super::win32::{
    ACCESS_DENIED, GENERIC_READ, GENERIC_WRITE, INVALID_FUNCTION, INVALID_PARAMETER, OK, Object, Openable,
    PIPE_CONNECTED, PIPE_LISTENING, PIPE_NOT_CONNECTED, client_end, each_kind, file, pipe, win32,
};
use crate::upper::{self, Upper};

/// `object` as it is opened without FILE_FLAG_OVERLAPPED.
fn synchronous(object: Object) -> Object {
    match object {
        Object::CreateFile(file) => v1::CreateFile { flags_and_attributes: 0, ..file }.object(),
        Object::CreateNamedPipe(pipe) => v1::CreateNamedPipe { open_mode: 3, ..pipe }.object(),
        Object::OpenSocket(socket) => v1::OpenSocket { flags_and_attributes: 0, ..socket }.object(),
    }
}

#[test]
fn a_synchronous_handle_takes_no_target() {
    let server = Server::with_handles();
    server.run(async {
        let upper = Upper::with_handles(&server).await;
        for object in each_kind("synchronous") {
            let handle = upper.handle(synchronous(object)).await;
            assert_eq!(upper.try_target(&handle).await, INVALID_PARAMETER, "FHT-3");
            assert_eq!(upper.close_handle(&handle).await, OK);
        }
    });
}

#[test]
fn a_stack_without_the_dispatcher_takes_no_target() {
    let server = Server::with_handles();
    server.run(async {
        let dispatcher = v1::UmdfDispatcher::Reflector as i32;
        let template = v1::PlugStackRequest { umdf_dispatcher: dispatcher, ..upper::template("null") };
        let stack = upper::plug(&server.channel(), template).await;
        let upper = Upper::attach(&server.channel(), upper::on_stack(&stack)).await;
        for object in each_kind("reflector") {
            let handle = upper.handle(object).await;
            assert_eq!(upper.try_target(&handle).await, win32(1610), "ERROR_BAD_CONFIGURATION, FHT-5");
        }
    });
}

#[test]
fn only_a_server_end_is_connected_and_disconnected() {
    let server = Server::with_handles();
    server.run(async {
        let upper = Upper::with_handles(&server).await;
        let end = upper.handle(pipe("ends")).await;
        let [file, _, socket] = each_kind("others");
        for object in [file, socket, client_end("ends").object()] {
            let handle = upper.handle(object).await;
            assert_eq!(upper.connect(&handle).await, INVALID_FUNCTION);
            assert_eq!(upper.disconnect(&handle).await, INVALID_FUNCTION);
            assert_eq!(upper.close_handle(&handle).await, OK, "it was good all the time");
        }
        assert_eq!(upper.disconnect(&end).await, OK);
        assert_eq!(upper.disconnect(&end).await, PIPE_NOT_CONNECTED, "disconnected twice");
    });
}

#[test]
fn io_needs_the_rights_of_the_handle() {
    let server = Server::with_handles();
    server.run(async {
        let upper = Upper::with_handles(&server).await;
        let mut events = upper.events_after(0).await;
        let with = |desired_access| v1::CreateFile { desired_access, ..file("rights") };
        let inbound = v1::CreateNamedPipe { open_mode: 1 | 0x4000_0000, ..pipe("in") };
        let outbound = v1::CreateNamedPipe { open_mode: 2 | 0x4000_0000, ..pipe("out") };
        let rows: [(Object, bool); 4] = [
            (with(GENERIC_WRITE).object(), true),
            (outbound.object(), true),
            (with(GENERIC_READ).object(), false),
            (inbound.object(), false),
        ];
        for (object, reads) in rows {
            let shown = format!("{object:?}");
            let (_, target) = upper.open_with_target(object).await;
            let format = if reads { read(&target, 4) } else { write(&target, b"data") };
            assert_eq!(upper.ended(&mut events, format).await, (ACCESS_DENIED, 0, vec![]), "{shown}");
        }
    });
}

/// FHT-18, FHT-19: the driver connects its end itself; before and after there is nobody to talk to.
#[test]
fn io_on_a_server_end_needs_a_client() {
    let server = Server::with_handles();
    server.run(async {
        let upper = Upper::with_handles(&server).await;
        let mut events = upper.events_after(0).await;
        let (handle, target) = upper.open_with_target(pipe("alone")).await;
        for format in [read(&target, 4), write(&target, b"data")] {
            assert_eq!(upper.ended(&mut events, format).await, (PIPE_LISTENING, 0, vec![]));
        }
        let peer = Peer::of(&server.pipe_directory(), "alone");
        assert_eq!(upper.connect(&handle).await, PIPE_CONNECTED);
        assert_eq!(upper.ended(&mut events, write(&target, b"data")).await, (OK, 4, vec![]));
        assert_eq!(peer.receive(), b"data");
        assert_eq!(upper.disconnect(&handle).await, OK);
        for format in [read(&target, 4), write(&target, b"data")] {
            assert_eq!(upper.ended(&mut events, format).await, (PIPE_NOT_CONNECTED, 0, vec![]));
        }
        assert_eq!(peer.receive(), b"", "the end");
    });
}
