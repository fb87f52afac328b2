//! I22: the watchdog over critical operations (STOP-8), on a clock that the script moves.

use lowerdeck_framework::status::HResult;
use lowerdeck_tests::backend::{CancelAnswer, PowerState, StopRecord};
use lowerdeck_tests::scenario;
use lowerdeck_tests::scenario::{answering, stack};
use lowerdeck_tests::stage::{Stage, read};

use crate::FORWARDING;

const CLEANUP: &str = "OnSelfManagedIoCleanup";
/// Just not what a critical operation may take without progress, in ms.
const ALMOST: u64 = 59_999;

/// Nothing happens just before the limit; at the limit L1 is stopped for `operation`.
fn times_out(s: &mut Stage, operation: &str) -> StopRecord {
    s.tolerance.verdicts = true;
    s.advance(ALMOST);
    s.never("L1.DriverStop");
    s.advance(1);
    s.once("L1.DriverStop(STOP-8)");
    let stop = s.driver_stop();
    let triple = (stop.event_class.as_str(), stop.problem.as_str(), stop.operation.as_str());
    assert_eq!(triple, ("HostProblem", "HostTimeout", operation));
    stop
}

scenario! {
    i22_on_cancel_never_returns: stack("scripted(script={on read: arm; on cancel: block})"), [framework, wire], |s| {
        s.open("f");
        s.start("r", "f", read(4));
        assert_eq!(s.cancel("r"), CancelAnswer::Delivered);
        times_out(s, "Cancel");
        assert_eq!(s.ended("r").0, HResult::STATUS_DRIVER_PROCESS_TERMINATED);
    }
}

scenario! {
    /// The cancel cannot even be delivered: another callback of L1 has the lock and does not return.
    i22_on_cancel_never_begins:
    stack("scripted(script={on read nth=1: arm; on read nth=2: block})"), [framework, wire], |s| {
        s.open("f");
        s.start("armed", "f", read(4));
        s.start("blocking", "f", read(4));
        assert_eq!(s.cancel("armed"), CancelAnswer::Delivered);
        s.never("L1.OnCancel");
        times_out(s, "Cancel");
    }
}

scenario! {
    i22_a_handler_may_take_its_time: stack("scripted(script={on read: block})"), [framework, wire], |s| {
        s.open("f");
        s.start("r", "f", read(4));
        s.advance(10 * ALMOST);
        s.control(1, "release read");
        s.control(1, "complete {r} S_OK 4");
        assert_eq!(s.ended("r"), (HResult::S_OK, 4));
        s.close("f");
    }
}

scenario! {
    i22_a_driver_that_keeps_returning_is_not_killed:
    stack("scripted(locking=none, script={on read nth=1: arm; on cancel: block})"), [framework, wire], |s| {
        s.open("f");
        s.start("r", "f", read(4));
        s.cancel("r");
        for request in ["a", "b", "c", "d"] {
            s.advance(ALMOST);
            s.start(request, "f", read(4));
            assert_eq!(s.ended(request), (HResult::S_OK, 4));
        }
        s.advance(ALMOST);
        s.control(1, "release cancel");
        s.control(1, "complete {r} ERROR_OPERATION_ABORTED");
        s.advance(ALMOST);
        s.close("f");
    }
}

scenario! {
    /// The whole time again after progress, and not a moment more.
    i22_progress_puts_it_off_once:
    stack("scripted(locking=none, script={on read nth=1: arm; on cancel: block})"), [framework, wire], |s| {
        s.open("f");
        s.start("r", "f", read(4));
        s.cancel("r");
        s.advance(ALMOST);
        s.start("a", "f", read(4));
        times_out(s, "Cancel");
    }
}

scenario! {
    /// Progress of another driver is none of L1's.
    i22_progress_is_the_drivers_own:
    stack("scripted(role=filter, create=handler, locking=none, \
           script={on create: forward; on read nth=1: arm; on cancel: block; on write: forward}) / scripted"),
    [framework, wire], |s| {
        s.tolerance.verdicts = true;
        s.open("f");
        s.control(1, "create-file inner");
        s.start("r", "f", read(4));
        s.cancel("r");
        s.advance(ALMOST);
        s.control(1, "send write number=9 length=4 file=\"inner\" callback=removed");
        s.advance(1);
        s.once("L1.DriverStop(STOP-8)");
    }
}

scenario! {
    i22_on_cleanup_file_never_returns: stack("scripted(script={on cleanup: block})"), [framework, wire], |s| {
        s.open("f");
        s.begin_close("f");
        times_out(s, "Cleanup");
    }
}

scenario! {
    i22_on_close_file_never_returns: stack("scripted(script={on close: block})"), [framework, wire], |s| {
        s.open("f");
        s.close("f");
        times_out(s, "Close");
    }
}

scenario! {
    i22_a_pnp_callback_never_returns: stack("scripted(script={on d0-exit: block}) / scripted"), [framework, wire], |s| {
        s.unplug();
        s.once("L1.OnD0Exit+");
        times_out(s, "Pnp");
    }
}

scenario! {
    /// Each callback of a long transition has the whole time.
    i22_a_slow_transition_is_not_killed:
    stack("scripted(script={on self-managed-io-suspend: block; on d0-exit: block})"), [framework, wire], |s| {
        s.unplug();
        s.advance(ALMOST);
        s.control(1, "release self-managed-io-suspend");
        s.advance(ALMOST);
        s.control(1, "release d0-exit");
        s.once("L1.OnSelfManagedIoCleanup-");
    }
}

scenario! {
    /// The callback is L1's, and it is L1 that waits in it without a timeout: L2 has returned from all of its own.
    i22_a_synchronous_send_keeps_on_d0_exit_from_returning:
    stack("scripted(role=filter, script={on create: forward}) / scripted(script={on read: hold})"), [framework, wire], |s| {
        s.control(1, "create-file \"own\"");
        s.control(1, "on d0-exit: send(read, number=900, length=4, file=\"own\", sync)");
        s.power(PowerState::D3);
        s.once("L2.Io(read, L1:900)");
        assert_eq!(times_out(s, "Pnp").layer, "L1");
    }
}

scenario! {
    i22_a_synchronous_send_keeps_on_cleanup_file_from_returning: stack(FORWARDING), [framework, wire], |s| {
        s.control(1, "on cleanup: send(read, number=900, length=4, sync)");
        s.control(2, "on read: hold");
        s.open("f");
        s.begin_close("f");
        s.once("L2.Io(read, L1:900)");
        assert_eq!(times_out(s, "Cleanup").layer, "L1");
    }
}

scenario! {
    /// What L1 has sent in its own name waits below, and its callback waits for nothing: still L1's.
    i22_a_request_of_its_own_is_no_excuse_for_a_callback:
    stack("scripted(role=filter, script={on create: forward}) / scripted(script={on read: hold})"), [framework, wire], |s| {
        s.control(1, "create-file \"own\"");
        s.control(1, "send read number=900 length=4 file=\"own\"");
        s.control(1, "on d0-exit: block");
        s.power(PowerState::D3);
        assert_eq!(times_out(s, "Pnp").layer, "L1");
    }
}

scenario! {
    /// AcquireLock (SYN-6): the cleanup of L1 cannot begin, and no callback of L1 is under way.
    i22_a_close_waits_for_a_lock_that_the_driver_keeps: stack(FORWARDING), [framework, wire], |s| {
        s.open("f");
        assert_eq!(s.control(1, "acquire-lock"), "Acquired");
        s.begin_close("f");
        s.never("L1.Cleanup+");
        assert_eq!(times_out(s, "Cleanup").layer, "L1");
    }
}

scenario! {
    /// L0 is a process of its own: the stack goes on as if its client had died (MAP-6).
    i22_an_upper_driver_that_does_not_answer: answering("scripted", &[CLEANUP]), [framework, wire], |s| {
        s.tolerance.verdicts = true;
        s.open("f");
        s.unplug();
        s.advance(ALMOST);
        s.never("L0.Finding");
        s.advance(1);
        s.order("L0.Finding(STOP-8) < L0.UpperLost < L1.Close-(f) < L1.OnSelfManagedIoSuspend+ < L1.OnSelfManagedIoCleanup-");
        s.never("L0.DriverStop");
        s.never("L1.DriverStop");
    }
}

scenario! {
    /// The creator is dead, its removal waits for what L1 has of it (STOP-10).
    i22_a_request_of_a_dead_creator_is_never_completed: stack("scripted(script={on read: hold})"), [framework], |s| {
        s.open("f");
        s.start("r", "f", read(4));
        s.lose_client();
        s.unplug();
        s.never("L1.OnSelfManagedIoSuspend+");
        times_out(s, "IO");
    }
}
