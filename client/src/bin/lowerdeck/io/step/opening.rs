//! The steps that open a handle of the server's host, as the functions of Win32 that they stand for. All are overlapped,
//! because a target needs that (FHT-3).

use lowerdeck_client::v1::open_handle_request::Object;
use lowerdeck_client::{CreateFile, CreateNamedPipe, OpenSocket};

/// Where the names of pipes begin.
const PIPES: &str = r"\\.\pipe\";

/// The object that a step opens; none for a verb of another kind.
///
/// # Errors
/// How to write the step.
pub(super) fn object_of(verb: &str, words: &[&str]) -> Option<Result<Object, &'static str>> {
    let (object, usage) = match verb {
        "open-file" => (file(words), "open-file NAME [read|write|create]"),
        "create-pipe" => (server_end(words), "create-pipe NAME [message|byte]"),
        "open-pipe" => (client_end(words), "open-pipe NAME [message|byte]"),
        "open-socket" => (socket(words), "open-socket tcp:ADDRESS|udp:ADDRESS|unix:NAME|unix-datagram:NAME"),
        _ => return None,
    };
    Some(object.ok_or(usage))
}

fn file(words: &[&str]) -> Option<Object> {
    let file = |name: &str| CreateFile::new(name).read().share_read().overlapped();
    let file = match *words {
        [name] | [name, "read"] => file(name).share_write(),
        [name, "write"] => file(name).write(),
        [name, "create"] => file(name).write().create_always(),
        _ => return None,
    };
    Some(file.into())
}

fn server_end(words: &[&str]) -> Option<Object> {
    let (name, is_message) = pipe(words)?;
    let pipe = CreateNamedPipe::new(name).duplex().overlapped();
    Some(if is_message { pipe.message() } else { pipe }.into())
}

fn client_end(words: &[&str]) -> Option<Object> {
    let (name, is_message) = pipe(words)?;
    let pipe = CreateFile::new(name).read().write().overlapped();
    Some(if is_message { pipe.message_read_mode() } else { pipe }.into())
}

/// The whole name of a pipe, and whether it is one of messages.
fn pipe(words: &[&str]) -> Option<(String, bool)> {
    let (name, is_message) = match *words {
        [name] | [name, "message"] => (name, true),
        [name, "byte"] => (name, false),
        _ => return None,
    };
    let name = if name.starts_with(r"\\") { name.to_owned() } else { format!("{PIPES}{name}") };
    Some((name, is_message))
}

fn socket(words: &[&str]) -> Option<Object> {
    let [peer] = *words else { return None };
    let (kind, address) = peer.split_once(':')?;
    let socket = match kind {
        "tcp" => OpenSocket::tcp(address),
        "udp" => OpenSocket::udp(address),
        "unix" => OpenSocket::unix_stream(address),
        "unix-datagram" => OpenSocket::unix_datagram(address),
        _ => return None,
    };
    Some(socket.overlapped().into())
}
