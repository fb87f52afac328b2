//! Handles of a server's host from the library, on both roads: the example of `CreateFileHandleTarget` with a real program at
//! the other end, files, and what a cut wire does to an open.

use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use lowerdeck_client::{
    BalanceSheet, Completion, CreateFile, CreateNamedPipe, Error, HResult, Handle, IoTarget, PFile, Road, SendOptions,
    Session, SessionOptions, format, transport, v1,
};
use tokio::task::JoinSet;

use crate::host::Host;
use crate::peer::Peer;
use crate::relay::Relay;

const ROADS: [Road; 2] = [Road::QueuePair, Road::Unary];

/// `MAX_TRANSFER_SIZE` in bytes.
const MAX_TRANSFER_SIZE: u32 = 4096;

async fn open(endpoint: &str, road: Road) -> Session {
    let channel = transport::connect(endpoint).await.expect("it listens");
    Session::open(channel, SessionOptions::new("handles").road(road)).await.expect("opened")
}

/// The pipe of the example.
fn example() -> CreateNamedPipe {
    let pipe = CreateNamedPipe::new(r"\\.\pipe\Example").duplex().overlapped().message();
    pipe.instances(2).buffers(MAX_TRANSFER_SIZE, MAX_TRANSFER_SIZE).default_timeout(Duration::from_millis(1000))
}

async fn end(target: IoTarget, handle: Handle) {
    assert_eq!(target.delete_wdf_object().await.expect("an answer"), HResult::S_OK);
    assert_eq!(target.get_state().await.expect("an answer"), v1::TargetState::Deleted);
    assert_eq!(handle.close().await.expect("an answer"), HResult::S_OK);
}

async fn finish(session: Session) -> BalanceSheet {
    let sheet = session.close().await.expect("the books balance");
    assert_eq!((sheet.outstanding, sheet.leaked_handles), (0, 0));
    sheet
}

async fn read(target: &IoTarget, length: u64) -> Completion {
    target.read(0, length).await.expect("accepted").await.expect("completed")
}

async fn written(target: &IoTarget, data: &'static str) -> Completion {
    target.write(0, data).await.expect("accepted").await.expect("completed")
}

#[tokio::test]
async fn the_example_of_create_file_handle_target_talks_to_a_python_program() {
    for road in ROADS {
        let host = Host::start();
        let session = open(&host.server.endpoint, road).await;
        let handle = session.open_handle(example()).await.expect("CreateNamedPipe");
        let target = handle.create_target().await.expect("CreateFileHandleTarget");
        assert_eq!(target.get_state().await.expect("an answer"), v1::TargetState::Started);
        assert_eq!(written(&target, "too early").await.hresult, HResult::ERROR_PIPE_LISTENING);

        let mut peer = Peer::start(&host.pipe("example")).expect("started");
        peer.ask("connect").await.expect("connected");
        let connected = handle.connect_named_pipe().await.expect("an answer");
        assert_eq!(connected, HResult::ERROR_PIPE_CONNECTED, "it came before the call");

        assert_eq!(written(&target, "hello, pipe").await.ok().expect("written").information, 11);
        assert_eq!(peer.ask("recv").await.expect("an answer"), "hello, pipe");
        peer.ask("send hello, driver").await.expect("sent");
        let part = read(&target, 5).await.ok().expect("data that came with ERROR_MORE_DATA is data");
        assert_eq!((part.hresult, &part.data[..]), (HResult::ERROR_MORE_DATA, &b"hello"[..]));
        assert_eq!(&read(&target, 64).await.data[..], b", driver");

        let waits = target.read(0, 64).await.expect("accepted");
        assert!(waits.cancel().await.expect("an answer").cancelled);
        assert!(waits.await.expect("completed").hresult.is_cancelled());
        peer.ask("close").await.expect("closed");
        assert_eq!(read(&target, 64).await.hresult, HResult::ERROR_BROKEN_PIPE);
        peer.end().await.expect("it ends by itself");
        end(target, handle).await;
        let sheet = finish(session).await;
        assert_eq!((sheet.accepted, sheet.completed, sheet.cancelled), (6, 2, 1), "{road:?}");
        assert!(!host.pipe("example").exists(), "the socket goes with its last instance");
    }
}

#[tokio::test]
async fn a_target_writes_and_reads_the_bytes_of_a_file_of_the_host() {
    let host = Host::start();
    for (road, name) in ROADS.into_iter().zip(["one.bin", "two.bin"]) {
        let session = open(&host.server.endpoint, road).await;
        let file = CreateFile::new(name).read().write().create_new().overlapped();
        let handle = session.open_handle(file.clone()).await.expect("CreateFile");
        assert!(handle.number() > 0);
        let target = handle.create_target().await.expect("CreateFileHandleTarget");
        written(&target, "0123456789").await.ok().expect("written");
        let middle = target.read(4, 3).await.expect("accepted").await.expect("completed");
        assert_eq!(&middle.data[..], b"456", "{road:?}");
        assert_eq!(std::fs::read(host.file(name)).expect("it is there"), b"0123456789");
        let again = session.open_handle(file.read()).await.expect_err("it is there, and not shared");
        let refused = [HResult::ERROR_FILE_EXISTS, HResult::ERROR_SHARING_VIOLATION];
        assert!(matches!(again, Error::Umdf { call: "CreateFile", hresult } if refused.contains(&hresult)), "{again}");
        end(target, handle).await;
        finish(session).await;
    }
}

/// FHT-7 and FHT-8: a target's own file is as NULL, another target's leads to that target's handle.
#[tokio::test]
async fn the_file_of_another_target_leads_to_its_handle() {
    let host = Host::start();
    for (road, [one, two]) in ROADS.into_iter().zip([["a1", "a2"], ["b1", "b2"]]) {
        let session = open(&host.server.endpoint, road).await;
        let file = |name: &str| CreateFile::new(name).write().create_new().overlapped();
        let handles = [
            session.open_handle(file(one)).await.expect("CreateFile"),
            session.open_handle(file(two)).await.expect("CreateFile"),
        ];
        let [first, second] = &handles;
        let target = first.create_target().await.expect("a target");
        let other = second.create_target().await.expect("a target");
        let own_file = target.get_target_file().await.expect("an answer").expect("it has one");
        let file = other.get_target_file().await.expect("an answer").expect("it has one");
        assert!(session.device().get_default_io_target().get_target_file().await.expect("an answer").is_none());
        for (pfile, offset, data) in [(&own_file, 0, "own"), (&file, 0, "other")] {
            let io = format::write(offset, data);
            let sent = target.format_and_send("write", pfile, io, SendOptions::default()).await.expect("accepted");
            assert_eq!(sent.await.expect("completed").hresult, HResult::S_OK);
        }
        // Step by step, with NULL and with the other's file.
        let request = session.device().create_request().await.expect("created");
        let memory = || Some(v1::InputMemory { data: "!".into(), offset: None });
        let null = target.format_request_for_write(&request, PFile::Null, memory(), Some(3)).await;
        assert_eq!(null.expect("an answer"), HResult::S_OK);
        let replaced = target.format_request_for_write(&request, &file, memory(), Some(5)).await;
        assert_eq!(replaced.expect("an answer"), HResult::S_OK);
        let sent = request.send(&target, SendOptions::default()).await.expect("an answer");
        sent.pending.expect("accepted").await.expect("completed").ok().expect("written");
        request.delete_wdf_object().await.expect("deleted");
        let contents = [one, two].map(|name| std::fs::read_to_string(host.file(name)).expect("it is there"));
        assert_eq!(contents, ["own", "other!"], "{road:?}");
        for (target, handle) in [target, other].into_iter().zip(handles) {
            end(target, handle).await;
        }
        finish(session).await;
    }
}

/// What a message of a QueuePair names for all its submissions is no target's file (FHT-7).
#[tokio::test]
async fn io_of_a_file_and_of_a_target_goes_side_by_side() {
    let host = Host::start();
    for (road, name) in ROADS.into_iter().zip(["one.bin", "two.bin"]) {
        let session = open(&host.server.endpoint, road).await;
        let below = session.device().create_wdf_file(None).await.expect("created");
        let file = CreateFile::new(name).read().write().create_new().overlapped();
        let handle = session.open_handle(file).await.expect("CreateFile");
        let target = handle.create_target().await.expect("a target");
        let both = (0..64).map(|place| {
            let (below, target) = (&below, &target);
            async move {
                let (echoed, written) = tokio::join!(below.write(8 * place, "below"), target.write(2 * place, "on"));
                echoed.expect("accepted").await.expect("completed").ok().expect("written");
                written.expect("accepted").await.expect("completed").ok().expect("written");
            }
        });
        for_all(both).await;
        assert_eq!(std::fs::read_to_string(host.file(name)).expect("it is there"), "on".repeat(64), "{road:?}");
        end(target, handle).await;
        below.close().await.expect("closed").gone().await.expect("gone");
        let sheet = finish(session).await;
        assert_eq!((sheet.accepted, sheet.completed), (128, 128));
    }
}

/// Polls all at once, until each is done.
async fn for_all<F: Future<Output = ()>>(futures: impl Iterator<Item = F>) {
    let mut pending: Vec<_> = futures.map(Box::pin).collect();
    std::future::poll_fn(|context| {
        pending.retain_mut(|future| future.as_mut().poll(context).is_pending());
        if pending.is_empty() { Poll::Ready(()) } else { Poll::Pending }
    })
    .await;
}

#[tokio::test]
async fn misuse_of_handles_and_targets_is_answered_in_win32s_words() {
    let host = Host::start();
    let session = open(&host.server.endpoint, Road::QueuePair).await;
    let failure = |error: Error| match error {
        Error::Umdf { call, hresult } => (call, hresult),
        other => panic!("{other}"),
    };
    let missing = session.open_handle(CreateFile::new("missing").read()).await.expect_err("there is none");
    assert_eq!(failure(missing), ("CreateFile", HResult::ERROR_FILE_NOT_FOUND));
    let handle = session.open_handle(example()).await.expect("CreateNamedPipe");
    assert_eq!(handle.close().await.expect("an answer"), HResult::S_OK);
    let closed = handle.create_target().await.expect_err("it is closed");
    assert_eq!(failure(closed), ("CreateFileHandleTarget", HResult::ERROR_INVALID_HANDLE));
    assert_eq!(handle.close().await.expect("an answer"), HResult::ERROR_INVALID_HANDLE);
    let pipe = CreateNamedPipe::new(r"\\.\pipe\sync").duplex().message();
    let synchronous = session.open_handle(pipe).await.expect("CreateNamedPipe");
    let refused = synchronous.create_target().await.expect_err("it is synchronous");
    assert_eq!(failure(refused), ("CreateFileHandleTarget", HResult::E_INVALIDARG));
    assert_eq!(synchronous.close().await.expect("an answer"), HResult::S_OK);
    finish(session).await;
}

/// Callers at once, files that each makes, and files between two cuts of the wire.
const CALLERS: usize = 8;
const FILES: usize = 7;
const CUT_EVERY: usize = 3;

/// Makes files that must not be there yet. The first caller cuts the wire now and then.
async fn caller(session: Arc<Session>, relay: Arc<Relay>, place: usize) {
    for round in 0..FILES {
        if place == 0 && round % CUT_EVERY == 1 {
            relay.cut();
        }
        let file = CreateFile::new(format!("{place}-{round}")).write().create_new().overlapped();
        let handle = session.open_handle(file).await.expect("an open that is asked for again finds its handle");
        let target = handle.create_target().await.expect("and so does a target");
        drop(target); // one that lives is deleted with the session
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cut_wire_opens_no_file_twice() {
    let host = Host::start();
    for road in ROADS {
        let relay = Arc::new(Relay::start(&host.server.endpoint).await);
        let session = Arc::new(open(&relay.endpoint, road).await);
        let calling = |place| caller(Arc::clone(&session), Arc::clone(&relay), place);
        let mut callers: JoinSet<()> = (0..CALLERS).map(calling).collect();
        while let Some(caller) = callers.join_next().await {
            caller.expect("each of its files was new");
        }
        let session = Arc::into_inner(session).expect("the callers are done");
        let sheet = session.close().await.expect("the books balance");
        assert_eq!(sheet.leaked_handles, (CALLERS * FILES) as u64, "{road:?}");
        for place in 0..CALLERS {
            for round in 0..FILES {
                std::fs::remove_file(host.file(&format!("{place}-{round}"))).expect("it was made");
            }
        }
    }
}
