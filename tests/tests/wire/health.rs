//! Health: the process, each service, each stack; and watchers who come before what they watch.

use lowerdeck_proto::v1;
use lowerdeck_tests::wire::Server;
use prost_reflect::DescriptorPool;
use tonic::transport::Channel;
use tonic::{Code, Streaming};
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::health_client::HealthClient;
use tonic_health::pb::{HealthCheckRequest, HealthCheckResponse};

use crate::refusal::granted;
use crate::upper::{self, Upper};

/// Asks once.
pub async fn check(channel: &Channel, service: &str) -> Result<ServingStatus, tonic::Status> {
    let request = HealthCheckRequest { service: service.to_owned() };
    HealthClient::new(channel.clone()).check(request).await.map(|reply| reply.into_inner().status())
}

/// A watcher.
pub struct Watcher(Streaming<HealthCheckResponse>);

impl Watcher {
    /// Begins to watch `service`.
    pub async fn of(channel: &Channel, service: &str) -> Watcher {
        let request = HealthCheckRequest { service: service.to_owned() };
        Watcher(granted(HealthClient::new(channel.clone()).watch(request).await))
    }

    /// The next status, which must come.
    pub async fn next(&mut self) -> ServingStatus {
        let message = self.0.message().await.unwrap_or_else(|status| panic!("{status:?}"));
        message.unwrap_or_else(|| panic!("a watch stays open")).status()
    }
}

/// The names under which our services are watched.
pub fn services() -> Vec<String> {
    let pool = DescriptorPool::decode(lowerdeck_proto::FILE_DESCRIPTOR_SET).expect("our own build made it");
    pool.services().map(|service| service.full_name().to_owned()).collect()
}

/// The health name of a stack.
fn of_stack(name: &str) -> String {
    format!("lowerdeck.stack/{name}")
}

#[test]
fn everything_that_works_is_serving() {
    let server = Server::start();
    server.run(async {
        let channel = server.channel();
        let upper = Upper::on(&server, "scripted").await;
        let mut names = services();
        assert!(names.len() > 1);
        names.extend([String::new(), "liveness".to_owned(), of_stack("disk"), of_stack(&upper.stack)]);
        for name in names {
            let status = check(&channel, &name).await.unwrap_or_else(|status| panic!("`{name}`: {status:?}"));
            assert_eq!(status, ServingStatus::Serving, "{name}");
            assert_eq!(Watcher::of(&channel, &name).await.next().await, ServingStatus::Serving, "{name}");
        }
    });
}

#[test]
fn a_check_of_nothing_is_not_found() {
    let server = Server::start();
    server.run(async {
        for name in ["lowerdeck.v1", "lowerdeck.stack/", "lowerdeck.stack/nowhere", "disk", " "] {
            let answer = check(&server.channel(), name).await;
            assert_eq!(answer.expect_err("there is no such service").code(), Code::NotFound, "{name}");
        }
    });
}

#[test]
fn a_watcher_may_come_before_its_stack() {
    let server = Server::start();
    server.run(async {
        let stack = upper::shared("null");
        let mut watcher = Watcher::of(&server.channel(), &of_stack(&stack.name)).await;
        assert_eq!(watcher.next().await, ServingStatus::ServiceUnknown);
        let name = upper::plug(&server.channel(), stack.clone()).await;
        assert_eq!(watcher.next().await, ServingStatus::Serving);
        let mut lab = v1::lab_service_client::LabServiceClient::new(server.channel());
        granted(lab.unplug_stack(v1::UnplugStackRequest { name }).await);
        assert_ne!(watcher.next().await, ServingStatus::Serving);
    });
}

#[test]
fn a_stopped_stack_is_not_serving() {
    let server = Server::start();
    server.run(async {
        let upper = Upper::on(&server, "scripted").await;
        let mut watcher = Watcher::of(&server.channel(), &of_stack(&upper.stack)).await;
        assert_eq!(watcher.next().await, ServingStatus::Serving);
        upper.control("on read: complete-twice(S_OK)").await;
        let file = upper.file().await;
        let format = Some(upper::read(&file, 4));
        let send = v1::FormatAndSendRequest { request_id: upper.number(), format, ..Default::default() };
        let _whatever_the_send_says = upper.device().format_and_send(send).await;
        assert_eq!(watcher.next().await, ServingStatus::NotServing);
        assert_eq!(check(&server.channel(), "").await.expect("the process lives"), ServingStatus::Serving);
        assert_eq!(check(&server.channel(), &of_stack("disk")).await.expect("another"), ServingStatus::Serving);
    });
}
