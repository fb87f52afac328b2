//! The tree of objects: what goes with what, and what is left of what is gone (of group D).
//!
//! Parents of requests are a matter of hosted drivers: L0 creates its requests under its device.

use lowerdeck_framework::status::HResult;
use lowerdeck_tests::scenario;
use lowerdeck_tests::scenario::{lenient, stack};
use lowerdeck_tests::stage::read;

use crate::{DEFAULT, FORWARDING};

scenario! {
    d33_parent_deletion: stack(FORWARDING), [framework, wire], |s| {
        assert_eq!(s.create_named("f", Some("chan")), HResult::S_OK);
        s.control(1, "on completion: hold");
        s.control(1, "send read number=901 length=4 file=chan");
        s.control(1, "send read number=902 length=4 file=chan parent=901");
        s.control(1, "send read number=903 length=4 file=chan parent=902");
        s.close("f");
        s.never("L0.FileGone(f)");
        assert_eq!(s.control(1, "delete-own 901"), "S_OK");
        // The descendants are gone with it: nothing refers to the file, and their ids are stale.
        assert!(s.outstanding().is_empty());
        assert_eq!(s.control(1, "delete-own 903"), "E_INVALIDARG");
        assert_eq!(s.control(1, "delete-own 902"), "E_INVALIDARG");
    }
}

scenario! {
    d33_an_outstanding_descendant_keeps_its_parent: lenient(FORWARDING), [framework, wire], |s| {
        s.tolerance.verdicts = true;
        assert_eq!(s.create_named("f", Some("chan")), HResult::S_OK);
        s.control(1, "on completion: hold");
        s.control(1, "send read number=901 length=4 file=chan");
        s.control(2, "on read: hold");
        s.control(1, "send read number=902 length=4 file=chan parent=901");
        assert_eq!(s.control(1, "delete-own 901"), "STATUS_INVALID_DEVICE_REQUEST");
        s.once("L1.Finding(REQ-4)");
        s.control(2, "complete L1:902 S_OK 4");
        s.once("L1.OnCompletion(L1:902, S_OK, 4)");
        assert_eq!(s.control(1, "delete-own 901"), "S_OK");
        s.close("f");
        assert!(s.outstanding().is_empty());
    }
}

scenario! {
    d40_use_of_a_deleted_request: stack(DEFAULT), [framework], |s| {
        s.open("f");
        s.request("r");
        assert_eq!(s.format("r", Some("f"), read(4)), HResult::S_OK);
        assert_eq!(s.delete("r"), HResult::S_OK);
        // L0 still has the id: it is stale, and nothing it is used for does anything.
        assert_eq!(s.send("r"), HResult::E_INVALIDARG);
        assert_eq!(s.format("r", Some("f"), read(4)), HResult::E_INVALIDARG);
        assert_eq!(s.delete("r"), HResult::E_INVALIDARG);
        assert_eq!(s.completions_of("r"), []);
        s.never("L1.Io");
        s.close("f");
    }
}
