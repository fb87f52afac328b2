//! Group G: file-handle targets; what their handles do is in `pipes.rs`. L0 has the targets, unless a scenario is about a hosted driver's.

use bytes::Bytes;
use lowerdeck_framework::io::SendOptions;
use lowerdeck_framework::status::HResult;
use lowerdeck_tests::backend::{CancelAnswer, PowerState, SentIoAction};
use lowerdeck_tests::handles::Opened;
use lowerdeck_tests::scenario;
use lowerdeck_tests::scenario::{stack, with_handles};
use lowerdeck_tests::stage::{read, write};

use crate::DEFAULT;

/// `WdfIoTargetStarted`, `WdfIoTargetStopped` and `WdfIoTargetDeleted`.
const STARTED: u32 = 1;
const STOPPED: u32 = 2;
const DELETED: u32 = 5;

/// How a cancelled request ends.
pub(crate) const CANCELLED: (HResult, u64) = (HResult::ERROR_OPERATION_ABORTED, 0);

pub(crate) fn bytes(data: &'static [u8]) -> Bytes {
    Bytes::from_static(data)
}

/// What a read that has ended brought.
pub(crate) fn success(data: &'static [u8]) -> (HResult, u64, Bytes) {
    (HResult::S_OK, data.len() as u64, bytes(data))
}

scenario! {
    g01_happy_path: with_handles(DEFAULT), [framework, wire], |s| {
        let pipe = s.target_on("t", Opened::Pipe);
        assert_eq!(s.state_of_target("t"), STARTED);
        s.start_on("w", "t", write(b"hello"));
        assert_eq!(s.ended("w"), (HResult::S_OK, 5));
        assert_eq!(s.written(&pipe), [bytes(b"hello")]);
        s.peer_writes(&pipe, b"world");
        s.start_on("r", "t", read(16));
        assert_eq!(s.brought("r"), success(b"world"));
        s.order("L0.Send(r) < L0.HostIo(r) < L0.HostDone(r, S_OK, 5) < L0.OnCompletion(r, S_OK, 5)");
        s.never("L1.Io");
    }
}

scenario! {
    g02_dispatcher_missing: stack(DEFAULT), [framework, wire], |s| {
        s.open_handle("p", Opened::Pipe);
        assert_eq!(s.create_target("t", "p"), HResult::ERROR_BAD_CONFIGURATION);
    }
}

scenario! {
    g03_synchronous_handle: with_handles(DEFAULT), [framework, wire], |s| {
        s.open_synchronous_handle("p", Opened::Pipe);
        assert_eq!(s.create_target("t", "p"), HResult::E_INVALIDARG);
    }
}

scenario! {
    g04_dead_handle: with_handles(DEFAULT), [framework, wire], |s| {
        s.open_handle("p", Opened::Pipe);
        s.close_handle("p");
        assert_eq!(s.create_target("t", "p"), HResult::ERROR_INVALID_HANDLE);
    }
}

scenario! {
    g05_send_and_forget: with_handles(DEFAULT), [framework, wire], |s| {
        s.target_on("t", Opened::Pipe);
        s.request("own");
        s.format_for("own", "t", None, read(4));
        let forget = SendOptions::SEND_AND_FORGET;
        assert_eq!(s.send_to("own", Some("t"), forget), HResult::STATUS_INVALID_DEVICE_REQUEST);
        let pipe = s.open_handle("l1.handle", Opened::Pipe);
        s.control(1, &format!("create-target pipe handle={pipe}"));
        s.control(1, "on read: forward(forget, target=pipe)");
        s.open("f");
        s.start("received", "f", read(4));
        assert_eq!(s.ended("received"), (HResult::STATUS_INVALID_DEVICE_REQUEST, 0));
        for layer in ["L0", "L1"] {
            s.never(&format!("{layer}.HostIo"));
        }
        s.close("f");
    }
}

scenario! {
    g06_file_replaces_the_handle: with_handles(DEFAULT), [framework, wire], |s| {
        let a = s.target_on("a", Opened::Pipe);
        let b = s.target_on("b", Opened::Pipe);
        s.start_on_file("w", "a", Some("b"), write(b"hello"));
        assert_eq!(s.ended("w"), (HResult::S_OK, 5));
        assert_eq!((s.written(&a), s.written(&b)), (vec![], vec![bytes(b"hello")]));
        // It is still a request of target a: b's Stop does not know it.
        s.start_on_file("r", "a", Some("b"), read(16));
        let call = s.begin_stop_of("b", SentIoAction::Cancel);
        assert_eq!(s.status_of(call), HResult::S_OK);
        assert_eq!(s.state_of("r"), "InFlight");
        let call = s.begin_stop_of("a", SentIoAction::Cancel);
        assert_eq!((s.status_of(call), s.ended("r")), (HResult::S_OK, CANCELLED));
    }
}

scenario! {
    g07_own_target_file: with_handles(DEFAULT), [framework, wire], |s| {
        let pipe = s.target_on("t", Opened::Pipe);
        s.start_on_file("w1", "t", Some("t"), write(b"one"));
        s.start_on("w2", "t", write(b"two"));
        assert_eq!((s.ended("w1"), s.ended("w2")), ((HResult::S_OK, 3), (HResult::S_OK, 3)));
        assert_eq!(s.written(&pipe), [bytes(b"one"), bytes(b"two")]);
    }
}

scenario! {
    /// The other half is in the same scenario of group C: the default target has none.
    c02_get_target_file_of_a_file_handle_target: with_handles(DEFAULT), [framework, wire], |s| {
        s.target_on("t", Opened::Pipe);
        assert!(s.target_has_file("t"));
        assert!(!s.has_target_file());
    }
}

scenario! {
    g14_handle_closed_under_the_target: with_handles(DEFAULT), [framework, wire], |s| {
        s.tolerance.verdicts = true;
        let pipe = s.target_on("t", Opened::Pipe);
        let number = s.system_number(&pipe);
        s.start_on("pending", "t", read(16));
        s.close_handle(&pipe);
        assert_eq!(s.ended("pending"), CANCELLED);
        s.once("L0.Finding(FHT-20)");
        s.open_handle("newcomer", Opened::Pipe);
        // Whether the system uses the number again or not, a new object is never hit.
        let again = s.uses_numbers_again();
        assert_eq!(s.system_number("newcomer") == number, again, "what the host says of its numbers");
        s.start_on("read", "t", read(16));
        s.start_on("write", "t", write(b"stray"));
        assert_eq!(s.ended("read"), (HResult(0x8007_0006), 0));
        assert_eq!(s.ended("write"), (HResult(0x8007_0006), 0));
        assert_eq!(s.written("newcomer"), [] as [Bytes; 0]);
        s.once("L0.HostIo"); // what came after the close never left the framework
        assert_eq!(s.delete_handle_target("t"), HResult::S_OK);
    }
}

scenario! {
    g15_target_deleted_first: with_handles(DEFAULT), [framework, wire], |s| {
        let pipe = s.target_on("t", Opened::Pipe);
        s.start_on("r", "t", read(16));
        assert_eq!(s.delete_handle_target("t"), HResult::S_OK);
        assert_eq!(s.ended("r"), CANCELLED);
        s.order("L0.DeleteTarget < L0.OnCompletion(r, cancelled) < L0.DeleteTarget.returned(S_OK)");
        assert_eq!(s.state_of_target("t"), DELETED);
        assert!(!s.target_has_file("t"));
        // The handle is open and usable: by a target made anew, for one.
        assert_eq!(s.create_target("t2", &pipe), HResult::S_OK);
        s.peer_writes(&pipe, b"hello");
        s.start_on("again", "t2", read(16));
        assert_eq!(s.brought("again"), success(b"hello"));
    }
}

scenario! {
    g16_device_deletion: with_handles(DEFAULT), [framework, wire], |s| {
        s.tolerance.verdicts = true;
        s.target_on("closed", Opened::Pipe);
        let leaked = s.open_handle("leaked", Opened::Pipe);
        s.create_target("t", "leaked");
        s.start_on("r", "t", read(16));
        s.delete_handle_target("closed");
        s.close_handle("closed.handle");
        s.unplug();
        assert_eq!(s.ended("r"), CANCELLED);
        s.once("L0.Finding(STOP-10)");
        s.order("L0.OnCompletion(r, cancelled) < L0.Finding(STOP-10) < L1.OnReleaseHardware+");
        assert_eq!(s.state_of_target("t"), DELETED);
        s.leaked_handles_are(&[leaked]);
        s.peer_writes("leaked", b"open");
        s.close_handle("leaked");
        s.leaked_handles_are(&[]); // somebody closed it after all
    }
}

scenario! {
    /// The same for a hosted driver, whose removal waits for what its host has.
    g16_device_deletion_of_a_hosted_driver: with_handles(DEFAULT), [framework, wire], |s| {
        s.tolerance.verdicts = true;
        let leaked = s.open_handle("leaked", Opened::Pipe);
        s.control(1, &format!("create-target pipe handle={leaked}"));
        s.control(1, "send read number=900 length=4 target=pipe");
        s.unplug();
        s.once("L1.OnCompletion(L1:900, cancelled)");
        s.order("L1.OnSelfManagedIoCleanup- < L1.OnCompletion(L1:900) < L1.Finding(STOP-10)");
        s.leaked_handles_are(&[leaked]);
    }
}

scenario! {
    g17_no_file_callbacks: with_handles(DEFAULT), [framework, wire], |s| {
        let pipe = s.target_on("t", Opened::Pipe);
        s.peer_writes(&pipe, b"hello");
        s.start_on("r", "t", read(16));
        s.delete_handle_target("t");
        s.close_handle(&pipe);
        let told = |name: &str| ["Create", "CreateByFramework", "Cleanup+", "Close+", "FileGone"].contains(&name);
        let moments = s.moments();
        assert!(!moments.iter().any(|moment| told(&moment.name)), "{moments:?}");
        assert_eq!(s.outstanding(), []);
    }
}

scenario! {
    g20_target_stop_in_d0_exit: with_handles(DEFAULT), [framework, wire], |s| {
        let pipe = s.open_handle("p", Opened::Pipe);
        s.control(1, &format!("create-target pipe handle={pipe}"));
        s.control(1, "on d0-exit: stop-target(pipe, cancel), block");
        s.control(1, "on d0-entry: start-target(pipe)");
        s.control(1, "send read number=900 length=16 target=pipe");
        s.power(PowerState::D3);
        assert_eq!(s.control(1, "target-state pipe"), format!("state={STOPPED} file=some"));
        s.once("L1.Stop.returned(S_OK)");
        s.control(1, "release d0-exit");
        s.order("L1.OnD0Exit+ < L1.Stop < L1.OnCompletion(L1:900, cancelled) < L1.Stop.returned(S_OK) < L1.OnD0Exit-");
        s.control(1, "send read number=901 length=16 target=pipe");
        s.never("L1.HostIo(L1:901)");
        s.power(PowerState::D0);
        s.order("L1.OnD0Exit- < L1.Start < L1.HostIo(L1:901)");
        assert_eq!(s.control(1, "target-state pipe"), format!("state={STARTED} file=some"));
        s.peer_writes("p", b"hello");
        s.once("L1.OnCompletion(L1:901, S_OK, 5)");
        let notes = s.control(1, "notes");
        assert_eq!(notes, "stop-target pipe: S_OK\nstart-target pipe: S_OK");
        s.control(1, "delete-target pipe");
    }
}

scenario! {
    /// Section 4 holds for a target on a handle as for the default one (FHT-11): C11, C12, C18, C20, C24, E21.
    g20_same_states_and_stop_actions: with_handles(DEFAULT), [framework, wire], |s| {
        let pipe = s.target_on("t", Opened::Pipe);
        s.start_on("r1", "t", read(16));
        let waits = s.begin_stop_of("t", SentIoAction::WaitForCompletion);
        assert!(!s.has_returned(waits));
        s.peer_writes(&pipe, b"one");
        assert_eq!((s.status_of(waits), s.brought("r1")), (HResult::S_OK, success(b"one")));
        s.start_on("r2", "t", read(16));
        s.start_on("r3", "t", read(16));
        let cancels = s.begin_stop_of("t", SentIoAction::Cancel);
        assert_eq!(s.status_of(cancels), HResult::S_OK);
        assert_eq!((s.state_of("r2"), s.state_of_target("t")), ("Pended".to_owned(), STOPPED));
        s.never("L0.HostIo(r2)");
        assert_eq!(s.cancel("r3"), CancelAnswer::CompletedByFramework);
        assert_eq!(s.ended("r3"), CANCELLED);
        assert_eq!(s.start_of("t"), HResult::S_OK);
        s.peer_writes(&pipe, b"two");
        assert_eq!(s.brought("r2"), success(b"two"));
        s.request("late");
        assert_eq!(s.delete_handle_target("t"), HResult::S_OK);
        assert_eq!(s.format_for("late", "t", None, read(4)), HResult::STATUS_INVALID_DEVICE_STATE);
        assert_eq!(s.start_of("t"), HResult::STATUS_INVALID_DEVICE_STATE);
    }
}

scenario! {
    /// A received request sent on to a handle comes back to the driver like from any lower layer.
    g01_received_request_as_it_is: with_handles(DEFAULT), [framework, wire], |s| {
        let pipe = s.open_handle("p", Opened::Pipe);
        s.control(1, &format!("create-target pipe handle={pipe}"));
        s.control(1, "on read: forward(target=pipe)");
        s.control(1, "on write: forward(target=pipe)");
        s.open("f");
        s.start("w", "f", write(b"down"));
        assert_eq!(s.ended("w"), (HResult::S_OK, 4));
        assert_eq!(s.written("p"), [bytes(b"down")]);
        s.start("r", "f", read(2));
        s.start("stuck", "f", read(2));
        s.peer_writes("p", b"up!");
        assert_eq!(s.brought("r"), (HResult::ERROR_MORE_DATA, 2, bytes(b"up")));
        assert_eq!(s.brought("stuck"), success(b"!"));
        s.order("L1.Io(read, r) < L1.HostIo(r) < L1.HostDone(r) < L1.OnCompletion(r) < L1.Done(r)");
        // A cancel that was remembered meets it on the way: it never gets to the host (REQ-28).
        s.control(1, "on read: hold");
        s.start("doomed", "f", read(2));
        assert_eq!(s.cancel("doomed"), CancelAnswer::Remembered);
        s.control(1, "forward {doomed} target=pipe");
        assert_eq!(s.ended("doomed"), CANCELLED);
        s.never("L1.HostIo(doomed)");
        s.control(1, "on read: forward(target=pipe)");
        // Close cancels what is with the host and waits for it (CLS-5, CLS-7).
        s.start("last", "f", read(2));
        s.close("f");
        assert_eq!(s.ended("last"), CANCELLED);
        s.order("L0.OnCompletion(last, cancelled) < L1.Close+(f)");
        s.control(1, "delete-target pipe");
    }
}

scenario! {
    /// REQ-13: from a handle a synchronous Send comes back as from a lower layer, whoever made the request.
    g01_sent_on_synchronously: with_handles(DEFAULT), [framework, wire], |s| {
        let pipe = s.open_handle("p", Opened::Pipe);
        s.control(1, &format!("create-target pipe handle={pipe}"));
        s.control(1, "on read: forward(target=pipe, sync, no-callback)");
        s.control(1, "on write: send(read, number=900, length=4, target=pipe, callback=removed, sync, then=complete)");
        s.open("f");
        s.start("r", "f", read(4));
        s.start("w", "f", write(b"data"));
        s.never("L1.Io(write, w)"); // the handler of `r` has the lock (SYN-5)
        s.peer_writes("p", b"up");
        assert_eq!(s.brought("r"), success(b"up"));
        s.order("L1.Send(r, S_OK) < L1.HostDone(r) < L1.Send.returned(r, S_OK) < L1.Done(r) < L1.Io(write, w) < L1.Send(L1:900, S_OK)");
        s.peer_writes("p", b"up");
        assert_eq!(s.ended("w"), (HResult::S_OK, 2));
        s.order("L1.HostDone(L1:900) < L1.Send.returned(L1:900, S_OK) < L1.Done(w)");
        s.close("f");
        s.control(1, "delete-target pipe");
    }
}

scenario! {
    /// The client dies with a read at the host: it is cancelled, and the layers below never hear of it.
    g16_lost_client: with_handles(DEFAULT), [framework, wire], |s| {
        s.tolerance.verdicts = true;
        s.tolerance.leaks = true;
        let leaked = s.open_handle("p", Opened::Pipe);
        assert_eq!(s.create_target("t", "p"), HResult::S_OK);
        s.open("f");
        s.start_on("r", "t", read(16));
        s.lose_client();
        s.once("L0.HostDone(r, cancelled)");
        s.order("L1.Close-(f) < L0.HostDone(r) < L0.Finding(STOP-10)");
        s.leaked_handles_are(&[leaked]);
    }
}

scenario! {
    c32_hosted_driver_waits_for_itself: with_handles(DEFAULT), [framework, wire], |s| {
        s.tolerance.verdicts = true;
        let pipe = s.open_handle("p", Opened::Pipe);
        s.control(1, &format!("create-target pipe handle={pipe}"));
        s.control(1, "send read number=900 length=4 target=pipe");
        s.control(1, "on read: stop-target(pipe, wait), complete(S_OK)");
        s.open("f");
        s.start("r", "f", read(4));
        assert_eq!(s.ended("r"), (HResult::S_OK, 0));
        s.order("L1.Io(read, r) < L1.Finding(TGT-26) < L1.Stop < L1.Stop.returned(S_OK)");
        s.never("L1.HostDone");
        // Outside of request callbacks it may wait.
        s.control(1, "stop-target pipe wait");
        s.times("L1.Stop.returned", 1);
        s.peer_writes("p", b"data");
        s.times("L1.Stop.returned(S_OK)", 2);
        s.once("L1.Finding");
        s.close("f");
        s.control(1, "delete-target pipe");
    }
}

scenario! {
    /// A driver stop with a read at the host: L0's own completes with the status of STOP-4, and what the host still
    /// answers is ignored.
    g16_driver_stop_with_io_at_the_host: with_handles(DEFAULT), [framework, wire], |s| {
        s.tolerance.verdicts = true;
        s.control(1, "on read: complete-twice(S_OK)");
        let pipe = s.target_on("t", Opened::Pipe);
        s.open("f");
        s.start_on("r", "t", read(16));
        s.start("culprit", "f", read(4));
        assert_eq!(s.driver_stop().rule, "REQ-54");
        assert_eq!(s.ended("r"), (HResult::STATUS_DRIVER_PROCESS_TERMINATED, 0));
        s.peer_writes(&pipe, b"late");
        assert_eq!(s.completions_of("r").len(), 1);
    }
}
