//! Group F: queues of hosted drivers.

use lowerdeck_framework::status::HResult;
use lowerdeck_tests::scenario;
use lowerdeck_tests::scenario::stack;
use lowerdeck_tests::stage::{ioctl, read, write};

use crate::DEFAULT;

scenario! {
    f01_sequential: stack("scripted(queue=sequential)"), [framework, wire], |s| {
        s.control(1, "on write: hold");
        s.open("f");
        for request in ["w1", "w2", "w3"] {
            s.start(request, "f", write(b"data"));
        }
        s.never("L1.Io(write, w2)");
        for request in ["w1", "w2", "w3"] {
            s.control(1, &format!("complete {{{request}}} S_OK 4"));
        }
        s.order("L1.Io(write, w1) < L1.Done(w1) < L1.Io(write, w2) < L1.Done(w2) < L1.Io(write, w3)");
        s.close("f");
    }
}

scenario! {
    f02_forwarding_down_does_not_free_a_sequential_queue:
    stack("scripted(role=filter, queue=sequential, create=none) / scripted"), [framework, wire], |s| {
        s.open("f");
        s.control(1, "on read: forward");
        s.control(2, "on read: hold");
        s.start("r1", "f", read(4));
        s.start("r2", "f", read(4));
        s.once("L2.Io(read, r1)");
        s.never("L1.Io(read, r2)");
        s.control(2, "complete {r1} S_OK 4");
        s.order("L1.Done(r1) < L1.Io(read, r2)");
        s.control(2, "complete {r2} S_OK 4");
        s.close("f");
    }
}

scenario! {
    f03_parallel: stack(DEFAULT), [framework, wire], |s| {
        s.control(1, "on read: hold");
        s.open("f");
        for request in ["r1", "r2", "r3"] {
            s.start(request, "f", read(4));
            s.once(&format!("L1.Io(read, {request})"));
        }
        for request in ["r1", "r2", "r3"] {
            s.control(1, &format!("complete {{{request}}} S_OK 4"));
        }
        s.close("f");
    }
}

scenario! {
    f10_zero_length: stack("scripted(zero_length=forbid)"), [framework, wire], |s| {
        s.open("f");
        s.start("r", "f", read(0));
        assert_eq!(s.ended("r"), (HResult::S_OK, 0));
        s.start("w", "f", write(b""));
        assert_eq!(s.ended("w"), (HResult::S_OK, 0));
        s.never("L1.Io");
        s.start("i", "f", ioctl(0x8000_2000));
        s.once("L1.Io(ioctl, i)");
        s.close("f");
    }
}

mod f08_bad_configuration {
    use lowerdeck_framework::callback::{Callback, CallbackSet};
    use lowerdeck_framework::driver::{DeviceConfig, DispatchType, Driver, QueueConfig};
    use lowerdeck_framework::forwarding::{DriverRole, ForwardingState};
    use lowerdeck_framework::io::IoKind;
    use lowerdeck_framework::stack::{Stack, StackConfig, StackError};

    /// Declares one queue and does nothing else.
    struct Misfit(QueueConfig);

    impl Driver for Misfit {
        fn name(&self) -> &str {
            "misfit"
        }

        fn configure(&self) -> DeviceConfig {
            DeviceConfig {
                role: DriverRole::Function,
                forwarding: ForwardingState::UseDefault,
                callbacks: CallbackSet::EMPTY,
                queues: vec![self.0],
                locking: Default::default(),
                file_policy: Default::default(),
                buffer_retrieval: Default::default(),
            }
        }
    }

    fn built(dispatch: DispatchType, handlers: &[Callback]) -> Result<(), StackError> {
        built_from(QueueConfig::default_queue(dispatch, CallbackSet::of(handlers)))
    }

    fn built_from(queue: QueueConfig) -> Result<(), StackError> {
        Stack::new(StackConfig {
            drivers: vec![Box::new(Misfit(queue))],
            verifier: Default::default(),
            dispatcher: Default::default(),
            method_neither: Default::default(),
            trace_capacity: 0,
            findings_capacity: 0,
            critical_operation_ticks: lowerdeck_framework::stack::CRITICAL_OPERATION_TICKS,
            scheduler: None,
        })
        .map(drop)
    }

    #[test]
    fn framework() {
        let refused = |result| matches!(result, Err(StackError::BadConfiguration { queue: 0, .. }));
        assert!(refused(built(DispatchType::Sequential, &[])));
        assert!(refused(built(DispatchType::Parallel, &[Callback::OnIoCanceledOnQueue])));
        assert!(refused(built(DispatchType::Manual, &[Callback::OnRead])));
        assert_eq!(built(DispatchType::Manual, &[Callback::OnIoCanceledOnQueue]), Ok(()));
        assert_eq!(built(DispatchType::Sequential, &[Callback::OnRead]), Ok(()));
    }

    /// QUE-2.
    mod f08_only_four_types_can_be_routed {
        use super::*;

        #[test]
        fn framework() {
            let handlers = CallbackSet::of(&[Callback::OnDefaultIoHandler]);
            let queue = QueueConfig::default_queue(DispatchType::Parallel, handlers);
            let routed = |routes: &'static [IoKind]| built_from(QueueConfig { routes, ..queue });
            for routes in
                [&[IoKind::Read, IoKind::FlushBuffers][..], &[IoKind::QueryInformation], &[IoKind::SetInformation]]
            {
                assert!(routed(routes).is_err(), "{routes:?}");
            }
            assert_eq!(routed(&[IoKind::Create, IoKind::Read, IoKind::Write, IoKind::DeviceControl]), Ok(()));
        }
    }
}

scenario! {
    f04_manual: stack("scripted(queue=manual)"), [framework, wire], |s| {
        s.open("f");
        s.start("r1", "f", read(4));
        s.start("r2", "f", read(4));
        s.control(1, "retrieve");
        s.control(1, "retrieve");
        s.order("L1.Io(read, r1) < L1.Io(read, r2)");
        assert_eq!(s.control(1, "retrieve"), "ERROR_NO_MORE_ITEMS");
        s.control(1, "complete {r1} S_OK 4");
        s.control(1, "complete {r2} S_OK 4");
        s.close("f");
    }
}

scenario! {
    f06_retrieve_from_a_parallel_queue: stack(DEFAULT), [framework, wire], |s| {
        assert_eq!(s.control(1, "retrieve queue=0"), "STATUS_INVALID_DEVICE_STATE");
    }
}

scenario! {
    f05_retrieve_by_file: stack("scripted(queue=manual)"), [framework, wire], |s| {
        for file in ["f1", "f2"] {
            assert_eq!(s.create_named(file, Some(file)), HResult::S_OK);
        }
        for (request, file) in [("a1", "f1"), ("b1", "f2"), ("a2", "f1"), ("b2", "f2")] {
            s.start(request, file, read(4));
        }
        s.control(1, "retrieve name=f2");
        s.control(1, "retrieve");
        s.control(1, "retrieve");
        s.control(1, "retrieve");
        s.order("L1.Io(read, b1) < L1.Io(read, a1) < L1.Io(read, a2) < L1.Io(read, b2)");
        s.control(1, "on cleanup: complete-file(S_OK, 4)");
        s.close("f1");
        s.close("f2");
    }
}

scenario! {
    f07_requeue: stack("scripted(queue=manual)"), [framework, wire], |s| {
        s.open("f");
        s.start("r1", "f", read(4));
        s.start("r2", "f", read(4));
        s.control(1, "retrieve");
        assert_eq!(s.control(1, "requeue {r1}"), "S_OK");
        s.control(1, "retrieve");
        assert_eq!(s.count("L1.Io(read, r1)"), 2, "it is at the head again");
        s.never("L1.Io(read, r2)");
        s.control(1, "complete {r1} S_OK 4");
        s.close("f");
    }
}

scenario! {
    f07_requeue_on_a_sequential_queue: stack("scripted(queue=sequential)"), [framework, wire], |s| {
        s.control(1, "on read: hold");
        s.open("f");
        s.start("r", "f", read(4));
        assert_eq!(s.control(1, "requeue {r}"), "ERROR_INVALID_OPERATION");
        s.control(1, "complete {r} S_OK 4");
        assert_eq!(s.ended("r"), (HResult::S_OK, 4));
        s.close("f");
    }
}

scenario! {
    f09_type_routing_of_a_function_driver: stack("scripted(write=none, default_io=none, ioctl_queue=own, queue=sequential) / scripted"),
    [framework, wire], |s| {
        s.open("f");
        s.control(1, "on read: hold");
        s.start("r", "f", read(4));
        // The read holds the sequential default queue; ioctls have a queue of their own.
        s.start("i", "f", ioctl(0x8000_2000));
        s.once("L1.Io(ioctl, i)");
        s.start("w", "f", write(b"data"));
        assert_eq!(s.ended("w"), (HResult::STATUS_INVALID_DEVICE_REQUEST, 0));
        s.never("L2.Io");
        s.control(1, "complete {r} S_OK 4");
        s.close("f");
    }
}

scenario! {
    f09_type_routing_of_a_filter: stack("scripted(role=filter, create=none, write=none, default_io=none) / scripted"), [framework, wire], |s| {
        s.open("f");
        s.start("w", "f", write(b"data"));
        s.never("L1.Io");
        s.once("L2.Io(write, w)");
        assert_eq!(s.ended("w"), (HResult::S_OK, 4));
        s.close("f");
    }
}

scenario! {
    f11_stop_queue: stack(DEFAULT), [framework, wire], |s| {
        s.open("f");
        assert_eq!(s.control(1, "queue-stop 0"), "S_OK");
        s.start("r1", "f", read(4));
        s.start("r2", "f", read(4));
        s.never("L1.Io");
        s.control(1, "queue-start 0");
        s.once("L1.Io(read, r1)");
        s.once("L1.Io(read, r2)");
        s.close("f");
    }
}

scenario! {
    f12_drain: stack("scripted(queue=sequential)"), [framework, wire], |s| {
        s.control(1, "on read: hold");
        s.open("f");
        s.start("r1", "f", read(4));
        s.start("r2", "f", read(4));
        s.control(1, "queue-drain 0");
        s.start("late", "f", read(4));
        assert_eq!(s.ended("late"), (HResult::ERROR_OPERATION_ABORTED, 0));
        s.control(1, "complete {r1} S_OK 4");
        s.once("L1.Io(read, r2)");
        s.control(1, "complete {r2} S_OK 4");
        // The drain has ended: another operation may begin.
        assert_eq!(s.control(1, "queue-stop 0"), "S_OK");
        s.control(1, "queue-start 0");
        s.close("f");
    }
}

scenario! {
    f13_purge: stack("scripted(queue=sequential, locking=none)"), [framework, wire], |s| {
        s.control(1, "on read: arm");
        s.open("f");
        s.start("armed", "f", read(4));
        s.start("queued", "f", read(4));
        s.control(1, "queue-purge 0");
        s.once("L1.OnCancel(armed)");
        s.never("L1.Io(read, queued)");
        s.start("late", "f", read(4));
        for request in ["armed", "queued", "late"] {
            assert_eq!(s.ended(request), (HResult::ERROR_OPERATION_ABORTED, 0), "{request}");
        }
        s.control(1, "queue-start 0");
        s.close("f");
    }
}

scenario! {
    f14_two_queue_operations_at_once: stack(DEFAULT), [framework, wire], |s| {
        s.tolerance.verdicts = true;
        s.control(1, "on read: hold");
        s.open("f");
        s.start("r", "f", read(4));
        assert_eq!(s.control(1, "queue-drain 0"), "S_OK");
        s.control(1, "queue-purge 0");
        s.once("L1.DriverStop(QUE-10)");
    }
}

scenario! {
    /// QUE-10: a Stop waits for what was delivered, not for what waits.
    f14_a_stop_has_ended_though_requests_wait: stack(DEFAULT), [framework, wire], |s| {
        s.open("f");
        assert_eq!(s.control(1, "queue-stop 0"), "S_OK");
        s.start("r", "f", read(4));
        assert_eq!(s.control(1, "queue-state 0"), "waiting=1 held=0");
        s.control(1, "queue-start 0");
        assert_eq!(s.ended("r"), (HResult::S_OK, 4));
        // The other way round: the request waits already when the queue is stopped.
        s.control(1, "on read: queue");
        s.start("kept", "f", read(4));
        assert_eq!(s.control(1, "queue-stop 1"), "S_OK");
        assert_eq!(s.control(1, "queue-purge 1"), "S_OK", "the Stop is not in progress any more");
        assert_eq!(s.ended("kept"), (HResult::ERROR_OPERATION_ABORTED, 0));
        s.close("f");
    }
}

scenario! {
    /// QUE-10: a Drain ends with the last request that waits.
    f14_a_drain_goes_on_while_requests_wait: stack(DEFAULT), [framework, wire], |s| {
        s.tolerance.verdicts = true;
        s.control(1, "on read: queue");
        s.open("f");
        s.start("r", "f", read(4));
        assert_eq!(s.control(1, "queue-drain 1"), "S_OK");
        s.control(1, "queue-stop 1");
        s.once("L1.DriverStop(QUE-10)");
    }
}

scenario! {
    f19_state_counts: stack("scripted(queue=sequential)"), [framework, wire], |s| {
        s.control(1, "on read: hold");
        s.open("f");
        for request in ["r1", "r2", "r3"] {
            s.start(request, "f", read(4));
        }
        assert_eq!(s.control(1, "queue-state 0"), "waiting=2 held=1");
        s.control(1, "on read: complete(S_OK, 4)");
        s.control(1, "complete {r1} S_OK 4");
        assert_eq!(s.control(1, "queue-state 0"), "waiting=0 held=0");
        s.close("f");
    }
}
