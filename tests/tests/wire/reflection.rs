//! Reflection: generic tools find every service, in the version of the protocol that they speak.

use lowerdeck_tests::wire::Server;
use tonic_reflection::pb::{v1, v1alpha};

use crate::health;
use crate::refusal::granted;

/// Asks one version of the protocol for the services, and for the file of each; gives their names.
macro_rules! listed {
    ($version:ident, $channel:expr) => {{
        use $version::server_reflection_request::MessageRequest;
        use $version::server_reflection_response::MessageResponse;
        let ask = async |question: MessageRequest| {
            let request = $version::ServerReflectionRequest { host: String::new(), message_request: Some(question) };
            let mut client = $version::server_reflection_client::ServerReflectionClient::new($channel);
            let mut answers = granted(client.server_reflection_info(tokio_stream::once(request)).await);
            let answer = answers.message().await.expect("reflection answers").expect("one answer");
            answer.message_response.expect("an answer says something")
        };
        let MessageResponse::ListServicesResponse(list) = ask(MessageRequest::ListServices(String::new())).await else {
            panic!("a list was asked for")
        };
        let names: Vec<String> = list.service.into_iter().map(|service| service.name).collect();
        for name in &names {
            let file = ask(MessageRequest::FileContainingSymbol(name.clone())).await;
            assert!(matches!(file, MessageResponse::FileDescriptorResponse(_)), "{name}: {file:?}");
        }
        names
    }};
}

#[test]
fn both_versions_list_every_service() {
    let server = Server::start();
    server.run(async {
        let mut expected = health::services();
        expected.push("grpc.health.v1.Health".to_owned());
        for names in [listed!(v1, server.channel()), listed!(v1alpha, server.channel())] {
            for service in &expected {
                assert!(names.contains(service), "{service} is not among {names:?}");
            }
        }
    });
}
