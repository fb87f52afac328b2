//! Group A: creating a driver-created file.

use lowerdeck_framework::status::HResult;
use lowerdeck_tests::backend::Setting;
use lowerdeck_tests::scenario;
use lowerdeck_tests::scenario::{answering, on_framework, on_wire, stack};
use lowerdeck_tests::stage::{Stage, read, write};

use crate::{DEFAULT, FORWARDING};

scenario! {
    a01_create_goes_to_the_next_lower_driver_only: stack("scripted / scripted"), [framework, wire], |s| {
        assert_eq!(s.create_named("f", Some("chan")), HResult::S_OK);
        s.once("L1.Create(f)");
        for layer in ["L0", "L2", "L3"] {
            s.never(&format!("{layer}.Create"));
            s.never(&format!("{layer}.CreateByFramework"));
        }
        s.close("f");
    }
}

scenario! {
    a05_separators_are_refused: stack(DEFAULT), [framework, wire], |s| {
        for (index, name) in ["a\\b", "a/b", "\\", "/"].into_iter().enumerate() {
            let file = format!("f{index}");
            assert_eq!(s.create_named(&file, Some(name)), HResult::E_INVALIDARG, "{name}");
        }
        s.never("L1.Create");
        assert!(s.outstanding().is_empty());
    }
}

scenario! {
    a06_function_driver_without_create_handler: stack("scripted(role=function, create=none) / scripted"), [framework, wire], |s| {
        s.open("f");
        s.never("L1.Create");
        s.never("L2.Create");
        s.order("L1.CreateByFramework(f) < L1.CreateDone(f, S_OK)");
        s.close("f");
    }
}

scenario! {
    a07_filter_without_create_handler: stack("scripted(role=filter, create=none) / scripted"), [framework, wire], |s| {
        s.open("f");
        s.never("L1.Create");
        s.order("L2.Create(f) < L2.CreateDone(f, S_OK) < L1.CreateDone(f, S_OK)");
        s.close("f");
    }
}

/// Role, state and handler of L1; then which of L1 and L2 sees the create, and which cleanup and close.
type Row = (&'static str, &'static str, &'static str, [bool; 2], [bool; 2]);

/// FWD-2.
const DECISION_TABLE: [Row; 12] = [
    ("function", "default", "none", [false, false], [true, false]),
    ("function", "false", "none", [false, false], [true, false]),
    ("function", "default", "handler", [true, false], [true, false]),
    ("function", "false", "handler", [true, false], [true, false]),
    ("function", "true", "none", [false, true], [true, true]),
    ("function", "true", "handler", [true, true], [true, true]),
    ("filter", "default", "none", [false, true], [true, true]),
    ("filter", "true", "none", [false, true], [true, true]),
    ("filter", "default", "handler", [true, true], [true, true]),
    ("filter", "true", "handler", [true, true], [true, true]),
    ("filter", "false", "none", [false, false], [true, false]),
    ("filter", "false", "handler", [true, false], [true, false]),
];

/// A09: all twelve combinations; where the table says the driver must forward, its handler does.
mod a09_the_decision_table {
    use super::*;

    fn rows() -> impl Iterator<Item = (Setting, impl Fn(&mut Stage))> {
        DECISION_TABLE.into_iter().map(|(role, forward, create, sees_create, sees_close)| {
            let rule = if create == "handler" && sees_create[1] { ", script={on create: forward}" } else { "" };
            let top = format!("scripted(role={role}, forward={forward}, create={create}, files=callbacks{rule})");
            let setting = stack(&format!("{top} / scripted"));
            (setting, move |s: &mut Stage| {
                s.open("f");
                s.close("f");
                for (index, layer) in ["L1", "L2"].into_iter().enumerate() {
                    assert_eq!(
                        s.count(&format!("{layer}.Create(f)")),
                        usize::from(sees_create[index]),
                        "{top}: create at {layer}"
                    );
                    for told in ["Cleanup+", "Close+"] {
                        let count = s.count(&format!("{layer}.{told}(f)"));
                        assert_eq!(count, usize::from(sees_close[index]), "{top}: {told} at {layer}");
                    }
                }
            })
        })
    }

    #[test]
    fn framework() {
        for (setting, script) in rows() {
            on_framework(&setting, script);
        }
    }

    #[test]
    fn wire() {
        for (setting, script) in rows() {
            on_wire(&setting, script);
        }
    }
}

scenario! {
    a13_a_create_cannot_be_cancelled: stack(DEFAULT), [framework, wire], |s| {
        s.open("g");
        s.control(1, "on create: hold");
        let call = s.begin_create("f", None);
        assert!(!s.has_returned(call));
        s.cancel_for_file("g");
        s.abandon_call(call);
        assert_eq!(s.control(1, "is-canceled {f}"), "FALSE");
        s.never("L1.CreateDone(f)");
        s.control(1, "complete {f} S_OK");
        assert_eq!(s.status_of(call), HResult::S_OK, "the outcome is retrievable (MAP-5)");
        s.close("f");
        s.close("g");
    }
}

scenario! {
    a14_a_failed_create_leaves_no_session: stack(DEFAULT), [framework, wire], |s| {
        s.control(1, "on create: context(7), complete(STATUS_ACCESS_DENIED)");
        assert_eq!(s.create("f"), HResult::STATUS_ACCESS_DENIED);
        s.never("L1.Cleanup+");
        s.never("L1.Close+");
        s.once("L1.ContextCleanup");
        assert!(s.outstanding().is_empty());
    }
}

scenario! {
    a18_create_during_own_start: answering(DEFAULT, &["OnPrepareHardware"]), [framework, wire], |s| {
        assert_eq!(s.pending_callbacks(), ["OnPrepareHardware"]);
        s.open("f");
        s.start("w", "f", write(b"data"));
        s.start("r", "f", read(4));
        assert_eq!(s.ended("w"), (HResult::S_OK, 4));
        assert_eq!(s.ended("r"), (HResult::S_OK, 4));
        s.return_from("OnPrepareHardware");
        s.order("L0.OnPrepareHardware+ < L1.Create(f) < L0.OnCompletion(r) < L0.OnPrepareHardware-");
        s.close("f");
    }
}

scenario! {
    a02_create_from_the_middle_of_the_stack: stack("scripted / scripted"), [framework, wire], |s| {
        s.control(1, "create-file inner");
        s.never("L1.Create");
        assert_eq!(s.count("L2.Create"), 1);
        s.control(1, "close-own inner");
        assert_eq!(s.count("L2.Close-"), 1);
    }
}

scenario! {
    a08_filter_without_handler_lower_driver_fails: stack("scripted(role=filter, create=none) / scripted"), [framework, wire], |s| {
        s.control(2, "on create: complete(STATUS_ACCESS_DENIED)");
        assert_eq!(s.create("f"), HResult::STATUS_ACCESS_DENIED);
        assert!(s.outstanding().is_empty());
    }
}

scenario! {
    a10_a_handler_is_never_bypassed: stack("scripted(role=filter, forward=true) / scripted"), [framework, wire], |s| {
        s.tolerance.imbalance = true;
        s.open("f");
        s.once("L1.Create(f)");
        s.never("L2.Create");
        s.tolerance.verdicts = true; // its close is A11
        s.close("f");
    }
}

scenario! {
    a11_imbalance_is_reported_not_repaired: stack("scripted(role=filter, forward=true) / scripted"), [framework, wire], |s| {
        s.tolerance.imbalance = true;
        s.tolerance.verdicts = true;
        s.open("f");
        s.close("f");
        s.never("L2.Cleanup+");
        s.never("L2.Close+");
        s.once("L1.Finding(FWD-6)");
    }
}

scenario! {
    a12_l1_may_answer_late: stack(DEFAULT), [framework, wire], |s| {
        s.open("g");
        s.control(1, "on create: hold");
        let call = s.begin_create("f", None);
        assert!(!s.has_returned(call));
        s.start("r", "g", read(4));
        assert_eq!(s.ended("r"), (HResult::S_OK, 4));
        s.control(1, "complete {f} S_OK");
        assert_eq!(s.status_of(call), HResult::S_OK);
        s.close("f");
        s.close("g");
    }
}

scenario! {
    a15_a_forwarded_create_failing_after_lower_success: stack(FORWARDING), [framework, wire], |s| {
        s.tolerance.verdicts = true;
        s.tolerance.imbalance = true;
        s.control(1, "on completion: complete(STATUS_ACCESS_DENIED)");
        assert_eq!(s.create("f"), HResult::STATUS_ACCESS_DENIED);
        s.once("L2.CreateDone(*, S_OK)");
        s.once("L1.Finding(FILE-13)");
    }
}

scenario! {
    a16_busy_sequential_queue_delays_the_create: stack("scripted(queue=sequential)"), [framework, wire], |s| {
        s.open("f1");
        s.control(1, "on read: hold");
        s.start("r", "f1", read(4));
        let call = s.begin_create("f2", None);
        s.never("L1.Create(f2)");
        assert!(!s.has_returned(call));
        s.control(1, "complete {r} S_OK 4");
        assert_eq!(s.status_of(call), HResult::S_OK);
        s.order("L1.Done(r) < L1.Create(f2)");
        s.close("f1");
        s.close("f2");
    }
}

scenario! {
    a20_create_after_removal_began: answering(DEFAULT, &["OnSelfManagedIoCleanup"]), [framework, wire], |s| {
        s.unplug();
        assert_eq!(s.create("f"), HResult::STATUS_INVALID_DEVICE_STATE);
        s.never("L1.Create");
        s.return_from("OnSelfManagedIoCleanup");
    }
}

scenario! {
    a21_many_files: stack(DEFAULT), [framework, wire], |s| {
        for file in ["f1", "f2", "f3"] {
            assert_eq!(s.create_named(file, Some("same")), HResult::S_OK);
        }
        assert_eq!(s.outstanding().len(), 3);
        for file in ["f1", "f2", "f3"] {
            s.once(&format!("L1.Create({file})"));
            s.close(file);
            s.once(&format!("L1.Close-({file})"));
        }
    }
}

scenario! {
    a23_substitute_file: stack("scripted(create=handler, files=callbacks) / scripted"), [framework, wire], |s| {
        s.control(1, "on create: create-file(\"own\", then=complete)");
        s.open("f");
        s.close("f");
        s.once("L1.Close-(f)");
        s.never("L2.Cleanup+");
        s.control(1, "close-own own");
        assert_eq!(s.count("L2.Close-"), 1);
    }
}

scenario! {
    a26_nothing_lies_under_the_terminator: stack("terminator"), [framework, wire], |s| {
        s.control(1, "on read: send(read, number=900, length=4), hold");
        s.open("f");
        s.start("r", "f", read(4));
        s.never("L1.DriverStop");
        s.control(1, "complete {r} S_OK 4");
        assert_eq!(s.ended("r"), (HResult::S_OK, 4));
        s.close("f");
    }
}

scenario! {
    a26_next_lower_is_not_a_hosted_driver: stack("terminator"), [framework, wire], |s| {
        s.open("f");
        s.start("w", "f", write(b"data"));
        assert_eq!(s.ended("w"), (HResult::S_OK, 4));
        s.close("f");
        s.order("L1.CreateDone(f, S_OK) < L1.Io(write, w) < L0.Close.returned(f) < L1.FileGone(f)");
    }
}

scenario! {
    a19_create_from_on_device_add: answering(DEFAULT, &["OnDeviceAdd"]), [framework, wire], |s| {
        assert_eq!(s.create("f"), HResult::STATUS_INVALID_DEVICE_STATE);
        s.never("L1.Create");
        s.return_from("OnDeviceAdd");
        s.open("g");
        s.close("g");
    }
}

scenario! {
    a22_per_layer_file_objects: stack("scripted(role=filter) / scripted"), [framework, wire], |s| {
        // A context assigned at L1 does not stand in the way of one at L2: they are different objects.
        s.control(1, "on create: context(1), forward");
        s.control(2, "on create: context(2), complete(S_OK)");
        s.open("f");
        s.close("f");
        s.order("L1.FileGone(f) < L2.FileGone(f)");
        s.once("L1.ContextCleanup");
        s.once("L2.ContextCleanup");
    }
}

scenario! {
    a27_creates_follow_their_configured_queue: stack("scripted(queue=manual)"), [framework, wire], |s| {
        s.open("f");
        s.start("r1", "f", read(4));
        s.start("r2", "f", read(4));
        s.never("L1.Io");
        s.open("g");
        s.once("L1.Create(g)");
        s.close("g");
        s.close("f");
    }
}

scenario! {
    a29_second_context: stack(DEFAULT), [framework, wire], |s| {
        s.control(1, "on create: context(1), context(2), complete(S_OK)");
        s.open("f");
        s.close("f");
        s.once("L1.ContextCleanup");
    }
}
