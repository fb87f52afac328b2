//! Data for reads to find: a device that was never written may answer them without touching its memory.

use bytes::Bytes;
use lowerdeck_proto::v1;
use lowerdeck_proto::v1::queue_entry::Body;

use super::queue::{LoadQueue, not_accepted};
use super::setup::LoadSession;
use crate::error::Error;
use crate::hresult::HResult;

/// Bytes of one write.
const PIECE_BYTES: u64 = 256 * 1024;
/// Writes in flight.
const DEPTH: u64 = 8;

impl LoadSession {
    /// Writes the first `span` bytes of the device, with no zeros among them.
    ///
    /// # Errors
    /// As `QueuePair`; [`Error::Umdf`] when a write fails.
    pub async fn fill(&self, span: u64) -> Result<(), Error> {
        let data = Bytes::from(vec![0xA5; PIECE_BYTES.min(span) as usize]);
        let first = v1::QueuePairRequest { after_sequence: self.processed(), ..Default::default() };
        let mut queue = LoadQueue::open(self, first).await?;
        let (mut offset, mut in_flight) = (0, 0);
        while offset < span || in_flight > 0 {
            while offset < span && in_flight < DEPTH {
                let length = PIECE_BYTES.min(span - offset);
                queue.send(self.write(offset, data.slice(..length as usize), self.processed())).await?;
                offset += length;
                in_flight += 1;
            }
            let response = queue.next().await?;
            if let Some(result) = response.results.first() {
                return Err(not_accepted(result));
            }
            self.add_processed(response.entries.len() as u64);
            for entry in response.entries {
                let Some(Body::Completion(completion)) = entry.body else { continue };
                let hresult = HResult(completion.hresult);
                if !hresult.is_success() {
                    return Err(Error::Umdf { call: "write", hresult });
                }
                in_flight -= 1;
            }
        }
        queue.send(v1::QueuePairRequest { acknowledged_sequence: self.processed(), ..Default::default() }).await
    }

    fn write(&self, offset: u64, data: Bytes, processed: u64) -> v1::QueuePairRequest {
        let write = v1::WriteFormat {
            device_offset: Some(offset as i64),
            input_memory: Some(v1::InputMemory { data, offset: None }),
        };
        let format = Some(v1::Format { io: Some(v1::format::Io::Write(write)), ..Default::default() });
        let send = v1::FormatAndSendRequest { request_id: self.new_request(), format, ..Default::default() };
        v1::QueuePairRequest {
            acknowledged_sequence: processed,
            file_id: self.file.clone(),
            submissions: vec![v1::Submission { call: Some(v1::submission::Call::FormatAndSend(send)) }],
            ..Default::default()
        }
    }
}
