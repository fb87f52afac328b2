//! Files through the table of handles: what a target on one sees (G18), and what a closed one leaves.

use bytes::Bytes;
use lowerdeck_framework::status::HResult;
use lowerdeck_handles::disk::control::{FSCTL_FLUSH_FILE_BUFFERS, IOCTL_DISK_GET_LENGTH_INFO};
use lowerdeck_handles::handle::{
    Access, CreateFile, Disposition, Flags, Framing, HANDLES_MAX, HandleNumber, Handles, OpenRequest, Places, ShareMode,
};
use lowerdeck_handles::operation::{Operation, Outcome, TRANSFER_BYTES_MAX};
use lowerdeck_handles::socket::SocketPolicy;
use lowerdeck_handles::win32::Win32Error;
use tokio_util::sync::CancellationToken;

use crate::stage::{Stage, within};

/// A file that only this handle may have open.
fn alone(name: &str) -> OpenRequest {
    OpenRequest::File(CreateFile {
        name: name.to_owned(),
        access: Access(Access::GENERIC_READ | Access::GENERIC_WRITE),
        share: ShareMode(0),
        disposition: Disposition::OpenAlways,
        flags: Flags(Flags::OVERLAPPED),
        read_mode: Framing::Byte,
    })
}

async fn perform(stage: &Stage, handle: HandleNumber, operation: Operation) -> Outcome {
    within(stage.handles.perform(handle, operation, CancellationToken::new())).await
}

async fn read_at(stage: &Stage, handle: HandleNumber, offset: u64) -> Outcome {
    perform(stage, handle, Operation::Read { length: 16, offset }).await
}

#[tokio::test]
async fn g18_a_file_is_read_at_its_offset_and_ends() {
    let stage = Stage::new();
    let file = stage.handles.open(&alone("disk")).await.expect("it is made");
    assert_eq!(stage.handles.is_overlapped(file), Ok(true));
    let write = Operation::Write { data: Bytes::from_static(b"at the second page"), offset: 4096 };
    assert_eq!(perform(&stage, file, write).await, Outcome::written(18));
    assert_eq!(read_at(&stage, file, 4096).await, Outcome::read(Bytes::from_static(b"at the second pa")));
    assert_eq!(read_at(&stage, file, 4096 + 16).await, Outcome::read(Bytes::from_static(b"ge")));
    assert_eq!(read_at(&stage, file, 4096 + 18).await, Outcome::failed(HResult(0x8007_0026)));
    let size = stage.control(file, IOCTL_DISK_GET_LENGTH_INFO, 8).await;
    assert_eq!(size.data, 4114_u64.to_le_bytes().as_slice());
    assert_eq!(stage.control(file, FSCTL_FLUSH_FILE_BUFFERS, 0).await, Outcome::written(0));
    assert_eq!(stage.control(file, 0x0011_400C, 64).await, Outcome::failed(HResult::ERROR_INVALID_FUNCTION));
}

/// A closed number hits nothing, not even the handle that was opened next on the same file.
#[tokio::test]
async fn a_closed_file_is_an_invalid_handle_and_free_for_the_next() {
    let stage = Stage::new();
    let first = stage.handles.open(&alone("disk")).await.expect("it is made");
    assert_eq!(stage.handles.open(&alone("disk")).await, Err(Win32Error::SHARING_VIOLATION));
    stage.handles.close(first).expect("it is open");
    let second = stage.handles.open(&alone("disk")).await.expect("nobody else has it");
    let write = |data| Operation::Write { data, offset: 0 };
    let hit = perform(&stage, first, write(Bytes::from_static(b"stray"))).await;
    assert_eq!(hit, Outcome::failed(HResult::ERROR_INVALID_HANDLE));
    assert_eq!(read_at(&stage, second, 0).await, Outcome::failed(HResult::ERROR_HANDLE_EOF));
    assert_eq!(perform(&stage, second, write(Bytes::from_static(b"meant"))).await, Outcome::written(5));
}

/// An operation that has not begun keeps its file's descriptor, and keeps nobody from the file.
#[tokio::test]
async fn an_operation_on_a_closed_file_excludes_nobody() {
    let stage = Stage::new();
    let first = stage.handles.open(&alone("disk")).await.expect("it is made");
    let read = stage.begin_read(first, 16, &CancellationToken::new());
    stage.handles.close(first).expect("it is open");
    assert!(stage.handles.open(&alone("disk")).await.is_ok());
    assert_eq!(within(read).await, Outcome::failed(HResult::ERROR_OPERATION_ABORTED));
}

/// Files are shared among all tables of the process, as those of two sessions.
#[tokio::test]
async fn two_tables_share_files_by_win32s_rule() {
    let stage = Stage::new();
    let places = Places { files: Some(stage.files.clone()), pipes: None, sockets: SocketPolicy::Refused };
    let other = Handles::new(places, HANDLES_MAX);
    other.open(&alone("disk")).await.expect("it is made");
    assert_eq!(stage.handles.open(&alone("disk")).await, Err(Win32Error::SHARING_VIOLATION));
    drop(other); // as the end of a session
    assert!(stage.handles.open(&alone("disk")).await.is_ok());
}

/// Close under reads that are under way: each ends once, with its own bytes or aborted, and nothing stays open.
#[tokio::test]
async fn a_file_closed_under_its_reads_ends_each_once() {
    let stage = Stage::new();
    for _ in 0..100 {
        let file = stage.handles.open(&alone("disk")).await.expect("nobody else has it");
        let write = Operation::Write { data: Bytes::from(vec![7; 64 << 10]), offset: 0 };
        assert_eq!(perform(&stage, file, write).await, Outcome::written(64 << 10));
        let mut reads = tokio::task::JoinSet::new();
        for _ in 0..32 {
            let read = Operation::Read { length: TRANSFER_BYTES_MAX, offset: 0 };
            reads.spawn(stage.handles.perform(file, read, CancellationToken::new()));
        }
        let first = within(reads.join_next()).await.expect("32 were begun").expect("no panic");
        assert_eq!((first.status, first.information), (HResult::S_OK, 64 << 10));
        stage.handles.close(file).expect("it is open");
        let mut ended = 1;
        while let Some(read) = within(reads.join_next()).await {
            let read = read.expect("no panic");
            match read.status {
                HResult::S_OK => assert!(read.data.iter().all(|byte| *byte == 7) && read.data.len() == 64 << 10),
                status => assert_eq!((status, read.data.len()), (HResult::ERROR_OPERATION_ABORTED, 0)),
            }
            ended += 1;
        }
        assert_eq!(ended, 32);
    }
    assert_eq!(stage.files.open_handles(), 0);
}
