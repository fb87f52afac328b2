//! What stands in the runtime directory, for whom, and for how long.

use std::os::unix::fs::{PermissionsExt, symlink};
use std::os::unix::net::UnixListener;
use std::path::Path;

use lowerdeck_handles::handle::{CreateFile, CreateNamedPipe, Framing, OpenRequest};
use lowerdeck_handles::pipe::{PipeDirectory, PipeModes, SOCKET_PATH_BYTES_MAX};
use lowerdeck_handles::win32::Win32Error;

use crate::stage::{SHORT_NAME, Stage, client_end, named_pipe};

fn mode(path: &Path) -> u32 {
    std::fs::symlink_metadata(path).expect("it is there").permissions().mode() & 0o7777
}

fn refused(path: &Path) -> Win32Error {
    PipeDirectory::open(path, PipeModes::default()).expect_err("it is not to be used")
}

#[tokio::test]
async fn a_socket_is_there_from_the_first_instance_to_the_last() {
    let stage = Stage::new();
    let first = stage.server().await;
    let second = stage.server().await;
    assert_eq!(stage.socket_files(), [SHORT_NAME]);
    stage.handles.close(first).expect("it is open");
    assert_eq!(stage.socket_files(), [SHORT_NAME]);
    stage.client().await.expect("the second instance listens");
    stage.handles.close(second).expect("it is open");
    assert!(stage.socket_files().is_empty());
    assert_eq!(stage.client().await, Err(Win32Error::FILE_NOT_FOUND));
    stage.server().await;
    stage.client().await.expect("a new first instance");
}

#[tokio::test]
async fn only_the_owner_may_enter_and_connect_by_default() {
    let stage = Stage::new();
    stage.server().await;
    assert_eq!(mode(stage.pipes.path()), 0o700);
    assert_eq!(mode(&stage.pipes.path().join(SHORT_NAME)), 0o600);
    let open = stage.folder.path().join("for-a-group");
    let modes = PipeModes { directory: 0o770, socket: 0o660 };
    PipeDirectory::open(&open, modes).expect("another directory");
    assert_eq!(mode(&open), 0o770, "whatever the mask of the process is");
}

#[tokio::test]
async fn a_directory_that_is_not_safe_or_none_is_refused() {
    let stage = Stage::new();
    let open_to_all = stage.folder.path().join("open");
    std::fs::create_dir(&open_to_all).expect("a directory");
    std::fs::set_permissions(&open_to_all, PermissionsExt::from_mode(0o777)).expect("it is ours");
    assert_eq!(refused(&open_to_all), Win32Error::ACCESS_DENIED);
    let file = stage.folder.path().join("file");
    std::fs::write(&file, "").expect("a file");
    assert_eq!(refused(&file), Win32Error::DIRECTORY);
    let link = stage.folder.path().join("link");
    symlink(stage.pipes.path(), &link).expect("a link");
    assert_eq!(refused(&link), Win32Error::DIRECTORY);
    assert_eq!(refused(&stage.folder.path().join("no/parent")), Win32Error::FILE_NOT_FOUND);
    assert_eq!(refused(&stage.folder.path().join("x".repeat(SOCKET_PATH_BYTES_MAX))), Win32Error::FILENAME_EXCED_RANGE);
}

#[tokio::test]
async fn a_name_that_leads_elsewhere_or_is_too_long_makes_nothing() {
    let stage = Stage::new();
    let outside = stage.folder.path().join("outside");
    let listener = UnixListener::bind(&outside).expect("a socket beside the directory");
    listener.set_nonblocking(true).expect("it is ours");
    let long = format!(r"\\.\pipe\{}", "x".repeat(SOCKET_PATH_BYTES_MAX));
    let names = [
        (r"\\.\pipe\..\outside", Win32Error::INVALID_NAME),
        (r"\\.\pipe\../outside", Win32Error::INVALID_NAME),
        (outside.to_str().expect("plain text"), Win32Error::INVALID_NAME),
        (long.as_str(), Win32Error::FILENAME_EXCED_RANGE),
    ];
    for (name, error) in names {
        let server = CreateNamedPipe { name: name.to_owned(), ..named_pipe(Framing::Message) };
        assert_eq!(stage.create(&server).await, Err(error), "{name}");
        let client = CreateFile { name: name.to_owned(), ..client_end() };
        assert!(stage.handles.open(&OpenRequest::File(client)).await.is_err(), "{name}");
    }
    assert!(stage.socket_files().is_empty());
    assert!(listener.accept().is_err(), "nobody has come to the outside");
}

#[tokio::test]
async fn a_file_that_is_no_socket_of_ours_is_neither_replaced_nor_removed() {
    let stage = Stage::new();
    let path = stage.pipes.path().join(SHORT_NAME);
    std::fs::write(&path, "kept").expect("a file");
    assert_eq!(stage.create(&named_pipe(Framing::Message)).await, Err(Win32Error::ACCESS_DENIED));
    assert_eq!(std::fs::read_to_string(&path).expect("it is there"), "kept");
    std::fs::remove_file(&path).expect("it is ours");

    let server = stage.server().await;
    std::fs::remove_file(&path).expect("it is ours");
    let _other = UnixListener::bind(&path).expect("another one takes the name");
    stage.handles.close(server).expect("it is open");
    assert_eq!(stage.socket_files(), [SHORT_NAME]);
}

#[tokio::test]
async fn a_thousand_pipes_leave_nothing_behind() {
    let stage = Stage::new();
    let path = stage.pipes.path().to_string_lossy().into_owned();
    for number in 0..1000 {
        let name = format!(r"\\.\pipe\p{number}");
        stage.create(&CreateNamedPipe { name, ..named_pipe(Framing::Message) }).await.expect("an instance");
    }
    let sockets = || std::fs::read_to_string("/proc/net/unix").expect("a host with /proc").matches(&path).count();
    assert_eq!((stage.socket_files().len(), sockets()), (1000, 1000));
    assert_eq!(stage.create(&named_pipe(Framing::Message)).await, Err(Win32Error::TOO_MANY_OPEN_FILES));
    let Stage { folder: _folder, files: _, pipes, handles } = stage;
    drop(handles);
    assert_eq!(std::fs::read_dir(pipes.path()).expect("it stays").count(), 0);
    assert_eq!(sockets(), 0, "each descriptor of a socket is closed");
}
