//! How the messages of a queue pair are read and written.
//!
//! Laws: what is read here is what prost and `from_proto` make of the same bytes, but for protobuf's groups, which no
//! client of a proto3 contract sends and which are refused; only the way is shorter. The usual submission goes straight
//! from the frame to the session's own form, its payload a part of the frame; every other one is left to prost. A batch
//! beyond its limit is counted, and not read.

mod quick;

use bytes::{Buf, BufMut, Bytes};
use lowerdeck_proto::v1;
use prost::Message;
use tonic::Status;
use tonic::codec::{BufferSettings, Codec, DecodeBuf, Decoder, EncodeBuf, Encoder};

use self::quick::Fields;
use super::from_proto;
use super::status::Refusal;
use crate::session::Submission;

/// A message of the client's, read.
#[derive(Debug, Default, PartialEq)]
pub struct Batch {
    /// `after_sequence`.
    pub after_sequence: u64,
    /// `acknowledged_sequence`.
    pub acknowledged_sequence: u64,
    /// `file_id`.
    pub file_id: String,
    /// How many submissions there are.
    pub count: u64,
    /// The submissions, or why one means nothing; none when there are more than may be.
    pub submissions: Vec<Result<Submission, Box<Refusal>>>,
}

/// The codec of the server's side.
#[derive(Debug, Clone, Copy)]
pub struct QueueCodec {
    /// Most submissions of one message.
    pub submissions_max: u64,
}

impl Codec for QueueCodec {
    type Encode = v1::QueuePairResponse;
    type Decode = Batch;
    type Encoder = QueueEncoder;
    type Decoder = QueueDecoder;

    fn encoder(&mut self) -> QueueEncoder {
        QueueEncoder
    }

    fn decoder(&mut self) -> QueueDecoder {
        QueueDecoder { submissions_max: self.submissions_max }
    }
}

/// Reads [`Batch`]es.
#[derive(Debug)]
pub struct QueueDecoder {
    submissions_max: u64,
}

impl Decoder for QueueDecoder {
    type Item = Batch;
    type Error = Status;

    fn decode(&mut self, frame: &mut DecodeBuf<'_>) -> Result<Option<Batch>, Status> {
        let frame = frame.copy_to_bytes(frame.remaining()); // a part of what was received, not a copy
        let batch = read(&frame, self.submissions_max);
        batch.map(Some).ok_or_else(|| Refusal::Undecodable.into())
    }

    fn buffer_settings(&self) -> BufferSettings {
        BufferSettings::default()
    }
}

// Keys of QueuePairRequest: number and wire type in one byte.
const AFTER_SEQUENCE: u64 = 0x08;
const ACKNOWLEDGED_SEQUENCE: u64 = 0x10;
const FILE_ID: u64 = 0x1A;
const SUBMISSION: u64 = 0x22;

/// None for what prost refuses.
fn read(frame: &Bytes, submissions_max: u64) -> Option<Batch> {
    let mut batch = Batch::default();
    let mut fields = Fields::of(frame);
    while !fields.is_empty() {
        match fields.varint()? {
            AFTER_SEQUENCE => batch.after_sequence = fields.varint()?,
            ACKNOWLEDGED_SEQUENCE => batch.acknowledged_sequence = fields.varint()?,
            FILE_ID => batch.file_id = fields.text()?.to_owned(),
            SUBMISSION => {
                fields.delimited()?;
                batch.count += 1;
            }
            key => fields.skip(key, 1..=4)?,
        }
    }
    if batch.count > submissions_max {
        return Some(batch);
    }
    batch.submissions.reserve_exact(batch.count as usize); // at most as many as the limit
    let mut fields = Fields::of(frame);
    while !fields.is_empty() {
        match fields.varint()? {
            SUBMISSION => batch.submissions.push(submission(frame, fields.delimited()?, &batch.file_id)?),
            AFTER_SEQUENCE | ACKNOWLEDGED_SEQUENCE => drop(fields.varint()?),
            FILE_ID => drop(fields.delimited()?),
            key => fields.skip(key, 1..=4)?,
        }
    }
    Some(batch)
}

fn submission(frame: &Bytes, bytes: &[u8], file: &str) -> Option<Result<Submission, Box<Refusal>>> {
    if let Some(submission) = quick::submission(frame, bytes) {
        return Some(Ok(submission));
    }
    let message = v1::Submission::decode(frame.slice_ref(bytes)).ok()?;
    Some(from_proto::submission(message, file).map_err(Box::new))
}

/// Writes responses.
#[derive(Debug)]
pub struct QueueEncoder;

impl Encoder for QueueEncoder {
    type Item = v1::QueuePairResponse;
    type Error = Status;

    fn encode(&mut self, response: v1::QueuePairResponse, frame: &mut EncodeBuf<'_>) -> Result<(), Status> {
        put(response, frame).map_err(|_| Refusal::Internal.into()) // a frame grows
    }

    fn buffer_settings(&self) -> BufferSettings {
        BufferSettings::default()
    }
}

/// Entries last: the order of fields means nothing.
fn put(mut response: v1::QueuePairResponse, frame: &mut impl BufMut) -> Result<(), prost::EncodeError> {
    let entries = std::mem::take(&mut response.entries);
    response.encode(frame)?;
    entries.iter().for_each(|entry| write(entry, frame));
    Ok(())
}

// Keys of QueuePairResponse, QueueEntry and QueueCompletion.
const ENTRY: u32 = 4;
const ENTRY_KEY: u8 = 0x22;
const COMPLETION_KEY: u8 = 0x0A;
const REQUEST_ID_KEY: u8 = 0x08;
const HRESULT_KEY: u8 = 0x10;
const INFORMATION_KEY: u8 = 0x18;
const DATA_KEY: u8 = 0x22;

/// One of `entries`: a completion by hand, everything else by prost.
fn write(entry: &v1::QueueEntry, frame: &mut impl BufMut) {
    let Some(v1::queue_entry::Body::Completion(completion)) = &entry.body else {
        return prost::encoding::message::encode(ENTRY, entry, frame);
    };
    let mut fields = Head::new();
    fields.number(REQUEST_ID_KEY, completion.request_id);
    fields.number(HRESULT_KEY, u64::from(completion.hresult));
    fields.number(INFORMATION_KEY, completion.information);
    fields.number(DATA_KEY, completion.data.len() as u64);
    let length = fields.length + completion.data.len();
    let mut head = Head::new();
    head.byte(ENTRY_KEY);
    head.varint((1 + varint_length(length as u64) + length) as u64);
    head.byte(COMPLETION_KEY);
    head.varint(length as u64);
    frame.put_slice(head.written());
    frame.put_slice(fields.written());
    frame.put_slice(&completion.data);
}

/// A few fields in a place of their own: four keys and four numbers at most.
struct Head {
    bytes: [u8; 48],
    length: usize,
}

impl Head {
    fn new() -> Head {
        Head { bytes: [0; 48], length: 0 }
    }

    fn written(&self) -> &[u8] {
        &self.bytes[..self.length]
    }

    fn byte(&mut self, byte: u8) {
        self.bytes[self.length] = byte;
        self.length += 1;
    }

    /// A number, which is left out when it is 0.
    fn number(&mut self, key: u8, number: u64) {
        if number != 0 {
            self.byte(key);
            self.varint(number);
        }
    }

    fn varint(&mut self, mut number: u64) {
        while number >= 0x80 {
            self.byte(number as u8 | 0x80);
            number >>= 7;
        }
        self.byte(number as u8);
    }
}

/// Bytes that a varint takes.
fn varint_length(number: u64) -> usize {
    (64 - (number | 1).leading_zeros() as usize).div_ceil(7)
}

#[cfg(test)]
mod tests;
