//! Buffers of received requests, looked at and written in place (of group H).

use bytes::Bytes;
use lowerdeck_framework::ioctl::{IoControlCode, TransferMethod};
use lowerdeck_framework::status::HResult;
use lowerdeck_tests::backend::Io;
use lowerdeck_tests::scenario;
use lowerdeck_tests::scenario::{lenient, stack};
use lowerdeck_tests::stage::{Stage, ioctl, read, write};

use crate::DEFAULT;

const CODE: u32 = IoControlCode::new(0x8000, 0x800, TransferMethod::Buffered, 0).0;
const IN_DIRECT: u32 = IoControlCode::new(0x8000, 0x800, TransferMethod::InDirect, 0).0;
const DEFERRED: &str = "scripted(buffers=deferred)";

/// Sends `io` on a file of its own and lets L1 hold it.
fn held(s: &mut Stage, request: &str, io: Io) {
    s.control(1, "on ioctl: hold");
    s.control(1, "on read: hold");
    s.control(1, "on write: hold");
    s.open("f");
    s.start(request, "f", io);
}

fn both(input: &Bytes, output: u64) -> Io {
    Io::DeviceControl { code: CODE, input: Some(input.clone()), output: Some(output) }
}

scenario! {
    h03_two_buffers: stack(DEFAULT), [framework, wire], |s| {
        let memory = Bytes::from_static(b"input");
        held(s, "r", both(&memory, 6));
        assert_eq!(s.control(1, "output-memory {r}"), "000000000000", "it starts empty, and is not the input");
        assert_eq!(s.control(1, "input-memory {r}"), "696e707574");
        assert_eq!(s.control(1, "write-input {r} data=XXXXX"), "ok");
        assert_eq!(s.control(1, "input-memory {r}"), "5858585858");
        assert_eq!(s.control(1, "output-memory {r}"), "000000000000", "two buffers, whatever is written");
        s.control(1, "complete {r} S_OK 6");
        let done = s.completion("r").expect("it was completed");
        assert_eq!((done.information, done.data), (6, Bytes::from_static(&[0; 6])));
        assert_eq!(memory, Bytes::from_static(b"input"));
        s.close("f");
    }
}

scenario! {
    h03_what_is_written_into_the_output_is_delivered_up_to_information:
    stack(DEFAULT), [framework, wire], |s| {
        held(s, "r", both(&Bytes::from_static(b"in"), 6));
        assert_eq!(s.control(1, "write-output {r} data=\"output\""), "ok");
        assert_eq!(s.control(1, "output-buffer {r}"), "6f7574707574");
        assert_eq!(s.control(1, "input-buffer {r}"), "696e", "two buffers, whatever is written");
        s.control(1, "complete {r} S_OK 3");
        assert_eq!(s.completion("r").expect("it was completed").data, "out");
        s.close("f");
    }
}

scenario! {
    h03_a_layer_below_gets_the_buffers_as_they_were_left: stack(crate::FORWARDING), [framework, wire], |s| {
        s.control(2, "on ioctl: hold");
        let memory = Bytes::from_static(b"abcd");
        held(s, "r", both(&memory, 4));
        s.control(1, "on completion: hold");
        s.control(1, "write-input {r} data=ABCD");
        s.control(1, "write-output {r} data=\"1234\"");
        assert_eq!(s.control(1, "forward {r}"), "S_OK");
        assert_eq!(s.control(2, "input-memory {r}"), "41424344");
        assert_eq!(s.control(2, "output-memory {r}"), "31323334");
        s.control(2, "write-output {r} data=\"xy\"");
        s.control(2, "complete {r} S_OK 2");
        assert_eq!(s.control(1, "output-memory {r}"), "78793334", "as much as was transferred");
        s.control(1, "complete {r} S_OK 4");
        assert_eq!(s.completion("r").expect("it was completed").data, "xy34");
        assert_eq!(memory, Bytes::from_static(b"abcd"));
        s.close("f");
    }
}

scenario! {
    h03_a_regained_request_shows_what_was_written_below: stack(crate::FORWARDING), [framework, wire], |s| {
        s.control(1, "on read: forward");
        s.control(2, "on read: complete(S_OK, data=\"down\")");
        s.open("f");
        s.control(1, "on completion: hold");
        s.start("r", "f", read(6));
        assert_eq!(s.control(1, "output-buffer {r}"), "646f776e0000");
        s.control(1, "write-output {r} data=\"D\"");
        s.control(1, "complete {r} S_OK 4");
        assert_eq!(s.completion("r").expect("it was completed").data, "Down");
        s.close("f");
    }
}

scenario! {
    h07_zero_lengths_are_null_memories: stack(DEFAULT), [framework, wire], |s| {
        held(s, "r", ioctl(CODE));
        for command in ["input-memory", "output-memory"] {
            assert_eq!(s.control(1, &format!("{command} {{r}}")), "NULL");
        }
        for command in ["input-buffer", "output-buffer"] {
            assert_eq!(s.control(1, &format!("{command} {{r}}")), "ERROR_INSUFFICIENT_BUFFER");
        }
        s.control(1, "complete {r} S_OK");
        s.close("f");
    }
}

scenario! {
    h08_retrieve_buffer_minimum: stack(DEFAULT), [framework, wire], |s| {
        held(s, "r", both(&Bytes::from_static(b"in"), 4));
        assert_eq!(HResult::ERROR_INSUFFICIENT_BUFFER, HResult(0x8007_007A));
        assert_eq!(s.control(1, "output-buffer {r} 8"), "ERROR_INSUFFICIENT_BUFFER");
        assert_eq!(s.control(1, "input-buffer {r} 3"), "ERROR_INSUFFICIENT_BUFFER");
        s.never("L1.Done");
        assert_eq!(s.control(1, "output-buffer {r} 4"), "00000000", "untouched");
        assert_eq!(s.control(1, "input-buffer {r} 2"), "696e");
        s.control(1, "complete {r} S_OK data=\"1234\"");
        assert_eq!(s.ended("r"), (HResult::S_OK, 4));
        s.close("f");
    }
}

scenario! {
    h08_each_type_has_its_own_buffer: stack(DEFAULT), [framework, wire], |s| {
        held(s, "read", read(4));
        s.start("write", "f", write(b"data"));
        assert_eq!(s.control(1, "input-buffer {read}"), "ERROR_INSUFFICIENT_BUFFER");
        assert_eq!(s.control(1, "output-buffer {read} 4"), "00000000");
        assert_eq!(s.control(1, "output-buffer {write}"), "ERROR_INSUFFICIENT_BUFFER");
        assert_eq!(s.control(1, "input-buffer {write} 4"), "64617461");
        s.control(1, "on default: hold");
        s.start("query", "f", Io::QueryInformation { class: 5, size: Some(2) });
        s.start("set", "f", Io::SetInformation { class: 5, data: Some(Bytes::from_static(b"xy")) });
        for (retrieve, get, contents) in [
            ("output-buffer {query}", "output-memory {query}", "0000"),
            ("input-buffer {set}", "input-memory {set}", "7879"),
        ] {
            assert_eq!(s.control(1, retrieve), "ERROR_INSUFFICIENT_BUFFER", "for read, write and ioctl only");
            assert_eq!(s.control(1, get), contents);
        }
        for request in ["read", "write", "query", "set"] {
            s.control(1, &format!("complete {{{request}}} S_OK"));
        }
        s.close("f");
    }
}

scenario! {
    h09_the_second_buffer_of_method_in_direct_is_readable: stack(DEFAULT), [framework, wire], |s| {
        let contents = Bytes::from_static(b"second");
        held(s, "r", Io::InDirect { code: IN_DIRECT, input: Some(Bytes::from_static(b"first")), contents });
        let told = "ioctl code=0x80002001 in=5 out=6 offset=0 data=6669727374";
        assert_eq!(s.control(1, "parameters {r}"), told, "length = output length");
        assert_eq!(s.control(1, "output-buffer {r} 6"), "7365636f6e64");
        assert_eq!(s.control(1, "output-memory {r}"), "7365636f6e64");
        s.control(1, "complete {r} S_OK");
        assert_eq!(s.ended("r"), (HResult::S_OK, 0));
        s.close("f");
    }
}

scenario! {
    h09_no_other_method_shows_what_was_in_the_output_memory: stack(DEFAULT), [framework, wire], |s| {
        held(s, "r", Io::InDirect { code: CODE, input: None, contents: Bytes::from_static(b"second") });
        assert_eq!(s.control(1, "output-memory {r}"), "000000000000");
        s.control(1, "complete {r} S_OK");
        s.close("f");
    }
}

scenario! {
    h10_effective_io_type_is_buffered: stack(DEFAULT), [framework, wire], |s| {
        held(s, "buffered", both(&Bytes::from_static(b"in"), 4));
        let contents = Bytes::from_static(b"second");
        s.start("direct", "f", Io::InDirect { code: IN_DIRECT, input: None, contents });
        s.start("read", "f", read(65536));
        for request in ["buffered", "direct", "read"] {
            assert_eq!(s.control(1, &format!("io-type {{{request}}}")), "2");
            s.control(1, &format!("complete {{{request}}} S_OK"));
        }
        s.close("f");
    }
}

scenario! {
    h13_deferred_retrieval_forbids_get_input_memory: stack(DEFERRED), [framework, wire], |s| {
        s.tolerance.verdicts = true;
        s.tolerance.leaks = true;
        held(s, "r", both(&Bytes::from_static(b"in"), 4));
        s.control(1, "input-memory {r}");
        let stop = s.driver_stop();
        assert_eq!((stop.rule.as_str(), stop.layer.as_str(), stop.operation.as_str()), ("IOC-13", "L1", "IO"));
        assert_eq!(s.ended("r").0, HResult::STATUS_DRIVER_PROCESS_TERMINATED);
    }
}

scenario! {
    h13_lenient_reports_it_and_goes_on: lenient(DEFERRED), [framework, wire], |s| {
        s.tolerance.verdicts = true;
        held(s, "r", both(&Bytes::from_static(b"in"), 4));
        assert_eq!(s.control(1, "output-memory {r}"), "00000000");
        s.once("L1.Finding(IOC-13)");
        s.control(1, "complete {r} S_OK");
        assert_eq!(s.ended("r").0, HResult::S_OK);
        s.close("f");
    }
}

scenario! {
    h13_a_deferred_driver_retrieves: stack(DEFERRED), [framework, wire], |s| {
        held(s, "r", both(&Bytes::from_static(b"in"), 4));
        assert_eq!(s.control(1, "input-buffer {r} 2"), "696e");
        assert_eq!(s.control(1, "write-output {r} data=\"data\""), "ok");
        s.control(1, "complete {r} S_OK 4");
        assert_eq!(s.completion("r").expect("it was completed").data, "data");
        s.close("f");
    }
}
