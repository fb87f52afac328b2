//! `grpc.health.v1`: whether the server, a service or a stack works.

use tonic::transport::Channel;
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::health_client::HealthClient;

use crate::error::Error;

/// What a health check answers, by the protocol's words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Health {
    /// SERVING.
    Serving,
    /// NOT_SERVING; for a service, the server is draining.
    NotServing,
    /// The server knows no service or stack of this name.
    ServiceUnknown,
    /// UNKNOWN.
    Unknown,
}

/// Checks `service`: empty or `liveness` for the process, a service such as `lowerdeck.v1.DeviceService` for its
/// readiness, `lowerdeck.stack/NAME` for a stack.
///
/// # Errors
/// As every call; an unknown service is a value.
pub async fn check(channel: Channel, service: &str) -> Result<Health, Error> {
    let message = HealthCheckRequest { service: service.to_owned() };
    match HealthClient::new(channel).check(message).await {
        Ok(response) => Ok(match response.into_inner().status() {
            ServingStatus::Serving => Health::Serving,
            ServingStatus::NotServing => Health::NotServing,
            ServingStatus::ServiceUnknown => Health::ServiceUnknown,
            ServingStatus::Unknown => Health::Unknown,
        }),
        Err(status) if status.code() == tonic::Code::NotFound => Ok(Health::ServiceUnknown),
        Err(status) => Err(Error::from_status("Check", &status)),
    }
}
