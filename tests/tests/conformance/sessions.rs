//! Group K: what only a remote client can do to a stack.

use lowerdeck_tests::scenario;
use lowerdeck_tests::scenario::stack;
use lowerdeck_tests::stage::read;

use crate::DEFAULT;

scenario! {
    k05_create_outlives_its_client: stack(DEFAULT), [framework, wire], |s| {
        s.control(1, "on create: hold");
        s.begin_create("f", None);
        s.lose_client();
        s.never("L1.Cleanup+");
        s.control(1, "complete {f} S_OK");
        s.order("L0.UpperLost < L1.CreateDone(f, S_OK) < L1.Cleanup+(f) < L1.Cleanup-(f) < L1.Close+(f) < L1.Close-(f) < L0.FileGone(f)");
    }
}

scenario! {
    k06_session_loss: stack(DEFAULT), [framework, wire], |s| {
        s.tolerance.leaks = true; // the dead client's completions are discarded (MAP-6)
        s.open("f1");
        s.open("f2");
        s.open("f3");
        s.control(1, "on read: arm");
        s.start("armed", "f1", read(4));
        s.control(1, "on read: hold");
        s.start("held", "f2", read(4));
        s.lose_client();
        s.order("L1.Cleanup-(f1) < L1.OnCancel(armed) < L1.Close+(f1)");
        s.once("L1.Close+(f3)");
        s.never("L1.Close+(f2)");
        s.control(1, "complete {held} S_OK 4");
        s.order("L1.Done(held) < L1.Close+(f2) < L0.FileGone(f2)");
        for told in ["L1.CreateDone(*, S_OK)", "L1.Cleanup+", "L1.Close+"] {
            assert_eq!(s.count(told), 3, "{told}");
        }
    }
}

scenario! {
    k07_session_loss_during_close: stack(DEFAULT), [framework, wire], |s| {
        s.open("f");
        s.control(1, "on cleanup: block");
        s.begin_close("f");
        s.lose_client();
        s.control(1, "release");
        s.order("L0.UpperLost < L1.Cleanup-(f) < L1.Close+(f) < L0.FileGone(f)");
        s.once("L1.Cleanup+(f)");
        s.once("L1.Close+(f)");
    }
}
