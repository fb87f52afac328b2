//! Operating the server: health, reflection, the lab's reports, limits of streams.

use lowerdeck_proto::{reason, v1};
use tokio_util::sync::CancellationToken;
use tonic::Code;
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::health_client::HealthClient;

use crate::bench::{Bench, refusal, within};

fn ask(service: &str) -> HealthCheckRequest {
    HealthCheckRequest { service: service.to_owned() }
}

#[tokio::test]
async fn health_has_a_meaning_for_each_name() {
    let bench = Bench::new().await;
    let upper = bench.open("disk").await;
    let mut health = HealthClient::new(bench.channel.clone());
    let instance = format!("lowerdeck.stack/{}", upper.stack);
    for name in ["", "liveness", "lowerdeck.v1.DeviceService", "lowerdeck.stack/disk", &instance] {
        let status = health.check(ask(name)).await.expect("known").into_inner().status();
        assert_eq!(status, ServingStatus::Serving, "{name}");
    }
    for name in ["lowerdeck.v1.Nothing", "lowerdeck.stack/nowhere"] {
        assert_eq!(health.check(ask(name)).await.expect_err("unknown").code(), Code::NotFound, "{name}");
    }
    bench.server.shutdown().await;
}

#[tokio::test]
async fn readiness_flips_in_a_drain_and_liveness_does_not() {
    let bench = Bench::new().await;
    let mut upper = bench.open("null").await;
    let mut health = HealthClient::new(bench.channel.clone());
    let mut ready = health.watch(ask("lowerdeck.v1.SessionService")).await.expect("a stream").into_inner();
    assert_eq!(ready.message().await.expect("alive").expect("at once").status(), ServingStatus::Serving);
    let server = bench.server;
    let watch = async {
        let flipped = ready.message().await.expect("alive").expect("the flip").status();
        assert_eq!(flipped, ServingStatus::NotServing);
        let alive = health.check(ask("liveness")).await.expect("known").into_inner().status();
        assert_eq!(alive, ServingStatus::Serving);
        upper.end().await;
    };
    tokio::join!(server.drain(CancellationToken::new()), watch);
}

#[tokio::test]
async fn watching_an_unknown_name_goes_on_until_it_is_known() {
    let bench = Bench::new().await;
    let mut health = HealthClient::new(bench.channel.clone());
    let mut watch = health.watch(ask("lowerdeck.stack/later")).await.expect("a stream").into_inner();
    let first = watch.message().await.expect("alive").expect("at once").status();
    assert_eq!(first, ServingStatus::ServiceUnknown);
    let plug = v1::PlugStackRequest { name: "later".to_owned(), expression: "null".to_owned(), ..Default::default() };
    bench.lab().plug_stack(plug).await.expect("plugged");
    assert_eq!(watch.message().await.expect("alive").expect("the news").status(), ServingStatus::Serving);
    bench.server.shutdown().await;
}

#[tokio::test]
async fn findings_name_the_client_and_can_be_listed() {
    let bench = Bench::new().await;
    let plug = v1::PlugStackRequest {
        name: "lenient".to_owned(),
        expression: "scripted(script={on read: hold})".to_owned(),
        verifier: v1::VerifierMode::Lenient.into(),
        ..Default::default()
    };
    bench.lab().plug_stack(plug).await.expect("plugged");
    let terms = v1::OpenSessionRequest {
        stack: "lenient".to_owned(),
        client_name: "my driver".to_owned(),
        ..Default::default()
    };
    let mut upper = bench.open_with(terms).await;
    let file = upper.file("f").await;
    upper.send_read(&file, 1, 0).await;
    upper.close(&file).await;
    upper.close(&file).await;
    let request = v1::ListFindingsRequest { stack: upper.stack.clone(), ..Default::default() };
    let listed = bench.lab().list_findings(request).await.expect("an answer").into_inner();
    let found: Vec<_> =
        listed.findings.iter().map(|finding| (finding.rule.as_str(), finding.driver.as_str())).collect();
    assert_eq!(found, [("CLS-17", "my driver")]);
    assert!(listed.driver_stop.is_none());
    bench.server.shutdown().await;
}

#[tokio::test]
async fn a_stack_that_does_not_start_says_why_and_leaves_the_session_unopened() {
    let bench = Bench::new().await;
    let plug = v1::PlugStackRequest {
        name: "broken".to_owned(),
        expression: "scripted(pnp=callbacks, script={on d0-entry: fail(E_OUTOFMEMORY)})".to_owned(),
        ..Default::default()
    };
    bench.lab().plug_stack(plug).await.expect("plugged");
    let mut upper = bench.caller(Some(&uuid::Uuid::new_v4().to_string()));
    let terms = v1::OpenSessionRequest { stack: "broken".to_owned(), ..Default::default() };
    let failed = upper.session.open_session(terms.clone()).await.expect_err("it does not start");
    assert_eq!(refusal(&failed), (Code::FailedPrecondition, reason::STACK_START_FAILED.to_owned()));
    assert!(failed.message().contains("E_OUTOFMEMORY"), "{}", failed.message());
    let other = v1::OpenSessionRequest { stack: "null".to_owned(), ..terms };
    upper.session.open_session(other).await.expect("the UUID is free again");
    bench.server.shutdown().await;
}

#[tokio::test]
async fn trace_streams_are_limited_and_end_with_their_stack() {
    let bench = Bench::with(|config| config.limits.trace_streams_max = 1).await;
    let mut upper = bench.open("scripted").await;
    let follow = v1::FollowTraceRequest { stack: upper.stack.clone(), after_sequence: 0 };
    let mut stream = bench.lab().follow_trace(follow.clone()).await.expect("a stream").into_inner();
    let second = bench.lab().follow_trace(follow).await.expect_err("one is the limit");
    assert_eq!(refusal(&second), (Code::ResourceExhausted, reason::LIMIT_REACHED.to_owned()));
    upper.end().await;
    let mut last = 0;
    while let Some(piece) = stream.message().await.expect("alive") {
        for entry in piece.entries {
            assert_eq!(entry.sequence, last + 1);
            last = entry.sequence;
        }
    }
    assert!(last > 0);
    bench.server.shutdown().await;
}

#[tokio::test]
async fn reflection_lists_every_service_in_both_versions() {
    use tonic_reflection::pb::{v1 as now, v1alpha as then};
    let bench = Bench::new().await;
    let mut names = Vec::new();
    let ask = now::ServerReflectionRequest {
        message_request: Some(now::server_reflection_request::MessageRequest::ListServices(String::new())),
        ..Default::default()
    };
    let mut client = now::server_reflection_client::ServerReflectionClient::new(bench.channel.clone());
    let answers = client.server_reflection_info(tokio_stream::once(ask)).await.expect("a stream");
    let answer = answers.into_inner().message().await.expect("alive").expect("an answer");
    if let Some(now::server_reflection_response::MessageResponse::ListServicesResponse(list)) = answer.message_response
    {
        names.extend(list.service.into_iter().map(|service| service.name));
    }
    for name in [
        "lowerdeck.v1.DeviceService",
        "lowerdeck.v1.SessionService",
        "lowerdeck.v1.LabService",
        "grpc.health.v1.Health",
    ] {
        assert!(names.iter().any(|there| there == name), "{name} in {names:?}");
    }
    let ask = then::ServerReflectionRequest {
        message_request: Some(then::server_reflection_request::MessageRequest::ListServices(String::new())),
        ..Default::default()
    };
    let mut client = then::server_reflection_client::ServerReflectionClient::new(bench.channel.clone());
    let answers = client.server_reflection_info(tokio_stream::once(ask)).await.expect("a stream");
    assert!(answers.into_inner().message().await.expect("alive").expect("an answer").message_response.is_some());
    bench.server.shutdown().await;
}

#[tokio::test]
async fn connections_beyond_the_limit_are_closed_and_the_others_go_on() {
    let bench = Bench::with(|config| config.limits.connections_max = 1).await;
    let mut upper = bench.open("null").await;
    let endpoint = tonic::transport::Endpoint::from_shared(format!("http://{}", bench.server.addr));
    let second = endpoint.expect("an address is a URI").connect_lazy();
    let refused = HealthClient::new(second).check(ask("")).await.expect_err("no room");
    assert_ne!(refused.code(), Code::Ok);
    upper.file("f").await;
    bench.server.shutdown().await;
}

#[tokio::test]
async fn former_lives_are_listed_under_the_names_that_find_them() {
    let bench = Bench::with(|config| config.limits.restarts_max = 1).await;
    let plug = v1::PlugStackRequest {
        name: "common".to_owned(),
        expression: "scripted(script={on read: complete-twice(S_OK)})".to_owned(),
        sharing: v1::StackSharing::Shared.into(),
        ..Default::default()
    };
    for life in 1..=3 {
        // The first stop is answered by a restart, the second is not; plugging it again begins a third life.
        if life != 2 {
            bench.lab().plug_stack(plug.clone()).await.expect("plugged");
        }
        let mut upper = bench.open("common").await;
        let file = upper.file("f").await;
        let follow = v1::FollowTraceRequest { stack: "common".to_owned(), after_sequence: 0 };
        let mut trace = bench.lab().follow_trace(follow).await.expect("a stream").into_inner();
        upper.send_read(&file, 1, 0).await;
        while within(trace.message()).await.expect("alive").is_some() {}
    }
    let listed = bench.lab().list_stacks(v1::ListStacksRequest::default()).await.expect("an answer").into_inner();
    let lives = listed.stacks.iter().filter(|stack| stack.name.starts_with("common"));
    let lives: Vec<_> = lives.map(|stack| (stack.name.as_str(), stack.state())).collect();
    let expected = [
        ("common", v1::StackState::Started),
        ("common@1", v1::StackState::Stopped),
        ("common@2", v1::StackState::Stopped),
        ("common@3", v1::StackState::Stopped),
    ];
    assert_eq!(lives, expected);
    for (name, state) in expected {
        let request = v1::DescribeStackRequest { stack: name.to_owned() };
        let described = bench.lab().describe_stack(request).await.expect("what is listed is found").into_inner();
        let summary = described.stack.and_then(|stack| stack.summary).expect("a summary");
        assert_eq!((summary.name.as_str(), summary.state()), (name, state));
    }
    bench.server.shutdown().await;
}
