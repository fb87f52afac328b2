//! Win32's words as these tests use them: codes, and the arguments of CreateFile, CreateNamedPipe and a socket.

use lowerdeck_proto::v1;
pub use v1::open_handle_request::Object;

/// `FILE_FLAG_OVERLAPPED`.
pub const OVERLAPPED: u32 = 0x4000_0000;
/// `FILE_FLAG_FIRST_PIPE_INSTANCE`.
pub const FIRST_PIPE_INSTANCE: u32 = 0x0008_0000;
/// `GENERIC_READ`.
pub const GENERIC_READ: u32 = 0x8000_0000;
/// `GENERIC_WRITE`.
pub const GENERIC_WRITE: u32 = 0x4000_0000;
/// `PIPE_ACCESS_DUPLEX`.
pub const DUPLEX: u32 = 3;
/// `PIPE_TYPE_MESSAGE` and `PIPE_READMODE_MESSAGE`.
pub const MESSAGES: u32 = 4 | 2;

/// `CREATE_NEW`.
pub const CREATE_NEW: u32 = 1;
/// `CREATE_ALWAYS`.
pub const CREATE_ALWAYS: u32 = 2;
/// `OPEN_EXISTING`.
pub const OPEN_EXISTING: u32 = 3;
/// `OPEN_ALWAYS`.
pub const OPEN_ALWAYS: u32 = 4;
/// `TRUNCATE_EXISTING`.
pub const TRUNCATE_EXISTING: u32 = 5;

/// `S_OK`.
pub const OK: u32 = 0;
/// `E_OUTOFMEMORY`.
pub const OUT_OF_MEMORY: u32 = 0x8007_000E;

/// `HRESULT_FROM_WIN32`.
pub const fn win32(code: u32) -> u32 {
    0x8007_0000 | code
}

/// `ERROR_INVALID_FUNCTION`.
pub const INVALID_FUNCTION: u32 = win32(1);
/// `ERROR_FILE_NOT_FOUND`.
pub const FILE_NOT_FOUND: u32 = win32(2);
/// `ERROR_ACCESS_DENIED`.
pub const ACCESS_DENIED: u32 = win32(5);
/// `ERROR_INVALID_HANDLE`.
pub const INVALID_HANDLE: u32 = win32(6);
/// `ERROR_SHARING_VIOLATION`.
pub const SHARING_VIOLATION: u32 = win32(32);
/// `ERROR_NOT_SUPPORTED`.
pub const NOT_SUPPORTED: u32 = win32(50);
/// `ERROR_INVALID_PARAMETER`, and `E_INVALIDARG`.
pub const INVALID_PARAMETER: u32 = win32(87);
/// `ERROR_BROKEN_PIPE`.
pub const BROKEN_PIPE: u32 = win32(109);
/// `ERROR_INSUFFICIENT_BUFFER`.
pub const INSUFFICIENT_BUFFER: u32 = win32(122);
/// `ERROR_INVALID_NAME`.
pub const INVALID_NAME: u32 = win32(123);
/// `ERROR_FILENAME_EXCED_RANGE`.
pub const FILENAME_EXCED_RANGE: u32 = win32(206);
/// `ERROR_FILE_TOO_LARGE`.
pub const FILE_TOO_LARGE: u32 = win32(223);
/// `ERROR_PIPE_BUSY`.
pub const PIPE_BUSY: u32 = win32(231);
/// `ERROR_NO_DATA`.
pub const NO_DATA: u32 = win32(232);
/// `ERROR_PIPE_NOT_CONNECTED`.
pub const PIPE_NOT_CONNECTED: u32 = win32(233);
/// `ERROR_MORE_DATA`.
pub const MORE_DATA: u32 = win32(234);
/// `ERROR_PIPE_CONNECTED`.
pub const PIPE_CONNECTED: u32 = win32(535);
/// `ERROR_PIPE_LISTENING`.
pub const PIPE_LISTENING: u32 = win32(536);
/// `ERROR_OPERATION_ABORTED`.
pub const OPERATION_ABORTED: u32 = win32(995);
/// `ERROR_NO_SYSTEM_RESOURCES`.
pub const NO_SYSTEM_RESOURCES: u32 = win32(1450);

/// `\\.\pipe\NAME`.
pub fn pipe_path(name: &str) -> String {
    format!(r"\\.\pipe\{name}")
}

/// A duplex pipe of messages, for overlapped I/O, with as many instances as there may be.
pub fn pipe(name: &str) -> v1::CreateNamedPipe {
    v1::CreateNamedPipe {
        name: pipe_path(name),
        open_mode: DUPLEX | OVERLAPPED,
        pipe_mode: MESSAGES,
        max_instances: 255,
        ..Default::default()
    }
}

/// A file for reading and writing that everybody may share, made if need be, for overlapped I/O.
pub fn file(name: &str) -> v1::CreateFile {
    v1::CreateFile {
        name: name.to_owned(),
        desired_access: GENERIC_READ | GENERIC_WRITE,
        share_mode: 7,
        creation_disposition: OPEN_ALWAYS,
        flags_and_attributes: OVERLAPPED,
        pipe_read_mode: 0,
    }
}

/// The client end of a pipe, which is read in messages.
pub fn client_end(name: &str) -> v1::CreateFile {
    v1::CreateFile { creation_disposition: OPEN_EXISTING, pipe_read_mode: 2, ..file(&pipe_path(name)) }
}

/// A connected socket for overlapped I/O.
pub fn socket(peer: v1::open_socket::Peer) -> v1::OpenSocket {
    v1::OpenSocket { peer: Some(peer), flags_and_attributes: OVERLAPPED }
}

/// An object of each kind that needs nothing at its other end; pipes called `name`.
pub fn each_kind(name: &str) -> [Object; 3] {
    let nobody = v1::open_socket::Peer::Udp("127.0.0.1:9".to_owned());
    [
        Object::CreateFile(file(&format!("{name}.bin"))),
        Object::CreateNamedPipe(pipe(name)),
        Object::OpenSocket(socket(nobody)),
    ]
}

/// What can be opened.
pub trait Openable {
    /// As OpenHandle takes it.
    fn object(self) -> Object;
}

impl Openable for Object {
    fn object(self) -> Object {
        self
    }
}

impl Openable for v1::CreateFile {
    fn object(self) -> Object {
        Object::CreateFile(self)
    }
}

impl Openable for v1::CreateNamedPipe {
    fn object(self) -> Object {
        Object::CreateNamedPipe(self)
    }
}

impl Openable for v1::OpenSocket {
    fn object(self) -> Object {
        Object::OpenSocket(self)
    }
}
