//! Groups B, D, E and J: what a driver does from inside a callback, and what waits until it has returned.

use lowerdeck_framework::status::HResult;
use lowerdeck_tests::backend::CancelAnswer;
use lowerdeck_tests::scenario;
use lowerdeck_tests::scenario::{lenient, stack};
use lowerdeck_tests::stage::{Stage, read, write};

use crate::{DEFAULT, FORWARDING};

/// L1's `OnRead` sends `r1` on synchronously, and L2 holds it; `r2` is armed at L1.
fn blocked_in_a_send(s: &mut Stage, forward: &str) {
    s.control(1, "on write: arm");
    s.control(1, &format!("on read: {forward}"));
    s.control(2, "on read: hold");
    s.open("f");
    s.start("r2", "f", write(b"data"));
    s.start("r1", "f", read(4));
    s.order("L1.Io(write, r2) < L1.Send(r1, S_OK) < L2.Io(read, r1)");
}

scenario! {
    /// The lock is the layer's own (SYN-4): what L0 does there waits, and goes on once L2 has completed.
    j06_a_synchronous_send_delays_cancel_and_cleanup: stack(FORWARDING), [framework, wire], |s| {
        blocked_in_a_send(s, "forward(sync, no-callback)");
        assert_eq!(s.cancel("r2"), CancelAnswer::Delivered);
        let close = s.begin_close("f");
        assert!(!s.has_returned(close));
        for delayed in ["L1.OnCancel", "L1.Cleanup+", "L2.Cleanup+", "L1.Done", "L1.Send.returned"] {
            s.never(delayed);
        }
        s.control(2, "complete {r1} S_OK 4");
        s.order("L2.Done(r1, S_OK, 4) < L1.Send.returned(r1, S_OK) < L1.Done(r1, S_OK, 4) < L1.OnCancel(r2) < L1.Done(r2, cancelled)");
        s.order("L2.Done(r1) < L1.Done(r1) < L1.Cleanup+(f) < L1.Cleanup-(f) < L2.Cleanup+(f) < L1.Close+(f) < L2.Close+(f)");
        assert!(s.has_returned(close));
        assert_eq!((s.ended("r1"), s.ended("r2").0), ((HResult::S_OK, 4), HResult::ERROR_OPERATION_ABORTED));
    }
}

scenario! {
    j07_a_request_whose_handler_waits_ends_after_the_lower_one: stack(FORWARDING), [framework, wire], |s| {
        blocked_in_a_send(s, "forward(sync, no-callback)");
        assert_eq!(s.cancel("r1"), CancelAnswer::Remembered);
        s.never("L1.OnCancel");
        s.never("L2.OnCancel");
        assert_eq!(s.state_of("r1"), "InFlight");
        s.control(2, "arm {r1}");
        s.order("L2.OnCancel(r1) < L2.Done(r1, cancelled) < L1.Send.returned(r1, cancelled) < L1.Done(r1, cancelled) < L0.OnCompletion(r1, cancelled)");
        s.control(1, "unmark-complete {r2} S_OK 4");
        s.close("f");
    }
}

scenario! {
    /// As J07, with a request of L1's own below: a cancel of `r1` is L1's, whose thread is in the Send.
    j07_also_when_the_lower_request_is_the_drivers_own: stack(FORWARDING), [framework, wire], |s| {
        blocked_in_a_send_of_its_own(s);
        assert_eq!(s.cancel("r1"), CancelAnswer::Remembered);
        for request in ["r1", "L1:900"] {
            s.never(&format!("L1.Done({request})"));
        }
        s.never("L1.OnCancel");
        s.never("L2.OnCancel");
        s.control(2, "complete L1:900 S_OK 4");
        s.order("L2.Done(L1:900) < L1.Send.returned(L1:900, S_OK) < L1.Done(r1, S_OK, 4) < L0.OnCompletion(r1)");
        s.close("f");
    }
}

fn blocked_in_a_send_of_its_own(s: &mut Stage) {
    s.control(1, "on read: send(read, number=900, length=4, callback=removed, sync, then=complete)");
    s.control(2, "on read: hold");
    s.open("f");
    s.start("r1", "f", read(4));
    s.order("L1.Io(read, r1) < L1.Send(L1:900, S_OK) < L2.Io(read, L1:900)");
}

scenario! {
    /// The driver must not do this: `OnCancel` comes on another thread here and waits for the lock that its driver
    /// holds around `MarkCancelable`. On the same thread it would wait for ever.
    j08_mark_inside_a_lock: stack("scripted(role=filter, locking=none, script={on create: forward}) / scripted"), [framework, wire], |s| {
        s.control(1, "on read: private-lock, forward(sync, no-callback)");
        s.control(1, "on send-returned: note(\"marking\"), arm, block");
        s.control(1, "on cancel: note(\"cancel entered\"), private-lock, note(\"cancel has the lock\"), complete(ERROR_OPERATION_ABORTED), private-unlock");
        s.control(2, "on read: hold");
        s.open("f");
        s.start("r", "f", read(4));
        assert_eq!(s.cancel("r"), CancelAnswer::Remembered);
        s.never("L1.OnCancel");
        s.control(2, "complete {r} S_OK 4");
        s.order("L1.Send.returned(r, S_OK) < L1.OnCancel(r)");
        assert_eq!(s.control(1, "notes"), "marking\ncancel entered", "the marking callback has not returned");
        s.start("w", "f", write(b"data"));
        assert_eq!(s.ended("w"), (HResult::S_OK, 4), "nothing else hangs");
        s.never("L1.Done(r)");
        s.control(1, "private-unlock");
        assert_eq!(s.ended("r"), (HResult::ERROR_OPERATION_ABORTED, 0));
        assert_eq!(s.control(1, "notes"), "marking\ncancel entered\ncancel has the lock");
        assert_eq!(s.control(1, "release"), "send-returned");
        s.close("f");
    }
}

scenario! {
    /// As `d07`, with L1 as the sender: its handler goes on after the completion, with what the request ended with.
    d07_a_hosted_drivers_synchronous_send: stack(FORWARDING), [framework, wire], |s| {
        blocked_in_a_send_of_its_own(s);
        s.advance(200);
        s.never("L1.Send.returned");
        s.control(2, "complete L1:900 S_OK data=\"lo\"");
        s.order("L2.Done(L1:900, S_OK, 2) < L1.Send.returned(L1:900, S_OK) < L1.Done(r1, S_OK, 2)");
        assert_eq!(&s.completion("r1").expect("it has ended").data[..], b"lo");
        s.never("L1.OnCompletion(L1:900)");
        s.close("f");
    }
}

scenario! {
    d08_a_hosted_drivers_synchronous_send_with_a_callback: stack(FORWARDING), [framework, wire], |s| {
        s.control(1, "on read: send(read, number=900, length=4, sync)");
        s.control(1, "on send-returned: note(\"returned\")");
        s.open("f");
        s.request("w");
        assert_eq!(s.format("w", Some("f"), write(b"data")), HResult::S_OK);
        s.control(1, "on write: forward(sync)");
        s.control(1, "on completion request={w}: note(\"completion\"), block");
        s.control(2, "on write: hold");
        assert_eq!(s.send("w"), HResult::S_OK);
        s.control(2, "complete {w} S_OK 4");
        s.once("L1.OnCompletion(w, S_OK, 4)");
        s.never("L1.Send.returned"); // OnCompletion has not returned
        assert_eq!(s.control(1, "notes"), "completion");
        assert_eq!(s.control(1, "release"), "completion");
        assert_eq!(s.control(1, "notes"), "completion\nreturned");
        s.order("L2.Done(w) < L1.OnCompletion(w, S_OK, 4) < L1.Send.returned(w, S_OK)");
        s.control(1, "complete {w} S_OK 4"); // L1 has it since OnCompletion
        s.start("r", "f", read(4));
        s.order("L2.Done(L1:900) < L1.OnCompletion(L1:900, S_OK, 4) < L1.Send.returned(L1:900, S_OK)");
        s.never("L1.Done(r)");
        s.control(1, "complete {r} S_OK 4");
        s.close("f");
    }
}

scenario! {
    /// L1's target cannot be stopped by a script, so that of its timeout: REQ-24 cancels and does not abandon.
    d09_a_hosted_drivers_synchronous_send_with_a_timeout: stack(FORWARDING), [framework, wire], |s| {
        s.control(1, "on read: forward(sync, no-callback, timeout=300)");
        s.control(2, "on read: arm");
        s.open("f");
        s.start("r", "f", read(4));
        s.advance(299);
        s.never("L1.Timeout");
        s.advance(1);
        s.order("L1.Timeout(r) < L2.OnCancel(r) < L2.Done(r, cancelled) < L1.Send.returned(r, timed-out) < L1.Done(r, timed-out)");
        assert_eq!(s.ended("r").0, HResult::STATUS_IO_TIMEOUT);
        s.close("f");
    }
}

scenario! {
    /// REQ-7: a refused Send returns at once, with the request; there is nobody below the terminator.
    d10_a_refused_synchronous_send_returns_at_once: stack(FORWARDING), [framework, wire], |s| {
        s.control(1, "on read: forward(sync, flags=0x100)");
        s.open("f");
        s.start("r", "f", read(4));
        assert_eq!(s.ended("r"), (HResult::STATUS_INVALID_PARAMETER, 0));
        for none in ["L2.Io", "L1.OnCompletion(r)", "L1.Send.returned", "L1.Send(r)"] {
            s.never(none);
        }
        s.close("f"); // the callback has returned: its lock is free
    }
}

scenario! {
    /// From a PnP callback: the device starts once the lower driver has answered (REQ-13, SYN-2).
    d07_from_a_pnp_callback: stack("scripted(role=filter, script={on create: forward}) / scripted"), [framework, wire], |s| {
        s.control(1, "create-file \"own\"");
        s.control(1, "on d0-exit: send(read, number=900, length=4, file=\"own\", sync)");
        s.control(2, "on read: hold");
        s.power(lowerdeck_tests::backend::PowerState::D3);
        s.once("L2.Io(read, L1:900)");
        s.never("L1.OnD0Exit-");
        s.control(2, "complete L1:900 S_OK 4");
        s.order("L1.OnD0Exit+ < L2.Done(L1:900) < L1.Send.returned(L1:900) < L1.OnD0Exit- < L2.OnD0Exit+");
        s.control(1, "close-own \"own\"");
    }
}

scenario! {
    /// A create that the handler sends on and waits for (FWD-3): the layer's lock is held, so another one waits too.
    d07_a_create_sent_on_synchronously: stack("scripted(role=filter, script={on create: forward(sync, no-callback)}) / scripted"), [framework, wire], |s| {
        s.control(2, "on create: hold");
        let first = s.begin_create("f", None);
        let second = s.begin_create("g", None);
        s.once("L2.Create(f)");
        s.never("L1.Create(g)");
        s.control(2, "on create: complete(0xD0000022)");
        s.control(2, "complete {f} S_OK");
        s.order("L2.CreateDone(f, S_OK) < L1.CreateDone(f, S_OK) < L1.Create(g) < L2.CreateDone(g) < L1.CreateDone(g)");
        assert_eq!((s.status_of(first), s.status_of(second)), (HResult::S_OK, HResult(0xD000_0022)));
        s.close("f");
    }
}

scenario! {
    /// From another thread of L1, a command: the Send returns with what the cancel has brought about.
    e01_cancel_of_a_hosted_drivers_synchronous_send: stack(FORWARDING), [framework, wire], |s| {
        blocked_in_a_send_of_its_own(s);
        assert_eq!(s.control(1, "cancel-own 900"), "FALSE", "L2 has not armed it (E03)");
        s.control(2, "arm L1:900");
        s.order("L2.OnCancel(L1:900) < L2.Done(L1:900, cancelled) < L1.Send.returned(L1:900, cancelled) < L1.Done(r1, cancelled)");
        assert_eq!(s.ended("r1").0, HResult::ERROR_OPERATION_ABORTED);
        s.close("f");
    }
}

scenario! {
    e16_one_cancel_callback_per_queue: lenient(DEFAULT), [framework, wire], |s| {
        s.tolerance.verdicts = true;
        s.control(1, "on read: arm(object=1)");
        s.open("f");
        s.start("r1", "f", read(4));
        s.start("r2", "f", read(4));
        s.never("L1.Finding");
        s.control(1, "on read: arm(object=2)");
        s.start("r3", "f", read(4));
        s.once("L1.Finding(REQ-47)");
        for request in ["r1", "r2", "r3"] {
            assert_eq!(s.cancel(request), CancelAnswer::Delivered, "{request}");
        }
        s.close("f");
    }
}

scenario! {
    e16_each_queue_has_its_own: stack("scripted(ioctl_queue=own)"), [framework, wire], |s| {
        s.control(1, "on read: arm(object=1)");
        s.control(1, "on ioctl: arm(object=2)");
        s.open("f");
        s.start("r", "f", read(4));
        s.start("c", "f", lowerdeck_tests::stage::ioctl(0x8000_2000));
        s.close("f");
        s.once("L1.OnCancel(r)");
        s.once("L1.OnCancel(c)");
    }
}

scenario! {
    b12_close_inside_the_creators_completion: stack(DEFAULT), [framework, wire], |s| {
        s.control(1, "on read: hold");
        s.open("f");
        s.start("r", "f", read(4));
        s.close_in_completion("r", "f");
        s.control(1, "complete {r} S_OK 4");
        assert_eq!(s.ended("r"), (HResult::S_OK, 4));
        s.order("L1.Done(r) < L0.OnCompletion(r) < L0.Close(f) < L1.Cleanup+(f) < L1.Cleanup-(f) < L0.CancelCreatorsRequests(f) \
                 < L0.Close.returned(f) < L1.Close+(f) < L1.Close-(f) < L1.FileGone(f)");
        s.never("L0.FileGone"); // the completed request still refers to it (CLS-19)
        assert_eq!(s.delete("r"), HResult::S_OK);
        s.once("L0.FileGone(f)");
    }
}

scenario! {
    b12_close_inside_a_hosted_drivers_completion: stack("scripted(role=filter, script={on create: forward}) / scripted"), [framework, wire], |s| {
        s.control(1, "create-file \"own\"");
        s.control(1, "on completion request=L1:900: close-own(\"own\")");
        s.control(2, "on read: hold");
        s.control(1, "send read number=900 length=4 file=\"own\"");
        s.never("L2.Cleanup+");
        s.control(2, "complete L1:900 S_OK 4");
        s.order("L2.Done(L1:900) < L1.OnCompletion(L1:900, S_OK) < L2.Cleanup+ < L2.Cleanup- < L1.CancelCreatorsRequests \
                 < L2.Close+ < L2.Close- < L2.FileGone < L1.FileGone");
    }
}
