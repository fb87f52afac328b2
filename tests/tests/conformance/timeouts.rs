//! Group E: timeouts of a Send.

use lowerdeck_framework::io::SendOptions;
use lowerdeck_framework::status::HResult;
use lowerdeck_tests::backend::SentIoAction;
use lowerdeck_tests::scenario::stack;
use lowerdeck_tests::stage::read;
use lowerdeck_tests::{race, scenario};

use crate::DEFAULT;

/// Half a second, relative, in ticks of 100 ns.
const HALF_A_SECOND: i64 = -5_000_000;

scenario! {
    e20_relative_timeout_of_an_armed_request: stack(DEFAULT), [framework, wire], |s| {
        s.control(1, "on read: arm");
        s.open("f");
        s.start_timed("r", "f", read(4), HALF_A_SECOND);
        s.advance(499);
        s.never("L1.OnCancel");
        s.advance(1);
        s.once("L1.OnCancel(r)");
        assert_eq!(s.ended("r").0, HResult::STATUS_IO_TIMEOUT);
        s.close("f");
    }
}

scenario! {
    e21_timeout_on_a_stubborn_driver: stack(DEFAULT), [framework, wire], |s| {
        s.control(1, "on read: hold");
        s.open("f");
        s.request("r");
        s.format("r", Some("f"), read(4));
        let call = s.begin_synchronous_send("r", SendOptions::TIMEOUT, HALF_A_SECOND);
        s.advance(499);
        s.never("L0.Timeout");
        s.advance(1);
        s.once("L0.Timeout(r)");
        s.advance(2500);
        assert!(!s.has_returned(call), "a timeout cancels, it does not abandon (REQ-24)");
        s.control(1, "complete {r} S_OK 4");
        assert_eq!(s.status_of(call), HResult::S_OK);
        assert_eq!(s.ended("r"), (HResult::S_OK, 4));
        s.close("f");
    }
}

scenario! {
    e22_success_after_the_timer_fired: stack(DEFAULT), [framework, wire], |s| {
        s.control(1, "on read: arm");
        s.control(1, "on cancel: complete(S_OK, data=\"ok\")");
        s.open("f");
        s.start_timed("r", "f", read(4), HALF_A_SECOND);
        s.advance(500);
        assert_eq!(s.ended("r"), (HResult::S_OK, 2));
        s.close("f");
    }
}

scenario! {
    e23_error_cancelled_is_not_the_cancelled_class: stack(DEFAULT), [framework, wire], |s| {
        s.control(1, "on read: arm");
        s.control(1, "on cancel: complete(0x800704C7)");
        s.open("f");
        s.start_timed("r", "f", read(4), HALF_A_SECOND);
        s.advance(500);
        s.order("L0.Timeout(r) < L1.OnCancel(r)");
        assert_eq!(s.ended("r").0, HResult::ERROR_CANCELLED);
        s.close("f");
    }
}

scenario! {
    e24_both_spellings_of_cancelled_morph: stack(DEFAULT), [framework, wire], |s| {
        s.control(1, "on read: arm");
        s.open("f");
        for (request, spelling) in [("r1", "0x800703E3"), ("r2", "0xD0000120")] {
            s.control(1, &format!("on cancel: complete({spelling})"));
            s.start_timed(request, "f", read(4), HALF_A_SECOND);
            s.advance(500);
            assert_eq!(s.ended(request).0, HResult::STATUS_IO_TIMEOUT);
        }
        s.close("f");
    }
}

scenario! {
    e25_explicit_cancel_with_a_far_timeout: stack(DEFAULT), [framework, wire], |s| {
        s.control(1, "on read: arm");
        s.open("f");
        s.start_timed("r", "f", read(4), HALF_A_SECOND * 1000);
        s.cancel("r");
        assert_eq!(s.ended("r").0, HResult::ERROR_OPERATION_ABORTED);
        s.close("f");
    }
}

race! {
    e26_explicit_cancel_and_timer_together: stack(DEFAULT), ["cancelled", "timed out"], |s| {
        s.control(1, "on read: arm");
        s.open("f");
        s.start_timed("r", "f", read(4), HALF_A_SECOND);
        s.race("cancel r", "advance 500");
        assert_eq!(s.completions_of("r").len(), 1);
        let outcome = match s.ended("r").0 {
            HResult::ERROR_OPERATION_ABORTED => "cancelled",
            HResult::STATUS_IO_TIMEOUT => "timed out",
            other => s.fail(&format!("{other} is no outcome of this race")),
        };
        s.close("f");
        outcome
    }
}

scenario! {
    e27_absolute_timeout_in_the_past: stack(DEFAULT), [framework, wire], |s| {
        s.control(1, "on read: arm");
        s.open("f");
        s.start_timed("r", "f", read(4), 1);
        s.advance(0);
        assert_eq!(s.ended("r").0, HResult::STATUS_IO_TIMEOUT);
        s.close("f");
    }
}

scenario! {
    e28_no_timer_in_both_cases: stack(DEFAULT), [framework, wire], |s| {
        s.control(1, "on read: arm");
        s.open("f");
        for (request, flags, timeout) in [("zero", SendOptions::TIMEOUT, 0), ("unflagged", 0, HALF_A_SECOND)] {
            s.request(request);
            s.format(request, Some("f"), read(4));
            s.send_with(request, flags, timeout);
        }
        s.advance(60_000);
        s.never("L0.Timeout");
        s.close("f");
    }
}

scenario! {
    e30_timeout_of_a_pended_request: stack(DEFAULT), [framework, wire], |s| {
        s.open("f");
        s.stop(SentIoAction::LeavePending);
        s.start_timed("r", "f", read(4), HALF_A_SECOND);
        s.advance(500);
        assert_eq!(s.ended("r").0, HResult::STATUS_IO_TIMEOUT);
        s.never("L1.Io");
        s.close("f");
    }
}

scenario! {
    e31_timer_stops_at_completion: stack(DEFAULT), [framework, wire], |s| {
        s.control(1, "on read: arm");
        s.open("f");
        s.start_timed("r", "f", read(4), HALF_A_SECOND);
        s.advance(100);
        s.control(1, "unmark-complete {r} S_OK 4");
        s.reuse("r", HResult::S_OK);
        s.format("r", Some("f"), read(4));
        s.send("r");
        s.advance(1000);
        s.never("L1.OnCancel");
        s.never("L0.Timeout");
        assert_eq!(s.state_of("r"), "InFlight");
        s.control(1, "unmark-complete {r} S_OK 4");
        s.close("f");
    }
}

scenario! {
    e32_units: stack(DEFAULT), [framework, wire], |s| {
        s.control(1, "on read: arm");
        s.open("f");
        for (request, ticks) in [("millisecond", -10_000), ("second", -10_000_000)] {
            s.start_timed(request, "f", read(4), ticks);
        }
        s.advance(1);
        assert_eq!(s.ended("millisecond").0, HResult::STATUS_IO_TIMEOUT);
        s.advance(998);
        assert_eq!(s.completion("second"), None);
        s.advance(1);
        assert_eq!(s.ended("second").0, HResult::STATUS_IO_TIMEOUT);
        s.close("f");
    }
}
