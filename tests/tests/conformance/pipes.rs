//! Group G: what a handle itself does. Nothing here depends on how a back end plays it: real handles are held to the same.

use bytes::Bytes;
use lowerdeck_framework::status::HResult;
use lowerdeck_tests::backend::{CancelAnswer, Deed, Io};
use lowerdeck_tests::handles::{Opened, PeerAct};
use lowerdeck_tests::scenario::with_handles;
use lowerdeck_tests::stage::{read, write};
use lowerdeck_tests::{race, scenario};

use crate::DEFAULT;
use crate::handles::{CANCELLED, bytes, success};

scenario! {
    g08_message_boundaries: with_handles(DEFAULT), [framework, wire], |s| {
        let pipe = s.target_on("t", Opened::Pipe);
        s.peer_writes(&pipe, b"abc");
        s.peer_writes(&pipe, b"defgh");
        s.start_on("r1", "t", read(16));
        s.start_on("r2", "t", read(16));
        assert_eq!((s.brought("r1"), s.brought("r2")), (success(b"abc"), success(b"defgh")));
        s.start_on("w1", "t", write(b"abc"));
        s.start_on("w2", "t", write(b"defgh"));
        assert_eq!((s.ended("w1"), s.ended("w2")), ((HResult::S_OK, 3), (HResult::S_OK, 5)));
        assert_eq!(s.written(&pipe), [bytes(b"abc"), bytes(b"defgh")]);
    }
}

scenario! {
    g09_short_read_of_a_message: with_handles(DEFAULT), [framework, wire], |s| {
        let pipe = s.target_on("t", Opened::Pipe);
        s.peer_writes(&pipe, b"abcde");
        for request in ["r1", "r2", "r3"] {
            s.start_on(request, "t", read(2));
        }
        assert_eq!(s.brought("r1"), (HResult::ERROR_MORE_DATA, 2, bytes(b"ab")));
        assert_eq!(s.brought("r2"), (HResult::ERROR_MORE_DATA, 2, bytes(b"cd")));
        assert_eq!(s.brought("r3"), success(b"e"));
    }
}

scenario! {
    g10_zero_byte_message: with_handles(DEFAULT), [framework, wire], |s| {
        let pipe = s.target_on("t", Opened::Pipe);
        s.peer_writes(&pipe, b"");
        s.start_on("r1", "t", read(16));
        assert_eq!(s.brought("r1"), success(b""));
        s.start_on("r2", "t", read(16));
        assert_eq!(s.state_of("r2"), "InFlight");
        s.peer_writes(&pipe, b"more");
        assert_eq!(s.brought("r2"), success(b"more"));
    }
}

scenario! {
    g11_empty_pipe: with_handles(DEFAULT), [framework, wire], |s| {
        s.target_on("t", Opened::Pipe);
        s.start_on("r", "t", read(16));
        assert_eq!(s.state_of("r"), "InFlight");
        assert_eq!(s.cancel("r"), CancelAnswer::Delivered);
        assert_eq!(s.ended("r"), CANCELLED);
    }
}

scenario! {
    g12_peer_closes: with_handles(DEFAULT), [framework, wire], |s| {
        let pipe = s.target_on("t", Opened::Pipe);
        s.start_on("pending", "t", read(16));
        s.peer(&pipe, PeerAct::Close);
        assert_eq!(s.ended("pending"), (HResult(0x8007_006D), 0));
        s.start_on("later", "t", read(16));
        assert_eq!(s.ended("later"), (HResult(0x8007_006D), 0));
        s.start_on("write", "t", write(b"late"));
        assert_eq!(s.ended("write"), (HResult(0x8007_00E8), 0));
    }
}

scenario! {
    g13_server_end_not_connected: with_handles(DEFAULT), [framework, wire], |s| {
        let pipe = s.target_on("t", Opened::ListeningPipe);
        s.start_on("r1", "t", read(16));
        s.start_on("w1", "t", write(b"early"));
        assert_eq!(s.ended("r1"), (HResult(0x8007_0218), 0));
        assert_eq!(s.ended("w1"), (HResult(0x8007_0218), 0));
        s.peer(&pipe, PeerAct::Connect);
        s.start_on("r2", "t", read(16));
        s.peer_writes(&pipe, b"hello");
        assert_eq!(s.brought("r2"), success(b"hello"));
        assert_eq!(s.written(&pipe), [] as [Bytes; 0]);
    }
}

scenario! {
    g18_offsets: with_handles(DEFAULT), [framework, wire], |s| {
        let mut content = vec![0; 4096];
        content.extend_from_slice(b"right");
        s.target_on("disk", Opened::Disk(Bytes::from(content)));
        let at = |offset, size| Io::Read { size: Some(size), window: None, offset: Some(offset) };
        s.start_on("right", "disk", at(4096, 5));
        assert_eq!(s.brought("right"), success(b"right"));
        s.start_on("over", "disk", at(4099, 16));
        assert_eq!(s.brought("over"), success(b"ht"));
        s.start_on("past", "disk", at(4101, 16));
        assert_eq!(s.brought("past"), (HResult(0x8007_0026), 0, bytes(b"")));
        s.start_on("patch", "disk", Io::Write { data: Some(bytes(b"wr")), window: None, offset: Some(4096) });
        assert_eq!(s.ended("patch"), (HResult::S_OK, 2));
        assert_eq!(s.written("disk.handle")[0][4096..], *b"wrght");
        let pipe = s.target_on("pipe", Opened::Pipe);
        s.peer_writes(&pipe, b"first");
        s.start_on("piped", "pipe", at(4096, 16));
        assert_eq!(s.brought("piped"), success(b"first"));
    }
}

race! {
    /// Even a cancel that was delivered may lose (FHT-13).
    g19_cancel_versus_pipe_data: with_handles(DEFAULT), ["data", "data all the same", "cancelled"], |s| {
        s.target_on("t", Opened::Pipe);
        s.start_on("r", "t", read(16));
        let (cancel, _) = s.race("cancel r", "peer t.handle hello");
        let delivered = cancel == Deed::Cancelled(CancelAnswer::Delivered);
        match (s.brought("r"), delivered) {
            (brought, true) if brought == success(b"hello") => "data all the same",
            (brought, false) if brought == success(b"hello") => "data",
            ((HResult::ERROR_OPERATION_ABORTED, 0, data), true) if data.is_empty() => {
                s.start_on("next", "t", read(16));
                assert_eq!(s.brought("next"), success(b"hello"), "the message is still there");
                "cancelled"
            }
            other => s.fail(&format!("{other:?} is no outcome of this race")),
        }
    }
}

scenario! {
    /// A timeout asks the host and morphs its cancelled status; a read that data reaches first keeps its own (REQ-25).
    g11_timeout_at_the_host: with_handles(DEFAULT), [framework, wire], |s| {
        let pipe = s.target_on("t", Opened::Pipe);
        for request in ["late", "prompt"] {
            s.request(request);
            s.format_for(request, "t", None, read(16));
            assert_eq!(s.send_timed(request, "t", -10_000), HResult::S_OK);
        }
        s.peer_writes(&pipe, b"hello");
        assert_eq!(s.brought("late"), success(b"hello"));
        s.advance(1);
        assert_eq!(s.brought("late"), success(b"hello"));
        assert_eq!(s.ended("prompt"), (HResult::STATUS_IO_TIMEOUT, 0));
    }
}
