//! Control codes through a target: each that is documented, what it lacks, and every other.

use lowerdeck_proto::v1;
use lowerdeck_tests::wire::Server;
use v1::format::Io;

use super::calls::{control, read_at, through, write_at};
use super::peer::Peer;
use super::win32::{
    ACCESS_DENIED, FILE_TOO_LARGE, GENERIC_READ, INSUFFICIENT_BUFFER, INVALID_FUNCTION, INVALID_PARAMETER, MORE_DATA,
    OK, Openable, PIPE_CONNECTED, PIPE_NOT_CONNECTED, client_end, each_kind, file, pipe, socket,
};
use crate::upper::Upper;

const FSCTL_PIPE_DISCONNECT: u32 = 0x0011_0004;
const FSCTL_PIPE_LISTEN: u32 = 0x0011_0008;
const FSCTL_PIPE_PEEK: u32 = 0x0011_400C;
const IOCTL_DISK_GET_LENGTH_INFO: u32 = 0x0007_405C;
const FSCTL_SET_SPARSE: u32 = 0x0009_00C4;
const FSCTL_SET_ZERO_DATA: u32 = 0x0009_80C8;
const FSCTL_FLUSH_FILE_BUFFERS: u32 = 0x0009_2000;
const FSCTL_SET_END_OF_FILE: u32 = 0x0009_A004;
const FIONREAD: u32 = 0x4004_667F;

/// Of files, pipes and sockets: each means something to one kind.
const KNOWN: [u32; 9] = [
    FSCTL_PIPE_DISCONNECT,
    FSCTL_PIPE_LISTEN,
    FSCTL_PIPE_PEEK,
    IOCTL_DISK_GET_LENGTH_INFO,
    FSCTL_SET_SPARSE,
    FSCTL_SET_ZERO_DATA,
    FSCTL_FLUSH_FILE_BUFFERS,
    FSCTL_SET_END_OF_FILE,
    FIONREAD,
];

/// HRESULT, Information, and the output.
type Ended = (u32, u64, Vec<u8>);

fn words(numbers: &[u64]) -> Vec<u8> {
    numbers.iter().flat_map(|number| number.to_le_bytes()).collect()
}

#[test]
fn a_file_knows_its_codes() {
    let server = Server::with_handles();
    std::fs::write(server.files_root().join("codes"), [0xFF; 100]).expect("the root takes files");
    server.run(async {
        let upper = Upper::with_handles(&server).await;
        let mut events = upper.events_after(0).await;
        let (_, target) = upper.open_with_target(file("codes")).await;
        let size = |size: u64| (OK, 8, size.to_le_bytes().to_vec());
        let done = (OK, 0, vec![]);
        let failed = |status| (status, 0, vec![]);
        let rows: [(u32, &[u8], u64, Ended); 14] = [
            (IOCTL_DISK_GET_LENGTH_INFO, &[], 8, size(100)),
            (IOCTL_DISK_GET_LENGTH_INFO, &[], 64, size(100)),
            (IOCTL_DISK_GET_LENGTH_INFO, &[], 7, failed(INSUFFICIENT_BUFFER)),
            (FSCTL_SET_SPARSE, &[], 0, done.clone()),
            (FSCTL_SET_ZERO_DATA, &words(&[10, 20]), 0, done.clone()),
            (FSCTL_SET_ZERO_DATA, &words(&[20, 10]), 0, failed(INVALID_PARAMETER)),
            (FSCTL_SET_ZERO_DATA, &words(&[10])[..], 0, failed(INVALID_PARAMETER)),
            (FSCTL_FLUSH_FILE_BUFFERS, &[], 0, done.clone()),
            (FSCTL_SET_END_OF_FILE, &words(&[40]), 0, done.clone()),
            (IOCTL_DISK_GET_LENGTH_INFO, &[], 8, size(40)),
            (FSCTL_SET_END_OF_FILE, &[1, 2, 3], 0, failed(INVALID_PARAMETER)),
            (FSCTL_SET_END_OF_FILE, &words(&[u64::MAX]), 0, failed(INVALID_PARAMETER)),
            (FSCTL_SET_END_OF_FILE, &words(&[1 << 60]), 0, failed(FILE_TOO_LARGE)),
            (IOCTL_DISK_GET_LENGTH_INFO, &[], 8, size(40)),
        ];
        for (code, input, room, expected) in rows {
            let ended = upper.ended(&mut events, control(&target, code, input, room)).await;
            assert_eq!(ended, expected, "{code:#x} with {input:?}: {:#x}", ended.0);
        }
        let content = std::fs::read(server.files_root().join("codes")).expect("it is there");
        assert_eq!(content, [&[0xFF; 10][..], &[0; 10], &[0xFF; 20]].concat());
    });
}

#[test]
fn a_code_needs_the_rights_that_it_names() {
    let server = Server::with_handles();
    std::fs::write(server.files_root().join("rights"), [0xFF; 100]).expect("the root takes files");
    server.run(async {
        let upper = Upper::with_handles(&server).await;
        let mut events = upper.events_after(0).await;
        let reader = v1::CreateFile { desired_access: GENERIC_READ, ..file("rights") };
        let (_, target) = upper.open_with_target(reader).await;
        for (code, input) in [(FSCTL_SET_ZERO_DATA, words(&[0, 9])), (FSCTL_SET_END_OF_FILE, words(&[9]))] {
            let ended = upper.ended(&mut events, control(&target, code, &input, 0)).await;
            assert_eq!(ended, (ACCESS_DENIED, 0, vec![]), "{code:#x}");
        }
        assert_eq!(std::fs::read(server.files_root().join("rights")).expect("it is there"), [0xFF; 100]);
    });
}

/// State, bytes that wait, whether a message waits, and its length, before its beginning.
fn peeked(state: u32, available: u32, messages: u32, length: u32, data: &[u8]) -> Vec<u8> {
    let header = [state, available, messages, length].map(u32::to_le_bytes).concat();
    [&header, data].concat()
}

#[test]
fn a_pipe_knows_its_codes() {
    let server = Server::with_handles();
    server.run(async {
        let upper = Upper::with_handles(&server).await;
        let mut events = upper.events_after(0).await;
        let (_, target) = upper.open_with_target(pipe("codes")).await;
        let peek = |room| control(&target, FSCTL_PIPE_PEEK, &[], room);
        assert_eq!(upper.ended(&mut events, peek(16)).await, (OK, 16, peeked(2, 0, 0, 0, b"")), "listening");
        // A listen pends until a client is there.
        let listening = upper.send(control(&target, FSCTL_PIPE_LISTEN, &[], 0)).await;
        let peer = Peer::of(&server.pipe_directory(), "codes");
        let listened = events.completion().await.1;
        assert_eq!((listened.request_id, listened.hresult), (listening, OK));
        let again = upper.ended(&mut events, control(&target, FSCTL_PIPE_LISTEN, &[], 0)).await;
        assert_eq!(again.0, PIPE_CONNECTED);
        assert_eq!(upper.ended(&mut events, peek(16)).await, (OK, 16, peeked(3, 0, 0, 0, b"")), "connected");
        peer.send(b"message");
        assert_eq!(upper.ended(&mut events, peek(64)).await, (OK, 23, peeked(3, 7, 1, 7, b"message")));
        assert_eq!(upper.ended(&mut events, peek(20)).await, (MORE_DATA, 20, peeked(3, 7, 1, 7, b"mess")));
        assert_eq!(upper.ended(&mut events, peek(15)).await, (INSUFFICIENT_BUFFER, 0, vec![]));
        assert_eq!(upper.ended(&mut events, super::calls::read(&target, 64)).await.2, b"message", "it was not taken");
        drop(peer);
        assert_eq!(upper.ended(&mut events, peek(16)).await.2[..4], [4, 0, 0, 0], "closing");
        let disconnect = control(&target, FSCTL_PIPE_DISCONNECT, &[], 0);
        assert_eq!(upper.ended(&mut events, disconnect.clone()).await, (OK, 0, vec![]));
        assert_eq!(upper.ended(&mut events, disconnect).await, (PIPE_NOT_CONNECTED, 0, vec![]));
        assert_eq!(upper.ended(&mut events, peek(16)).await, (OK, 16, peeked(1, 0, 0, 0, b"")), "disconnected");
    });
}

#[test]
fn a_socket_tells_what_waits() {
    let server = Server::with_handles();
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("the loopback has ports");
    let address = listener.local_addr().expect("it is bound").to_string();
    server.run(async {
        let upper = Upper::with_handles(&server).await;
        let mut events = upper.events_after(0).await;
        let (_, target) = upper.open_with_target(socket(v1::open_socket::Peer::Tcp(address))).await;
        let waits = control(&target, FIONREAD, &[], 4);
        assert_eq!(upper.ended(&mut events, waits).await, (OK, 4, vec![0; 4]));
        let short = control(&target, FIONREAD, &[], 3);
        assert_eq!(upper.ended(&mut events, short).await, (INSUFFICIENT_BUFFER, 0, vec![]));
    });
}

/// Codes that Windows knows elsewhere, codes that nobody knows, and near misses: a code is compared whole (IOC-3).
#[test]
fn every_other_code_is_an_invalid_function() {
    let server = Server::with_handles();
    server.run(async {
        let upper = Upper::with_handles(&server).await;
        let mut events = upper.events_after(0).await;
        let [on_disk, end, socket] = each_kind("unknown");
        let foreign = [0, 1, u32::MAX, 0x0022_2000, 0x0009_0028, FSCTL_PIPE_PEEK | 3, FSCTL_SET_SPARSE ^ 1 << 14];
        let client = client_end("unknown").object();
        let rows = [(on_disk, &KNOWN[3..8]), (end, &KNOWN[..3]), (client, &KNOWN[2..3]), (socket, &KNOWN[8..])];
        for (object, own) in rows {
            let shown = format!("{object:?}");
            let (_, target) = upper.open_with_target(object).await;
            for code in KNOWN.into_iter().chain(foreign).filter(|code| !own.contains(code)) {
                let ended = upper.ended(&mut events, control(&target, code, &[0; 16], 64)).await;
                assert_eq!(ended, (INVALID_FUNCTION, 0, vec![]), "{code:#x} to {shown}");
            }
        }
    });
}

/// TGT-16: on a handle, flush is FlushFileBuffers and the end of file can be set; there are no other classes.
#[test]
fn flush_and_the_end_of_file_have_formats_of_their_own() {
    let server = Server::with_handles();
    server.run(async {
        let upper = Upper::with_handles(&server).await;
        let mut events = upper.events_after(0).await;
        let (_, target) = upper.open_with_target(file("formats")).await;
        assert_eq!(upper.ended(&mut events, write_at(&target, b"0123456789", 0)).await, (OK, 10, vec![]));
        assert_eq!(upper.ended(&mut events, through(&target, Io::Flush(v1::FlushFormat {}))).await.0, OK);
        let set = |information_class, input: &[u8]| {
            let input_memory = Some(v1::InputMemory { data: bytes::Bytes::copy_from_slice(input), offset: None });
            through(&target, Io::SetInformation(v1::SetInformationFormat { information_class, input_memory }))
        };
        assert_eq!(upper.ended(&mut events, set(20, &words(&[4]))).await.0, OK, "FileEndOfFileInformation");
        assert_eq!(upper.ended(&mut events, read_at(&target, 64, 0)).await, (OK, 4, b"0123".to_vec()));
        assert_eq!(upper.ended(&mut events, set(13, &[1])).await.0, INVALID_FUNCTION, "FileDispositionInformation");
        let query = v1::QueryInformationFormat {
            information_class: 5,
            output_memory: Some(v1::OutputMemory { size: 64, offset: None, contents: bytes::Bytes::new() }),
        };
        let ended = upper.ended(&mut events, through(&target, Io::QueryInformation(query))).await;
        assert_eq!(ended.0, INVALID_FUNCTION, "FileStandardInformation");
    });
}
