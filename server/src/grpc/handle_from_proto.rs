//! From the wire inward: what OpenHandle asks for, in Win32's words.
//!
//! Law: what is malformed is refused as any message is; what Win32 would refuse (a disposition or a mode that does not exist)
//! is an HRESULT, because it is the answer of CreateFile and no fault of the message.

use std::net::SocketAddr;

use lowerdeck_framework::status::HResult;
use lowerdeck_handles::handle::{
    Access, CreateFile, CreateNamedPipe, Direction, Disposition, Flags, Framing, OpenRequest, OpenSocket, PipeMode,
    ShareMode, SocketAddress,
};
use lowerdeck_handles::win32::Win32Error;
use lowerdeck_proto::v1;
use uuid::Uuid;

use super::from_proto::{DecodeError, Fault};
use super::status::Refusal;

/// UTF-16 code units of a path on Windows (contract: CreateFile.name).
const PATH_UNITS_MAX: usize = 32_767;
/// The bit of `PIPE_READMODE_MESSAGE`.
const READMODE_MESSAGE: u32 = 2;

fn refuse(field: &'static str, fault: Fault) -> Refusal {
    Refusal::Decode(DecodeError { field, fault })
}

/// An id that the client chose for something new.
pub fn new_id(field: &'static str, text: &str) -> Result<Uuid, Refusal> {
    let invalid = || refuse(field, Fault::Invalid("must be a UUID of the client's choice, such as uuid4() gives"));
    Uuid::try_parse(text).ok().filter(|id| !id.is_nil()).ok_or_else(invalid)
}

/// What OpenHandle asks for; the inner error is what CreateFile or CreateNamedPipe answers.
pub fn open_request(object: Option<v1::open_handle_request::Object>) -> Result<Result<OpenRequest, HResult>, Refusal> {
    use v1::open_handle_request::Object;
    match object.ok_or_else(|| refuse("object", Fault::Missing))? {
        Object::CreateFile(file) => {
            check_path("create_file.name", &file.name)?;
            Ok(create_file(file).map(OpenRequest::File).map_err(Win32Error::hresult))
        }
        Object::CreateNamedPipe(pipe) => {
            check_path("create_named_pipe.name", &pipe.name)?;
            Ok(create_named_pipe(pipe).map(OpenRequest::Pipe).map_err(Win32Error::hresult))
        }
        Object::OpenSocket(socket) => Ok(Ok(OpenRequest::Socket(open_socket(socket)?))),
    }
}

fn check_path(field: &'static str, path: &str) -> Result<(), Refusal> {
    let length = path.encode_utf16().count();
    if length > PATH_UNITS_MAX {
        let (limit, value) = ("path_chars_max", PATH_UNITS_MAX as u64);
        return Err(refuse(field, Fault::TooLong { length, unit: "UTF-16 code units", limit, value }));
    }
    Ok(())
}

fn create_file(file: v1::CreateFile) -> Result<CreateFile, Win32Error> {
    let read_mode = match file.pipe_read_mode {
        0 => Framing::Byte,
        READMODE_MESSAGE => Framing::Message,
        _ => return Err(Win32Error::INVALID_PARAMETER),
    };
    Ok(CreateFile {
        name: file.name,
        access: Access(file.desired_access),
        share: ShareMode(file.share_mode),
        disposition: Disposition::try_from(file.creation_disposition)?,
        flags: Flags(file.flags_and_attributes),
        read_mode,
    })
}

fn create_named_pipe(pipe: v1::CreateNamedPipe) -> Result<CreateNamedPipe, Win32Error> {
    Ok(CreateNamedPipe {
        name: pipe.name,
        direction: Direction::try_from(pipe.open_mode)?,
        flags: Flags(pipe.open_mode),
        mode: PipeMode::try_from(pipe.pipe_mode)?,
        instances_max: pipe.max_instances,
        out_buffer_bytes: pipe.out_buffer_size,
        in_buffer_bytes: pipe.in_buffer_size,
        default_timeout_ms: pipe.default_timeout_ms,
    })
}

fn open_socket(socket: v1::OpenSocket) -> Result<OpenSocket, Refusal> {
    use v1::open_socket::Peer;
    let address = |field, text: &str| -> Result<SocketAddr, Refusal> {
        let invalid = || refuse(field, Fault::Invalid("must be an address and a port, such as `127.0.0.1:7000`"));
        text.parse().map_err(|_| invalid())
    };
    let address = match socket.peer.ok_or_else(|| refuse("open_socket.peer", Fault::Missing))? {
        Peer::Tcp(text) => SocketAddress::Tcp(address("open_socket.tcp", &text)?),
        Peer::Udp(text) => SocketAddress::Udp(address("open_socket.udp", &text)?),
        Peer::UnixStream(name) => {
            check_path("open_socket.unix_stream", &name)?;
            SocketAddress::UnixStream(name)
        }
        Peer::UnixDatagram(name) => {
            check_path("open_socket.unix_datagram", &name)?;
            SocketAddress::UnixDatagram(name)
        }
    };
    Ok(OpenSocket { address, flags: Flags(socket.flags_and_attributes) })
}
