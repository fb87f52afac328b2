//! Laws of several groups that only the upper driver can see: its target, its memory, its clock, its closed file.

use lowerdeck_framework::status::HResult;
use lowerdeck_tests::scenario;
use lowerdeck_tests::scenario::stack;
use lowerdeck_tests::stage::read;

use crate::{DEFAULT, FORWARDING};

const MINUTE: i64 = 60 * 10_000_000;
const HOUR_IN_MILLISECONDS: i64 = 60 * 60 * 1000;

scenario! {
    /// Every other scenario is searched for late I/O by law Z4; here L0 and L1 try it on purpose.
    b27_nothing_after_on_close_file: stack(FORWARDING), [framework, wire], |s| {
        s.control(1, "on read: forward");
        s.control(1, "on close: send(read, number=900, length=4)");
        s.control(2, "on read: hold");
        s.open("f");
        s.start("r", "f", read(4));
        for late in ["formatted", "unformatted"] {
            s.request(late);
        }
        assert_eq!(s.format("formatted", Some("f"), read(4)), HResult::S_OK);
        s.close("f");
        s.never("L1.Close+(f)");
        s.control(2, "complete {r} S_OK 4");
        s.order("L0.OnCompletion(r) < L1.Close+(f) < L1.Close-(f) < L2.Close+(f)");
        assert_eq!(s.send("formatted"), HResult::STATUS_FILE_CLOSED);
        s.order("L1.Close+(f) < L0.Send(formatted, STATUS_FILE_CLOSED)");
        assert_eq!(s.format("unformatted", Some("f"), read(4)), HResult::STATUS_FILE_CLOSED);
        for layer in ["L1", "L2"] {
            assert_eq!(s.count(&format!("{layer}.Io")), 1, "{layer} got the read before its close, and nothing after");
        }
    }
}

scenario! {
    d26_no_early_data: stack(DEFAULT), [framework, wire], |s| {
        s.control(1, "on read: hold");
        s.open("f");
        s.start("r", "f", read(8));
        assert_eq!((s.completion("r"), s.received_by("r").len()), (None, 0));
        s.cancel("r");
        assert_eq!((s.completion("r"), s.received_by("r").len()), (None, 0));
        s.control(1, "complete {r} S_OK 3 data=\"halfdone\"");
        assert_eq!(s.ended("r"), (HResult::S_OK, 3));
        assert_eq!(&s.received_by("r")[..], b"hal");
        s.close("f");
    }
}

scenario! {
    e29_clock_change: stack(DEFAULT), [framework, wire], |s| {
        s.control(1, "on read: arm");
        s.open("f");
        let wall = s.shift_wall_clock(0);
        for (request, timeout) in [("relative", -30 * MINUTE), ("absolute", wall + 30 * MINUTE), ("later", wall + 90 * MINUTE)] {
            s.start_timed(request, "f", read(4), timeout);
        }
        assert_eq!(s.shift_wall_clock(HOUR_IN_MILLISECONDS), wall + 60 * MINUTE);
        assert_eq!(s.ended("absolute").0, HResult::STATUS_IO_TIMEOUT);
        s.once("L0.Timeout");
        assert_eq!((s.completion("relative"), s.completion("later")), (None, None));
        s.advance(30 * 60 * 1000 - 1);
        assert_eq!(s.completion("relative"), None);
        s.advance(1);
        assert_eq!((s.ended("relative").0, s.ended("later").0), (HResult::STATUS_IO_TIMEOUT, HResult::STATUS_IO_TIMEOUT));
        s.close("f");
    }
}

scenario! {
    c02_get_target_file: stack(DEFAULT), [framework, wire], |s| {
        assert!(!s.has_target_file());
    }
}

scenario! {
    c31_delete_of_the_default_target: stack(DEFAULT), [framework, wire], |s| {
        assert_eq!(s.delete_target(), HResult::ERROR_ACCESS_DENIED);
        assert_eq!(s.target_state(), 1, "it is as it was");
        s.open("f");
        s.start("r", "f", read(4));
        assert_eq!(s.ended("r"), (HResult::S_OK, 4));
        s.close("f");
    }
}
