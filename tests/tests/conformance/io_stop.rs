//! `OnIoStop` and what waits for its answers: out of D0 (F), back in, at removal (I). What the other side of QUE-13
//! does is in `power.rs`.

use lowerdeck_framework::status::HResult;
use lowerdeck_tests::backend::PowerState;
use lowerdeck_tests::scenario;
use lowerdeck_tests::scenario::{answering, stack};
use lowerdeck_tests::stage::{Stage, read};

/// The first read is held; the queue tells of stops.
const HOLDS_ONE: &str = "scripted(power=managed, io_stop=callback, script={on read nth=1: hold})";
/// The first create is held, the second waits behind it in a sequential queue that does not follow the device's power.
const HOLDS_A_CREATE: &str =
    "scripted(queue=sequential, io_stop=callback, script={on create nth=1: hold; on io-stop: hold})";
/// What a request that ends with its queue gets.
const ABORTED: HResult = HResult::ERROR_OPERATION_ABORTED;

/// Where `pattern` matches for the n-th time, from 1.
fn at(s: &mut Stage, pattern: &str, nth: usize) -> usize {
    let moments = s.moments();
    let found = (0..moments.len()).filter(|index| moments[*index].matches(pattern)).nth(nth - 1);
    found.unwrap_or_else(|| s.fail(&format!("`{pattern}` happened fewer than {nth} times")))
}

scenario! {
    f16_a_requeued_request_is_delivered_again_in_d0: stack(HOLDS_ONE), [framework, wire], |s| {
        s.control(1, "on io-stop: acknowledge(requeue)");
        s.open("f");
        s.start("r", "f", read(4));
        s.power(PowerState::D3);
        s.order("L1.OnSelfManagedIoSuspend- < L1.OnIoStop(r, 1) < L1.OnD0Exit+ < L1.OnD0Exit-");
        s.once("L1.Io(read, r)");
        s.never("L1.Done(r)");
        s.power(PowerState::D0);
        assert_eq!(s.ended("r"), (HResult::S_OK, 4));
        let (entered, again) = (at(s, "L1.OnD0Entry-", 2), at(s, "L1.Io(read, r)", 2));
        s.check(entered < again, "it came again only after OnD0Entry had returned");
        s.never("L1.OnIoResume");
        s.close("f");
    }
}

scenario! {
    /// It goes to the head: what came later comes after it.
    f16_a_requeued_request_goes_to_the_head: stack(HOLDS_ONE), [framework, wire], |s| {
        s.open("f");
        s.start("r", "f", read(4));
        s.control(1, "on io-stop: hold");
        s.power(PowerState::D3);
        s.start("later", "f", read(4));
        s.never("L1.OnD0Exit+");
        assert_eq!(s.control(1, "acknowledge {r} requeue"), "TRUE");
        s.once("L1.OnD0Exit-");
        s.power(PowerState::D0);
        let (again, later) = (at(s, "L1.Io(read, r)", 2), at(s, "L1.Io(read, later)", 1));
        s.check(again < later, "the requeued one came first");
        s.close("f");
    }
}

scenario! {
    f16_a_kept_request_is_resumed: stack(HOLDS_ONE), [framework, wire], |s| {
        s.control(1, "on io-stop: acknowledge");
        s.open("f");
        s.start("r", "f", read(4));
        s.power(PowerState::D3);
        s.never("L1.OnIoResume");
        s.power(PowerState::D0);
        s.order("L1.OnIoStop(r, 1) < L1.OnD0Exit+ < L1.OnIoResume(r) < L1.OnSelfManagedIoRestart+");
        s.once("L1.Io(read, r)");
        s.control(1, "complete {r} S_OK 4");
        assert_eq!(s.ended("r"), (HResult::S_OK, 4));
        s.close("f");
    }
}

scenario! {
    /// Asked at every way out of D0, not only at the first.
    f16_a_kept_request_is_asked_about_again: stack(HOLDS_ONE), [framework, wire], |s| {
        s.control(1, "on io-stop: acknowledge");
        s.open("f");
        s.start("r", "f", read(4));
        for power in [PowerState::D3, PowerState::D0, PowerState::D3, PowerState::D0] {
            s.power(power);
        }
        assert_eq!((s.count("L1.OnIoStop(r, 1)"), s.count("L1.OnIoResume(r)")), (2, 2));
        s.control(1, "complete {r} S_OK 4");
        s.close("f");
    }
}

scenario! {
    /// What is kept and then ended does not count for another that nobody has answered for.
    f16_the_end_of_a_kept_request_is_no_answer_for_another:
    stack("scripted(power=managed, io_stop=callback, script={on read: hold; on io-stop: hold})"), [framework, wire], |s| {
        s.open("f");
        s.start("a", "f", read(4));
        s.start("b", "f", read(4));
        s.power(PowerState::D3);
        s.control(1, "acknowledge {a}");
        s.control(1, "complete {a} S_OK 4");
        s.never("L1.OnD0Exit+");
        s.control(1, "complete {b} S_OK 4");
        s.order("L1.Done(a) < L1.Done(b) < L1.OnD0Exit+ < L1.OnD0Exit-");
        s.close("f");
    }
}

scenario! {
    f16_an_armed_request_is_announced_as_cancelable:
    stack("scripted(power=managed, io_stop=callback, script={on read nth=1: arm})"), [framework, wire], |s| {
        s.open("f");
        s.start("r", "f", read(4));
        s.power(PowerState::D3);
        s.order(&format!("L1.OnIoStop(r, {}) < L1.OnD0Exit+", 0x1000_0001));
        s.power(PowerState::D0);
        assert_eq!(s.ended("r"), (HResult::S_OK, 4));
        s.close("f");
    }
}

scenario! {
    f16_a_forwarded_request_is_asked_about:
    stack("scripted(role=filter, power=managed, io_stop=callback, script={on create: forward; on read: forward}) \
           / scripted(script={on read: hold})"), [framework, wire], |s| {
        s.open("f");
        s.start("r", "f", read(4));
        s.power(PowerState::D3);
        s.order("L2.Io(read, r) < L1.OnIoStop(r, 1) < L1.OnD0Exit+");
        s.never("L2.OnIoStop");
        s.power(PowerState::D0);
        s.once("L1.OnIoResume(r)");
        s.control(2, "complete {r} S_OK 4");
        assert_eq!(s.ended("r"), (HResult::S_OK, 4));
        s.close("f");
    }
}

scenario! {
    f16_nobody_else_is_asked: stack("scripted(io_stop=callback, script={on read: hold})"), [framework, wire], |s| {
        s.open("f");
        s.start("r", "f", read(4));
        s.power(PowerState::D3);
        s.once("L1.OnD0Exit-");
        s.never("L1.OnIoStop");
        s.control(1, "complete {r} S_OK 4");
        s.close("f");
    }
}

scenario! {
    /// OnD0Exit comes after OnIoStop has returned, whatever that has done about the request.
    f16_the_callback_itself_is_waited_for: stack(HOLDS_ONE), [framework, wire], |s| {
        s.control(1, "on io-stop: complete(S_OK, 4), block");
        s.open("f");
        s.start("r", "f", read(4));
        s.power(PowerState::D3);
        assert_eq!(s.ended("r"), (HResult::S_OK, 4));
        s.never("L1.OnD0Exit+");
        s.control(1, "release io-stop");
        s.once("L1.OnD0Exit-");
        s.close("f");
    }
}

scenario! {
    f16_an_acknowledgement_that_nobody_asked_for: stack(HOLDS_ONE), [framework, wire], |s| {
        s.tolerance.verdicts = true;
        s.open("f");
        s.start("r", "f", read(4));
        s.control(1, "acknowledge {r} requeue");
        let stop = s.driver_stop();
        assert_eq!((stop.rule.as_str(), stop.layer.as_str(), stop.operation.as_str()), ("QUE-14", "L1", "IO"));
    }
}

scenario! {
    f17_on_io_stop_ignored: stack(HOLDS_ONE), [framework, wire], |s| {
        s.control(1, "on io-stop: hold");
        s.open("f");
        s.start("r", "f", read(4));
        s.power(PowerState::D3);
        s.once("L1.OnIoStop(r, 1)");
        s.never("L1.OnD0Exit+");
        s.control(1, "complete {r} S_OK 4");
        s.order("L1.OnIoStop(r, 1) < L1.Done(r) < L1.OnD0Exit+");
        s.close("f");
    }
}

scenario! {
    f17_the_watchdog_applies: stack(HOLDS_ONE), [framework, wire], |s| {
        s.tolerance.verdicts = true;
        s.control(1, "on io-stop: hold");
        s.open("f");
        s.start("r", "f", read(4));
        s.power(PowerState::D3);
        s.advance(59_999);
        s.never("L1.DriverStop");
        s.advance(1);
        let stop = s.driver_stop();
        assert_eq!((stop.rule.as_str(), stop.layer.as_str()), ("STOP-8", "L1"));
        let triple = (stop.event_class.as_str(), stop.problem.as_str(), stop.operation.as_str());
        assert_eq!(triple, ("HostProblem", "HostTimeout", "Pnp"));
        assert_eq!(s.ended("r").0, HResult::STATUS_DRIVER_PROCESS_TERMINATED);
    }
}

scenario! {
    f15_a_power_managed_manual_queue_gives_nothing_outside_d0: stack("scripted(queue=manual, power=all)"),
    [framework, wire], |s| {
        s.open("f");
        s.power(PowerState::D3);
        s.start("r", "f", read(4));
        assert_eq!(s.control(1, "retrieve").parse(), Ok(HResult::STATUS_WDF_PAUSED));
        assert_eq!(HResult::STATUS_WDF_PAUSED, HResult(0xD020_0203));
        s.power(PowerState::D0);
        s.control(1, "retrieve");
        s.control(1, "complete {r} S_OK 4");
        assert_eq!(s.ended("r"), (HResult::S_OK, 4));
        s.close("f");
    }
}

scenario! {
    /// A file whose create is still below is not open (STOP-1): L0 goes, and L1 hears of the create as of any request.
    i24_queues_at_removal: stack(HOLDS_A_CREATE), [framework, wire], |s| {
        let held = s.begin_create("held", None);
        let queued = s.begin_create("queued", None);
        s.unplug();
        assert_eq!(s.status_of(queued), ABORTED);
        s.order("L1.OnReleaseHardware- < L1.OnSelfManagedIoFlush- < L1.OnIoStop(held, 2)");
        s.never("L1.OnSelfManagedIoCleanup+");
        assert!(!s.has_returned(held));
        s.control(1, &format!("complete {{held}} {ABORTED}"));
        assert_eq!(s.status_of(held), ABORTED);
        s.order("L1.CreateDone(held) < L1.OnSelfManagedIoCleanup-");
        s.never("L1.Create(queued)");
    }
}

scenario! {
    /// The order of I02 with everything in it, on a queue that follows the device's power.
    i02_on_io_stop_among_the_removal_callbacks:
    stack("scripted(power=managed, io_stop=callback, script={on create: hold; on io-stop nth=1: acknowledge; on io-stop: hold})"),
    [framework, wire], |s| {
        let held = s.begin_create("f", None);
        s.unplug();
        s.control(1, &format!("complete {{f}} {ABORTED}"));
        assert_eq!(s.status_of(held), ABORTED);
        s.order("L1.OnSelfManagedIoSuspend- < L1.OnIoStop(f, 1) < L1.OnD0Exit+ < L1.OnReleaseHardware- < L1.OnIoStop(f, 2) \
                 < L1.OnSelfManagedIoFlush+ < L1.OnSelfManagedIoCleanup-");
    }
}

scenario! {
    i06_on_io_stop_among_the_callbacks_of_a_surprise:
    stack("scripted(power=managed, io_stop=callback, script={on create: hold; on io-stop nth=1: acknowledge})"),
    [framework, wire], |s| {
        let held = s.begin_create("f", None);
        s.surprise_remove();
        assert_eq!(s.status_of(held), ABORTED);
        s.order("L1.OnSelfManagedIoSuspend- < L1.OnIoStop(f, 1) < L1.OnD0Exit+ < L1.OnReleaseHardware- < L1.OnIoStop(f, 2) \
                 < L1.OnSelfManagedIoFlush+ < L1.OnSelfManagedIoCleanup-");
        s.once("L1.OnSurpriseRemoval-");
    }
}

scenario! {
    /// Acknowledging a Purge ends no wait (STOP-10); putting the request back ends it, for a purged queue keeps nothing.
    i24_a_purge_is_answered_by_an_ending: stack(HOLDS_A_CREATE), [framework, wire], |s| {
        let held = s.begin_create("held", None);
        s.unplug();
        s.control(1, "acknowledge {held}");
        s.never("L1.OnSelfManagedIoCleanup+");
        s.control(1, "acknowledge {held} requeue");
        assert_eq!(s.status_of(held), ABORTED);
        s.once("L1.OnSelfManagedIoCleanup-");
    }
}

scenario! {
    /// What opens after its creator has gone is closed before the driver that opened it goes; nobody hears of the file.
    i24_a_create_that_succeeds_too_late: stack(HOLDS_A_CREATE), [framework, wire], |s| {
        let held = s.begin_create("held", None);
        s.unplug();
        s.control(1, "complete {held} S_OK");
        assert_eq!(s.status_of(held), HResult::STATUS_INVALID_DEVICE_STATE);
        s.order("L1.CreateDone(held) < L1.Cleanup-(held) < L1.Close-(held) < L1.OnSelfManagedIoCleanup+");
    }
}

scenario! {
    j04_pnp_callbacks_are_free: stack("scripted(script={on read: block})"), [framework, wire], |s| {
        s.open("f");
        s.start("r", "f", read(4));
        s.power(PowerState::D3);
        s.order("L1.Io(read, r) < L1.OnSelfManagedIoSuspend- < L1.OnD0Exit+ < L1.OnD0Exit-");
        s.never("L1.Done(r)");
        s.control(1, "release read");
        s.control(1, "complete {r} S_OK 4");
        s.close("f");
    }
}

scenario! {
    /// Subject to QUE-15: the queue follows the device's power.
    j04_a_power_managed_queue_is_waited_for: stack("scripted(power=managed, script={on read: block})"),
    [framework, wire], |s| {
        s.open("f");
        s.start("r", "f", read(4));
        s.power(PowerState::D3);
        s.once("L1.OnSelfManagedIoSuspend-");
        s.never("L1.OnD0Exit+");
        s.control(1, "complete {r} S_OK 4");
        s.order("L1.Done(r) < L1.OnD0Exit-");
        s.control(1, "release read");
        s.close("f");
    }
}

scenario! {
    /// PNP-8 on the way down: what is owed to L1 is Flush and Cleanup; the layers below go in full.
    i10_on_self_managed_io_suspend_fails:
    stack("scripted(script={on self-managed-io-suspend: fail(STATUS_ACCESS_DENIED)}) / scripted"), [framework, wire], |s| {
        s.power(PowerState::D3);
        s.order("L1.OnSelfManagedIoSuspend-(STATUS_ACCESS_DENIED) < L1.OnSelfManagedIoFlush+ < L1.OnSelfManagedIoCleanup- \
                 < L2.OnSelfManagedIoSuspend+ < L2.OnD0Exit+ < L2.OnReleaseHardware+ < L2.OnSelfManagedIoCleanup-");
        s.never("L1.OnD0Exit+");
        s.never("L1.OnReleaseHardware+");
    }
}

scenario! {
    /// PNP-8 on the way back up: L2 is in D0 already, L1 is not.
    i10_on_self_managed_io_restart_fails:
    stack("scripted(script={on self-managed-io-restart: fail(STATUS_ACCESS_DENIED)}) / scripted"), [framework, wire], |s| {
        s.power(PowerState::D3);
        s.power(PowerState::D0);
        s.order("L2.OnSelfManagedIoRestart- < L1.OnSelfManagedIoRestart-(STATUS_ACCESS_DENIED) < L1.OnSelfManagedIoFlush+ \
                 < L1.OnSelfManagedIoCleanup- < L2.OnReleaseHardware+ < L2.OnSelfManagedIoCleanup-");
        s.never("L1.OnReleaseHardware+");
        s.once("L1.OnD0Exit+");
    }
}

scenario! {
    i09_a_later_on_d0_entry_fails:
    stack("scripted(script={on d0-entry nth=2: fail(STATUS_ACCESS_DENIED)}) / scripted"), [framework, wire], |s| {
        s.power(PowerState::D3);
        s.power(PowerState::D0);
        s.order("L1.OnD0Entry-(STATUS_ACCESS_DENIED) < L1.OnReleaseHardware+ < L1.OnSelfManagedIoFlush+ \
                 < L1.OnSelfManagedIoCleanup- < L2.OnReleaseHardware+ < L2.OnSelfManagedIoCleanup-");
        s.once("L1.OnD0Exit+");
        s.never("L1.OnSelfManagedIoRestart+");
    }
}

scenario! {
    i16_a_late_create_of_a_lost_client: answering(HOLDS_A_CREATE, &[]), [framework], |s| {
        s.begin_create("held", None);
        s.lose_client();
        s.unplug();
        s.never("L1.OnSelfManagedIoSuspend+");
        s.control(1, "complete {held} S_OK");
        s.order("L1.Cleanup-(held) < L1.Close-(held) < L1.OnSelfManagedIoSuspend+ < L1.OnSelfManagedIoCleanup-");
    }
}
