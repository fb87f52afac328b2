//! Memory objects of hosted drivers (of group D): what is lent, wrapped, deleted, and what is left of it.

use bytes::Bytes;
use lowerdeck_framework::status::HResult;
use lowerdeck_tests::backend::Io;
use lowerdeck_tests::scenario;
use lowerdeck_tests::scenario::{answering, lenient, stack};
use lowerdeck_tests::stage::{read, write};

use crate::FORWARDING;

/// "data" in hexadecimal.
const DATA: &str = "64617461";

scenario! {
    d35_memory_reference_rule: lenient(FORWARDING), [framework, wire], |s| {
        s.tolerance.verdicts = true;
        s.control(1, "on write: send(write, number=901, memory=received), hold");
        s.control(2, "on write: hold");
        s.open("f");
        s.start("r", "f", write(b"data"));
        s.once("L2.Io(write, L1:901)");
        s.control(1, "complete {r} S_OK 4");
        s.once("L1.Finding(OBJ-16)");
        s.order("L1.Finding(OBJ-16) < L1.Done(r, S_OK, 4)");
        assert_eq!(s.ended("r"), (HResult::S_OK, 4));
        s.delete("r");
        // What was borrowed is there for as long as it is borrowed.
        assert_eq!(s.control(2, "parameters L1:901"), format!("write code=0x0 in=4 out=0 offset=0 data={DATA}"));
        s.control(2, "complete L1:901 S_OK 4");
        s.once("L1.OnCompletion(L1:901, S_OK, 4)");
        s.close("f");
    }
}

scenario! {
    d35_strict: stack(FORWARDING), [framework, wire], |s| {
        s.tolerance.verdicts = true;
        s.control(1, "on write: send(write, number=901, memory=received), hold");
        s.control(2, "on write: hold");
        s.open("f");
        s.start("r", "f", write(b"data"));
        s.control(1, "complete {r} S_OK 4");
        s.once("L1.DriverStop(OBJ-16)");
        s.never("L1.Done(r)");
    }
}

scenario! {
    d35_a_late_result_goes_nowhere: lenient(FORWARDING), [framework, wire], |s| {
        s.tolerance.verdicts = true;
        s.control(1, "on read: send(read, number=901, memory=received), hold");
        s.control(2, "on read: hold");
        s.open("f");
        s.start("r", "f", read(4));
        s.control(1, "complete {r} S_OK data=\"mine\"");
        s.once("L1.Finding(OBJ-16)");
        s.control(2, "complete L1:901 S_OK data=\"late\"");
        s.once("L1.OnCompletion(L1:901, S_OK, 4)");
        assert_eq!(s.ended("r"), (HResult::S_OK, 4));
        assert_eq!(&s.received_by("r")[..], b"mine");
        s.close("f");
    }
}

scenario! {
    /// The rule kept: the own request is deleted in its completion, and what it brought is in the received one's memory.
    d35_lent_and_given_back: stack(FORWARDING), [framework, wire], |s| {
        s.control(1, "on read: send(read, number=901, memory=received, start=1, length=2), hold");
        s.control(2, "on read: complete(S_OK, data=\"xy\")");
        s.open("f");
        s.start("r", "f", read(4));
        s.once("L1.OnCompletion(L1:901, S_OK, 2)");
        s.control(1, "complete {r} S_OK 4");
        assert_eq!(s.ended("r"), (HResult::S_OK, 4));
        assert_eq!(&s.received_by("r")[..], b"\0xy\0");
        s.close("f");
    }
}

scenario! {
    /// A completed own request that is still formatted with the memory refers to it as well (OBJ-16): reuse, format or
    /// delete it first.
    d35_a_completed_own_request_refers_to_it_too: lenient(FORWARDING), [framework, wire], |s| {
        s.tolerance.verdicts = true;
        s.control(1, "on write: send(write, number=901, memory=received), hold");
        s.open("f");
        s.control(1, "on completion: hold");
        s.start("r", "f", write(b"data"));
        s.once("L1.OnCompletion(L1:901, S_OK)");
        assert_eq!(s.control(1, "memory-get 1 {r}"), "S_OK");
        assert_eq!(s.control(1, "memory-references 1"), "2");
        s.control(1, "delete-own 901");
        assert_eq!(s.control(1, "memory-references 1"), "1");
        assert_eq!(s.control(1, "memory-release 1"), "0");
        s.control(1, "complete {r} S_OK 4");
        s.never("L1.Finding");
        s.start("again", "f", write(b"data"));
        s.control(1, "complete {again} S_OK 4");
        s.once("L1.Finding(OBJ-16)");
        s.control(1, "delete-own 901");
        s.close("f");
    }
}

scenario! {
    /// OBJ-13: what GetInputMemory and GetOutputMemory give is to be released before the request is completed.
    d35_a_reference_of_the_drivers_own: lenient(FORWARDING), [framework, wire], |s| {
        s.tolerance.verdicts = true;
        s.control(1, "on ioctl: hold");
        s.open("f");
        let both = || Io::DeviceControl { code: 0x8000_2000, input: Some(Bytes::from_static(b"data")), output: Some(4) };
        s.start("kept", "f", both());
        assert_eq!(s.control(1, "memory-get 1 {kept} input"), "S_OK");
        assert_eq!(s.control(1, "memory-read 1"), DATA);
        assert_eq!(s.control(1, "memory-get 2 {kept} output"), "S_OK");
        assert_eq!(s.control(1, "memory-write 2 start=1 data=\"up\""), "S_OK");
        assert_eq!(s.control(1, "memory-write 2 start=3 data=\"up\""), "STATUS_INTEGER_OVERFLOW");
        assert_eq!(s.control(1, "memory-release 2"), "0");
        s.control(1, "complete {kept} S_OK 4");
        s.once("L1.Finding(OBJ-13)");
        assert_eq!(&s.received_by("kept")[..], b"\0up\0");
        // A zombie: known, and of no use (OBJ-3). The released one is gone.
        assert_eq!(s.control(1, "memory-read 1"), "STATUS_INVALID_DEVICE_STATE");
        assert_eq!(s.control(1, "memory-read 2"), "E_INVALIDARG");
        assert_eq!(s.control(1, "memory-release 1"), "0");
        assert_eq!(s.control(1, "memory-read 1"), "E_INVALIDARG");
        // Released in time, nothing is wrong; and what is not there has no memory.
        s.start("fine", "f", both());
        s.control(1, "memory-get 1 {fine} input");
        s.control(1, "memory-release 1");
        s.control(1, "complete {fine} S_OK");
        s.start("empty", "f", Io::DeviceControl { code: 0x8000_2000, input: None, output: None });
        assert_eq!(s.control(1, "memory-get 1 {empty} input"), "null");
        assert_eq!(s.control(1, "memory-get 1 {empty} output"), "null");
        s.control(1, "complete {empty} S_OK");
        assert_eq!(s.count("L1.Finding"), 1);
        s.close("f");
    }
}

scenario! {
    /// Forgotten with SEND_AND_FORGET, the request is over for this driver: its memory too.
    d35_forgetting_ends_the_loan: lenient(FORWARDING), [framework, wire], |s| {
        s.tolerance.verdicts = true;
        s.control(1, "on write: hold");
        s.control(2, "on write: hold");
        s.open("f");
        s.start("r", "f", write(b"data"));
        assert_eq!(s.control(1, "memory-get 1 {r}"), "S_OK");
        assert_eq!(s.control(1, "forward {r} forget"), "S_OK");
        s.once("L1.Finding(OBJ-13)");
        assert_eq!(s.control(1, "memory-read 1"), "STATUS_INVALID_DEVICE_STATE");
        s.control(2, "complete {r} S_OK 4");
        assert_eq!(s.ended("r"), (HResult::S_OK, 4));
        s.control(1, "memory-release 1");
        s.close("f");
    }
}

scenario! {
    d39_preallocated_memory: stack(FORWARDING), [framework, wire], |s| {
        s.control(2, "on read: complete(S_OK, data=\"WXYZ\")");
        assert_eq!(s.create_named("f", Some("chan")), HResult::S_OK);
        assert_eq!(s.control(1, "buffer 1 data=\"abcdefgh\""), "S_OK");
        assert_eq!(s.control(1, "memory-wrap 1 buffer=1"), "S_OK");
        assert_eq!(s.control(1, "send read number=901 memory=1 start=2 length=4 file=chan"), "S_OK");
        s.once("L1.OnCompletion(L1:901, S_OK, 4)");
        assert_eq!(s.control(1, "memory-read 1"), "61625758595a6768");
        assert_eq!(s.control(1, "memory-delete 1"), "S_OK");
        assert_eq!(s.control(1, "memory-read 1"), "E_INVALIDARG");
        assert_eq!(s.control(1, "buffer-read 1"), "61625758595a6768");
        s.close("f");
    }
}

scenario! {
    d39_set_buffer: stack(FORWARDING), [framework, wire], |s| {
        s.control(2, "on write: hold");
        assert_eq!(s.create_named("f", Some("chan")), HResult::S_OK);
        for buffer in ["1 data=\"one\"", "2 data=\"data\"", "3"] {
            s.control(1, &format!("buffer {buffer}"));
        }
        assert_eq!(s.control(1, "memory-wrap 1 buffer=1"), "S_OK");
        assert_eq!(s.control(1, "memory-set 1 buffer=3"), "E_INVALIDARG", "of size 0");
        assert_eq!(s.control(1, "memory-set 1 buffer=2"), "S_OK");
        assert_eq!(s.control(1, "send write number=901 memory=1 file=chan"), "S_OK");
        assert_eq!(s.control(2, "parameters L1:901"), format!("write code=0x0 in=4 out=0 offset=0 data={DATA}"));
        s.control(2, "complete L1:901 S_OK 4");
        assert_eq!(s.control(1, "buffer-read 1"), "6f6e65", "as it was");
        // Only on a preallocated one, and no memory is empty (OBJ-14).
        assert_eq!(s.control(1, "memory-create 4 size=8"), "S_OK");
        assert_eq!(s.control(1, "memory-set 4 buffer=2"), "STATUS_INVALID_DEVICE_REQUEST");
        assert_eq!(s.control(1, "memory-create 5 size=0"), "E_INVALIDARG");
        assert_eq!(s.control(1, "memory-wrap 5 buffer=3"), "E_INVALIDARG");
        s.close("f");
    }
}

scenario! {
    d40_use_of_a_deleted_memory: stack(FORWARDING), [framework, wire], |s| {
        assert_eq!(s.create_named("f", Some("chan")), HResult::S_OK);
        s.control(1, "memory-create 1 size=4");
        assert_eq!(s.control(1, "memory-add-ref 1"), "1");
        assert_eq!(s.control(1, "memory-delete 1"), "S_OK");
        for use_of_it in [
            "memory-read 1",
            "memory-write 1 data=\"data\"",
            "memory-delete 1",
            "send read number=901 memory=1 file=chan",
            "send write number=901 memory=1 file=chan",
        ] {
            assert_eq!(s.control(1, use_of_it), "STATUS_INVALID_DEVICE_STATE", "{use_of_it}");
        }
        s.never("L2.Io");
        assert_eq!(s.control(1, "memory-release 1"), "0");
        assert_eq!(s.control(1, "memory-read 1"), "E_INVALIDARG");
        s.close("f");
    }
}

scenario! {
    /// OBJ-3: the reference of a formatted request keeps the memory, not its usability.
    d40_deleted_while_a_request_is_under_way: stack(FORWARDING), [framework, wire], |s| {
        s.control(2, "on read: hold");
        assert_eq!(s.create_named("f", Some("chan")), HResult::S_OK);
        s.control(1, "memory-create 1 size=4");
        assert_eq!(s.control(1, "send read number=901 memory=1 file=chan"), "S_OK");
        assert_eq!(s.control(1, "memory-delete 1"), "S_OK");
        assert_eq!(s.control(1, "memory-references 1"), "1");
        assert_eq!(s.control(1, "memory-read 1"), "STATUS_INVALID_DEVICE_STATE");
        s.control(2, "complete L1:901 S_OK data=\"data\"");
        s.once("L1.OnCompletion(L1:901, S_OK, 4)");
        assert_eq!(s.control(1, "memory-references 1"), "gone");
        s.close("f");
    }
}

scenario! {
    /// OBJ-1, for memory: it goes with the request it was created under, be that its driver's own or a received one.
    d33_a_memory_goes_with_its_parent: stack(FORWARDING), [framework, wire], |s| {
        s.control(1, "on read: hold");
        assert_eq!(s.create_named("f", Some("chan")), HResult::S_OK);
        s.control(1, "on completion: hold");
        s.control(1, "send read number=901 length=4 file=chan");
        assert_eq!(s.control(1, "memory-create 1 size=4 parent=901"), "S_OK");
        s.start("r", "f", read(4));
        assert_eq!(s.control(1, "memory-create 2 size=4 under={r}"), "S_OK");
        assert_eq!(s.control(1, "memory-create 3 size=4"), "S_OK");
        s.control(1, "delete-own 901");
        assert_eq!(s.control(1, "memory-read 1"), "E_INVALIDARG");
        s.control(1, "complete {r} S_OK 4");
        assert_eq!(s.control(1, "memory-read 2"), "E_INVALIDARG");
        assert_eq!(s.control(1, "memory-read 3"), "00000000");
        s.close("f");
    }
}

scenario! {
    /// OBJ-23: what the driver still refers to is a leak; what only the tree holds goes with the driver.
    d39_a_memory_that_is_never_released_is_a_leak: answering("scripted(pnp=callbacks)", &[]), [framework, wire], |s| {
        s.tolerance.verdicts = true;
        s.control(1, "memory-create 1 size=4");
        s.control(1, "memory-create 2 size=4");
        s.control(1, "memory-add-ref 2");
        s.unplug();
        s.once("L1.Finding(OBJ-23)");
    }
}
