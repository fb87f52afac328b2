//! Group I: who feels a driver stop, and who does not.

use lowerdeck_framework::status::HResult;
use lowerdeck_tests::scenario;
use lowerdeck_tests::scenario::stack;
use lowerdeck_tests::stage::{read, write};

use crate::DEFAULT;

scenario! {
    i19_outstanding_io_ends_with_the_driver: stack(DEFAULT), [framework, wire], |s| {
        s.tolerance.verdicts = true;
        s.control(1, "on read: hold");
        s.control(1, "on write: complete-twice(S_OK)");
        s.open("f");
        s.start("held", "f", read(4));
        s.request("culprit");
        s.format("culprit", Some("f"), write(b"data"));
        s.send("culprit");
        s.once("L1.DriverStop(REQ-54)");
        assert_eq!(s.ended("held"), (HResult::STATUS_DRIVER_PROCESS_TERMINATED, 0));
        s.never("L1.Done(held)");
    }
}

/// On a shared stack the sessions are each other's outsiders; the framework back end has one session only.
mod i19_what_outsiders_see {
    use lowerdeck_proto::v1;
    use lowerdeck_tests::wire::{Clients, Server};
    use uuid::Uuid;

    use super::*;

    const STACK: &str = "between-sessions";

    async fn plug(server: &Server) {
        let plug = v1::PlugStackRequest {
            name: STACK.to_owned(),
            expression: "scripted(script={on read: hold})".to_owned(),
            sharing: v1::StackSharing::Shared.into(),
            verifier: v1::VerifierMode::Strict.into(),
            clock: v1::ClockKind::Manual.into(),
            ..Default::default()
        };
        let mut lab = Clients::new(&server.channel(), Uuid::new_v4()).lab;
        lab.plug_stack(plug).await.expect("the stack is well formed");
    }

    /// A session with a read in flight, and the stack it is on.
    async fn session(server: &Server) -> (Clients, tonic::Streaming<v1::StreamEventsResponse>) {
        let mut clients = Clients::new(&server.channel(), Uuid::new_v4());
        let open = v1::OpenSessionRequest { stack: STACK.to_owned(), ..Default::default() };
        clients.session.open_session(open).await.expect("the stack is plugged");
        let stream = clients.device.stream_events(v1::StreamEventsRequest { after_sequence: 0 }).await;
        let create = v1::CreateWdfFileRequest { request_id: 1, file_name: None };
        let file_id = clients.device.create_wdf_file(create).await.expect("payload").into_inner().file_id;
        let output_memory = Some(v1::OutputMemory { size: 4, offset: None, contents: Default::default() });
        let io = Some(v1::format::Io::Read(v1::ReadFormat { device_offset: None, output_memory }));
        let format = Some(v1::Format { file_id, target_id: String::new(), io });
        let send = v1::FormatAndSendRequest { request_id: 2, format, retain: true, ..Default::default() };
        assert_eq!(clients.device.format_and_send(send).await.expect("payload").into_inner().hresult, 0);
        (clients, stream.expect("one stream per session").into_inner())
    }

    #[test]
    fn wire() {
        let server = Server::start();
        let bodies = server.run(async {
            plug(&server).await;
            let (mut culprit, _) = session(&server).await;
            let (_outsider, mut events) = session(&server).await;
            // Sending an outstanding request is the other session's mistake, and stops the stack for both.
            let again = v1::SendRequestRequest { request_id: 2, options: None, target_id: String::new() };
            drop(culprit.device.send_request(again).await);
            let mut bodies = Vec::new();
            while let Some(batch) = events.message().await.expect("events come") {
                bodies.extend(batch.events.into_iter().filter_map(|event| event.body));
            }
            bodies
        });
        let completed: Vec<_> = bodies
            .iter()
            .filter_map(|body| match body {
                v1::event::Body::RequestCompleted(done) => {
                    Some((done.request_id, HResult(done.hresult), done.information))
                }
                _ => None,
            })
            .collect();
        assert_eq!(completed, [(2, HResult::STATUS_DRIVER_PROCESS_TERMINATED, 0)]);
        let stops: Vec<_> = bodies
            .iter()
            .filter_map(|body| match body {
                v1::event::Body::DriverStopped(stopped) => stopped.driver_stop.as_ref(),
                _ => None,
            })
            .collect();
        assert_eq!(stops.len(), 1, "{bodies:?}");
        assert_eq!(stops[0].rule, "REQ-11");
        assert!(!stops[0].event_class.is_empty() && !stops[0].problem.is_empty());
    }
}

/// Each back end has its own way to hold two stacks; the script is the same.
mod i21_isolation {
    use lowerdeck_tests::backend::Backend;
    use lowerdeck_tests::explore::{Choices, Schedule};
    use lowerdeck_tests::in_process::InProcess;
    use lowerdeck_tests::laws;
    use lowerdeck_tests::scenario::SCHEDULES;
    use lowerdeck_tests::stage::Stage;
    use lowerdeck_tests::wire::Wire;

    use super::*;

    fn held_read(backend: impl Backend + 'static) -> Stage {
        let mut stage = Stage::new(Box::new(backend));
        stage.control(1, "on read: hold");
        stage.open("f");
        stage.start("r", "f", read(4));
        stage
    }

    /// The driver stop of one stack, and what the other one does meanwhile and after it.
    fn script(stopped: impl Backend + 'static, spared: impl Backend + 'static) {
        let (mut stopped, mut spared) = (held_read(stopped), held_read(spared));
        spared.control(1, "on write: block");
        spared.start("blocked", "f", write(b"data"));
        stopped.tolerance.verdicts = true;
        stopped.send("r");
        stopped.once("L0.DriverStop(REQ-11)");
        assert_eq!(stopped.ended("r").0, HResult::STATUS_DRIVER_PROCESS_TERMINATED);

        assert_eq!((spared.state_of("r"), spared.completion("r")), ("InFlight".to_owned(), None));
        spared.control(1, "complete {r} S_OK 4");
        assert_eq!(spared.ended("r"), (HResult::S_OK, 4));
        spared.control(1, "on write: complete(S_OK, 4)");
        spared.control(1, "release");
        spared.control(1, "complete {blocked} S_OK 4");
        spared.start("w", "f", write(b"data"));
        assert_eq!((spared.ended("blocked"), spared.ended("w")), ((HResult::S_OK, 4), (HResult::S_OK, 4)));
        spared.close("f");
        spared.once("L1.Close-(f)");
        laws::check(&mut spared);
        laws::check(&mut stopped);
    }

    #[test]
    fn framework() {
        for seed in 0..SCHEDULES {
            let stack = || InProcess::new(&stack(DEFAULT), Choices::new(Schedule::Seeded(seed)));
            script(stack(), stack());
        }
    }

    #[test]
    fn wire() {
        let setting = stack(DEFAULT);
        let mut first = Wire::new(&setting);
        let spared = first.another_session(&setting);
        script(first, spared);
    }
}
