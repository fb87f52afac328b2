//! Group I: PnP, removal, driver stop.

use lowerdeck_framework::status::HResult;
use lowerdeck_tests::scenario;
use lowerdeck_tests::scenario::{answering, stack};
use lowerdeck_tests::stage::read;

/// L1 tells of its PnP callbacks.
const WITH_PNP: &str = "scripted(pnp=callbacks)";
const CLEANUP: &str = "OnSelfManagedIoCleanup";
const REMOVAL: [&str; 5] =
    ["OnSelfManagedIoSuspend", "OnD0Exit", "OnReleaseHardware", "OnSelfManagedIoFlush", "OnSelfManagedIoCleanup"];

scenario! {
    i01_start_order: answering("scripted(pnp=callbacks) / scripted(pnp=callbacks)", &["OnPrepareHardware", "OnD0Entry"]),
    [framework, wire], |s| {
        s.return_from("OnPrepareHardware");
        s.return_from("OnD0Entry");
        s.order("L2.OnPrepareHardware+ < L2.OnD0Entry+ < L2.OnSelfManagedIoInit+ < L2.OnSelfManagedIoInit- < L1.OnPrepareHardware+ \
                 < L1.OnD0Entry+ < L1.OnSelfManagedIoInit- < L0.OnPrepareHardware+ < L0.OnPrepareHardware- < L0.OnD0Entry+");
    }
}

scenario! {
    i02_removal_order: answering("scripted(pnp=callbacks) / scripted(pnp=callbacks)", &REMOVAL), [framework, wire], |s| {
        s.unplug();
        for callback in REMOVAL {
            s.return_from(callback);
        }
        let layers = ["L0", "L1", "L2"].iter();
        let chain: Vec<String> = layers.flat_map(|layer| REMOVAL.map(|callback| format!("{layer}.{callback}+ < {layer}.{callback}-"))).collect();
        s.order(&chain.join(" < "));
    }
}

scenario! {
    i11_outstanding_file_is_a_driver_stop: answering(WITH_PNP, &[CLEANUP]), [framework, wire], |s| {
        s.tolerance.verdicts = true;
        s.open("f");
        s.unplug();
        s.never("L0.DriverStop");
        s.return_from(CLEANUP);
        s.order("L0.OnSelfManagedIoCleanup- < L0.DriverStop(STOP-1)");
        let report = s.outstanding();
        assert_eq!((report.len(), report[0].file.as_str(), report[0].creator.as_str()), (1, "f", "L0"));
        s.never("L1.OnD0Exit+");
    }
}

scenario! {
    i12_close_in_the_last_callback_is_enough: answering(WITH_PNP, &[CLEANUP]), [framework, wire], |s| {
        s.open("f");
        s.unplug();
        s.close("f");
        s.return_from(CLEANUP);
        s.order("L0.FileGone(f) < L0.OnSelfManagedIoCleanup- < L1.OnSelfManagedIoCleanup-");
    }
}

scenario! {
    i12_close_in_the_last_callback_of_a_hosted_driver: stack("scripted(pnp=callbacks) / scripted"), [framework, wire], |s| {
        s.control(1, "create-file inner");
        s.control(1, "on self-managed-io-cleanup: close-own(\"inner\")");
        s.unplug();
        s.order("L1.OnSelfManagedIoCleanup+ < L2.Close-(*) < L2.OnSelfManagedIoCleanup-");
    }
}

scenario! {
    i13_close_called_io_not_done: answering(WITH_PNP, &[CLEANUP]), [framework, wire], |s| {
        s.tolerance.verdicts = true;
        s.control(1, "on read: hold");
        s.open("f");
        s.start("r", "f", read(4));
        s.unplug();
        s.close("f");
        s.return_from(CLEANUP);
        s.once("L0.DriverStop(STOP-1)");
        let report = s.outstanding();
        let request = &report[0].requests[0];
        assert_eq!((report[0].file.as_str(), request.label.as_str(), request.kind.as_str()), ("f", "r", "read"));
        assert_eq!((request.completed, request.cancel_requested), (false, true));
        assert_eq!(request.layers, ["L1"]);
    }
}

scenario! {
    i14_close_plus_wait: answering(WITH_PNP, &[CLEANUP]), [framework, wire], |s| {
        s.control(1, "on read: hold");
        s.open("f");
        s.start("r", "f", read(4));
        s.unplug();
        s.close("f");
        s.control(1, "complete {r} S_OK 4");
        assert_eq!(s.ended("r"), (HResult::S_OK, 4));
        assert_eq!(s.delete("r"), HResult::S_OK);
        s.return_from(CLEANUP);
        s.order("L0.OnCompletion(r) < L0.FileGone(f) < L0.OnSelfManagedIoCleanup- < L1.OnD0Exit+ < L1.OnSelfManagedIoCleanup-");
    }
}

scenario! {
    i15_undeleted_request: answering(WITH_PNP, &[CLEANUP]), [framework, wire], |s| {
        s.tolerance.verdicts = true;
        s.open("f");
        s.start("r", "f", read(4));
        s.unplug();
        s.close("f");
        assert_eq!(s.ended("r"), (HResult::S_OK, 4));
        s.return_from(CLEANUP);
        s.once("L0.DriverStop(STOP-1)");
        let report = s.outstanding();
        let request = &report[0].requests[0];
        assert_eq!((request.label.as_str(), request.completed, request.layers.len()), ("r", true, 0));
    }
}

scenario! {
    i16_lower_driver_is_told_late: answering(WITH_PNP, &[CLEANUP]), [framework, wire], |s| {
        s.control(1, "on read: hold");
        s.open("f");
        s.start("r", "f", read(4));
        s.unplug();
        s.never("L1.OnSelfManagedIoSuspend+");
        s.close("f");
        s.never("L1.OnSelfManagedIoSuspend+");
        s.control(1, "complete {r} S_OK 4");
        s.delete("r");
        s.return_from(CLEANUP);
        s.order("L1.Done(r) < L0.FileGone(f) < L1.OnSelfManagedIoSuspend+");
    }
}

scenario! {
    i05_veto: answering(WITH_PNP, &[CLEANUP]), [framework, wire], |s| {
        s.control(1, "on query-remove: fail(STATUS_ACCESS_DENIED)");
        s.open("f");
        s.unplug();
        s.never("L0.OnSelfManagedIoCleanup+");
        s.never("L1.OnD0Exit+");
        s.start("r", "f", read(4));
        assert_eq!(s.ended("r"), (HResult::S_OK, 4));
        s.close("f");
    }
}

scenario! {
    i18_lower_drivers_own_leak: answering("scripted(pnp=callbacks) / scripted", &[CLEANUP]), [framework, wire], |s| {
        s.tolerance.verdicts = true;
        s.control(1, "create-file leaked");
        s.unplug();
        s.return_from(CLEANUP);
        s.once("L1.DriverStop(STOP-1)");
        s.never("L0.DriverStop");
        assert_eq!(s.outstanding()[0].creator, "L1");
    }
}

scenario! {
    i08_on_prepare_hardware_fails: stack("scripted(script={on prepare-hardware: fail(STATUS_ACCESS_DENIED)}) / scripted"), [framework, wire], |s| {
        s.order("L1.OnPrepareHardware-(STATUS_ACCESS_DENIED) < L1.OnReleaseHardware+ < L2.OnSelfManagedIoSuspend+ < L2.OnSelfManagedIoCleanup-");
        s.never("L1.OnD0Entry+");
    }
}

scenario! {
    /// On the wire there is no session then: OpenSession is refused.
    i08_nothing_is_created_on_it: stack("scripted(script={on prepare-hardware: fail(STATUS_ACCESS_DENIED)}) / scripted"), [framework], |s| {
        assert_eq!(s.create("f"), HResult::STATUS_INVALID_DEVICE_STATE);
    }
}

scenario! {
    i09_on_d0_entry_fails: stack("scripted(script={on d0-entry: fail(STATUS_ACCESS_DENIED)}) / scripted"), [framework, wire], |s| {
        s.once("L1.OnD0Entry-(STATUS_ACCESS_DENIED)");
        s.never("L1.OnD0Exit+");
        s.once("L2.OnSelfManagedIoCleanup-");
    }
}

scenario! {
    i10_on_self_managed_io_init_fails: stack("scripted(script={on self-managed-io-init: fail(STATUS_ACCESS_DENIED)}) / scripted"), [framework, wire], |s| {
        s.order("L1.OnSelfManagedIoInit-(STATUS_ACCESS_DENIED) < L1.OnSelfManagedIoFlush+ < L1.OnSelfManagedIoCleanup+");
    }
}

scenario! {
    /// A removal asked for during the start is not lost: it begins when the start has ended.
    i02_removal_asked_for_during_the_start: answering(WITH_PNP, &["OnPrepareHardware", CLEANUP]), [framework], |s| {
        s.unplug();
        s.never("L0.OnSelfManagedIoCleanup+");
        s.return_from("OnPrepareHardware");
        s.return_from(CLEANUP);
        s.order("L0.OnPrepareHardware- < L0.OnSelfManagedIoCleanup- < L1.OnSelfManagedIoCleanup-");
    }
}
