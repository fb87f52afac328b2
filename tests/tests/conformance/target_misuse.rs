//! Group C: calls on targets that a driver should not make.

use lowerdeck_framework::status::HResult;
use lowerdeck_tests::handles::Opened;
use lowerdeck_tests::scenario;
use lowerdeck_tests::scenario::{stack, with_handles};
use lowerdeck_tests::stage::read;

use crate::DEFAULT;

/// `WdfIoTargetStarted` and `WdfIoTargetStopped`.
const STARTED: u32 = 1;
const STOPPED: u32 = 2;
/// `WdfIoTargetWaitForSentIoToComplete`.
const WAIT: u32 = 2;

scenario! {
    c28_invalid_stop_action: stack(DEFAULT), [framework, wire], |s| {
        s.control(1, "on read: arm");
        s.open("f");
        s.start("r", "f", read(4));
        for action in [0, 4, 99] {
            let call = s.begin_stop_numbered(action, None);
            assert_eq!(s.status_of(call), HResult::S_OK, "{action}");
            assert_eq!((s.target_state(), s.state_of("r")), (STARTED, "InFlight".to_owned()), "{action}");
        }
        s.never("L1.OnCancel");
        s.close("f");
    }
}

scenario! {
    c32_wait_for_sent_io_from_on_completion: stack(DEFAULT), [framework, wire], |s| {
        s.tolerance.verdicts = true;
        s.control(1, "on read: hold");
        s.open("f");
        s.start("r1", "f", read(4));
        s.start("r2", "f", read(4));
        s.control(1, "complete {r1} S_OK 4");
        assert_eq!(s.ended("r1"), (HResult::S_OK, 4));
        let call = s.begin_stop_numbered(WAIT, Some("r1"));
        assert_eq!(s.status_of(call), HResult::S_OK);
        s.order("L0.OnCompletion(r1) < L0.Finding(TGT-26) < L0.Stop.returned(S_OK)");
        assert_eq!((s.target_state(), s.state_of("r2")), (STOPPED, "InFlight".to_owned()));
        s.never("L1.OnCancel");
        s.control(1, "complete {r2} S_OK 4");
        assert_eq!(s.ended("r2"), (HResult::S_OK, 4));
        // With nothing in flight there is nothing to wait for, and nothing is said.
        let call = s.begin_stop_numbered(WAIT, Some("r2"));
        assert_eq!(s.status_of(call), HResult::S_OK);
        s.once("L0.Finding");
        s.close("f");
    }
}

scenario! {
    c29_send_to_a_target_other_than_the_formatted_one: with_handles(DEFAULT), [framework, wire], |s| {
        s.open("f");
        s.target_on("t", Opened::Pipe);
        s.target_on("u", Opened::Pipe);
        for (formatted, sent) in [(None, Some("t")), (Some("t"), None), (Some("t"), Some("u"))] {
            let request = format!("{formatted:?} {sent:?}");
            s.request(&request);
            let status = match formatted {
                None => s.format(&request, Some("f"), read(4)),
                Some(target) => s.format_for(&request, target, None, read(4)),
            };
            assert_eq!(status, HResult::S_OK);
            assert_eq!(s.send_to(&request, sent, 0), HResult::STATUS_REQUEST_NOT_ACCEPTED, "{request}");
            assert_eq!(s.get_status(&request), HResult::STATUS_REQUEST_NOT_ACCEPTED);
        }
        s.never("L1.Io");
        s.never("L0.HostIo");
        s.close("f");
    }
}
