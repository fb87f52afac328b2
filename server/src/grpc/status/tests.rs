//! Every row of the table, as a client sees it.

use std::fmt::Write as _;

use lowerdeck_framework::status::HResult;
use uuid::Uuid;

use super::*;

mod guide;

fn every_refusal() -> Vec<Refusal> {
    let decode = |fault| Refusal::Decode(DecodeError { field: "request_id", fault });
    let too_long = Fault::TooLong { length: 300, unit: "characters", limit: "file_name_chars_max", value: 255 };
    let mut all = vec![
        decode(Fault::Invalid("must be something else")),
        decode(Fault::Missing),
        decode(too_long),
        decode(Fault::UnknownEnum(99)),
        decode(Fault::NotDeliverable("IOC-14")),
        decode(Fault::ZeroRequestId),
        decode(Fault::PageToken),
        Refusal::MetadataMissing,
        Refusal::MetadataMalformed,
        Refusal::DeadlinePassed,
        Refusal::MessageTooLarge { limit: 4096 },
        Refusal::HealthServiceUnknown,
        Refusal::Internal,
    ];
    all.extend(every_session_error().into_iter().map(Refusal::Session));
    all.extend(every_host_error().into_iter().map(Refusal::from));
    all
}

fn every_session_error() -> Vec<SessionError> {
    let second = Duration::from_secs(1);
    vec![
        SessionError::SessionUnknown,
        SessionError::SessionEnded(EndReason::Closed),
        SessionError::SessionEnded(EndReason::LeaseExpired),
        SessionError::SessionEnded(EndReason::Draining),
        SessionError::SessionEnded(EndReason::StackRemoved),
        SessionError::SessionEnded(EndReason::DriverStop),
        SessionError::SessionEnded(EndReason::NotAnswering),
        SessionError::SessionIdInUse,
        SessionError::LeaseOutOfBounds { asked: Duration::ZERO, min: second, max: second * 10 },
        SessionError::FileNotOwned("somebody's".to_owned()),
        SessionError::FileGone("mine".to_owned()),
        SessionError::RequestNotOwned(7),
        SessionError::RequestGone(7),
        SessionError::TargetNotOwned("somebody's".to_owned()),
        SessionError::HandleNotOwned("somebody's".to_owned()),
        SessionError::HandleIdInUse(Uuid::from_u128(7)),
        SessionError::TargetIdInUse(Uuid::from_u128(7)),
        SessionError::HandlesNotConfigured { setting: "pipe_directory" },
        SessionError::CallbackNotOwned(7),
        SessionError::CallbackGone(7),
        SessionError::RequestIdInUse(7),
        SessionError::RequestIsCreate(7),
        SessionError::LimitReached { name: "files_max", value: 4, advice: "close files" },
        SessionError::RetentionFull { name: "retained_events_max", value: 4 },
        SessionError::PayloadTooLarge { size: 9, value: 4 },
        SessionError::EventsAlreadyAcknowledged { acknowledged: 5 },
        SessionError::EventSequenceUnknown { asked: 9, last: 5 },
        SessionError::EventStreamReplaced,
        SessionError::Draining { retry_after: second },
    ]
}

fn every_host_error() -> Vec<HostError> {
    let disk = || "disk#1".to_owned();
    vec![
        HostError::StackUnknown(disk()),
        HostError::StackRemoved(disk()),
        HostError::StackStopped(disk()),
        HostError::StartFailed { stack: disk(), status: HResult::E_OUTOFMEMORY },
        HostError::StackIsTemplate(disk()),
        HostError::NameInUse(disk()),
        HostError::NameInvalid("Disk!".to_owned()),
        HostError::ExpressionInvalid("1:5: expected a driver".to_owned()),
        HostError::LayerUnknown { stack: disk(), layer: 9, lowest: 3 },
        HostError::NotControllable { stack: disk(), driver: "ram".to_owned() },
        HostError::CommandInvalid("1:1: expected a command".to_owned()),
        HostError::ClockNotManual(disk()),
        HostError::LimitReached { name: "instances_max", value: 4, advice: "unplug some" },
        HostError::Broken(disk()),
    ]
}

#[test]
fn the_table_is_what_clients_rely_on() {
    let mut text = String::new();
    for refusal in every_refusal() {
        let status = status_of(&refusal);
        let details = status.get_error_details();
        let info = details.error_info().expect("every refusal carries ErrorInfo");
        let mut metadata: Vec<_> = info.metadata.iter().map(|(key, value)| format!("{key}={value}")).collect();
        metadata.sort();
        let _ = writeln!(text, "{:?} {} [{}] {}", status.code(), info.reason, metadata.join(" "), status.message());
    }
    insta::assert_snapshot!(text);
}

#[test]
fn a_reason_comes_with_one_code_and_is_known_to_the_contract() {
    let mut codes = HashMap::new();
    for refusal in every_refusal() {
        let row = row_of(&refusal);
        // Health has a code of its own protocol.
        if refusal == Refusal::HealthServiceUnknown {
            continue;
        }
        assert!(reason::ALL.contains(&row.reason), "{} is not in the contract", row.reason);
        assert_eq!(*codes.entry(row.reason).or_insert(row.code), row.code, "{}", row.reason);
    }
    for reason in reason::ALL {
        assert!(codes.contains_key(reason), "{reason} is never answered");
    }
}

#[test]
fn invalid_arguments_name_their_field_and_full_limits_their_quota() {
    for refusal in every_refusal() {
        let status = status_of(&refusal);
        let details = status.get_error_details();
        let sequence = matches!(refusal, Refusal::Session(SessionError::EventSequenceUnknown { .. }));
        assert_eq!(details.bad_request().is_some(), status.code() == Code::InvalidArgument && !sequence, "{refusal}");
        assert_eq!(details.quota_failure().is_some(), status.code() == Code::ResourceExhausted, "{refusal}");
        assert_eq!(details.retry_info().is_some(), status.code() == Code::Unavailable, "{refusal}");
    }
}

#[test]
fn a_denial_does_not_tell_which_id_was_asked_for() {
    let denials = [
        [SessionError::FileNotOwned("a".to_owned()), SessionError::FileNotOwned("b".to_owned())],
        [SessionError::TargetNotOwned("a".to_owned()), SessionError::TargetNotOwned("b".to_owned())],
        [SessionError::HandleNotOwned("a".to_owned()), SessionError::HandleNotOwned("b".to_owned())],
        [SessionError::RequestNotOwned(1), SessionError::RequestNotOwned(2)],
        [SessionError::CallbackNotOwned(1), SessionError::CallbackNotOwned(2)],
    ];
    for pair in denials {
        let [one, two] = pair.map(|error| status_of(&error.into()));
        assert_eq!((one.code(), one.message(), one.details()), (two.code(), two.message(), two.details()));
    }
}
