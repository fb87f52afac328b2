//! What a driver in the middle does with requests: sends them on, forgets them, and mistakes its own for received ones
//! (of groups A to D).
//!
//! L0 receives nothing, so what a scenario says of a driver that received a request is played one layer lower.

use bytes::Bytes;
use lowerdeck_framework::io::SendOptions;
use lowerdeck_framework::status::HResult;
use lowerdeck_tests::backend::{CancelAnswer, Io};
use lowerdeck_tests::scenario;
use lowerdeck_tests::scenario::{lenient, stack};
use lowerdeck_tests::stage::{Stage, read, write};

use crate::{DEFAULT, FORWARDING};

/// As [`FORWARDING`], with a sequential queue at L1.
const SEQUENTIAL: &str =
    "scripted(role=filter, create=handler, files=callbacks, queue=sequential, script={on create: forward}) / scripted";
/// L1 and L2 pass creates, cleanups and closes on to L3.
const THREE_LAYERS: &str = "scripted(role=filter, script={on create: forward}) / scripted(role=filter, script={on create: forward}) / scripted";

scenario! {
    a25_a_create_may_not_be_forgotten: stack(FORWARDING), [framework, wire], |s| {
        s.control(1, "on create: forward(forget)");
        assert_eq!(s.create("f"), HResult::STATUS_INVALID_PARAMETER);
        s.once("L1.CreateDone(f, STATUS_INVALID_PARAMETER)");
        s.never("L2.Create");
        assert!(s.outstanding().is_empty());
    }
}

scenario! {
    b32_send_and_forget_request_on_the_file: stack(FORWARDING), [framework, wire], |s| {
        s.control(1, "on read: forward(forget)");
        s.control(2, "on read: hold");
        s.open("f");
        s.start("r", "f", read(4));
        s.close("f");
        s.never("L1.Close+");
        s.control(2, "complete {r} S_OK 4");
        s.order("L0.Close.returned(f) < L2.Done(r, S_OK) < L0.OnCompletion(r, S_OK, 4) < L1.Close+(f) < L2.Close+(f)");
        s.never("L1.OnCompletion(r)");
    }
}

scenario! {
    b32_neither_closer_nor_forgetter_cancels_it: stack(THREE_LAYERS), [framework, wire], |s| {
        // q is no request of the file's creator, and L2, which passed it on, has forgotten it.
        s.control(2, "on read: forward(forget)");
        s.control(3, "on read: arm");
        assert_eq!(s.create_named("f", Some("chan")), HResult::S_OK);
        s.control(1, "send read number=900 length=4 file=chan");
        s.once("L3.Io(read, L1:900)");
        s.close("f");
        s.never("L3.OnCancel");
        s.never("L3.Close+");
        s.control(3, "unmark-complete L1:900 S_OK 4");
        s.order("L3.Done(L1:900, S_OK) < L1.OnCompletion(L1:900, S_OK) < L1.Close+(f) < L3.Close+(f)");
        s.never("L2.OnCompletion(L1:900)");
    }
}

scenario! {
    c04_substituting_a_file: stack(FORWARDING), [framework, wire], |s| {
        assert_eq!(s.create_named("f", Some("theirs")), HResult::S_OK);
        s.control(1, "create-file mine");
        s.control(1, "on read: forward(file=mine)");
        s.control(2, "on read name=mine: complete(S_OK, data=\"mine\")");
        s.control(2, "on read name=theirs: complete(S_OK, data=\"theirs\")");
        s.start("r", "f", read(6));
        assert_eq!(&s.completion("r").expect("it has ended").data[..], b"mine");
        s.order("L1.Io(read, r) < L2.Io(read, r) < L1.OnCompletion(r, S_OK, 4) < L0.OnCompletion(r, S_OK, 4)");
        s.close("f");
        s.control(1, "close-own mine");
    }
}

/// A device control with both buffers, of different lengths.
fn exchange() -> Io {
    Io::DeviceControl { code: 0x8000_2000, input: Some(Bytes::from_static(b"hi!")), output: Some(5) }
}

scenario! {
    c34_format_using_current_type: stack(FORWARDING), [framework, wire], |s| {
        s.control(1, "on ioctl: forward");
        s.control(2, "on ioctl name=chan: hold");
        assert_eq!(s.create_named("f", Some("chan")), HResult::S_OK);
        s.start("r", "f", exchange());
        assert_eq!(s.control(2, "parameters {r}"), "ioctl code=0x80002000 in=3 out=5 offset=0 data=686921");
        s.control(2, "complete {r} S_OK data=\"hello\"");
        assert_eq!(&s.completion("r").expect("it has ended").data[..], b"hello");
        s.close("f");
    }
}

scenario! {
    c35_format_using_current_type_of_an_own_request_lenient: lenient(FORWARDING), [framework, wire], |s| {
        s.tolerance.verdicts = true;
        own_request_held_below(s);
        s.control(1, "format-own 900");
        s.once("L1.Finding(TGT-15)");
        own_request_ends(s);
    }
}

scenario! {
    c35_format_using_current_type_of_an_own_request_strict: stack(FORWARDING), [framework, wire], |s| {
        s.tolerance.verdicts = true;
        own_request_held_below(s);
        s.control(1, "format-own 900");
        s.once("L1.DriverStop(TGT-15)");
    }
}

/// L1 has sent a request of its own, which L2 holds.
fn own_request_held_below(s: &mut Stage) {
    s.control(2, "on read: hold");
    assert_eq!(s.create_named("f", Some("chan")), HResult::S_OK);
    assert_eq!(s.control(1, "send read number=900 length=4 file=chan"), "S_OK");
    s.once("L2.Io(read, L1:900)");
}

/// What L1 did to it wrongly has not touched it.
fn own_request_ends(s: &mut Stage) {
    s.never("L1.OnCompletion(L1:900)");
    s.control(2, "complete L1:900 S_OK 4");
    s.order("L2.Done(L1:900, S_OK, 4) < L1.OnCompletion(L1:900, S_OK, 4)");
    s.close("f");
}

scenario! {
    d13_forgetting_a_formatted_request: stack(FORWARDING), [framework, wire], |s| {
        s.control(1, "on read: hold");
        assert_eq!(s.create_named("f", Some("chan")), HResult::S_OK);
        s.start("r", "f", read(4));
        assert_eq!(s.control(1, "forward {r} forget file=chan"), "STATUS_INVALID_DEVICE_REQUEST");
        s.never("L2.Io");
        assert!(s.control(1, "kept").ends_with(" read held"), "L1 still owns it");
        s.control(1, "complete {r} S_OK 4");
        assert_eq!(s.ended("r"), (HResult::S_OK, 4));
        s.close("f");
    }
}

scenario! {
    d14_legal_send_and_forget: stack(SEQUENTIAL), [framework, wire], |s| {
        s.control(1, "on read: forward(forget)");
        s.control(1, "on write: hold");
        s.control(2, "on read: hold");
        s.open("f");
        s.start("r", "f", read(4));
        s.start("next", "f", write(b"data"));
        s.order("L1.Io(read, r) < L1.Io(write, next)");
        assert_eq!(s.completion("r"), None);
        s.control(2, "complete {r} STATUS_NOT_SUPPORTED");
        assert_eq!(s.ended("r"), (HResult::STATUS_NOT_SUPPORTED, 0));
        s.order("L2.Done(r, STATUS_NOT_SUPPORTED) < L0.OnCompletion(r, STATUS_NOT_SUPPORTED)");
        s.never("L1.OnCompletion(r)");
        s.never("L1.Done(r)");
        s.control(1, "complete {next} S_OK 4");
        s.close("f");
    }
}

scenario! {
    d14_a_forgotten_request_is_no_longer_the_forgetters: lenient(FORWARDING), [framework, wire], |s| {
        s.tolerance.verdicts = true;
        s.control(1, "on read: forward(forget)");
        s.control(2, "on read: hold");
        s.open("f");
        s.start("r", "f", read(4));
        s.control(1, "complete-again {r} S_OK");
        s.once("L1.Finding(REQ-54)");
        assert_eq!(s.completion("r"), None);
        s.control(2, "complete {r} S_OK 4");
        assert_eq!(s.ended("r"), (HResult::S_OK, 4));
        s.close("f");
    }
}

scenario! {
    d14_the_layer_above_still_cancels_it: stack(FORWARDING), [framework, wire], |s| {
        s.control(1, "on read: forward(forget)");
        s.control(2, "on read: arm");
        s.open("f");
        s.start("r", "f", read(4));
        assert_eq!(s.cancel("r"), CancelAnswer::Delivered);
        s.order("L2.OnCancel(r) < L2.Done(r, cancelled) < L0.OnCompletion(r, cancelled)");
        s.close("f");
    }
}

scenario! {
    d15_impersonation_of_a_driver_created_read: stack(DEFAULT), [framework, wire], |s| {
        s.open("f");
        s.request("r");
        s.format("r", Some("f"), read(4));
        assert_eq!(s.send_with("r", SendOptions::IMPERSONATE_CLIENT, 0), HResult::STATUS_INVALID_PARAMETER);
        s.never("L1.Io");
        s.close("f");
    }
}

scenario! {
    d15_impersonation_is_for_creates: stack(FORWARDING), [framework, wire], |s| {
        s.control(1, "on create: forward(flags=0x10000)");
        s.open("f");
        s.once("L2.Create(f)");
        s.control(1, "on read: forward(flags=0x10000)");
        s.start("r", "f", read(4));
        assert_eq!(s.ended("r").0, HResult::STATUS_INVALID_PARAMETER);
        s.never("L2.Io");
        s.close("f");
    }
}

scenario! {
    d16_completing_a_driver_created_request_lenient: lenient(FORWARDING), [framework, wire], |s| {
        s.tolerance.verdicts = true;
        own_request_held_below(s);
        s.control(1, "complete-own 900");
        s.once("L1.Finding(REQ-3)");
        own_request_ends(s);
    }
}

scenario! {
    d16_completing_a_driver_created_request_strict: stack(FORWARDING), [framework, wire], |s| {
        s.tolerance.verdicts = true;
        own_request_held_below(s);
        s.control(1, "complete-own 900");
        s.once("L1.DriverStop(REQ-3)");
        s.never("L2.Done(L1:900)");
    }
}

scenario! {
    d37_callback_registered_before_or_after_formatting: stack(FORWARDING), [framework, wire], |s| {
        assert_eq!(s.create_named("f", Some("chan")), HResult::S_OK);
        for (number, callback, times) in [(901, "before", 1), (902, "after", 1), (903, "removed", 0)] {
            let command = format!("send read number={number} length=4 file=chan callback={callback}");
            assert_eq!(s.control(1, &command), "S_OK");
            s.once(&format!("L2.Done(L1:{number}, S_OK, 4)"));
            assert_eq!(s.count(&format!("L1.OnCompletion(L1:{number})")), times, "{callback}");
        }
        s.control(1, "delete-own 903");
        s.close("f");
    }
}
