//! Group D: requests, Send, flags, results.

use lowerdeck_framework::io::SendOptions;
use lowerdeck_framework::status::HResult;
use lowerdeck_tests::backend::SentIoAction;
use lowerdeck_tests::scenario;
use lowerdeck_tests::scenario::{lenient, stack};
use lowerdeck_tests::stage::{ioctl, read, write};

use crate::{DEFAULT, FORWARDING};

scenario! {
    d01_send_of_an_unformatted_request: stack(DEFAULT), [framework, wire], |s| {
        s.request("r");
        assert_eq!(s.send("r"), HResult::STATUS_REQUEST_NOT_ACCEPTED);
        assert_eq!(s.completions_of("r"), []);
        assert_eq!(s.delete("r"), HResult::S_OK);
    }
}

scenario! {
    d06_on_completion_may_precede_the_reply: stack(DEFAULT), [framework, wire], |s| {
        s.open("f");
        // L1 completes inside OnRead: on the wire the event may be on its stream before Send is answered.
        s.start("r", "f", read(4));
        assert_eq!(s.ended("r"), (HResult::S_OK, 4));
        s.order("L1.Io(read, r) < L1.Done(r, S_OK) < L0.OnCompletion(r, S_OK, 4)");
        s.close("f");
    }
}

scenario! {
    d10_refused_send: stack(DEFAULT), [framework, wire], |s| {
        s.open("f");
        s.request("r");
        assert_eq!(s.format("r", Some("f"), read(4)), HResult::S_OK);
        assert_eq!(s.remove_target(), HResult::S_OK);
        for flags in [0, SendOptions::IGNORE_TARGET_STATE] {
            assert_eq!(s.send_with("r", flags, 0), HResult::STATUS_INVALID_DEVICE_STATE);
            assert_eq!(s.get_status("r"), HResult::STATUS_INVALID_DEVICE_STATE);
        }
        assert_eq!(s.completions_of("r"), []);
        s.never("L1.Io");
        s.close("f");
    }
}

scenario! {
    d12_send_and_forget_of_a_driver_created_request: stack(DEFAULT), [framework, wire], |s| {
        s.open("f");
        s.request("r");
        assert_eq!(s.format("r", Some("f"), read(4)), HResult::S_OK);
        assert_eq!(s.send_with("r", SendOptions::SEND_AND_FORGET, 0), HResult::STATUS_INVALID_DEVICE_STATE);
        s.never("L1.Io");
        s.close("f");
    }
}

scenario! {
    d27_complete_twice_lenient: lenient(DEFAULT), [framework, wire], |s| {
        s.tolerance.verdicts = true;
        s.control(1, "on read: complete-twice(S_OK)");
        s.open("f");
        s.start("r", "f", read(4));
        assert_eq!(s.ended("r"), (HResult::S_OK, 0));
        s.once("L0.OnCompletion(r)");
        s.once("L1.Finding(REQ-54)");
        s.close("f");
    }
}

scenario! {
    d27_complete_twice_strict: stack(DEFAULT), [framework, wire], |s| {
        s.tolerance.verdicts = true;
        s.control(1, "on read: complete-twice(S_OK)");
        s.open("f");
        s.request("r");
        s.format("r", Some("f"), read(4));
        s.send("r");
        s.once("L1.DriverStop(REQ-54)");
        assert_eq!(s.completions_of("r").len(), 1, "outsiders see one completion (STOP-4)");
    }
}

scenario! {
    d04_resend_needs_formatting: stack(DEFAULT), [framework, wire], |s| {
        s.open("f");
        s.start("r", "f", read(4));
        assert_eq!(s.ended("r"), (HResult::S_OK, 4));
        assert_eq!(s.send("r"), HResult::STATUS_REQUEST_NOT_ACCEPTED);
        s.close("f");
    }
}

scenario! {
    d05_double_send_lenient: lenient(DEFAULT), [framework, wire], |s| {
        s.tolerance.verdicts = true;
        s.control(1, "on read: hold");
        s.open("f");
        s.start("r", "f", read(4));
        assert!(!s.send("r").is_success());
        s.once("L0.Finding(REQ-11)");
        s.control(1, "complete {r} S_OK 4");
        assert_eq!(s.ended("r"), (HResult::S_OK, 4));
        s.close("f");
    }
}

scenario! {
    d05_double_send_strict: stack(DEFAULT), [framework, wire], |s| {
        s.tolerance.verdicts = true;
        s.control(1, "on read: hold");
        s.open("f");
        s.start("r", "f", read(4));
        s.send("r");
        s.once("L0.DriverStop(REQ-11)");
        assert_eq!(s.completions_of("r").len(), 1);
    }
}

scenario! {
    d11_illegal_flag_bits: stack(DEFAULT), [framework, wire], |s| {
        s.open("f");
        s.request("r");
        s.format("r", Some("f"), read(4));
        for flags in [0x10, 0x8000_0000, 0x2 | 0x8, 0x1 | 0x8, 0x4 | 0x8] {
            assert_eq!(s.send_with("r", flags, 0), HResult::STATUS_INVALID_PARAMETER, "{flags:#x}");
        }
        s.never("L1.Io");
        s.close("f");
    }
}

scenario! {
    d07_synchronous_send: stack(DEFAULT), [framework, wire], |s| {
        s.control(1, "on read: hold");
        s.open("f");
        s.request("r");
        s.format("r", Some("f"), read(4));
        let call = s.begin_synchronous_send("r", 0, 0);
        assert!(!s.has_returned(call));
        s.control(1, "complete {r} S_OK 4");
        assert_eq!(s.status_of(call), HResult::S_OK);
        s.close("f");
    }
}

scenario! {
    d23_warning_with_partial_data: stack(DEFAULT), [framework, wire], |s| {
        s.control(1, "on read: complete(STATUS_BUFFER_OVERFLOW, data=\"sixsix\")");
        s.open("f");
        s.start("r", "f", read(10));
        assert_eq!(s.ended("r"), (HResult::STATUS_BUFFER_OVERFLOW, 6));
        assert_eq!(&s.completion("r").expect("it has ended").data[..], b"sixsix");
        s.close("f");
    }
}

scenario! {
    d24_too_much_information: lenient(DEFAULT), [framework, wire], |s| {
        s.tolerance.verdicts = true;
        s.control(1, "on read: complete(S_OK, 5, data=\"12345\")");
        s.open("f");
        s.start("r", "f", read(4));
        assert_eq!(s.ended("r"), (HResult::S_OK, 4));
        assert_eq!(&s.completion("r").expect("it has ended").data[..], b"1234");
        s.once("L1.Finding(REQ-39)");
        s.close("f");
    }
}

scenario! {
    d24_too_much_information_strict: stack(DEFAULT), [framework, wire], |s| {
        s.tolerance.verdicts = true;
        s.control(1, "on read: complete(S_OK, 5, data=\"12345\")");
        s.open("f");
        s.start("r", "f", read(4));
        s.once("L1.DriverStop(REQ-39)");
        assert_eq!(s.ended("r"), (HResult::STATUS_DRIVER_PROCESS_TERMINATED, 0));
    }
}

scenario! {
    d25_nothing_beyond_information: stack(DEFAULT), [framework, wire], |s| {
        s.control(1, "on read: complete(S_OK, 3, data=\"0123456789\")");
        s.open("f");
        s.start("r", "f", read(10));
        assert_eq!(s.ended("r"), (HResult::S_OK, 3));
        assert_eq!(&s.completion("r").expect("it has ended").data[..], b"012");
        s.close("f");
    }
}

scenario! {
    d28_completion_climbs_in_order: stack(FORWARDING), [framework, wire], |s| {
        s.open("f");
        s.control(1, "on read: forward");
        s.control(1, "on completion: complete(STATUS_NOT_SUPPORTED)");
        s.start("r", "f", read(4));
        assert_eq!(s.ended("r").0, HResult::STATUS_NOT_SUPPORTED);
        s.order("L2.Done(r, S_OK) < L1.OnCompletion(r, S_OK) < L1.Done(r, STATUS_NOT_SUPPORTED) < L0.OnCompletion(r, STATUS_NOT_SUPPORTED)");
        s.close("f");
    }
}

scenario! {
    d29_async_forward_without_callback: stack(FORWARDING), [framework, wire], |s| {
        s.open("f");
        s.control(1, "on read: forward(no-callback)");
        s.start("r", "f", read(4));
        assert_eq!(s.ended("r").0, HResult::STATUS_INVALID_DEVICE_REQUEST);
        s.never("L2.Io");
        s.close("f");
    }
}

scenario! {
    d30_driver_created_asynchronous_without_callback: stack(DEFAULT), [framework, wire], |s| {
        s.open("f");
        s.request_with("r", false);
        s.format("r", Some("f"), read(4));
        assert_eq!(s.send("r"), HResult::S_OK);
        assert_eq!((s.state_of("r"), s.get_status("r")), ("Completed".to_owned(), HResult::S_OK));
        assert_eq!(s.completions_of("r"), []);
        s.never("L0.OnCompletion");
        s.close("f");
    }
}

scenario! {
    d34_framework_facility_codes_are_mapped: stack(DEFAULT), [framework, wire], |s| {
        s.control(1, "on read: complete(0xD0200203)");
        s.open("f");
        s.start("r", "f", read(4));
        assert_eq!(s.ended("r").0, HResult::STATUS_DEVICE_BUSY);
        s.close("f");
    }
}

scenario! {
    d36_unknown_file: stack("scripted(role=filter, create=handler) / scripted"), [framework, wire], |s| {
        s.tolerance.imbalance = true;
        s.tolerance.verdicts = true;
        s.open("f");
        s.control(1, "on read: forward");
        s.start("r", "f", read(4));
        s.never("L2.Io");
        assert_eq!(s.ended("r").0, HResult::STATUS_INVALID_DEVICE_REQUEST);
        s.close("f");
    }
}

scenario! {
    d02_type_before_and_after_formatting: stack(DEFAULT), [framework, wire], |s| {
        s.open("f");
        s.request("r");
        assert_eq!(s.type_of("r"), "");
        for (io, kind) in [(read(4), "read"), (write(b"data"), "write"), (ioctl(0x8000_2000), "ioctl")] {
            s.format("r", Some("f"), io);
            assert_eq!(s.type_of("r"), kind);
        }
        s.close("f");
    }
}

scenario! {
    d03_reformat_before_send: stack(DEFAULT), [framework, wire], |s| {
        s.open("f");
        s.request("r");
        s.format("r", Some("f"), write(b"data"));
        s.format("r", Some("f"), read(4));
        s.send("r");
        s.once("L1.Io(read, r)");
        s.never("L1.Io(write)");
        s.close("f");
    }
}

scenario! {
    d08_synchronous_with_a_callback: stack(DEFAULT), [framework, wire], |s| {
        s.control(1, "on read: hold");
        s.open("f");
        s.request("r");
        s.format("r", Some("f"), read(4));
        let call = s.begin_synchronous_send("r", 0, 0);
        assert_eq!(s.completions_of("r"), []);
        s.control(1, "complete {r} S_OK 4");
        assert_eq!(s.ended("r"), (HResult::S_OK, 4));
        assert_eq!(s.status_of(call), HResult::S_OK);
        s.once("L0.OnCompletion(r)");
        s.close("f");
    }
}

scenario! {
    d09_synchronous_to_a_stopped_target: stack(DEFAULT), [framework, wire], |s| {
        s.open("f");
        s.stop(SentIoAction::LeavePending);
        s.request("started");
        s.format("started", Some("f"), read(4));
        let started = s.begin_synchronous_send("started", 0, 0);
        s.request("timed");
        s.format("timed", Some("f"), read(4));
        let timed = s.begin_synchronous_send("timed", SendOptions::TIMEOUT, -5_000_000);
        s.advance(500);
        assert_eq!(s.status_of(timed), HResult::STATUS_IO_TIMEOUT);
        assert!(!s.has_returned(started));
        s.start_target();
        assert_eq!(s.status_of(started), HResult::S_OK);
        s.close("f");
    }
}

scenario! {
    d17_deleting_an_outstanding_request_lenient: lenient(DEFAULT), [framework, wire], |s| {
        s.tolerance.verdicts = true;
        s.control(1, "on read: hold");
        s.open("f");
        s.start("r", "f", read(4));
        assert!(!s.delete("r").is_success());
        s.once("L0.Finding(REQ-4)");
        s.control(1, "complete {r} S_OK 4");
        assert_eq!(s.ended("r"), (HResult::S_OK, 4));
        s.close("f");
    }
}

scenario! {
    d17_deleting_an_outstanding_request_strict: stack(DEFAULT), [framework, wire], |s| {
        s.tolerance.verdicts = true;
        s.control(1, "on read: hold");
        s.open("f");
        s.start("r", "f", read(4));
        s.delete("r");
        s.once("L0.DriverStop(REQ-4)");
    }
}

scenario! {
    d18_reuse_clears_the_callback: stack(DEFAULT), [framework, wire], |s| {
        s.open("f");
        s.start("r", "f", read(4));
        assert_eq!(s.completions_of("r").len(), 1);
        s.reuse_silently("r", HResult::S_OK);
        s.format("r", Some("f"), read(8));
        assert_eq!(s.send("r"), HResult::S_OK);
        assert_eq!((s.state_of("r"), s.get_status("r")), ("Completed".to_owned(), HResult::S_OK));
        assert_eq!(s.completions_of("r").len(), 1, "no OnCompletion the second time");
        s.close("f");
    }
}

scenario! {
    d19_reuse_sets_the_status: stack(DEFAULT), [framework, wire], |s| {
        s.open("f");
        s.start("r", "f", read(4));
        s.reuse("r", HResult::E_OUTOFMEMORY);
        assert_eq!(s.get_status("r"), HResult::E_OUTOFMEMORY);
        s.format("r", Some("f"), read(4));
        assert_eq!(s.get_status("r"), HResult::E_OUTOFMEMORY);
        s.send("r");
        assert_eq!(s.get_status("r"), HResult::S_OK);
        s.close("f");
    }
}

scenario! {
    d20_reuse_while_in_flight_lenient: lenient(DEFAULT), [framework, wire], |s| {
        s.tolerance.verdicts = true;
        s.control(1, "on read: hold");
        s.open("f");
        s.start("r", "f", read(4));
        s.reuse("r", HResult::S_OK);
        s.once("L0.Finding(REQ-42)");
        assert_eq!(s.state_of("r"), "InFlight");
        s.control(1, "complete {r} S_OK 4");
        s.close("f");
    }
}

scenario! {
    d20_reuse_while_in_flight_strict: stack(DEFAULT), [framework, wire], |s| {
        s.tolerance.verdicts = true;
        s.control(1, "on read: hold");
        s.open("f");
        s.start("r", "f", read(4));
        s.reuse("r", HResult::S_OK);
        s.once("L0.DriverStop(REQ-42)");
    }
}
