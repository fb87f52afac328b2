//! Group K: what the wire does to UMDF's laws, and what it must not do.

use bytes::Bytes;
use lowerdeck_framework::status::HResult;
use lowerdeck_tests::backend::{Backend, Io, SentIoAction, Setting};
use lowerdeck_tests::explore::{Choices, Schedule};
use lowerdeck_tests::in_process::InProcess;
use lowerdeck_tests::scenario::{lenient, stack};
use lowerdeck_tests::stage::{Stage, read};
use lowerdeck_tests::wire::Wire;
use lowerdeck_tests::{laws, scenario};

use crate::{DEFAULT, FORWARDING};

scenario! {
    /// The wire back end fails a script at the first gRPC error, so that getting an HRESULT at all is the law.
    k01_umdf_failures_are_payload: stack(DEFAULT), [framework, wire], |s| {
        s.control(1, "on create name=no: complete(0xD0001234)");
        assert_eq!(s.create_named("refused", Some("no")), HResult(0xD000_1234), "create");
        s.open("f");
        s.request("r");
        assert_eq!(s.send("r"), HResult::STATUS_REQUEST_NOT_ACCEPTED, "send");
        assert_eq!(s.format("r", None, read(4)), HResult::E_INVALIDARG, "format");
        s.control(1, "on read: complete(0x80071234)");
        assert_eq!(s.format("r", Some("f"), read(4)), HResult::S_OK);
        let call = s.begin_synchronous_send("r", 0, 0);
        assert_eq!(s.status_of(call), HResult(0x8007_1234), "synchronous send");
        assert_eq!(s.ended("r"), (HResult(0x8007_1234), 0), "completion");
        assert!(!s.cancel("r").is_true(), "cancel");
        assert_eq!(s.remove_target(), HResult::S_OK);
        assert_eq!(s.start_target(), HResult::STATUS_INVALID_DEVICE_STATE, "start");
        s.close("f");
    }
}

scenario! {
    /// No answer is looked at before every completion was read, and then the last one first: the number alone says
    /// what belongs together.
    k03_completion_before_the_send_reply: stack(DEFAULT), [framework, wire], |s| {
        const NAMES: [&str; 6] = ["r1", "r2", "r3", "r4", "r5", "r6"];
        s.open("f");
        let mut calls = Vec::new();
        for (name, size) in NAMES.into_iter().zip(1..) {
            s.request(name);
            assert_eq!(s.format(name, Some("f"), read(size)), HResult::S_OK);
            calls.push(s.begin_send(name));
        }
        for (name, size) in NAMES.into_iter().zip(1..) {
            assert_eq!(s.ended(name), (HResult::S_OK, size), "its own completion, known by its length");
        }
        for call in calls.into_iter().rev() {
            assert_eq!(s.status_of(call), HResult::S_OK);
        }
        s.close("f");
    }
}

scenario! {
    /// The answer comes first: the events are read later, and nothing is missing then.
    k03_completion_after_the_send_reply: stack(DEFAULT), [framework, wire], |s| {
        s.open("f");
        s.stop_reading();
        s.start("r", "f", read(4));
        assert_eq!(s.completions_of("r"), []);
        s.read_again();
        assert_eq!(s.ended("r"), (HResult::S_OK, 4));
        s.close("f");
    }
}

scenario! {
    k04_a_call_that_was_given_up_cancels_no_io: stack(DEFAULT), [framework, wire], |s| {
        s.control(1, "on read: hold");
        s.open("f");
        s.request("r");
        assert_eq!(s.format("r", Some("f"), read(4)), HResult::S_OK);
        let call = s.begin_synchronous_send("r", 0, 0);
        s.once("L1.Io(read, r)");
        s.abandon_call(call);
        assert_eq!(s.state_of("r"), "InFlight");
        assert_eq!(s.control(1, "is-canceled {r}"), "FALSE");
        s.control(1, "complete {r} S_OK data=\"late\"");
        assert_eq!((s.state_of("r").as_str(), s.get_status("r")), ("Completed", HResult::S_OK));
        assert_eq!(&s.received_by("r")[..], b"late", "the outcome is there for whoever asks");
        assert_eq!(s.ended("r"), (HResult::S_OK, 4));
        s.never("L1.OnCancel");
        s.close("f");
    }
}

mod k09_slow_event_reader {
    use super::*;

    /// Completions that wait for their reader.
    const BACKLOG: usize = 10_000;
    /// Requests that make them, one after the other.
    const REQUESTS: usize = 50;

    /// What is read at last: every completion once, in the order of the Sends, and the driver was not held up.
    fn script(s: &mut Stage) {
        s.open("f");
        let names: Vec<String> = (0..REQUESTS).map(|number| format!("r{number}")).collect();
        for name in &names {
            s.request(name);
        }
        s.stop_reading();
        for round in 0..BACKLOG / REQUESTS {
            for name in &names {
                if round > 0 {
                    s.reuse(name, HResult::S_OK);
                }
                s.format(name, Some("f"), read(1 + round as u64));
                assert_eq!(s.send(name), HResult::S_OK);
            }
        }
        assert_eq!(s.count("L1.Done(*, S_OK)"), BACKLOG, "L1 was not held up");
        assert_eq!(s.completions_of("r0"), [], "nobody reads");
        s.read_again();
        let rounds: Vec<u64> = (1..=(BACKLOG / REQUESTS) as u64).collect();
        for name in &names {
            let read: Vec<u64> = s.completions_of(name).iter().map(|completion| completion.information).collect();
            assert_eq!(read, rounds, "{name}: none lost, none twice, in order");
        }
        s.close("f");
    }

    /// The schedule has no part in it, the backlog has: once is enough. Over the wire the backlog is made by several
    /// callers at once, with the raw calls (`wire::events`).
    #[test]
    fn framework() {
        let mut stage = Stage::new(Box::new(InProcess::new(&stack(DEFAULT), Choices::new(Schedule::OldestFirst))));
        script(&mut stage);
        laws::check(&mut stage);
    }
}

/// The same over the wire with the Send fused to the Format, all at once.
mod k03_all_sends_at_once {
    use std::collections::HashMap;

    use lowerdeck_proto::v1;
    use lowerdeck_tests::wire::{Clients, Server, open};

    use super::*;

    const REQUESTS: std::ops::Range<u64> = 2..8;

    fn read_on(file_id: &str, request_id: u64) -> v1::FormatAndSendRequest {
        let output_memory = Some(v1::OutputMemory { size: request_id, offset: None, contents: Default::default() });
        let io = Some(v1::format::Io::Read(v1::ReadFormat { device_offset: None, output_memory }));
        let format = Some(v1::Format { file_id: file_id.to_owned(), target_id: String::new(), io });
        v1::FormatAndSendRequest { request_id, format, ..Default::default() }
    }

    async fn file(mut clients: Clients) -> String {
        let create = v1::CreateWdfFileRequest { request_id: 1, file_name: None };
        clients.device.create_wdf_file(create).await.expect("no failure is an RPC failure").into_inner().file_id
    }

    /// No reply is looked at before every completion has been read, and then the last one first: the request id alone
    /// says what belongs together.
    #[test]
    fn wire() {
        let server = Server::start();
        let (clients, _, mut events) = server.run(open(&server, &stack(DEFAULT)));
        let file_id = server.run(file(clients.clone()));
        let replies: Vec<_> = REQUESTS
            .map(|request| {
                let mut device = clients.device.clone();
                let message = read_on(&file_id, request);
                (request, server.spawn(async move { device.format_and_send(message).await }))
            })
            .collect();
        let mut completed = HashMap::new();
        while completed.len() < replies.len() {
            let batch = server.run(events.message()).expect("events come").expect("the stream is open");
            for event in batch.events {
                if let Some(v1::event::Body::RequestCompleted(done)) = event.body {
                    assert_eq!(completed.insert(done.request_id, done.information), None, "one completion each");
                }
            }
        }
        for (request, reply) in replies.into_iter().rev() {
            let reply = server.run(reply).expect("it is not aborted").expect("no failure is an RPC failure");
            assert_eq!(reply.into_inner().hresult, 0);
            assert_eq!(completed.remove(&request), Some(request), "its own completion, known by its length");
        }
    }
}

scenario! {
    k08_input_captured_at_send: stack("ram(size=4KiB)"), [framework, wire], |s| {
        s.open("f");
        s.stop(SentIoAction::LeavePending);
        let mut buffer = *b"old bytes";
        let offset = Some(0);
        s.start("w", "f", Io::Write { data: Some(Bytes::copy_from_slice(&buffer)), window: None, offset });
        buffer.copy_from_slice(b"new bytes");
        s.never("L1.Io");
        assert_eq!(s.start_target(), HResult::S_OK);
        assert_eq!(s.ended("w"), (HResult::S_OK, 9));
        s.start("r", "f", Io::Read { size: Some(9), window: None, offset });
        assert_eq!(&s.completion("r").expect("it has ended").data[..], b"old bytes");
        assert_eq!(&buffer, b"new bytes");
        s.close("f");
    }
}

mod k10_tri_state_by_name {
    use lowerdeck_drivers::definition::StackDefinition;
    use lowerdeck_proto::v1;
    use lowerdeck_tests::wire::{Server, open};

    use super::*;

    /// UMDF 1's numbers are False 1, True 2, UseDefault 3: a bare 1 would mean True to everybody else.
    const NUMBERS: [&str; 4] = ["0", "1", "2", "3"];

    fn with_forwarding(state: &str) -> String {
        format!("scripted(role=filter, forward={state}) / scripted")
    }

    fn names_the_states(message: &str) {
        for state in ["default", "true", "false"] {
            assert!(message.contains(state), "{message}");
        }
    }

    #[test]
    fn framework() {
        for number in NUMBERS {
            let refused = with_forwarding(number).parse::<StackDefinition>().expect_err("a number is no state");
            names_the_states(&refused.to_string());
        }
        for state in ["default", "true", "false"] {
            assert!(with_forwarding(state).parse::<StackDefinition>().is_ok(), "{state}");
        }
    }

    #[test]
    fn wire() {
        let server = Server::start();
        let (clients, _, _) = server.run(open(&server, &stack(DEFAULT)));
        let plug = |state: &str| {
            let mut lab = clients.lab.clone();
            let (name, expression) = (format!("forward-{state}"), with_forwarding(state));
            let request = v1::PlugStackRequest { name, expression, ..Default::default() };
            server.run(async move { lab.plug_stack(request).await })
        };
        for number in NUMBERS {
            let refused = plug(number).expect_err("a number is no state");
            assert_eq!(refused.code(), tonic::Code::InvalidArgument);
            names_the_states(refused.message());
        }
        for state in ["default", "true", "false"] {
            assert!(plug(state).is_ok(), "{state}");
        }
    }
}

mod k11_verifier_modes {
    use super::*;

    /// A violation: what it is called, the layer at fault and the rule, and how it is done.
    type Violation = (&'static str, &'static str, &'static str, fn(&mut Stage));

    const VIOLATIONS: [Violation; 4] = [
        ("D05", "L0", "REQ-11", |s| {
            s.control(1, "on read: hold");
            s.open("f");
            s.start("r", "f", read(4));
            assert!(!s.send("r").is_success());
        }),
        // L0 has no call that completes a request of its own: a hosted driver does it.
        ("D16", "L1", "REQ-3", |s| {
            s.control(1, "on read: send(read, number=900, length=4), hold");
            s.control(2, "on read: hold");
            s.open("f");
            s.start("r", "f", read(4));
            s.control(1, "complete-own 900");
        }),
        ("D27", "L1", "REQ-54", |s| {
            s.control(1, "on read: complete-twice(S_OK)");
            s.open("f");
            s.request("r");
            s.format("r", Some("f"), read(4));
            s.send("r");
        }),
        ("B15", "L0", "CLS-17", |s| {
            s.control(1, "on read: hold");
            s.open("f");
            s.start("r", "f", read(4));
            s.close("f");
            s.begin_close("f");
        }),
    ];

    /// Strict stops the stack, lenient records one finding; neither is silent, and neither does the other's part.
    fn in_both_modes(mut play: impl FnMut(&Setting) -> Box<dyn Backend>) {
        for (name, layer, rule, violate) in VIOLATIONS {
            for (setting, verdict, other) in
                [(stack(FORWARDING), "DriverStop", "Finding"), (lenient(FORWARDING), "Finding", "DriverStop")]
            {
                let mut stage = Stage::new(play(&setting));
                stage.tolerance.verdicts = true;
                violate(&mut stage);
                stage.once(&format!("{layer}.{verdict}({rule})"));
                for any in ["L0", "L1", "L2"] {
                    stage.never(&format!("{any}.{other}"));
                    let count = stage.count(&format!("{any}.{verdict}"));
                    assert_eq!(count, usize::from(any == layer), "{name}: {verdict} against {any}");
                }
                if setting.lenient && name != "D27" {
                    stage.control(1, "complete {r} S_OK 4");
                }
                if setting.lenient && name == "D16" {
                    stage.never("L2.Done"); // the completion that was not L1's to make has reached nobody
                    stage.control(2, "complete L1:900 S_OK 4");
                    stage.close("f");
                }
                assert_eq!(stage.completions_of("r").len(), 1, "{name}: exactly one completion in every mode");
                laws::check(&mut stage);
            }
        }
    }

    #[test]
    fn framework() {
        in_both_modes(|setting| Box::new(InProcess::new(setting, Choices::new(Schedule::OldestFirst))));
    }

    #[test]
    fn wire() {
        let mut first = Wire::new(&stack(DEFAULT));
        in_both_modes(|setting| Box::new(first.another_session(setting)));
    }
}
