//! Lowerdeck's server: hosts virtual device stacks and serves them to remote upper drivers over gRPC.
//!
//! In reading order: [`host`] runs stacks; [`session`] knows who owns what on them; [`grpc`] speaks the contract;
//! [`app`] puts them together, starts and drains; [`config`] and [`telemetry`] surround them. Calls go down that
//! ladder (grpc, session, host, framework), completions climb back up into a session's event log.

pub mod app;
pub mod config;
pub mod grpc;
pub mod host;
pub mod session;
pub mod telemetry;
