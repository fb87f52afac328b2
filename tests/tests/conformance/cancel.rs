//! Group E: cancellation. What timeouts do is in `timeouts.rs`.

use lowerdeck_framework::status::HResult;
use lowerdeck_tests::backend::{CancelAnswer, Deed, SentIoAction};
use lowerdeck_tests::scenario::{lenient, stack};
use lowerdeck_tests::stage::{read, write};
use lowerdeck_tests::{race, scenario};

use crate::{DEFAULT, FORWARDING};

scenario! {
    e01_cancel_of_an_armed_request: stack(DEFAULT), [framework, wire], |s| {
        s.control(1, "on read: arm");
        s.open("f");
        s.start("r", "f", read(4));
        let answer = s.cancel("r");
        assert_eq!((answer, answer.is_true()), (CancelAnswer::Delivered, true));
        assert_eq!(s.ended("r"), (HResult::ERROR_OPERATION_ABORTED, 0));
        s.order("L1.OnCancel(r) < L1.Done(r, ERROR_OPERATION_ABORTED) < L0.OnCompletion(r, cancelled)");
        s.close("f");
    }
}

scenario! {
    e02_cancel_is_not_completion: stack(DEFAULT), [framework, wire], |s| {
        s.control(1, "on read: arm");
        s.control(1, "on cancel: hold");
        s.open("f");
        s.start("r", "f", read(4));
        assert!(s.cancel("r").is_true());
        s.once("L1.OnCancel(r)");
        assert_eq!(s.completion("r"), None);
        s.control(1, "complete {r} S_OK 4");
        assert_eq!(s.ended("r"), (HResult::S_OK, 4));
        s.close("f");
    }
}

scenario! {
    e03_cancel_of_a_held_unarmed_request: stack(DEFAULT), [framework, wire], |s| {
        s.control(1, "on read: hold");
        s.open("f");
        s.start("r", "f", read(4));
        let answer = s.cancel("r");
        assert_eq!((answer, answer.is_true()), (CancelAnswer::Remembered, false));
        assert_eq!(s.completion("r"), None);
        s.control(1, "complete {r} S_OK 4");
        assert_eq!(s.ended("r"), (HResult::S_OK, 4));
        s.never("L1.OnCancel");
        s.close("f");
    }
}

scenario! {
    e04_remembered_cancel: stack(DEFAULT), [framework, wire], |s| {
        s.control(1, "on read: hold");
        s.open("f");
        s.start("r", "f", read(4));
        assert_eq!(s.cancel("r"), CancelAnswer::Remembered);
        assert_eq!(s.control(1, "is-canceled {r}"), "TRUE");
        s.control(1, "arm {r}");
        s.once("L1.OnCancel(r)");
        assert_eq!(s.ended("r"), (HResult::ERROR_OPERATION_ABORTED, 0));
        s.close("f");
    }
}

scenario! {
    e05_cancel_of_an_undelivered_request: stack("scripted(queue=sequential)"), [framework, wire], |s| {
        s.control(1, "on read: hold");
        s.open("f");
        s.start("r1", "f", read(4));
        s.start("r2", "f", read(4));
        assert_eq!(s.cancel("r2"), CancelAnswer::CompletedByFramework);
        assert_eq!(s.ended("r2"), (HResult::ERROR_OPERATION_ABORTED, 0));
        s.never("L1.Io(read, r2)");
        s.control(1, "complete {r1} S_OK 4");
        s.never("L1.Io(read, r2)");
        s.close("f");
    }
}

scenario! {
    e06_cancel_of_a_pended_request: stack(DEFAULT), [framework, wire], |s| {
        s.open("f");
        s.stop(SentIoAction::LeavePending);
        s.start("r", "f", read(4));
        assert_eq!(s.cancel("r"), CancelAnswer::CompletedByFramework);
        assert_eq!(s.ended("r"), (HResult::ERROR_OPERATION_ABORTED, 0));
        s.start_target();
        s.never("L1.Io");
        s.close("f");
    }
}

scenario! {
    e07_cancel_follows_a_forwarded_packet: stack(FORWARDING), [framework, wire], |s| {
        s.open("f");
        s.control(1, "on read: forward");
        s.control(2, "on read: arm");
        s.start("r", "f", read(4));
        assert_eq!(s.cancel("r"), CancelAnswer::Delivered);
        s.never("L1.OnCancel");
        s.order("L2.OnCancel(r) < L2.Done(r, cancelled) < L1.OnCompletion(r, cancelled) < L0.OnCompletion(r, cancelled)");
        s.close("f");
    }
}

race! {
    e08_cancel_between_owners: stack(FORWARDING), ["completed", "cancelled"], |s| {
        s.open("f");
        s.control(1, "on read: hold");
        s.start("r", "f", read(4));
        s.race("cancel r", "L1: forward {r}");
        assert_eq!(s.completions_of("r").len(), 1);
        let outcome = match s.ended("r") {
            (HResult::S_OK, 4) => "completed",
            (HResult::ERROR_OPERATION_ABORTED, 0) => "cancelled",
            other => s.fail(&format!("{other:?} is no outcome of this race")),
        };
        s.close("f");
        outcome
    }
}

race! {
    e09_cancel_versus_complete: stack(DEFAULT), ["completed", "cancelled"], |s| {
        s.control(1, "on read: arm");
        s.open("f");
        s.start("r", "f", read(4));
        let (_, unmarked) = s.race("cancel r", "L1: unmark {r}");
        let outcome = match unmarked {
            Deed::Replied(reply) if reply == "S_OK" => {
                s.control(1, "complete {r} S_OK 4");
                s.never("L1.OnCancel");
                assert_eq!(s.ended("r"), (HResult::S_OK, 4));
                "completed"
            }
            // Unmark lost: cancellation is under way, or OnCancel has already ended the request.
            _ => {
                s.once("L1.OnCancel(r)");
                assert_eq!(s.ended("r"), (HResult::ERROR_OPERATION_ABORTED, 0));
                "cancelled"
            }
        };
        s.close("f");
        outcome
    }
}

scenario! {
    e10_the_loser_must_not_complete: lenient(DEFAULT), [framework, wire], |s| {
        s.tolerance.verdicts = true;
        s.open("f");
        s.control(1, "on read: arm");
        s.start("r", "f", read(4));
        // A write handler that does not return holds the device lock, so OnCancel cannot be entered yet.
        s.control(1, "on write: block");
        s.start("w", "f", write(b"data"));
        assert_eq!(s.cancel("r"), CancelAnswer::Delivered);
        s.never("L1.OnCancel");
        assert_eq!(s.control(1, "unmark {r}"), "ERROR_OPERATION_ABORTED");
        s.control(1, "complete {r} S_OK 4");
        s.once("L1.Finding(REQ-50)");
        assert_eq!(s.ended("r"), (HResult::S_OK, 4));
        s.control(1, "release");
        s.control(1, "complete {w} S_OK 4");
        s.never("L1.OnCancel");
        s.close("f");
    }
}

scenario! {
    e11_unmark_without_mark: stack(DEFAULT), [framework, wire], |s| {
        s.control(1, "on read: hold");
        s.open("f");
        s.start("r", "f", read(4));
        assert_eq!(s.control(1, "unmark {r}"), "STATUS_INVALID_PARAMETER");
        s.control(1, "complete {r} S_OK 4");
        s.close("f");
    }
}

scenario! {
    e12_complete_while_armed: lenient(DEFAULT), [framework, wire], |s| {
        s.tolerance.verdicts = true;
        s.control(1, "on read: arm");
        s.open("f");
        s.start("r", "f", read(4));
        s.control(1, "complete {r} S_OK 4");
        s.once("L1.Finding(REQ-54)");
        assert_eq!(s.ended("r"), (HResult::S_OK, 4));
        s.close("f");
    }
}

scenario! {
    e13_cancel_before_send_is_sticky: stack(DEFAULT), [framework, wire], |s| {
        s.open("f");
        s.request("r");
        let answer = s.cancel("r");
        assert_eq!((answer, answer.is_true()), (CancelAnswer::Sticky, false));
        assert_eq!(s.format("r", Some("f"), read(4)), HResult::S_OK);
        assert_eq!(s.send("r"), HResult::ERROR_OPERATION_ABORTED);
        assert_eq!(s.completions_of("r"), []);
        s.never("L1.Io");
        s.reuse("r", HResult::S_OK);
        assert_eq!(s.format("r", Some("f"), read(4)), HResult::S_OK);
        assert_eq!(s.send("r"), HResult::S_OK);
        assert_eq!(s.ended("r"), (HResult::S_OK, 4));
        s.close("f");
    }
}

scenario! {
    e14_cancel_after_completion: stack(DEFAULT), [framework, wire], |s| {
        s.open("f");
        s.start("r", "f", read(4));
        assert_eq!(s.cancel("r"), CancelAnswer::AlreadyCompleted);
        assert_eq!(s.ended("r"), (HResult::S_OK, 4));
        s.close("f");
    }
}

scenario! {
    e15_cancel_twice: stack(DEFAULT), [framework, wire], |s| {
        s.control(1, "on read: arm");
        s.control(1, "on cancel: hold");
        s.open("f");
        s.start("r", "f", read(4));
        assert!(s.cancel("r").is_true());
        assert!(!s.cancel("r").is_true());
        s.once("L1.OnCancel(r)");
        s.control(1, "complete {r} ERROR_OPERATION_ABORTED");
        s.close("f");
    }
}

scenario! {
    e17_armed_request_forwarded_to_a_queue: stack(DEFAULT), [framework, wire], |s| {
        s.open("f");
        s.control(1, "on read: arm");
        s.start("r", "f", read(4));
        assert_eq!(s.control(1, "queue {r}"), "ERROR_INVALID_OPERATION");
        assert_eq!(s.control(1, "unmark {r}"), "S_OK");
        assert_eq!(s.control(1, "queue {r}"), "S_OK");
        s.close("f");
        assert_eq!(s.ended("r").0, HResult::ERROR_OPERATION_ABORTED);
    }
}

scenario! {
    e18_is_canceled: stack(DEFAULT), [framework, wire], |s| {
        s.open("f");
        s.control(1, "on read: hold");
        s.control(1, "on cancel: hold");
        s.start("r", "f", read(4));
        assert_eq!(s.control(1, "is-canceled {r}"), "FALSE");
        s.cancel("r");
        assert_eq!(s.control(1, "is-canceled {r}"), "TRUE");
        s.control(1, "arm {r}");
        assert_eq!(s.control(1, "is-canceled {r}"), "FALSE");
        s.control(1, "complete {r} ERROR_OPERATION_ABORTED");
        s.close("f");
    }
}

scenario! {
    e19_on_io_canceled_on_queue: stack("scripted(queue_cancel=callback)"), [framework, wire], |s| {
        s.control(1, "on read: queue");
        s.open("f");
        s.start("r", "f", read(4));
        assert_eq!(s.cancel("r"), CancelAnswer::Delivered);
        s.order("L1.OnIoCanceledOnQueue(r) < L1.Done(r, cancelled) < L0.OnCompletion(r, cancelled)");
        s.close("f");
    }
}

scenario! {
    e19_not_for_a_request_that_was_never_delivered: stack("scripted(queue=manual, queue_cancel=callback)"), [framework, wire], |s| {
        s.open("f");
        s.start("r", "f", read(4));
        assert_eq!(s.cancel("r"), CancelAnswer::CompletedByFramework);
        s.never("L1.OnIoCanceledOnQueue");
        assert_eq!(s.ended("r"), (HResult::ERROR_OPERATION_ABORTED, 0));
        s.close("f");
    }
}
