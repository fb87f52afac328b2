//! Who holds a file, and what is no way to let go of it (of groups A, B and D).

use lowerdeck_framework::status::HResult;
use lowerdeck_tests::scenario;
use lowerdeck_tests::scenario::{answering, shared, stack};
use lowerdeck_tests::stage::read;

use crate::{DEFAULT, FORWARDING};

const CLEANUP: &str = "OnSelfManagedIoCleanup";

scenario! {
    /// On the wire the ownership check comes before UMDF: there the id says nothing at all.
    a24_file_of_another_device: shared(DEFAULT), [framework, wire], |s| {
        s.open("mine");
        s.open_elsewhere("theirs");
        s.request("r");
        let answer = s.format_answer("r", "theirs", read(4));
        assert!(answer == "E_INVALIDARG" || answer.starts_with("PermissionDenied: "), "{answer}");
        assert_eq!(s.state_of("r"), "Unformatted");
        assert_eq!(s.send("r"), HResult::STATUS_REQUEST_NOT_ACCEPTED);
        s.never("L1.Io");
        assert_eq!(s.format("r", Some("mine"), read(4)), HResult::S_OK);
        s.delete("r");
        s.close("mine");
    }
}

scenario! {
    b21_releasing_is_not_closing: answering("scripted(pnp=callbacks)", &[CLEANUP]), [framework, wire], |s| {
        s.tolerance.verdicts = true;
        s.tolerance.leaks = true;
        s.open("f");
        s.forget("f");
        s.never("L1.Cleanup+");
        s.never("L0.Close");
        s.unplug();
        assert_eq!(s.outstanding().iter().map(|file| file.file.as_str()).collect::<Vec<_>>(), ["f"]);
        s.return_from(CLEANUP);
        s.once("L0.DriverStop(STOP-1)");
        s.never("L1.Cleanup+");
        let report = s.outstanding();
        assert_eq!((report.len(), report[0].file.as_str(), report[0].creator.as_str()), (1, "f", "L0"));
    }
}

scenario! {
    /// The file of a client that is gone goes with its last request, and the client's device with its last file.
    b23_a_lost_client_lets_go_of_what_it_pinned: stack(DEFAULT), [framework, wire], |s| {
        s.tolerance.leaks = true;
        s.open("f");
        s.start("r1", "f", read(4));
        s.start("r2", "f", read(4));
        s.close("f");
        s.once("L1.Close-(f)");
        s.never("L0.FileGone(f)");
        s.lose_client();
        s.once("L0.FileGone(f)");
    }
}

scenario! {
    b22_delete_wdf_object_on_a_file: stack(DEFAULT), [framework, wire], |s| {
        s.control(1, "on read: hold");
        assert_eq!(s.create_named("f", Some("chan")), HResult::S_OK);
        assert_eq!(s.delete_file("f"), HResult(0x8007_0005));
        assert_eq!(s.control(1, "delete-object file=chan"), "ERROR_ACCESS_DENIED");
        s.never("L1.Cleanup+");
        s.start("r", "f", read(4));
        s.control(1, "complete {r} S_OK 4");
        assert_eq!(s.ended("r"), (HResult::S_OK, 4));
        s.delete("r");
        s.close("f");
        s.order("L1.Cleanup+(f) < L1.Close+(f) < L0.FileGone(f)");
    }
}

scenario! {
    /// OBJ-4, the table of the object model: what the framework made no driver deletes.
    b22_what_a_driver_may_not_delete: stack(FORWARDING), [framework, wire], |s| {
        s.control(1, "on read: hold");
        s.open("f");
        s.start("r", "f", read(4));
        s.control(1, "memory-get 1 {r} output");
        for object in ["driver", "device", "target", "{r}"] {
            assert_eq!(s.control(1, &format!("delete-object {object}")), "ERROR_ACCESS_DENIED", "{object}");
        }
        assert_eq!(s.control(1, "memory-delete 1"), "ERROR_ACCESS_DENIED");
        assert_eq!(s.control(1, "delete-object file=nowhere"), "E_INVALIDARG");
        s.control(1, "memory-release 1");
        s.control(1, "complete {r} S_OK 4");
        assert_eq!(s.ended("r"), (HResult::S_OK, 4));
        s.close("f");
    }
}

scenario! {
    d38_get_file_object: stack(FORWARDING), [framework, wire], |s| {
        s.control(1, "on read: hold");
        assert_eq!(s.create_named("f", Some("chan")), HResult::S_OK);
        s.start("r", "f", read(4));
        for count in ["1", "2", "3"] {
            assert_eq!(s.control(1, "get-file {r}"), count);
        }
        assert_eq!(s.control(1, "release-file chan"), "2");
        s.control(1, "complete {r} S_OK 4");
        s.delete("r");
        s.close("f");
        // L1's object alone is held: L1 was told of the close, the layers above and below are through.
        s.order("L1.Close-(f) < L2.Close+(f) < L2.FileGone(f) < L0.FileGone(f)");
        s.never("L1.FileGone(f)");
        assert_eq!(s.control(1, "release-file chan"), "1");
        s.never("L1.FileGone(f)");
        assert_eq!(s.control(1, "release-file chan"), "0");
        s.order("L1.Close-(f) < L0.FileGone(f) < L1.FileGone(f)");
    }
}

scenario! {
    /// OBJ-5: the context's cleanup is where a driver drops such references, so it comes before.
    d38_the_context_is_cleaned_up_before_the_object_is_destroyed: stack(DEFAULT), [framework, wire], |s| {
        s.control(1, "on read: context(7), hold");
        assert_eq!(s.create_named("f", Some("chan")), HResult::S_OK);
        s.start("r", "f", read(4));
        s.control(1, "get-file {r}");
        s.control(1, "complete {r} S_OK 4");
        s.delete("r");
        s.close("f");
        s.once("L1.ContextCleanup(f)");
        s.control(1, "release-file chan");
        s.order("L1.Close-(f) < L1.ContextCleanup(f) < L1.FileGone(f)");
    }
}

scenario! {
    /// OBJ-23. The creator is not to blame: its file is gone, only L1's object of it is not.
    d38_a_reference_that_is_never_released_is_a_leak: answering("scripted(pnp=callbacks)", &[CLEANUP]), [framework, wire], |s| {
        s.tolerance.verdicts = true;
        s.control(1, "on read: hold");
        s.open("f");
        s.start("r", "f", read(4));
        s.control(1, "get-file {r}");
        s.control(1, "complete {r} S_OK 4");
        s.delete("r");
        s.close("f");
        s.once("L0.FileGone(f)");
        s.never("L1.FileGone(f)");
        s.never("L1.Finding");
        s.unplug();
        s.return_from(CLEANUP);
        s.once("L1.Finding(OBJ-23)");
        s.never("L0.DriverStop");
        s.order("L0.OnSelfManagedIoCleanup- < L1.OnSelfManagedIoCleanup- < L1.Finding(OBJ-23)");
    }
}
