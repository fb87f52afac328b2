//! Arguments that mean nothing: those of the message are refused, those of Win32's calls fail as they do there.

use lowerdeck_proto::{reason, v1};
use lowerdeck_tests::wire::Server;
use tonic::Code::InvalidArgument;
use v1::open_socket::Peer;

use super::calls::opening;
use super::win32::{
    GENERIC_READ, INVALID_PARAMETER, NOT_SUPPORTED, OVERLAPPED, Object, Openable, client_end, file, pipe, socket,
};
use crate::upper::Upper;

#[test]
fn malformed_opens_are_refused() {
    let server = Server::with_handles();
    server.run(async {
        let upper = Upper::with_handles(&server).await;
        let long = "x".repeat(32_768);
        let rows: [(Option<Object>, &str, &str); 9] = [
            (None, "object", reason::FIELD_MISSING),
            (Some(v1::OpenSocket::default().object()), "open_socket.peer", reason::FIELD_MISSING),
            (Some(file(&long).object()), "create_file.name", reason::FIELD_TOO_LONG),
            (Some(pipe(&long).object()), "create_named_pipe.name", reason::FIELD_TOO_LONG),
            (Some(socket(Peer::UnixStream(long.clone())).object()), "open_socket.unix_stream", reason::FIELD_TOO_LONG),
            (Some(socket(Peer::UnixDatagram(long)).object()), "open_socket.unix_datagram", reason::FIELD_TOO_LONG),
            (Some(socket(Peer::Tcp("localhost:80".to_owned())).object()), "open_socket.tcp", reason::FIELD_INVALID),
            (Some(socket(Peer::Tcp("127.0.0.1".to_owned())).object()), "open_socket.tcp", reason::FIELD_INVALID),
            (Some(socket(Peer::Udp("127.0.0.1:65536".to_owned())).object()), "open_socket.udp", reason::FIELD_INVALID),
        ];
        for (object, field, reason) in rows {
            let message = v1::OpenHandleRequest { object, ..opening(pipe("any")) };
            let refusal = upper.refused(upper.open_handle(message), InvalidArgument, reason).await;
            assert_eq!(refusal.fields(), [field]);
        }
    });
}

#[test]
fn ids_that_are_no_uuids_are_refused() {
    let server = Server::with_handles();
    server.run(async {
        let upper = Upper::with_handles(&server).await;
        let handle = upper.handle(pipe("own")).await;
        for id in ["", "pipe", "00000000-0000-0000-0000-000000000000", "../../etc/passwd"] {
            let object = Some(pipe("other").object());
            let open = upper.open_handle(v1::OpenHandleRequest { handle_id: id.to_owned(), object });
            assert_eq!(upper.refused(open, InvalidArgument, reason::FIELD_INVALID).await.fields(), ["handle_id"]);
            let message = v1::CreateFileHandleTargetRequest { target_id: id.to_owned(), handle_id: handle.clone() };
            let create = async { upper.device().create_file_handle_target(message).await };
            assert_eq!(upper.refused(create, InvalidArgument, reason::FIELD_INVALID).await.fields(), ["target_id"]);
        }
    });
}

#[test]
fn what_win32_does_not_take_fails_as_there() {
    let server = Server::with_handles();
    server.run(async {
        let upper = Upper::with_handles(&server).await;
        let of_file = |change: fn(&mut v1::CreateFile)| {
            let mut file = file("values");
            change(&mut file);
            Object::CreateFile(file)
        };
        let of_pipe = |change: fn(&mut v1::CreateNamedPipe)| {
            let mut pipe = pipe("values");
            change(&mut pipe);
            Object::CreateNamedPipe(pipe)
        };
        let rows: [(Object, u32); 14] = [
            (of_file(|file| file.creation_disposition = 0), INVALID_PARAMETER),
            (of_file(|file| file.creation_disposition = 6), INVALID_PARAMETER),
            (of_file(|file| file.creation_disposition = u32::MAX), INVALID_PARAMETER),
            (of_file(|file| file.share_mode = 8), INVALID_PARAMETER),
            (of_file(|file| file.pipe_read_mode = 1), INVALID_PARAMETER),
            (of_file(|file| file.flags_and_attributes = 0x0400_0000 | OVERLAPPED), NOT_SUPPORTED),
            (of_pipe(|pipe| pipe.open_mode = OVERLAPPED), INVALID_PARAMETER),
            (of_pipe(|pipe| pipe.pipe_mode = 1 | 4), INVALID_PARAMETER),
            (of_pipe(|pipe| pipe.pipe_mode = 2), INVALID_PARAMETER),
            (of_pipe(|pipe| pipe.pipe_mode = u32::MAX), INVALID_PARAMETER),
            (of_pipe(|pipe| pipe.max_instances = 0), INVALID_PARAMETER),
            (of_pipe(|pipe| pipe.max_instances = 256), INVALID_PARAMETER),
            (v1::CreateFile { creation_disposition: 4, ..client_end("values") }.object(), INVALID_PARAMETER),
            (of_file(|file| (file.desired_access, file.creation_disposition) = (GENERIC_READ, 5)), INVALID_PARAMETER),
        ];
        for (object, code) in rows {
            let shown = format!("{object:?}");
            let answer = upper.try_open(object).await;
            assert_eq!(answer, code, "{shown}: {answer:#x}");
        }
        assert_eq!(std::fs::read_dir(server.files_root()).expect("the root").count(), 0, "nothing was made");
        assert_eq!(std::fs::read_dir(server.pipe_directory()).expect("the directory").count(), 0);
    });
}
