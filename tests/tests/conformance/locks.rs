//! Group J: the lock of a device, held by its callbacks or by its driver.

use lowerdeck_framework::status::HResult;
use lowerdeck_tests::scenario;
use lowerdeck_tests::scenario::{lenient, stack};
use lowerdeck_tests::stage::{read, write};

use crate::{DEFAULT, FORWARDING};

scenario! {
    j01_device_level_exclusion: stack(DEFAULT), [framework, wire], |s| {
        s.open("f");
        s.control(1, "on read: block");
        s.start("r1", "f", read(4));
        s.start("r2", "f", read(4));
        s.start("w", "f", write(b"data"));
        let create = s.begin_create("g", None);
        for waiting in ["L1.Io(read, r2)", "L1.Io(write, w)", "L1.Create(g)"] {
            s.never(waiting);
        }
        s.control(1, "on read: complete(S_OK, 4)");
        s.control(1, "release");
        for done in ["L1.Io(read, r2)", "L1.Io(write, w)", "L1.Create(g)"] {
            s.once(done);
        }
        assert!(s.has_returned(create));
        s.control(1, "complete {r1} S_OK 4");
        s.close("g");
        s.close("f");
    }
}

scenario! {
    j02_constraint_none: stack("scripted(locking=none)"), [framework, wire], |s| {
        s.open("f");
        s.control(1, "on read: block");
        s.start("r1", "f", read(4));
        s.start("r2", "f", read(4));
        s.once("L1.Io(read, r1)");
        s.once("L1.Io(read, r2)");
        for request in ["r1", "r2"] {
            s.control(1, "release");
            s.control(1, &format!("complete {{{request}}} S_OK 4"));
        }
        s.close("f");
    }
}

scenario! {
    j03_on_completion_is_free: stack(FORWARDING), [framework, wire], |s| {
        s.open("f");
        s.control(1, "on read: forward");
        s.control(2, "on read: hold");
        s.start("r", "f", read(4));
        s.control(1, "on write: block");
        s.start("w", "f", write(b"data"));
        s.control(2, "complete {r} S_OK 4");
        s.once("L1.OnCompletion(r)");
        assert_eq!(s.ended("r"), (HResult::S_OK, 4));
        s.control(1, "release");
        s.control(1, "complete {w} S_OK 4");
        s.close("f");
    }
}

scenario! {
    j05_layers_are_independent: stack(FORWARDING), [framework, wire], |s| {
        s.open("f");
        s.control(1, "on read: forward");
        s.control(2, "on read: block");
        s.start("r", "f", read(4));
        s.start("w", "f", write(b"data"));
        s.order("L2.Io(read, r) < L1.Io(write, w) < L1.Done(w)");
        s.never("L2.Done(r)");
        s.control(2, "release");
        s.control(2, "complete {r} S_OK 4");
        s.close("f");
    }
}

scenario! {
    /// A command is L1's worker thread. What the lock does not cover, OnCompletion, goes on (SYN-3).
    j09_acquire_lock_is_the_same_lock: stack(FORWARDING), [framework, wire], |s| {
        s.control(1, "on write: arm");
        s.control(1, "on read name=g: forward");
        s.control(2, "on read: hold");
        s.open("f");
        assert_eq!(s.create_named("g", Some("g")), HResult::S_OK);
        s.start("armed", "f", write(b"data"));
        s.start("below", "g", read(4));
        assert_eq!(s.control(1, "acquire-lock"), "Acquired");
        s.start("r", "f", read(4));
        assert!(s.cancel("armed").is_true());
        let create = s.begin_create("h", None);
        let close = s.begin_close("g");
        s.control(2, "complete {below} S_OK 4");
        assert_eq!(s.ended("below"), (HResult::S_OK, 4));
        let kept_out = ["L1.Io(read, r)", "L1.OnCancel(armed)", "L1.Create(h)", "L1.Cleanup+(g)"];
        for callback in kept_out {
            s.never(callback);
        }
        assert!(!s.has_returned(create) && !s.has_returned(close));
        assert_eq!(s.control(1, "release-lock"), "ok");
        for callback in kept_out {
            s.once(callback);
        }
        assert!(s.has_returned(create) && s.has_returned(close));
        s.close("f");
        s.close("h");
    }
}

scenario! {
    /// A callback has the lock: the driver gets it when that has returned, and is told.
    j09_acquire_lock_waits_for_the_callback_that_has_it: stack(DEFAULT), [framework, wire], |s| {
        s.control(1, "on read: block");
        s.open("f");
        s.start("r", "f", read(4));
        assert_eq!(s.control(1, "acquire-lock"), "Waits");
        assert_eq!(s.control(1, "acquire-lock"), "STATUS_INVALID_DEVICE_REQUEST", "it has asked for it");
        s.start("w", "f", write(b"data"));
        assert_eq!(s.control(1, "notes"), "");
        s.control(1, "release");
        // Both waited, and one of them came first; the driver has the lock in the end.
        assert_eq!(s.control(1, "notes"), "lock acquired");
        s.start("v", "f", write(b"data"));
        s.never("L1.Io(write, v)");
        s.control(1, "release-lock");
        s.once("L1.Io(write, v)");
        s.once("L1.Io(write, w)");
        s.control(1, "complete {r} S_OK 4");
        s.close("f");
    }
}

scenario! {
    j09_releasing_what_was_not_acquired: lenient(DEFAULT), [framework, wire], |s| {
        s.tolerance.verdicts = true;
        s.control(1, "on read: block");
        s.open("f");
        s.start("r", "f", read(4));
        s.control(1, "release-lock");
        s.once("L1.Finding(SYN-6)");
        s.start("w", "f", write(b"data"));
        s.never("L1.Io(write, w)"); // the callback still has it
        s.control(1, "release");
        s.control(1, "complete {r} S_OK 4");
        s.close("f");
    }
}

scenario! {
    /// SYN-1: without the constraint there is no such lock.
    j09_there_is_no_lock_without_the_constraint: stack("scripted(locking=none)"), [framework, wire], |s| {
        assert_eq!(s.control(1, "acquire-lock"), "STATUS_INVALID_DEVICE_REQUEST");
    }
}
