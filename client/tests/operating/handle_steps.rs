//! `lowerdeck io` on handles, and the dispatcher in `lowerdeck stack`.

use std::process::Output;
use std::sync::Arc;

use lowerdeck_client::{CreateNamedPipe, HResult, Session, SessionOptions, transport};
use serde_json::Value;

use crate::host::Host;
use crate::server::Server;

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[test]
fn a_file_of_the_host_is_written_and_copied_out_whole() {
    let host = Host::start();
    let content: Vec<u8> = (0..300_000_u32).map(|byte| (byte % 251) as u8).collect();
    std::fs::write(host.file("in.bin"), &content).expect("written");
    let out = host.pipe("").join("../out.bin");
    let copy_out = format!("copy-out {} {}", out.display(), content.len());
    let run = host.server.lowerdeck(&["io", "handles", "open-file in.bin", &copy_out]);
    assert!(run.status.success(), "{}", text(&run.stderr));
    assert!(std::fs::read(&out).expect("it was made") == content, "the copy is the file");

    let run =
        host.server.lowerdeck(&["-o", "json", "io", "handles", "open-file new.bin create", "write 2 hi", "read 0 4"]);
    let document: Value = serde_json::from_slice(&run.stdout).expect("JSON");
    assert_eq!(document[0]["step"], "open-file new.bin create");
    assert!(document[0]["handle_number"].as_u64().is_some_and(|number| number > 0), "{document}");
    assert_eq!(document[2]["data_hex"], "00006869", "{document}");
}

#[test]
fn a_handle_that_cannot_be_opened_is_an_answer_of_no() {
    let host = Host::start();
    let run = |arguments: &[&str]| {
        let Output { status, stderr, .. } = host.server.lowerdeck(arguments);
        (status.code(), text(&stderr))
    };
    let (code, said) = run(&["io", "handles", "open-file ../in.bin"]);
    assert_eq!(code, Some(1), "{said}");
    assert!(said.contains("CreateFile failed: ERROR_"), "{said}");
    let (code, said) = run(&["io", "disk", "create-pipe byte-pipe"]);
    assert_eq!(code, Some(1), "{said}");
    assert!(said.contains("ERROR_BAD_CONFIGURATION"), "a stack without the dispatcher: {said}");
    let without = Server::start().lowerdeck(&["io", "handles", "open-file in.bin"]);
    assert_eq!(without.status.code(), Some(3), "{}", text(&without.stderr));
    assert!(text(&without.stderr).contains("HANDLES_NOT_CONFIGURED"), "{}", text(&without.stderr));
}

/// The peer is another session, at the command line.
#[tokio::test]
async fn a_pipe_connects_a_session_with_a_script() {
    let host = Arc::new(Host::start());
    let channel = transport::connect(&host.server.endpoint).await.expect("it listens");
    let session = Session::open(channel, SessionOptions::new("handles")).await.expect("opened");
    let pipe = CreateNamedPipe::new(r"\\.\pipe\Both").duplex().overlapped().message();
    let handle = session.open_handle(pipe).await.expect("CreateNamedPipe");
    let target = handle.create_target().await.expect("a target");
    let script = Arc::clone(&host);
    let script = tokio::task::spawn_blocking(move || {
        script.server.lowerdeck(&["io", "handles", "open-pipe Both", "write 0 hello", "read 0 4", "read 0 64"])
    });
    let connected = handle.connect_named_pipe().await.expect("an answer");
    assert!([HResult::S_OK, HResult::ERROR_PIPE_CONNECTED].contains(&connected), "{connected}");
    let heard = target.read(0, 64).await.expect("accepted").await.expect("completed");
    assert_eq!(&heard.data[..], b"hello");
    target.write(0, "welcome").await.expect("accepted").await.expect("completed").ok().expect("written");
    let Output { status, stdout, stderr } = script.await.expect("it ran");
    assert!(status.success(), "{}", text(&stderr));
    assert_eq!(text(&stdout), "welcome", "in two parts, the first with ERROR_MORE_DATA");
    assert!(text(&stderr).contains("read 4 bytes with ERROR_MORE_DATA"), "{}", text(&stderr));
    target.delete_wdf_object().await.expect("deleted");
    handle.close().await.expect("closed");
    session.close().await.expect("the books balance");
}

#[test]
fn a_stack_is_plugged_with_a_dispatcher_and_tells_it() {
    let server = Server::start();
    let (code, told) = server.stack(&["plug", "own", "null", "--umdf-dispatcher", "file-handle"]);
    assert_eq!(code, Some(0), "{told}");
    assert!(told.contains("dispatcher file-handle"), "{told}");
    let (_, told) = server.stack(&["describe", "disk"]);
    assert!(told.contains("dispatcher reflector"), "{told}");
}
