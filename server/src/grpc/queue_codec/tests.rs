//! The short way and prost's agree on whatever comes.

use lowerdeck_proto::v1::submission::Call;
use proptest::prelude::*;

use super::*;

fn by_prost(frame: &[u8]) -> Option<Batch> {
    let message = v1::QueuePairRequest::decode(frame).ok()?;
    let v1::QueuePairRequest { after_sequence, acknowledged_sequence, file_id, submissions } = message;
    let count = submissions.len() as u64;
    let submissions =
        submissions.into_iter().map(|message| from_proto::submission(message, &file_id).map_err(Box::new)).collect();
    Some(Batch { after_sequence, acknowledged_sequence, file_id, count, submissions })
}

fn memory_offset() -> impl Strategy<Value = Option<v1::MemoryOffset>> {
    let offset = any::<(u64, u64)>();
    prop::option::weighted(
        0.2,
        offset.prop_map(|(buffer_offset, buffer_length)| v1::MemoryOffset { buffer_offset, buffer_length }),
    )
}

fn data() -> impl Strategy<Value = Bytes> {
    prop::collection::vec(any::<u8>(), 0..200).prop_map(Bytes::from)
}

fn input() -> impl Strategy<Value = Option<v1::InputMemory>> {
    prop::option::of((data(), memory_offset()).prop_map(|(data, offset)| v1::InputMemory { data, offset }))
}

fn output() -> impl Strategy<Value = Option<v1::OutputMemory>> {
    let contents = prop::option::weighted(0.2, data()).prop_map(Option::unwrap_or_default);
    let memory = (any::<u64>(), memory_offset(), contents);
    prop::option::of(memory.prop_map(|(size, offset, contents)| v1::OutputMemory { size, offset, contents }))
}

fn io() -> impl Strategy<Value = v1::format::Io> {
    use v1::format::Io;
    let offset = || any::<Option<i64>>();
    prop_oneof![
        (offset(), output())
            .prop_map(|(device_offset, output_memory)| Io::Read(v1::ReadFormat { device_offset, output_memory })),
        (offset(), input())
            .prop_map(|(device_offset, input_memory)| Io::Write(v1::WriteFormat { device_offset, input_memory })),
        (any::<u32>(), input(), output()).prop_map(|(code, input_memory, output_memory)| {
            Io::DeviceControl(v1::DeviceControlFormat { code, input_memory, output_memory })
        }),
        Just(Io::Flush(v1::FlushFormat {})),
        (any::<u32>(), input()).prop_map(|(information_class, input_memory)| {
            Io::SetInformation(v1::SetInformationFormat { information_class, input_memory })
        }),
    ]
}

fn send() -> impl Strategy<Value = v1::FormatAndSendRequest> {
    let names = prop_oneof![Just(String::new()), "[a-f0-9é-]{1,12}".prop_map(String::from)];
    let format = (names.clone(), names, prop::option::weighted(0.9, io()))
        .prop_map(|(file_id, target_id, io)| v1::Format { file_id, target_id, io });
    let options = (0u32..9, any::<i64>()).prop_map(|(flags, timeout_ticks)| v1::SendOptions { flags, timeout_ticks });
    let id = prop_oneof![0u64..3, any::<u64>()];
    (id, prop::option::weighted(0.9, format), prop::option::weighted(0.3, options), any::<bool>()).prop_map(
        |(request_id, format, options, retain)| v1::FormatAndSendRequest { request_id, format, options, retain },
    )
}

fn submission() -> impl Strategy<Value = v1::Submission> {
    let call = prop_oneof![
        6 => send().prop_map(Call::FormatAndSend),
        1 => any::<u64>().prop_map(|request_id| Call::Cancel(v1::CancelRequest { request_id })),
        1 => Just(Call::Close(v1::CloseRequest::default())),
    ];
    prop::option::weighted(0.95, call).prop_map(|call| v1::Submission { call })
}

fn request() -> impl Strategy<Value = v1::QueuePairRequest> {
    let file = prop_oneof![Just(String::new()), Just("00000000-0000-4000-8000-000000000001".to_owned())];
    (any::<u64>(), 0u64..300, file, prop::collection::vec(submission(), 0..12)).prop_map(
        |(after_sequence, acknowledged_sequence, file_id, submissions)| v1::QueuePairRequest {
            after_sequence,
            acknowledged_sequence,
            file_id,
            submissions,
        },
    )
}

fn entry() -> impl Strategy<Value = v1::QueueEntry> {
    use v1::queue_entry::Body;
    let number = || prop_oneof![Just(0u64), 1u64..300, any::<u64>()];
    let completion = (number(), any::<u32>(), number(), data()).prop_map(|(request_id, hresult, information, data)| {
        Body::Completion(v1::QueueCompletion { request_id, hresult, information, data })
    });
    let event = number().prop_map(|sequence| Body::Event(Box::new(v1::Event { sequence, ..Default::default() })));
    prop::option::of(prop_oneof![completion, event]).prop_map(|body| v1::QueueEntry { body })
}

proptest! {
    #[test]
    fn a_batch_reads_as_prost_reads_it(request in request()) {
        let frame = Bytes::from(request.encode_to_vec());
        prop_assert_eq!(read(&frame, u64::MAX), by_prost(&frame));
    }

    /// Faults, repeated and unknown fields: whatever a client may send.
    #[test]
    fn a_disturbed_batch_reads_as_prost_reads_it(
        request in request(),
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
    ) {
        let mut frame = request.encode_to_vec();
        prop_assume!(!frame.is_empty());
        for (place, byte) in changes {
            let place = place.index(frame.len());
            frame[place] = byte;
        }
        let frame = Bytes::from(frame);
        let (ours, theirs) = (read(&frame, u64::MAX), by_prost(&frame));
        // Groups are what prost passes over and nobody sends.
        prop_assert!(ours == theirs || ours.is_none(), "{ours:?}\n{theirs:?}");
    }

    #[test]
    fn a_response_is_written_as_prost_reads_it(
        submissions_taken in any::<u64>(),
        first_sequence in any::<u64>(),
        entries in prop::collection::vec(entry(), 0..8),
        last_event_sequence in any::<Option<u64>>(),
    ) {
        let heartbeat = last_event_sequence.map(|last_event_sequence| v1::Heartbeat { last_event_sequence, ..Default::default() });
        let results = vec![v1::SubmissionResult { submission: 7, result: None }];
        let response = v1::QueuePairResponse { submissions_taken, results, first_sequence, entries, heartbeat };
        let mut frame = bytes::BytesMut::new();
        put(response.clone(), &mut frame).expect("a growing buffer has room");
        prop_assert_eq!(v1::QueuePairResponse::decode(frame), Ok(response));
    }
}

#[test]
fn the_usual_submission_takes_the_short_way() {
    let input_memory = Some(v1::InputMemory { data: Bytes::from_static(b"data"), offset: None });
    let io = v1::format::Io::DeviceControl(v1::DeviceControlFormat { code: 1, input_memory, output_memory: None });
    let format = Some(v1::Format { io: Some(io), ..Default::default() });
    let send = v1::FormatAndSendRequest { request_id: 1, format, ..Default::default() };
    let message = v1::Submission { call: Some(Call::FormatAndSend(send)) };
    let frame = Bytes::from(message.encode_to_vec());
    let read = quick::submission(&frame, &frame).expect("the usual one");
    assert_eq!(Ok(read), from_proto::submission(message, ""));
}

/// Protobuf merges a message that comes twice in one field.
#[test]
fn parts_that_come_twice_read_as_prost_reads_them() {
    let read = |io| v1::Format { io: Some(io), ..Default::default() };
    let output = |size| Some(v1::OutputMemory { size, ..Default::default() });
    let first = read(v1::format::Io::Read(v1::ReadFormat { device_offset: Some(7), output_memory: output(1) }));
    let second = read(v1::format::Io::Read(v1::ReadFormat { device_offset: None, output_memory: output(2) }));
    let mut send =
        v1::FormatAndSendRequest { request_id: 1, format: Some(first), ..Default::default() }.encode_to_vec();
    send.extend(v1::FormatAndSendRequest { format: Some(second), ..Default::default() }.encode_to_vec());
    let mut frame = vec![SUBMISSION as u8];
    let mut submission = vec![0x0A, send.len() as u8];
    submission.extend(send);
    frame.push(submission.len() as u8);
    frame.extend(submission);
    let frame = Bytes::from(frame);
    let batch = super::read(&frame, u64::MAX).expect("well formed");
    assert_eq!(Some(&batch), by_prost(&frame).as_ref());
    let Some(Ok(Submission::FormatAndSend { format, .. })) = batch.submissions.first() else { panic!("{batch:?}") };
    let merged = lowerdeck_framework::memory::OutputMemory::empty(2);
    let expected = lowerdeck_framework::io::FormatIo::Read { output: Some(merged), device_offset: Some(7) };
    assert_eq!(format.io, expected);
}

#[test]
fn a_batch_beyond_the_limit_is_counted_and_not_read() {
    let submissions = vec![v1::Submission::default(); 5];
    let frame = Bytes::from(v1::QueuePairRequest { submissions, ..Default::default() }.encode_to_vec());
    let batch = read(&frame, 4).expect("well formed");
    assert_eq!((batch.count, batch.submissions.len()), (5, 0));
}
