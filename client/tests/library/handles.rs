//! Handles and the targets on them: what is sent, and replies that are lost.

use std::time::Duration;

use lowerdeck_client::v1::open_handle_request::Object;
use lowerdeck_client::v1::submission::Call;
use lowerdeck_client::{
    CreateFile, CreateNamedPipe, DriverCreatedFile, Error, HResult, Handle, IoTarget, OpenSocket, Road, Session,
    SessionOptions, v1,
};

use crate::fake::{CreatingTarget, Fake, Opening, Sent, accepted, lost};

on_both_roads! {
    an_open_whose_reply_is_lost_is_repeated_word_for_word,
    a_target_whose_reply_is_lost_is_made_with_the_same_id,
    an_open_that_failed_names_its_function,
    io_on_a_target_has_a_null_file,
    a_handle_dropped_open_is_counted_and_one_that_was_closed_is_not,
}

fn opened(handle_number: u64) -> Result<v1::OpenHandleResponse, tonic::Status> {
    Ok(v1::OpenHandleResponse { hresult: 0, handle_number })
}

async fn opening(fake: &mut Fake) -> Opening {
    fake.opens.recv().await.expect("an open")
}

async fn target_wanted(fake: &mut Fake) -> CreatingTarget {
    fake.targets.recv().await.expect("a target")
}

async fn sent(fake: &mut Fake) -> Sent {
    fake.sends.recv().await.expect("a send")
}

/// Plays `server` under a call; one that gives up before the server has answered it fails here, and does not hang.
async fn under<T, U>(call: impl Future<Output = Result<T, Error>>, server: impl Future<Output = U>) -> (T, U) {
    tokio::pin!(call, server);
    tokio::select! {
        biased;
        told = &mut server => (call.await.expect("a success"), told),
        early = &mut call => panic!("it did not wait for its answer: {:?}", early.err()),
    }
}

fn pipe() -> CreateNamedPipe {
    CreateNamedPipe::new(r"\\.\pipe\p").duplex().overlapped().message()
}

async fn open(fake: &mut Fake, session: &Session) -> Handle {
    let (handle, ()) = tokio::join!(session.open_handle(pipe()), async {
        opening(fake).await.answer(opened(7));
    });
    handle.expect("opened")
}

async fn target(fake: &mut Fake, handle: &Handle) -> IoTarget {
    let (target, ()) = tokio::join!(handle.create_target(), async {
        target_wanted(fake).await.answer(Ok(v1::CreateFileHandleTargetResponse { hresult: 0 }));
    });
    target.expect("created")
}

async fn start(road: Road) -> (Fake, Session) {
    let mut fake = Fake::start().await;
    let session = fake.open(SessionOptions::new("fake").road(road)).await;
    (fake, session)
}

async fn an_open_whose_reply_is_lost_is_repeated_word_for_word(road: Road) {
    let (mut fake, session) = start(road).await;
    let (handle, message) = under(session.open_handle(pipe()), async {
        let first = opening(&mut fake).await;
        let message = first.message.clone();
        first.answer(Err(lost()));
        let second = opening(&mut fake).await;
        assert_eq!(second.message, message);
        second.answer(opened(7));
        message
    })
    .await;
    assert_eq!((handle.id(), handle.number()), (message.handle_id.as_str(), 7));
    uuid::Uuid::parse_str(handle.id()).expect("a UUID");
    handle.close().await.expect("closed");
    session.close().await.expect("the books balance");
}

async fn a_target_whose_reply_is_lost_is_made_with_the_same_id(road: Road) {
    let (mut fake, session) = start(road).await;
    let handle = open(&mut fake, &session).await;
    let (target, message) = under(handle.create_target(), async {
        let first = target_wanted(&mut fake).await;
        let message = first.message.clone();
        first.answer(Err(lost()));
        let second = target_wanted(&mut fake).await;
        assert_eq!(second.message, message);
        second.answer(Ok(v1::CreateFileHandleTargetResponse { hresult: 0 }));
        message
    })
    .await;
    assert_eq!(target.id(), message.target_id);
    assert_eq!(message.handle_id, handle.id());
    handle.close().await.expect("closed");
    session.close().await.expect("the books balance");
}

async fn an_open_that_failed_names_its_function(road: Road) {
    let (mut fake, session) = start(road).await;
    let busy = HResult::ERROR_PIPE_BUSY;
    let objects: [(Object, &str); 3] = [
        (pipe().into(), "CreateNamedPipe"),
        (CreateFile::new("x").into(), "CreateFile"),
        (OpenSocket::tcp("127.0.0.1:7").into(), "connect"),
    ];
    for (object, function) in objects {
        let (failed, ()) = tokio::join!(session.open_handle(object), async {
            opening(&mut fake).await.answer(Ok(v1::OpenHandleResponse { hresult: busy.0, handle_number: 0 }));
        });
        let failed = failed.expect_err("refused");
        assert!(matches!(failed, Error::Umdf { call, hresult } if call == function && hresult == busy), "{failed}");
    }
    let sheet = session.close().await.expect("the books balance");
    assert_eq!(sheet.leaked_handles, 0, "what was never open is not left open");
}

async fn io_on_a_target_has_a_null_file(road: Road) {
    let (mut fake, session) = start(road).await;
    let handle = open(&mut fake, &session).await;
    let target = target(&mut fake, &handle).await;
    let (pending, id) = tokio::join!(target.write(0, "hello"), async {
        let sent = sent(&mut fake).await;
        let format = sent.message.format.clone().expect("a format");
        assert_eq!((format.file_id.as_str(), format.target_id.as_str()), ("", target.id()));
        let id = sent.message.request_id;
        sent.answer(accepted());
        id
    });
    fake.completed(id, 0);
    let done = pending.expect("accepted").await.expect("completed");
    assert_eq!((done.file_id.as_str(), done.hresult), ("", HResult::S_OK));
    fake.balance(1, 1, 0);
    handle.close().await.expect("closed");
    session.close().await.expect("the books balance");
}

async fn a_handle_dropped_open_is_counted_and_one_that_was_closed_is_not(road: Road) {
    let (mut fake, session) = start(road).await;
    let closed = open(&mut fake, &session).await;
    assert_eq!(closed.close().await.expect("an answer"), HResult::S_OK);
    drop(closed);
    drop(open(&mut fake, &session).await);
    let sheet = session.close().await.expect("the books balance");
    assert_eq!(sheet.leaked_handles, 1);
}

/// Sends a read on a file and one on a target in one message of a QueuePair; gives that message.
async fn read_on_both(fake: &mut Fake, file: &DriverCreatedFile, target: &IoTarget) -> v1::QueuePairRequest {
    let (on_file, on_target, message) = tokio::join!(file.read(0, 4), target.read(0, 4), async {
        let message = loop {
            let message = fake.messages.recv().await.expect("a message");
            if !message.submissions.is_empty() {
                break message;
            }
        };
        for _ in 0..2 {
            let sent = sent(fake).await;
            let id = sent.message.request_id;
            sent.answer(accepted());
            fake.completed(id, 0);
        }
        message
    });
    on_file.expect("accepted").await.expect("completed");
    on_target.expect("accepted").await.expect("completed");
    message
}

#[tokio::test]
async fn a_read_on_a_target_rides_in_the_message_of_a_file_and_keeps_its_null() {
    let (mut fake, session) = start(Road::QueuePair).await;
    let file = session.device().create_wdf_file(None).await.expect("created");
    let handle = open(&mut fake, &session).await;
    let target = target(&mut fake, &handle).await;
    let message = read_on_both(&mut fake, &file, &target).await;
    assert_eq!(message.file_id, file.id());
    let formats: Vec<_> = message
        .submissions
        .into_iter()
        .filter_map(|submission| match submission.call {
            Some(Call::FormatAndSend(send)) => send.format,
            _ => None,
        })
        .map(|format| (format.file_id, format.target_id))
        .collect();
    let null = String::new;
    assert_eq!(formats, [(null(), null()), (null(), target.id().to_owned())]);
}

#[test]
fn the_builders_say_what_win32_would() {
    let file = CreateFile::new(r"data\x.bin").read().write().share_read().open_always().overlapped();
    let Object::CreateFile(file) = file.into() else { panic!("a file") };
    assert_eq!((file.desired_access, file.share_mode), (0xC000_0000, 1));
    assert_eq!((file.creation_disposition, file.flags_and_attributes), (4, 0x4000_0000));

    let example = pipe().instances(2).buffers(4096, 8192).default_timeout(Duration::from_secs(1));
    let Object::CreateNamedPipe(pipe) = example.into() else { panic!("a pipe") };
    assert_eq!((pipe.open_mode, pipe.pipe_mode, pipe.max_instances), (0x4000_0003, 6, 2));
    assert_eq!((pipe.out_buffer_size, pipe.in_buffer_size, pipe.default_timeout_ms), (4096, 8192, 1000));

    let Object::OpenSocket(socket) = OpenSocket::unix_stream("s").overlapped().into() else { panic!("a socket") };
    assert_eq!(socket.peer, Some(v1::open_socket::Peer::UnixStream("s".to_owned())));
    assert_eq!(socket.flags_and_attributes, 0x4000_0000);
}
