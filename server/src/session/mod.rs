//! Sessions: who owns what. A session is one upper driver (L0) on one stack instance.
//!
//! Laws: a file has one owner for its whole life; every call is checked against the caller's own session
//! ([`ownership`]); whatever ends a session (CloseSession, a lost lease, a drain, a driver stop) closes its files
//! through the stack's one close path; what a session was told it keeps until it is acknowledged ([`events`]). A
//! session asks the host; it must not know gRPC or any wire type.
//!
//! Lock order, for the whole server: instance, session state, then the leaves (registry, audit, timekeeper, lease).

mod aim;
pub mod audit;
pub mod balance;
mod closing;
pub mod error;
mod event_calls;
pub mod events;
mod file_calls;
mod handle_calls;
mod handles;
pub mod lab;
mod lease;
mod leasing;
mod live;
mod ownership;
mod queue_pair;
mod quota;
mod registry;
mod request_calls;
mod request_operations;
mod requests;
mod state;
mod target_calls;
mod used_ids;
mod view;

pub use self::event_calls::{EventReader, Reading};
pub use self::handles::OpenOutcome;
pub use self::live::{OpenTerms, Session};
pub use self::queue_pair::{Answer, Submission, SubmissionResult};
pub use self::registry::Sessions;
pub use self::request_calls::{FormatArguments, RequestRecord, Sent};
pub use self::target_calls::TargetView;
pub use self::view::{LastWord, SessionView};
