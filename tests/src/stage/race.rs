//! Two acts at once, as a script writes them.

use bytes::Bytes;
use lowerdeck_framework::clock::TICKS_PER_MILLISECOND;

use super::Stage;
use crate::backend::{Act, Deed};

impl Stage {
    /// Two things at once: `close f`, `send r`, `cancel r`, `L1: command`, `start`, `stop`, `remove`,
    /// `advance MILLISECONDS`, `peer HANDLE MESSAGE`.
    pub fn race(&mut self, one: &str, other: &str) -> (Deed, Deed) {
        let (one, other) = (self.act(one), self.act(other));
        self.backend.race(one, other)
    }

    fn act(&self, text: &str) -> Act {
        match text.split_once(' ') {
            Some(("close", file)) => Act::Close(self.number(file)),
            Some(("send", request)) => Act::Send(self.number(request)),
            Some(("cancel", request)) => Act::Cancel(self.number(request)),
            Some(("advance", milliseconds)) => {
                let milliseconds: u64 = milliseconds.parse().expect("the script gives milliseconds");
                Act::Advance(milliseconds * TICKS_PER_MILLISECOND)
            }
            None if text == "start" => Act::Start,
            None if text == "stop" => Act::Stop,
            None if text == "remove" => Act::Remove,
            Some(("peer", what)) => {
                let (handle, message) = what.split_once(' ').expect("the script gives a handle and a message");
                let message = Bytes::copy_from_slice(message.as_bytes());
                Act::PeerWrites(self.number(handle), message)
            }
            Some(("L1:", command)) => Act::Control(1, self.with_labels(command)),
            _ => panic!("the script races `{text}`, which is no act"),
        }
    }
}
