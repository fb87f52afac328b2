//! Group I, the rest: power, rebalance, surprise removal, and what goes with a device. Power-managed queues (A, F).

use lowerdeck_framework::status::HResult;
use lowerdeck_tests::backend::{PowerState, SentIoAction};
use lowerdeck_tests::scenario;
use lowerdeck_tests::scenario::{answering, stack};
use lowerdeck_tests::stage::{Stage, read};

/// L1, L2, and the terminator as L3, all of which tell of their PnP callbacks.
const TWO_LAYERS: &str = "scripted / scripted";
const CLEANUP: &str = "OnSelfManagedIoCleanup";
const DOWN: [&str; 2] = ["OnSelfManagedIoSuspend", "OnD0Exit"];
const UP: [&str; 2] = ["OnD0Entry", "OnSelfManagedIoRestart"];
const GONE: [&str; 3] = ["OnReleaseHardware", "OnSelfManagedIoFlush", CLEANUP];

/// The PnP callbacks entered and left from moment `from` on, in order, without `OnSurpriseRemoval`, which has no place.
fn calls_since(s: &mut Stage, from: usize) -> Vec<String> {
    let moments = s.moments().into_iter().skip(from);
    let named = moments.filter(|moment| moment.name.starts_with("On") && moment.name.ends_with(['+', '-']));
    let placed = named.filter(|moment| !moment.name.starts_with("OnSurpriseRemoval"));
    placed.map(|moment| format!("L{}.{}", moment.layer, moment.name)).collect()
}

/// One layer after the other, each through all of `callbacks`.
fn walk(layers: &[&str], callbacks: &[&str]) -> Vec<String> {
    let calls = layers.iter().flat_map(|layer| callbacks.iter().map(move |callback| format!("{layer}.{callback}")));
    calls.flat_map(|call| [format!("{call}+"), format!("{call}-")]).collect()
}

/// From moment `from` on, L1 gets nothing called `name` before it is in D0 (QUE-13).
fn comes_after_d0_entry(s: &mut Stage, from: usize, name: &str) {
    let moments = s.moments().split_off(from);
    let at = |name: &str| moments.iter().position(|moment| moment.layer == 1 && moment.name == name);
    let in_order = matches!((at("OnD0Entry-"), at(name)), (Some(entered), Some(delivered)) if entered < delivered);
    s.check(in_order, &format!("L1 got {name} only after its OnD0Entry had returned"));
}

/// Returns from whatever L0 is in, until it is in nothing.
fn return_from_all(s: &mut Stage) {
    while let Some(name) = s.pending_callbacks().first().cloned() {
        s.return_from(&name);
    }
}

scenario! {
    i03_power_cycle: answering(TWO_LAYERS, &["OnSelfManagedIoSuspend", "OnD0Exit", "OnSelfManagedIoRestart"]),
    [framework, wire], |s| {
        let started = s.moments().len();
        s.power(PowerState::D3);
        for callback in DOWN {
            s.return_from(callback);
        }
        assert_eq!(calls_since(s, started), walk(&["L0", "L1", "L2", "L3"], &DOWN));
        let asleep = s.moments().len();
        s.power(PowerState::D0);
        s.return_from("OnSelfManagedIoRestart");
        assert_eq!(calls_since(s, asleep), [walk(&["L3", "L2", "L1"], &UP), walk(&["L0"], &UP[1..])].concat());
    }
}

scenario! {
    /// A state that a device is in already asks nothing of it.
    i03_a_power_state_is_entered_once: stack(TWO_LAYERS), [framework, wire], |s| {
        let started = s.moments().len();
        s.power(PowerState::D0);
        assert!(calls_since(s, started).is_empty());
        s.power(PowerState::D3);
        let asleep = s.moments().len();
        s.power(PowerState::D3);
        assert!(calls_since(s, asleep).is_empty());
    }
}

scenario! {
    i04_rebalance: answering(TWO_LAYERS, &["OnQueryStop", "OnReleaseHardware", "OnSelfManagedIoRestart"]),
    [framework, wire], |s| {
        let started = s.moments().len();
        s.rebalance();
        for callback in ["OnQueryStop", "OnReleaseHardware", "OnSelfManagedIoRestart"] {
            s.return_from(callback);
        }
        let asked = walk(&["L0", "L1", "L2", "L3"], &["OnQueryStop"]);
        let down = walk(&["L0"], &GONE[..1]);
        let below = walk(&["L1", "L2", "L3"], &["OnSelfManagedIoSuspend", "OnD0Exit", "OnReleaseHardware"]);
        let up = walk(&["L3", "L2", "L1"], &["OnPrepareHardware", "OnD0Entry", "OnSelfManagedIoRestart"]);
        assert_eq!(calls_since(s, started), [asked, down, below, up, walk(&["L0"], &UP[1..])].concat());
        s.open("f");
        s.close("f");
    }
}

scenario! {
    i04_a_driver_may_refuse_to_stop: stack("scripted(script={on query-stop: fail(STATUS_ACCESS_DENIED)}) / scripted"),
    [framework, wire], |s| {
        s.rebalance();
        s.once("L1.OnQueryStop-(STATUS_ACCESS_DENIED)");
        s.never("L2.OnQueryStop+");
        s.never("L1.OnSelfManagedIoSuspend+");
        s.open("f");
        s.start("r", "f", read(4));
        assert_eq!(s.ended("r"), (HResult::S_OK, 4));
        s.close("f");
    }
}

scenario! {
    i06_surprise_removal_in_d0: answering(TWO_LAYERS, &["OnQueryRemove", "OnSurpriseRemoval", CLEANUP]),
    [framework, wire], |s| {
        let started = s.moments().len();
        s.surprise_remove();
        return_from_all(s);
        let below = walk(&["L1", "L2", "L3"], &[&DOWN[..], &GONE].concat());
        assert_eq!(calls_since(s, started), [walk(&["L0"], &[CLEANUP]), below].concat());
        for layer in ["L0", "L1", "L2"] {
            s.once(&format!("{layer}.OnSurpriseRemoval-"));
            s.never(&format!("{layer}.OnQueryRemove+"));
        }
    }
}

scenario! {
    /// It runs beside the others; the device is gone when both have ended.
    i06_a_device_is_gone_when_on_surprise_removal_has_returned:
    stack("scripted(script={on surprise-removal: block}) / scripted"), [framework, wire], |s| {
        s.surprise_remove();
        s.once("L1.OnSelfManagedIoCleanup-");
        s.never("L2.OnSelfManagedIoSuspend+");
        s.control(1, "release surprise-removal");
        s.order("L1.OnSurpriseRemoval- < L2.OnSelfManagedIoSuspend+ < L2.OnSelfManagedIoCleanup-");
    }
}

scenario! {
    i07_surprise_removal_in_d3: answering(TWO_LAYERS, &GONE), [framework, wire], |s| {
        s.power(PowerState::D3);
        let asleep = s.moments().len();
        s.surprise_remove();
        return_from_all(s);
        assert_eq!(calls_since(s, asleep), walk(&["L0", "L1", "L2", "L3"], &GONE));
    }
}

scenario! {
    i20_report_content: answering("scripted", &[CLEANUP]), [framework, wire], |s| {
        s.tolerance.verdicts = true;
        s.control(1, "on read: hold");
        s.open("f");
        s.start("held", "f", read(4));
        s.control(1, "on read: complete(S_OK)");
        s.start("undeleted", "f", read(4));
        s.unplug();
        s.close("f");
        s.return_from(CLEANUP);
        let stop = s.driver_stop();
        assert_eq!((stop.rule.as_str(), stop.layer.as_str()), ("STOP-1", "L0"));
        let triple = (stop.event_class.as_str(), stop.problem.as_str(), stop.operation.as_str());
        assert_eq!(triple, ("VerifierFailure", "Other", "Pnp"));
        let report = s.outstanding();
        assert_eq!((report.len(), report[0].file.as_str(), report[0].creator.as_str()), (1, "f", "L0"));
        let lines: Vec<_> = report[0].requests.iter().map(|request| {
            let layers = request.layers.join(" ");
            (request.label.as_str(), request.kind.as_str(), request.completed, request.cancel_requested, layers)
        }).collect();
        let held = ("held", "read", false, true, "L1".to_owned());
        assert_eq!(lines, [held, ("undeleted", "read", true, false, String::new())]);
    }
}

scenario! {
    i20_the_operation_is_that_of_the_fault: stack("scripted"), [framework, wire], |s| {
        s.tolerance.verdicts = true;
        s.control(1, "on read: complete-twice(S_OK)");
        s.open("f");
        s.start("r", "f", read(4));
        let stop = s.driver_stop();
        assert_eq!((stop.rule.as_str(), stop.layer.as_str(), stop.operation.as_str()), ("REQ-54", "L1", "IO"));
    }
}

scenario! {
    i25_targets_at_removal:
    answering("scripted(script={on read: arm; on self-managed-io-suspend: block})", &[CLEANUP]), [framework, wire], |s| {
        s.open("f");
        s.start("in-flight", "f", read(4));
        s.stop(SentIoAction::LeavePending);
        s.start("pended", "f", read(4));
        s.unplug();
        s.close("f");
        for request in ["in-flight", "pended"] {
            assert_eq!(s.ended(request), (HResult::ERROR_OPERATION_ABORTED, 0));
            s.delete(request);
        }
        s.once("L1.Io");
        s.return_from(CLEANUP);
        s.once("L1.OnSelfManagedIoSuspend+");
        assert_eq!((s.target_state(), s.start_target()), (4, HResult(0xD000_0184)));
        s.control(1, "release self-managed-io-suspend");
    }
}

scenario! {
    i26_uncommitted_pnp_state: answering("scripted", &[CLEANUP]), [framework, wire], |s| {
        let started = s.moments().len();
        s.control(1, "set-pnp-failed");
        s.open("f");
        s.start("r", "f", read(4));
        assert_eq!(s.ended("r"), (HResult::S_OK, 4));
        s.delete("r");
        s.close("f");
        assert!(calls_since(s, started).is_empty());
        s.control(1, "commit-pnp-state");
        s.return_from(CLEANUP);
        let below = walk(&["L1", "L2"], &[&DOWN[..], &GONE].concat());
        assert_eq!(calls_since(s, started), [walk(&["L0"], &[CLEANUP]), below].concat());
        s.never("L1.OnQueryRemove+");
    }
}

scenario! {
    /// Law PNP-9 is checked after every script; here after a life that has everything in it.
    i28_on_self_managed_io_stop_is_never_called: stack("scripted"), [framework, wire], |s| {
        s.power(PowerState::D3);
        s.power(PowerState::D0);
        s.rebalance();
        s.surprise_remove();
        let calls = calls_since(s, 0);
        let of_self_managed_io: Vec<&str> = calls
            .iter()
            .filter_map(|call| call.strip_prefix("L1.OnSelfManagedIo").and_then(|call| call.strip_suffix('+')))
            .collect();
        let life = ["Init", "Suspend", "Restart", "Suspend", "Restart", "Suspend", "Flush", "Cleanup"];
        assert_eq!(of_self_managed_io, life);
    }
}

scenario! {
    i29_shutdown_releases_no_hardware: stack(TWO_LAYERS), [framework, wire], |s| {
        let started = s.moments().len();
        s.power(PowerState::D3Final);
        assert_eq!(calls_since(s, started), walk(&["L1", "L2", "L3"], &DOWN));
        s.unplug();
        s.once("L1.OnReleaseHardware-");
        s.once("L2.OnReleaseHardware-");
    }
}

scenario! {
    a17_power_managed_create_queue: stack("scripted(power=managed)"), [framework, wire], |s| {
        s.power(PowerState::D3);
        let create = s.begin_create("f", None);
        assert!(!s.has_returned(create));
        s.never("L1.Create(f)");
        let asleep = s.moments().len();
        s.power(PowerState::D0);
        assert_eq!(s.status_of(create), HResult::S_OK);
        comes_after_d0_entry(s, asleep, "Create");
        s.close("f");
    }
}

scenario! {
    f15_power_managed_hold: stack("scripted(power=managed)"), [framework, wire], |s| {
        s.open("f");
        s.power(PowerState::D3);
        for request in ["a", "b", "c"] {
            s.start(request, "f", read(4));
        }
        s.never("L1.Io");
        let asleep = s.moments().len();
        s.power(PowerState::D0);
        comes_after_d0_entry(s, asleep, "Io");
        s.order("L1.OnD0Exit- < L1.Io(read, a) < L1.Io(read, b) < L1.Io(read, c)");
        for request in ["a", "b", "c"] {
            assert_eq!(s.ended(request), (HResult::S_OK, 4));
        }
        s.close("f");
    }
}

scenario! {
    f18_without_on_io_stop_the_transition_waits: stack("scripted(power=managed, script={on read: hold})"),
    [framework, wire], |s| {
        s.open("f");
        s.start("a", "f", read(4));
        s.start("b", "f", read(4));
        s.power(PowerState::D3);
        s.once("L1.OnSelfManagedIoSuspend-");
        s.control(1, "complete {a} S_OK 4");
        s.never("L1.OnD0Exit+");
        s.start("late", "f", read(4));
        s.control(1, "complete {b} S_OK 4");
        s.order("L1.Done(b) < L1.OnD0Exit+");
        s.never("L1.Io(read, late)");
        s.close("f");
    }
}
