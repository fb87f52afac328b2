//! I23: what becomes of a stack that was stopped (STOP-7).

use lowerdeck_framework::status::HResult;
use lowerdeck_tests::scenario;
use lowerdeck_tests::scenario::shared;
use lowerdeck_tests::stage::{Stage, read};

/// A driver that breaks a rule with each read.
const FAILING: &str = "scripted(script={on read: complete-twice(S_OK)})";
const MINUTE: u64 = 60_000;

/// The n-th failure.
fn fail(s: &mut Stage, n: u32) {
    s.tolerance.verdicts = true;
    let (file, request) = (format!("f{n}"), format!("r{n}"));
    s.open(&file);
    s.start(&request, &file, read(4));
    assert_eq!(s.driver_stop().rule, "REQ-54");
}

scenario! {
    i23_five_restarts_then_it_stays_down: shared(FAILING), [framework, wire], |s| {
        for n in 1..=5 {
            fail(s, n);
            assert!(s.next_life(), "failure {n} is answered by a restart");
        }
        fail(s, 6);
        assert!(!s.next_life(), "the sixth is not");
    }
}

scenario! {
    i23_after_thirty_minutes_the_count_is_one: shared(FAILING), [framework, wire], |s| {
        for n in 1..=5 {
            fail(s, n);
            assert!(s.next_life());
        }
        s.advance(30 * MINUTE);
        for n in 6..=10 {
            fail(s, n);
            assert!(s.next_life(), "failure {n} is one of a new row");
        }
        s.advance(30 * MINUTE - 1);
        fail(s, 11);
        assert!(!s.next_life());
    }
}

scenario! {
    /// The new life is one from the beginning.
    i23_a_restarted_stack_works: shared(FAILING), [framework, wire], |s| {
        fail(s, 1);
        assert!(s.next_life());
        s.once("L1.OnPrepareHardware+");
        s.never("L1.DriverStop");
        s.control(1, "clear");
        s.open("f");
        s.start("r", "f", read(4));
        assert_eq!(s.ended("r"), (HResult::S_OK, 4));
        s.close("f");
    }
}
