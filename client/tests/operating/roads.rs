//! Both roads of a session, and what a cut wire does to them.

use std::sync::Arc;

use lowerdeck_client::v1::format::Io;
use lowerdeck_client::{
    DriverCreatedFile, Error, Lab, Refusal, Road, SendOptions, Session, SessionOptions, reason, transport, v1,
};
use tokio::task::JoinSet;

use crate::relay::Relay;
use crate::server::Server;

const ROADS: [Road; 2] = [Road::QueuePair, Road::Unary];

async fn open(endpoint: &str, options: SessionOptions) -> (Session, DriverCreatedFile) {
    let channel = transport::connect(endpoint).await.expect("it listens");
    let session = Session::open(channel, options).await.expect("opened");
    let file = session.device().create_wdf_file(None).await.expect("created");
    (session, file)
}

async fn finish(session: Session, file: DriverCreatedFile) -> lowerdeck_client::BalanceSheet {
    file.close().await.expect("closed").gone().await.expect("gone");
    session.close().await.expect("the books balance")
}

/// Callers at once, and what each of them writes and reads back.
const CALLERS: u64 = 16;
const ROUNDS: u64 = 30;
/// Rounds of the first caller between two cuts.
const CUT_EVERY: u64 = 7;

/// Writes and reads its own part of the device. The first caller cuts the wire now and then, and goes on after the last
/// time.
async fn caller(file: Arc<DriverCreatedFile>, relay: Arc<Relay>, place: u64) {
    for round in 0..ROUNDS {
        if place == 0 && round % CUT_EVERY == 1 {
            relay.cut();
        }
        let offset = (8 * (place * ROUNDS + round)) as i64;
        let data = offset.to_le_bytes();
        let written = file.write(offset, data.to_vec()).await.expect("accepted").await.expect("completed");
        assert_eq!(written.ok().expect("written").information, 8);
        let read = file.read(offset, 8).await.expect("accepted").await.expect("completed");
        assert_eq!(read.data[..], data);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cut_wire_loses_no_request_and_does_none_twice() {
    let server = Server::start();
    for road in ROADS {
        let relay = Arc::new(Relay::start(&server.endpoint).await);
        let (session, file) = open(&relay.endpoint, SessionOptions::new("disk").road(road)).await;
        let file = Arc::new(file);
        let calling = |place| caller(Arc::clone(&file), Arc::clone(&relay), place);
        let mut callers: JoinSet<()> = (0..CALLERS).map(calling).collect();
        while let Some(caller) = callers.join_next().await {
            caller.expect("it found what it had written");
        }
        let file = Arc::into_inner(file).expect("the callers are done");
        let sheet = finish(session, file).await;
        let total = 2 * CALLERS * ROUNDS;
        assert_eq!((sheet.accepted, sheet.completed), (total, total), "{road:?}");
    }
}

/// What three calls that mean nothing are answered with on `road`.
async fn refusals(server: &Server, road: Road) -> Vec<Refusal> {
    let (session, file) = open(&server.endpoint, SessionOptions::new("disk").road(road)).await;
    let limits = session.limits();
    let write = |bytes: u64| {
        let input_memory = Some(v1::InputMemory { data: vec![0; bytes as usize].into(), offset: None });
        Io::Write(v1::WriteFormat { device_offset: None, input_memory })
    };
    let meaningless = [
        Io::InternalDeviceControl(v1::DeviceControlFormat::default()),
        write(limits.payload_bytes_max + 1),
        write(limits.message_bytes_max),
    ];
    let mut refusals = Vec::new();
    for io in meaningless {
        match file.send("what is refused", io, SendOptions::default()).await {
            Err(Error::Refused(refusal)) => refusals.push(*refusal),
            other => panic!("{other:?}"),
        }
    }
    file.read(0, 1).await.expect("the session goes on").await.expect("completed");
    finish(session, file).await;
    refusals
}

#[tokio::test]
async fn a_refusal_is_the_same_on_both_roads() {
    let server = Server::start();
    let submitted = refusals(&server, Road::QueuePair).await;
    assert_eq!(submitted, refusals(&server, Road::Unary).await);
    let reasons: Vec<_> = submitted.iter().map(|refusal| refusal.reason.as_str()).collect();
    assert_eq!(reasons, [reason::IO_KIND_NOT_DELIVERABLE, reason::LIMIT_REACHED, reason::MESSAGE_TOO_LARGE]);
    assert_eq!(submitted[0].fields.len(), 1);
}

#[tokio::test]
async fn a_completion_tells_the_same_on_both_roads() {
    let server = Server::start();
    let mut told = Vec::new();
    for road in ROADS {
        let (session, file) = open(&server.endpoint, SessionOptions::new("disk").road(road)).await;
        let half = Some(v1::MemoryOffset { buffer_offset: 2, buffer_length: 4 });
        let input_memory = Some(v1::InputMemory { data: "abcdefgh".into(), offset: half });
        let output_memory = Some(v1::OutputMemory { size: 8, offset: half, ..Default::default() });
        let ios = [
            Io::Write(v1::WriteFormat { device_offset: Some(16), input_memory: input_memory.clone() }),
            Io::Read(v1::ReadFormat { device_offset: Some(16), output_memory: output_memory.clone() }),
            Io::DeviceControl(v1::DeviceControlFormat { code: 0x22_2000, input_memory, output_memory }),
            Io::Flush(v1::FlushFormat {}),
            Io::QueryInformation(v1::QueryInformationFormat { information_class: 5, output_memory: None }),
            Io::SetInformation(v1::SetInformationFormat { information_class: 20, input_memory: None }),
        ];
        let mut completions = Vec::new();
        for io in ios {
            let pending = file.send("I/O", io, SendOptions::default()).await.expect("accepted");
            let mut completion = pending.await.expect("completed");
            assert_eq!(completion.file_id, file.id());
            completion.file_id.clear();
            completions.push(completion);
        }
        told.push(completions);
        finish(session, file).await;
    }
    assert_eq!(told[0], told[1]);
    assert_eq!(&told[0][1].data[..], b"cdef");
}

#[tokio::test]
async fn the_steps_of_a_request_lead_to_the_same_on_both_roads() {
    let server = Server::start();
    for road in ROADS {
        let (session, file) = open(&server.endpoint, SessionOptions::new("scripted").road(road)).await;
        let lab = Lab::new(transport::connect(&server.endpoint).await.expect("it listens"));
        lab.control_driver(session.stack(), 1, "on read: hold").await.expect("understood");
        let target = session.device().get_default_io_target();
        let request = session.device().create_request().await.expect("created");
        let unformatted = request.send(&target, SendOptions::default()).await.expect("an answer");
        assert!(!unformatted.hresult.is_success(), "{road:?}");
        target.format_request_for_read(&request, &file, None, None).await.expect("formatted");
        let sent = request.send(&target, SendOptions::default()).await.expect("an answer");
        target.cancel_sent_requests_for_file(&file).await.expect("asked");
        lab.control_driver(session.stack(), 1, &format!("complete L0:{} S_OK 0", request.id())).await.expect("held");
        let completion = sent.pending.expect("accepted").await.expect("completed");
        assert_eq!((completion.request_id, completion.io_kind), (request.id(), v1::IoKind::Read));
        request.reuse(lowerdeck_client::HResult::S_OK).await.expect("reused");
        target.format_request_for_flush(&request, &file).await.expect("formatted");
        let synchronous = SendOptions { flags: SendOptions::SYNCHRONOUS, timeout_ticks: 0 };
        let sent = request.send(&target, synchronous).await.expect("an answer");
        assert!(sent.completion.is_some(), "it answers after the completion");
        sent.pending.expect("accepted").await.expect("completed");
        assert!(request.delete_wdf_object().await.expect("deleted").is_success());
        let sheet = finish(session, file).await;
        assert_eq!(sheet.accepted, 2, "{road:?}");
    }
}
