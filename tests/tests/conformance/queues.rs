//! Groups F and J: queues of hosted drivers, and the device lock.

use lowerdeck_framework::status::HResult;
use lowerdeck_tests::scenario;
use lowerdeck_tests::scenario::stack;
use lowerdeck_tests::stage::{read, write};

use crate::{DEFAULT, FORWARDING};

scenario! {
    f01_sequential: stack("scripted(queue=sequential)"), [framework, wire], |s| {
        s.control(1, "on write: hold");
        s.open("f");
        for request in ["w1", "w2", "w3"] {
            s.start(request, "f", write(b"data"));
        }
        s.never("L1.Io(write, w2)");
        for request in ["w1", "w2", "w3"] {
            s.control(1, &format!("complete {{{request}}} S_OK 4"));
        }
        s.order("L1.Io(write, w1) < L1.Done(w1) < L1.Io(write, w2) < L1.Done(w2) < L1.Io(write, w3)");
        s.close("f");
    }
}

scenario! {
    f02_forwarding_down_does_not_free_a_sequential_queue:
    stack("scripted(role=filter, queue=sequential, create=none) / scripted"), [framework, wire], |s| {
        s.open("f");
        s.control(1, "on read: forward");
        s.control(2, "on read: hold");
        s.start("r1", "f", read(4));
        s.start("r2", "f", read(4));
        s.once("L2.Io(read, r1)");
        s.never("L1.Io(read, r2)");
        s.control(2, "complete {r1} S_OK 4");
        s.order("L1.Done(r1) < L1.Io(read, r2)");
        s.control(2, "complete {r2} S_OK 4");
        s.close("f");
    }
}

scenario! {
    f03_parallel: stack(DEFAULT), [framework, wire], |s| {
        s.control(1, "on read: hold");
        s.open("f");
        for request in ["r1", "r2", "r3"] {
            s.start(request, "f", read(4));
            s.once(&format!("L1.Io(read, {request})"));
        }
        for request in ["r1", "r2", "r3"] {
            s.control(1, &format!("complete {{{request}}} S_OK 4"));
        }
        s.close("f");
    }
}

scenario! {
    f10_zero_length: stack("scripted(zero_length=forbid)"), [framework, wire], |s| {
        s.open("f");
        s.start("r", "f", read(0));
        assert_eq!(s.ended("r"), (HResult::S_OK, 0));
        s.start("w", "f", write(b""));
        assert_eq!(s.ended("w"), (HResult::S_OK, 0));
        s.never("L1.Io");
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
    f04_manual: stack("scripted(queue=manual)"), [framework, wire], |s| {
        s.open("f");
        s.start("r1", "f", read(4));
        s.start("r2", "f", read(4));
        s.control(1, "retrieve");
        s.control(1, "retrieve");
        s.order("L1.Io(read, r1) < L1.Io(read, r2)");
        assert_eq!(s.control(1, "retrieve"), "ERROR_NO_MORE_ITEMS");
        s.control(1, "complete {r1} S_OK 4");
        s.control(1, "complete {r2} S_OK 4");
        s.close("f");
    }
}

scenario! {
    f06_retrieve_from_a_parallel_queue: stack(DEFAULT), [framework, wire], |s| {
        assert_eq!(s.control(1, "retrieve queue=0"), "STATUS_INVALID_DEVICE_STATE");
    }
}

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
