//! The messages that are measured, filled as a busy client and a busy server fill them.

use lowerdeck_proto::v1;
use prost::bytes::Bytes;

use v1::format::Io;
use v1::queue_entry::Body;
use v1::submission::Call;

/// A file's id, as long as every other.
const FILE_ID: &str = "6f1d0c7e-52a4-4b0e-9a6c-0d2f3b1e8a57";
/// As large as ids and event numbers are after an hour of load: five bytes on the wire.
const FIRST_NUMBER: u64 = 1 << 30;

/// A device control with so much input.
pub fn device_control(input: usize) -> Io {
    let input_memory = Some(v1::InputMemory { data: payload(input), offset: None });
    Io::DeviceControl(v1::DeviceControlFormat { code: 0x8000_2000, input_memory, output_memory: None })
}

/// A write of so much.
pub fn write(length: usize) -> Io {
    let input_memory = Some(v1::InputMemory { data: payload(length), offset: None });
    Io::Write(v1::WriteFormat { device_offset: Some(1 << 25), input_memory })
}

/// A batch of `count` times the same, for a file that the batch names.
pub fn submissions(count: u64, io: &Io) -> v1::QueuePairRequest {
    let submission = |number| v1::Submission {
        call: Some(Call::FormatAndSend(v1::FormatAndSendRequest {
            request_id: FIRST_NUMBER + number,
            format: Some(v1::Format { io: Some(io.clone()), ..Default::default() }),
            ..Default::default()
        })),
    };
    v1::QueuePairRequest {
        after_sequence: 0,
        acknowledged_sequence: FIRST_NUMBER,
        file_id: FILE_ID.to_owned(),
        submissions: (0..count).map(submission).collect(),
    }
}

/// `count` completions, each with so much data.
pub fn completions(count: u64, data: usize) -> v1::QueuePairResponse {
    let entry = |number| v1::QueueEntry {
        body: Some(Body::Completion(v1::QueueCompletion {
            request_id: FIRST_NUMBER + number,
            hresult: 0,
            information: data as u64,
            data: payload(data),
        })),
    };
    v1::QueuePairResponse {
        submissions_taken: FIRST_NUMBER + count,
        results: Vec::new(),
        first_sequence: FIRST_NUMBER,
        entries: (0..count).map(entry).collect(),
        heartbeat: None,
    }
}

/// A synchronous device control with 64 bytes of input.
pub fn format_and_send() -> v1::FormatAndSendRequest {
    v1::FormatAndSendRequest {
        request_id: FIRST_NUMBER,
        format: Some(v1::Format {
            file_id: FILE_ID.to_owned(),
            target_id: String::new(),
            io: Some(device_control(64)),
        }),
        options: Some(v1::SendOptions { flags: 0x2, timeout_ticks: 0 }),
        retain: false,
    }
}

/// What it returns.
pub fn sent() -> v1::FormatAndSendResponse {
    let completion = v1::RequestCompleted {
        request_id: FIRST_NUMBER,
        file_id: FILE_ID.to_owned(),
        io_kind: v1::IoKind::DeviceControl.into(),
        ioctl_code: 0x8000_2000,
        ..Default::default()
    };
    v1::FormatAndSendResponse { hresult: 0, completion: Some(completion) }
}

/// A create with a name.
pub fn create_wdf_file() -> v1::CreateWdfFileRequest {
    v1::CreateWdfFileRequest { request_id: FIRST_NUMBER, file_name: Some("boot".to_owned()) }
}

/// What it returns.
pub fn created() -> v1::CreateWdfFileResponse {
    v1::CreateWdfFileResponse { hresult: 0, file_id: FILE_ID.to_owned() }
}

/// A close.
pub fn close() -> v1::CloseRequest {
    v1::CloseRequest { file_id: FILE_ID.to_owned() }
}

/// A cancel.
pub fn cancel() -> v1::CancelRequest {
    v1::CancelRequest { request_id: FIRST_NUMBER }
}

/// What it returns.
pub fn cancelled() -> v1::CancelResponse {
    v1::CancelResponse { cancelled: true, answer: v1::CancelAnswer::Delivered.into() }
}

fn payload(length: usize) -> Bytes {
    Bytes::from(vec![0x5A; length])
}
