//! What is left behind at removal: files that the framework keeps (I27), files of applications (I17), and that a
//! lenient stack judges each file once.

use lowerdeck_framework::status::HResult;
use lowerdeck_tests::backend::Setting;
use lowerdeck_tests::scenario;
use lowerdeck_tests::scenario::{application_beside, lenient, stack};
use lowerdeck_tests::stage::{read, write};

const CLEANUP: &str = "OnSelfManagedIoCleanup";
const SURPRISE: &str = "OnSurpriseRemoval";
/// L2 keeps what L1 sends.
const HOLDING: &str = "scripted / scripted(script={on read: hold})";

/// L0 answers its last callback, and the verifier is lenient.
fn lenient_answering(expression: &str) -> Setting {
    Setting { callbacks: vec![CLEANUP], ..lenient(expression) }
}

scenario! {
    i27_hidden_framework_file_with_io_outstanding: stack(HOLDING), [framework, wire], |s| {
        s.tolerance.verdicts = true;
        s.control(1, "open-hidden usb");
        assert_eq!(s.control(1, "send read number=7 length=4 file=usb"), "S_OK");
        s.once("L2.Io(read, L1:7)");
        s.unplug();
        s.order("L1.OnSelfManagedIoCleanup- < L1.DriverStop(PNP-14)");
        s.never("L2.OnSelfManagedIoSuspend+");
        let stop = s.driver_stop();
        assert_eq!((stop.layer.as_str(), stop.problem.as_str(), stop.operation.as_str()), ("L1", "Other", "Pnp"));
        let report = s.outstanding();
        assert_eq!((report.len(), report[0].creator.as_str(), report[0].requests[0].label.as_str()), (1, "L1", "L1:7"));
    }
}

scenario! {
    i27_hidden_framework_file_without_io_is_closed_by_the_framework: stack(HOLDING), [framework, wire], |s| {
        s.control(1, "open-hidden usb");
        s.unplug();
        s.order("L1.OnSelfManagedIoCleanup- < L2.Cleanup-(*) < L2.Close-(*) < L1.FileGone(*) < L2.OnSelfManagedIoSuspend+ \
                 < L2.OnSelfManagedIoCleanup-");
    }
}

scenario! {
    /// What the last callback cancels is not outstanding.
    i27_io_that_ends_in_the_last_callback: stack("scripted / scripted(script={on read: arm})"), [framework, wire], |s| {
        s.control(1, "open-hidden usb");
        s.control(1, "send read number=7 length=4 file=usb");
        s.control(1, "on self-managed-io-cleanup: cancel-own(7)");
        s.unplug();
        s.order("L1.OnSelfManagedIoCleanup+ < L2.OnCancel(L1:7) < L2.Close-(*) < L2.OnSelfManagedIoCleanup-");
    }
}

scenario! {
    /// It is not the driver's to close.
    i27_a_driver_does_not_close_it: stack(HOLDING), [framework, wire], |s| {
        s.tolerance.verdicts = true;
        s.control(1, "open-hidden usb");
        s.control(1, "close-own usb");
        s.once("L1.DriverStop(CLS-17)");
    }
}

scenario! {
    i27_a_lenient_stack_goes_on: lenient(HOLDING), [framework, wire], |s| {
        s.tolerance.verdicts = true;
        s.control(1, "open-hidden usb");
        s.control(1, "send read number=7 length=4 file=usb");
        s.unplug();
        s.once("L1.Finding(PNP-14)");
        s.never("L2.OnSelfManagedIoSuspend+");
        s.control(2, "complete L1:7 S_OK 4");
        s.once("L2.OnSelfManagedIoCleanup-");
        s.once("L1.Finding(PNP-14)");
    }
}

scenario! {
    i11_a_lenient_removal_reports_each_file_once: lenient_answering("scripted(script={on read: hold})"),
    [framework, wire], |s| {
        s.tolerance.verdicts = true;
        s.open("f");
        s.open("g");
        s.start("r", "f", read(4));
        s.unplug();
        s.return_from(CLEANUP);
        assert_eq!(s.count("L0.Finding(STOP-1)"), 2);
        s.never("L1.OnSelfManagedIoSuspend+");
        s.control(1, "complete {r} S_OK 4");
        s.order("L0.FileGone(f) < L1.OnSelfManagedIoSuspend+ < L1.OnSelfManagedIoCleanup-");
        assert_eq!(s.count("L0.Finding(STOP-1)"), 2);
    }
}

scenario! {
    i17_application_file_first: application_beside("scripted / scripted", &[SURPRISE, CLEANUP]), [framework], |s| {
        s.open("f");
        s.surprise_remove();
        s.return_from(SURPRISE);
        s.never("L0.OnSelfManagedIoCleanup+");
        s.never("L1.OnSelfManagedIoSuspend+");
        s.start("w", "f", write(b"data"));
        assert_eq!(s.ended("w").0, HResult::S_OK);
        assert_eq!(s.create("g"), HResult::STATUS_INVALID_DEVICE_STATE);
        s.delete("w");
        s.close("f");
        s.return_from(CLEANUP);
        s.order("L1.Close-(f) < L0.OnSelfManagedIoCleanup+ < L0.OnSelfManagedIoCleanup- < L1.OnSelfManagedIoSuspend+ \
                 < L1.OnSelfManagedIoCleanup- < L2.OnSelfManagedIoCleanup-");
    }
}

scenario! {
    /// An application that dies leaves nothing open.
    i17_the_death_of_the_application_is_enough: application_beside("scripted", &[CLEANUP]), [framework], |s| {
        s.open("f");
        s.unplug();
        s.never("L0.OnSelfManagedIoCleanup+");
        s.lose_client();
        s.return_from(CLEANUP);
        s.order("L1.Close-(f) < L0.OnSelfManagedIoCleanup+ < L1.OnSelfManagedIoCleanup-");
    }
}

scenario! {
    i17_no_restart_while_an_application_holds_the_old_stack: application_beside("scripted", &[]), [framework], |s| {
        s.tolerance.verdicts = true;
        s.control(1, "on write: complete-twice(S_OK)");
        s.open("f");
        s.start("w", "f", write(b"data"));
        assert_eq!(s.driver_stop().rule, "REQ-54");
        assert!(!s.next_life(), "nothing takes the place of a stack that an application keeps alive");
        s.close("f");
        assert!(s.next_life());
        s.open("g");
        s.close("g");
    }
}
