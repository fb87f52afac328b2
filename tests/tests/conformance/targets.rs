//! Group C: I/O targets.

use bytes::Bytes;
use lowerdeck_framework::io::SendOptions;
use lowerdeck_framework::status::HResult;
use lowerdeck_tests::backend::{Io, SentIoAction};
use lowerdeck_tests::scenario::stack;
use lowerdeck_tests::stage::read;
use lowerdeck_tests::{race, scenario};

use crate::DEFAULT;

/// `WdfIoTargetStarted` and `WdfIoTargetStopped`.
const STARTED: u32 = 1;
const STOPPED: u32 = 2;
/// `WdfIoTargetDeleted`.
const DELETED: u32 = 5;

scenario! {
    c03_null_file_with_the_default_target: stack(DEFAULT), [framework, wire], |s| {
        s.request("r");
        assert_eq!(s.format("r", None, read(4)), HResult::E_INVALIDARG);
        assert_eq!(s.send("r"), HResult::STATUS_REQUEST_NOT_ACCEPTED);
        s.never("L1.Io");
    }
}

scenario! {
    c07_buffer_length_zero_means_to_the_end: stack(DEFAULT), [framework, wire], |s| {
        s.open("f");
        s.start("r", "f", Io::Read { size: Some(16), window: Some((4, 0)), offset: None });
        assert_eq!(s.ended("r"), (HResult::S_OK, 12));
        s.close("f");
    }
}

scenario! {
    c11_stopped_target_queues: stack(DEFAULT), [framework, wire], |s| {
        s.open("f");
        assert_eq!(s.target_state(), STARTED);
        assert_eq!(s.stop(SentIoAction::LeavePending), HResult::S_OK);
        s.start("r1", "f", read(4));
        s.start("r2", "f", read(4));
        s.never("L1.Io");
        assert_eq!(s.target_state(), STOPPED);
        assert_eq!((s.state_of("r1"), s.state_of("r2")), ("Pended".to_owned(), "Pended".to_owned()));
        assert_eq!(s.start_target(), HResult::S_OK);
        s.close("f");
    }
}

scenario! {
    c12_start_drains_in_order: stack("scripted(queue=sequential)"), [framework, wire], |s| {
        s.open("f");
        s.stop(SentIoAction::LeavePending);
        s.start("r1", "f", read(4));
        s.start("r2", "f", read(4));
        assert_eq!(s.start_target(), HResult::S_OK);
        s.order("L1.Io(read, r1) < L1.Io(read, r2)");
        assert_eq!(s.target_state(), STARTED);
        s.close("f");
    }
}

scenario! {
    c16_cancel_sent_io_waits: stack(DEFAULT), [framework, wire], |s| {
        s.control(1, "on read: arm");
        s.open("f");
        s.start("r1", "f", read(4));
        s.start("r2", "f", read(4));
        assert_eq!(s.stop(SentIoAction::Cancel), HResult::S_OK);
        s.order("L0.Stop < L0.OnCompletion(r1, cancelled) < L0.Stop.returned");
        s.order("L0.Stop < L0.OnCompletion(r2, cancelled) < L0.Stop.returned");
        s.close("f");
    }
}

scenario! {
    c20_pended_requests_survive_stop_actions: stack(DEFAULT), [framework, wire], |s| {
        s.open("f");
        s.stop(SentIoAction::LeavePending);
        s.start("r", "f", read(4));
        assert_eq!(s.stop(SentIoAction::Cancel), HResult::S_OK);
        assert_eq!(s.stop(SentIoAction::WaitForCompletion), HResult::S_OK);
        assert_eq!(s.state_of("r"), "Pended");
        s.never("L1.Io");
        s.start_target();
        assert_eq!(s.ended("r"), (HResult::S_OK, 4));
        s.close("f");
    }
}

scenario! {
    c27_cancel_sent_requests_for_file_scope: stack(DEFAULT), [framework, wire], |s| {
        s.control(1, "on read: arm");
        s.open("f1");
        s.open("f2");
        s.start("r1", "f1", read(4));
        s.start("r3", "f2", read(4));
        s.stop(SentIoAction::LeavePending);
        s.start("r2", "f1", read(4));
        s.cancel_for_file("f1");
        assert_eq!(s.ended("r1"), (HResult::ERROR_OPERATION_ABORTED, 0));
        assert_eq!(s.ended("r2"), (HResult::ERROR_OPERATION_ABORTED, 0));
        s.never("L1.Io(read, r2)");
        assert_eq!(s.state_of("r3"), "InFlight");
        s.start_target();
        s.control(1, "on read: complete(S_OK, data=\"more\")");
        s.start("r4", "f1", read(4));
        assert_eq!(s.ended("r4"), (HResult::S_OK, 4));
        s.close("f1");
        s.close("f2");
    }
}

scenario! {
    c01_default_target_is_ready: stack(DEFAULT), [framework, wire], |s| {
        assert_eq!(s.target_state(), STARTED);
    }
}

scenario! {
    c13_start_on_a_started_target: stack(DEFAULT), [framework, wire], |s| {
        assert_eq!(s.start_target(), HResult::S_OK);
        assert_eq!(s.target_state(), STARTED);
    }
}

scenario! {
    c15_stop_twice: stack(DEFAULT), [framework, wire], |s| {
        s.control(1, "on read: arm");
        s.open("f");
        s.start("r", "f", read(4));
        assert_eq!(s.stop(SentIoAction::LeavePending), HResult::S_OK);
        assert_eq!(s.state_of("r"), "InFlight");
        assert_eq!(s.stop(SentIoAction::Cancel), HResult::S_OK);
        assert_eq!(s.ended("r"), (HResult::ERROR_OPERATION_ABORTED, 0));
        s.close("f");
    }
}

scenario! {
    c17_cancel_sent_io_blocks_on_a_stubborn_driver: stack(DEFAULT), [framework, wire], |s| {
        s.control(1, "on read: hold");
        s.open("f");
        s.start("r", "f", read(4));
        let call = s.begin_stop(SentIoAction::Cancel);
        assert!(!s.has_returned(call));
        s.control(1, "complete {r} S_OK 4");
        assert_eq!(s.status_of(call), HResult::S_OK);
        assert_eq!(s.ended("r"), (HResult::S_OK, 4));
        s.close("f");
    }
}

scenario! {
    c18_wait_for_sent_io_to_complete: stack(DEFAULT), [framework, wire], |s| {
        s.control(1, "on read: hold");
        s.open("f");
        s.start("r", "f", read(4));
        let call = s.begin_stop(SentIoAction::WaitForCompletion);
        assert!(!s.has_returned(call));
        s.control(1, "complete {r} S_OK 4");
        s.never("L1.OnCancel");
        s.order("L0.OnCompletion(r) < L0.Stop.returned(S_OK)");
        s.close("f");
    }
}

scenario! {
    c19_leave_sent_io_pending: stack(DEFAULT), [framework, wire], |s| {
        s.control(1, "on read: hold");
        s.open("f");
        s.start("r", "f", read(4));
        assert_eq!(s.stop(SentIoAction::LeavePending), HResult::S_OK);
        s.control(1, "complete {r} S_OK 4");
        assert_eq!(s.ended("r"), (HResult::S_OK, 4));
        assert_eq!(s.target_state(), STOPPED);
        s.close("f");
    }
}

scenario! {
    c21_ignore_target_state_passes_a_stopped_target: stack(DEFAULT), [framework, wire], |s| {
        s.open("f");
        s.stop(SentIoAction::LeavePending);
        s.request("r");
        s.format("r", Some("f"), read(4));
        assert_eq!(s.send_with("r", SendOptions::IGNORE_TARGET_STATE, 0), HResult::S_OK);
        assert_eq!(s.ended("r"), (HResult::S_OK, 4));
        s.close("f");
    }
}

scenario! {
    c22_stop_neither_cancels_nor_waits_for_ignoring_requests: stack(DEFAULT), [framework, wire], |s| {
        s.control(1, "on read: arm");
        s.open("f");
        s.request("r");
        s.format("r", Some("f"), read(4));
        s.send_with("r", SendOptions::IGNORE_TARGET_STATE, 0);
        assert_eq!(s.stop(SentIoAction::Cancel), HResult::S_OK);
        s.never("L1.OnCancel");
        assert_eq!(s.state_of("r"), "InFlight");
        s.close("f");
    }
}

scenario! {
    c24_remove: stack(DEFAULT), [framework, wire], |s| {
        s.control(1, "on read: arm");
        s.open("f");
        s.start("r1", "f", read(4));
        s.stop(SentIoAction::LeavePending);
        s.start("r2", "f", read(4));
        assert_eq!(s.remove_target(), HResult::S_OK);
        assert_eq!(s.ended("r1"), (HResult::ERROR_OPERATION_ABORTED, 0));
        assert_eq!(s.ended("r2"), (HResult::ERROR_OPERATION_ABORTED, 0));
        assert_eq!(s.target_state(), DELETED);
        s.close("f");
    }
}

scenario! {
    c30_format_while_sent: stack(DEFAULT), [framework, wire], |s| {
        s.control(1, "on read: hold");
        s.open("f");
        s.start("r", "f", read(4));
        assert_eq!(s.format("r", Some("f"), read(8)), HResult::STATUS_INVALID_DEVICE_REQUEST);
        s.control(1, "complete {r} S_OK 4");
        assert_eq!(s.ended("r"), (HResult::S_OK, 4));
        s.close("f");
    }
}

scenario! {
    c05_whole_buffer: stack(DEFAULT), [framework, wire], |s| {
        s.open("f");
        s.start("r", "f", read(16));
        assert_eq!(s.ended("r"), (HResult::S_OK, 16));
        s.close("f");
    }
}

scenario! {
    c06_window: stack("ram(size=1MiB)"), [framework, wire], |s| {
        s.open("f");
        let data = Some(Bytes::from_static(b"0123456789abcdef"));
        s.start("w", "f", Io::Write { data, window: Some((4, 8)), offset: None });
        assert_eq!(s.ended("w"), (HResult::S_OK, 8));
        s.start("r", "f", Io::Read { size: Some(16), window: Some((4, 8)), offset: None });
        assert_eq!(s.ended("r"), (HResult::S_OK, 8));
        assert_eq!(&s.completion("r").expect("it has ended").data[..], b"456789ab");
        s.close("f");
    }
}

scenario! {
    c08_out_of_range: stack(DEFAULT), [framework, wire], |s| {
        s.open("f");
        s.request("r");
        for window in [(17, 0), (8, 9), (u64::MAX, 2)] {
            let io = Io::Read { size: Some(16), window: Some(window), offset: None };
            assert_eq!(s.format("r", Some("f"), io), HResult::STATUS_INTEGER_OVERFLOW, "{window:?}");
            assert_eq!(s.state_of("r"), "Unformatted");
        }
        s.close("f");
    }
}

scenario! {
    c09_null_memory: stack(DEFAULT), [framework, wire], |s| {
        s.open("f");
        s.start("r", "f", Io::Read { size: None, window: None, offset: None });
        s.start("w", "f", Io::Write { data: None, window: None, offset: None });
        s.start("i", "f", Io::DeviceControl { code: 0x8000_2000, input: None, output: None });
        for (request, kind) in [("r", "read"), ("w", "write"), ("i", "ioctl")] {
            s.once(&format!("L1.Io({kind}, {request})"));
            assert_eq!(s.ended(request), (HResult::S_OK, 0));
        }
        s.close("f");
    }
}

scenario! {
    c10_null_device_offset: stack("ram(size=2TiB)"), [framework, wire], |s| {
        s.open("f");
        s.start("w0", "f", Io::Write { data: Some(Bytes::from_static(b"zero")), window: None, offset: None });
        s.start("w1", "f", Io::Write { data: Some(Bytes::from_static(b"far!")), window: None, offset: Some(1 << 40) });
        s.start("r0", "f", Io::Read { size: Some(4), window: None, offset: Some(0) });
        s.start("r1", "f", Io::Read { size: Some(4), window: None, offset: Some(1 << 40) });
        assert_eq!(&s.completion("r0").expect("it has ended").data[..], b"zero");
        assert_eq!(&s.completion("r1").expect("it has ended").data[..], b"far!");
        s.close("f");
    }
}

scenario! {
    c14_start_after_removal: stack(DEFAULT), [framework, wire], |s| {
        s.remove_target();
        assert_eq!(s.start_target(), HResult::STATUS_INVALID_DEVICE_STATE);
        assert_eq!(s.target_state(), DELETED);
    }
}

scenario! {
    c23_closed_target_refuses: stack(DEFAULT), [framework, wire], |s| {
        s.open("f");
        s.request("r");
        s.format("r", Some("f"), read(4));
        s.remove_target();
        for flags in [0, SendOptions::IGNORE_TARGET_STATE] {
            assert_eq!(s.send_with("r", flags, 0), HResult::STATUS_INVALID_DEVICE_STATE);
        }
        assert_eq!(s.completions_of("r"), []);
        s.close("f");
    }
}

race! {
    c25_pended_request_cancelled_while_start_drains: stack(DEFAULT), ["delivered", "cancelled"], |s| {
        s.open("f");
        s.stop(SentIoAction::LeavePending);
        for index in 1..=10 {
            s.start(&format!("r{index}"), "f", read(4));
        }
        s.race("start", "cancel r5");
        let delivered = s.count("L1.Io(read, r5)");
        let outcome = match (s.ended("r5"), delivered) {
            ((HResult::S_OK, 4), 1) => "delivered",
            ((HResult::ERROR_OPERATION_ABORTED, 0), 0) => "cancelled",
            other => s.fail(&format!("{other:?} is no outcome of this race")),
        };
        for index in (1..=10).filter(|index| *index != 5) {
            assert_eq!(s.ended(&format!("r{index}")), (HResult::S_OK, 4));
        }
        s.close("f");
        outcome
    }
}

race! {
    c26_start_and_stop_from_two_threads: stack(DEFAULT), ["started", "stopped"], |s| {
        s.open("f");
        s.stop(SentIoAction::LeavePending);
        s.start("r", "f", read(4));
        s.race("start", "stop");
        let outcome = match s.target_state() {
            STARTED => "started",
            STOPPED => "stopped",
            other => s.fail(&format!("{other} is no state after this race")),
        };
        s.start_target();
        assert_eq!(s.ended("r"), (HResult::S_OK, 4));
        s.once("L1.Io(read, r)");
        s.close("f");
        outcome
    }
}

race! {
    c37_redelivery_failure: stack(DEFAULT), ["delivered", "cut short", "failed"], |s| {
        s.open("f");
        s.stop(SentIoAction::LeavePending);
        let requests = ["r1", "r2"];
        for request in requests {
            s.start(request, "f", read(4));
        }
        s.race("start", "remove");
        let mut delivered = 0;
        for (index, request) in requests.into_iter().enumerate() {
            match (s.ended(request), s.count(&format!("L1.Io(read, {request})"))) {
                ((HResult::S_OK, 4), 1) if delivered == index => delivered += 1,
                ((HResult::ERROR_OPERATION_ABORTED, 0), 0) => {}
                other => s.fail(&format!("{request} ended with {other:?}")),
            }
        }
        assert_eq!(s.target_state(), DELETED);
        s.close("f");
        match delivered {
            0 => "failed",
            2 => "delivered",
            _ => "cut short",
        }
    }
}

scenario! {
    c33_format_for_a_closed_target: stack(DEFAULT), [framework, wire], |s| {
        s.open("f");
        s.request("r");
        s.remove_target();
        assert_eq!(s.format("r", Some("f"), read(4)), HResult::STATUS_INVALID_DEVICE_STATE);
        assert_eq!(s.state_of("r"), "Unformatted");
        s.close("f");
    }
}
