//! Group B: closing.

use lowerdeck_framework::status::HResult;
use lowerdeck_tests::backend::{Deed, SentIoAction};
use lowerdeck_tests::scenario::{lenient, stack};
use lowerdeck_tests::stage::{ioctl, read, write};
use lowerdeck_tests::{race, scenario};

use crate::{DEFAULT, FORWARDING};

scenario! {
    b01_the_exact_order_of_a_quiet_file: stack(DEFAULT), [framework, wire], |s| {
        s.open("f");
        s.close("f");
        s.order("L1.Cleanup+(f) < L1.Cleanup-(f) < L1.Close+(f) < L1.Close-(f) < L1.FileGone(f) < L0.FileGone(f)");
    }
}

scenario! {
    b02_the_exact_order_with_io_in_flight: stack(DEFAULT), [framework, wire], |s| {
        s.control(1, "on read: arm");
        s.open("f");
        s.start("r", "f", read(4));
        s.close("f");
        s.order("L1.Cleanup+(f) < L1.Cleanup-(f) < L1.OnCancel(r) < L1.Done(r, cancelled) < L0.OnCompletion(r, cancelled, 0) \
                 < L1.Close+(f) < L1.Close-(f) < L1.FileGone(f)");
        assert_eq!(s.ended("r"), (HResult::ERROR_OPERATION_ABORTED, 0));
    }
}

scenario! {
    b03_what_cleanup_completes_keeps_its_status: stack(DEFAULT), [framework, wire], |s| {
        s.control(1, "on read: hold");
        s.control(1, "on cleanup: complete-file(S_OK, data=\"kept\")");
        s.open("f");
        s.start("r", "f", read(4));
        s.close("f");
        assert_eq!(s.ended("r"), (HResult::S_OK, 4));
        assert_eq!(&s.completion("r").expect("it has ended").data[..], b"kept");
        s.never("L1.OnCancel");
        s.order("L1.Cleanup+(f) < L1.Done(r, S_OK, 4) < L1.Cleanup-(f) < L1.Close+(f)");
    }
}

scenario! {
    b05_undelivered_requests_die_at_the_queue: stack("scripted(queue=sequential)"), [framework, wire], |s| {
        s.control(1, "on read: hold");
        s.open("g");
        s.open("f");
        s.start("r1", "g", read(4));
        s.start("r2", "f", read(4));
        s.close("f");
        assert_eq!(s.ended("r2"), (HResult::ERROR_OPERATION_ABORTED, 0));
        s.never("L1.Io(read, r2)");
        // P2 ends it, before the creator's requests are looked at (P4); and f does not wait for r1.
        s.order("L1.Cleanup-(f) < L1.Done(r2, cancelled, 0) < L0.CancelCreatorsRequests(f) < L1.Close+(f)");
        s.never("L1.Done(r1)");
        s.control(1, "complete {r1} S_OK 4");
        s.close("g");
    }
}

scenario! {
    b06_a_non_cancelable_request_keeps_the_file_open: stack(DEFAULT), [framework, wire], |s| {
        s.control(1, "on read: hold");
        s.open("f");
        s.start("r", "f", read(4));
        s.close("f");
        s.once("L1.Cleanup-(f)");
        s.never("L1.Close+(f)");
        s.control(1, "complete {r} S_OK 4");
        assert_eq!(s.ended("r"), (HResult::S_OK, 4));
        s.order("L0.OnCompletion(r, S_OK) < L1.Close+(f)");
    }
}

scenario! {
    b07_close_does_not_wait_for_io: stack(DEFAULT), [framework, wire], |s| {
        s.control(1, "on read: hold");
        s.open("f");
        s.start("r", "f", read(4));
        let call = s.begin_close("f");
        assert!(s.has_returned(call));
        s.never("L1.Done(r)");
        s.control(1, "complete {r} S_OK 4");
        s.order("L0.Close.returned(f) < L1.Done(r) < L1.Close+(f)");
    }
}

scenario! {
    b09_only_the_creators_requests_are_cancelled: stack(FORWARDING), [framework, wire], |s| {
        s.control(1, "on read: send(read, number=900, length=4), arm");
        s.control(2, "on read: arm");
        s.open("f");
        s.start("r", "f", read(4));
        s.once("L2.Io(read, L1:900)");
        s.close("f");
        assert_eq!(s.ended("r"), (HResult::ERROR_OPERATION_ABORTED, 0));
        s.once("L1.OnCancel(r)");
        s.never("L2.OnCancel");
        s.never("L1.Close+(f)");
        assert_eq!(s.control(2, "unmark L1:900"), "S_OK");
        s.control(2, "complete L1:900 S_OK 4");
        s.order("L1.Done(r, cancelled) < L2.Done(L1:900, S_OK) < L1.OnCompletion(L1:900) < L1.Close+(f) < L2.Close+(f)");
    }
}

race! {
    b13_close_versus_send: stack(DEFAULT), ["accepted", "refused"], |s| {
        s.control(1, "on read: arm");
        s.open("f");
        s.request("r");
        assert_eq!(s.format("r", Some("f"), read(4)), HResult::S_OK);
        let (_, sent) = s.race("close f", "send r");
        match sent {
            Deed::Sent(HResult::S_OK) => {
                assert_eq!(s.completions_of("r").len(), 1);
                s.order("L0.Send(r, S_OK) < L0.Close(f)"); // nothing slips in after P0
                s.order("L0.OnCompletion(r) < L1.Close+(f)");
                "accepted"
            }
            Deed::Sent(HResult::STATUS_FILE_CLOSED) => {
                assert_eq!(s.completions_of("r"), []);
                s.order("L0.Close(f) < L0.Send(r, STATUS_FILE_CLOSED)");
                s.never("L1.Io");
                "refused"
            }
            other => s.fail(&format!("{other:?} is no outcome of this race")),
        }
    }
}

scenario! {
    b15_double_close_lenient: lenient(DEFAULT), [framework, wire], |s| {
        s.tolerance.verdicts = true;
        s.control(1, "on read: hold");
        s.open("f");
        s.start("r", "f", read(4));
        s.close("f");
        s.close("f");
        s.control(1, "complete {r} S_OK 4");
        s.once("L1.Cleanup+(f)");
        s.once("L1.Close+(f)");
        s.once("L0.Finding(CLS-17)");
    }
}

scenario! {
    b19_send_after_close_of_an_earlier_formatted_request: stack(DEFAULT), [framework, wire], |s| {
        s.open("f");
        s.request("r");
        assert_eq!(s.format("r", Some("f"), read(4)), HResult::S_OK);
        s.close("f");
        assert_eq!(s.send("r"), HResult::STATUS_FILE_CLOSED);
        assert_eq!(s.get_status("r"), HResult::STATUS_FILE_CLOSED);
        assert_eq!(s.completions_of("r"), []);
        s.never("L1.Io");
    }
}

scenario! {
    b23_completed_but_undeleted_request: stack(DEFAULT), [framework, wire], |s| {
        s.open("f");
        s.start("r", "f", read(4));
        assert_eq!(s.ended("r"), (HResult::S_OK, 4));
        s.close("f");
        s.order("L1.Close+(f) < L1.Close-(f)");
        s.never("L0.FileGone(f)");
        let report = s.outstanding();
        assert_eq!(report.len(), 1);
        assert_eq!((report[0].file.as_str(), report[0].requests[0].label.as_str()), ("f", "r"));
        assert!(report[0].requests[0].completed);
        assert_eq!(s.delete("r"), HResult::S_OK);
        s.once("L0.FileGone(f)");
        assert!(s.outstanding().is_empty());
    }
}

scenario! {
    b24_forwarded_cleanup_and_close: stack("passthrough / scripted"), [framework, wire], |s| {
        s.open("f");
        s.close("f");
        s.order("L2.Create(f) < L2.Cleanup+(f) < L2.Cleanup-(f) < L2.Close+(f) < L2.Close-(f)");
        s.never("L1.Cleanup+");
        s.never("L1.Close+");
    }
}

scenario! {
    b25_order_across_layers: stack(FORWARDING), [framework, wire], |s| {
        s.control(1, "on read: arm");
        s.open("f");
        s.start("r", "f", read(4));
        s.close("f");
        s.order("L1.Cleanup+(f) < L1.Cleanup-(f) < L2.Cleanup+(f) < L2.Cleanup-(f) < L0.CancelCreatorsRequests(f) < L1.OnCancel(r) \
                 < L1.Close+(f) < L1.Close-(f) < L1.FileGone(f) < L2.Close+(f)");
    }
}

scenario! {
    b08_close_waits_for_on_cleanup_file: stack(DEFAULT), [framework, wire], |s| {
        s.control(1, "on read: arm");
        s.control(1, "on cleanup: block");
        s.open("f");
        s.start("r", "f", read(4));
        let call = s.begin_close("f");
        assert!(!s.has_returned(call));
        s.never("L1.OnCancel");
        s.never("L1.Cleanup-");
        s.control(1, "release");
        assert!(s.has_returned(call));
        s.order("L1.Cleanup-(f) < L1.OnCancel(r) < L1.Close+(f)");
    }
}

scenario! {
    b10_a_forgotten_lower_request_pins_the_file: stack(FORWARDING), [framework, wire], |s| {
        s.tolerance.leaks = true;
        s.control(1, "on read: send(read, number=900, length=4), arm");
        s.control(2, "on read: hold");
        s.open("f");
        s.start("r", "f", read(4));
        s.close("f");
        s.never("L1.Close+(f)");
        let report = s.outstanding();
        let kept: Vec<&str> = report[0].requests.iter().map(|request| request.label.as_str()).filter(|label| label.starts_with("L1")).collect();
        assert_eq!((report[0].file.as_str(), kept), ("f", vec!["L1:900"]));
        assert_eq!(report[0].requests.iter().find(|request| request.label == "L1:900").map(|request| request.layers.clone()), Some(vec!["L2".to_owned()]));
    }
}

scenario! {
    b11_request_pended_in_a_stopped_target: stack(DEFAULT), [framework, wire], |s| {
        s.open("f");
        s.stop(SentIoAction::LeavePending);
        s.start("r", "f", read(4));
        s.close("f");
        assert_eq!(s.ended("r"), (HResult::ERROR_OPERATION_ABORTED, 0));
        s.never("L1.Io");
        s.order("L0.OnCompletion(r, cancelled) < L1.Close+(f)");
    }
}

race! {
    b14_close_versus_completion: stack(DEFAULT), ["completed", "cancelled"], |s| {
        s.control(1, "on read: arm");
        s.open("f");
        s.start("r", "f", read(4));
        s.race("close f", "L1: unmark-complete {r} S_OK 4");
        assert_eq!(s.completions_of("r").len(), 1);
        s.order("L0.OnCompletion(r) < L1.Close+(f)");
        match s.ended("r") {
            (HResult::S_OK, 4) => "completed",
            (HResult::ERROR_OPERATION_ABORTED, 0) => "cancelled",
            other => s.fail(&format!("{other:?} is no outcome of this race")),
        }
    }
}

scenario! {
    b16_double_close_strict: stack(DEFAULT), [framework, wire], |s| {
        s.tolerance.verdicts = true;
        s.control(1, "on read: hold");
        s.open("f");
        s.start("r", "f", read(4));
        s.close("f");
        let _ = s.begin_close("f");
        s.once("L0.DriverStop(CLS-17)");
    }
}

scenario! {
    b28_two_files_are_independent: stack(DEFAULT), [framework, wire], |s| {
        s.control(1, "on read: arm");
        s.open("f1");
        s.open("f2");
        s.start("r1", "f1", read(4));
        s.start("r2", "f2", read(4));
        s.close("f1");
        assert_eq!(s.ended("r1"), (HResult::ERROR_OPERATION_ABORTED, 0));
        assert_eq!(s.state_of("r2"), "InFlight");
        s.control(1, "unmark-complete {r2} S_OK 4");
        assert_eq!(s.ended("r2"), (HResult::S_OK, 4));
        s.close("f2");
    }
}

scenario! {
    b29_blocking_queue_callback_blocks_close: stack(DEFAULT), [framework, wire], |s| {
        s.open("f");
        s.open("g");
        s.control(1, "on read: block");
        s.start("r", "f", read(4));
        let call = s.begin_close("g");
        s.never("L1.Cleanup+(g)");
        assert!(!s.has_returned(call));
        s.control(1, "release");
        assert!(s.has_returned(call));
        s.once("L1.Cleanup+(g)");
        s.control(1, "complete {r} S_OK 4");
        s.close("f");
    }
}

scenario! {
    b29_without_the_constraint_it_does_not: stack("scripted(locking=none)"), [framework, wire], |s| {
        s.open("f");
        s.open("g");
        s.control(1, "on read: block");
        s.start("r", "f", read(4));
        s.close("g");
        s.once("L1.Close-(g)");
        s.control(1, "release");
        s.control(1, "complete {r} S_OK 4");
        s.close("f");
    }
}

scenario! {
    b04_private_lists_count: stack(DEFAULT), [framework, wire], |s| {
        s.control(1, "on read: queue");
        s.control(1, "on write: hold");
        s.control(1, "on cleanup: retrieve-file(S_OK), complete-file(S_OK, 4)");
        s.open("f");
        s.start("r1", "f", read(4));
        s.start("r2", "f", write(b"data"));
        s.close("f");
        assert_eq!(s.ended("r1").0, HResult::S_OK);
        assert_eq!(s.ended("r2"), (HResult::S_OK, 4));
        s.order("L1.Cleanup+(f) < L1.Done(r1, S_OK) < L1.Cleanup-(f) < L1.Close+(f)");
        s.order("L1.Cleanup+(f) < L1.Done(r2, S_OK) < L1.Cleanup-(f) < L1.Close+(f)");
    }
}

race! {
    b17_two_threads_close_together: lenient(DEFAULT), ["one pair"], |s| {
        s.tolerance.verdicts = true;
        s.control(1, "on read: hold");
        s.open("f");
        s.start("r", "f", read(4));
        s.race("close f", "close f");
        s.control(1, "complete {r} S_OK 4");
        s.once("L1.Cleanup+(f)");
        s.once("L1.Close+(f)");
        s.once("L0.Finding(CLS-17)");
        "one pair"
    }
}

scenario! {
    b18_format_after_close: stack(DEFAULT), [framework, wire], |s| {
        s.control(1, "on read: hold");
        s.open("f");
        s.start("r", "f", read(4));
        s.close("f");
        for (request, io) in [("a", read(4)), ("b", write(b"data")), ("c", ioctl(0x8000_2000))] {
            s.request(request);
            assert_eq!(s.format(request, Some("f"), io), HResult::STATUS_FILE_CLOSED);
            assert_eq!(s.state_of(request), "Unformatted");
        }
        s.control(1, "complete {r} S_OK 4");
    }
}

scenario! {
    b26_late_io_between_cleanup_and_close: stack(FORWARDING), [framework, wire], |s| {
        s.control(1, "on read: hold");
        assert_eq!(s.create_named("f", Some("chan")), HResult::S_OK);
        s.start("r", "f", read(4));
        s.close("f");
        s.control(1, "send read number=900 length=4 file=\"chan\"");
        s.order("L2.Cleanup-(f) < L2.Io(read, L1:900) < L2.Done(L1:900, S_OK)");
        s.never("L2.Close+(f)");
        s.control(1, "complete {r} S_OK 4");
        s.once("L2.Close+(f)");
    }
}

scenario! {
    b33_completions_on_both_sides_of_close: stack(DEFAULT), [framework, wire], |s| {
        s.open("f");
        s.control(1, "on read: arm");
        s.start("r1", "f", read(4));
        s.control(1, "on read: hold");
        s.start("r2", "f", read(4));
        s.close("f");
        assert_eq!(s.ended("r1").0, HResult::ERROR_OPERATION_ABORTED);
        assert_eq!(s.completion("r2"), None);
        s.control(1, "complete {r2} S_OK 4");
        s.order("L0.Close.returned(f) < L0.OnCompletion(r2, S_OK) < L1.Close+(f)");
    }
}
