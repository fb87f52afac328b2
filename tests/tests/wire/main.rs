//! What the published contract promises to any client, tested over real gRPC against a server of its own.
//!
//! Unlike the conformance scenarios these tests know no in-process twin: their laws are the wire's. What they wait
//! for is always an event, a status or a trace entry; every test as a whole is bounded by the harness.

mod bad_input;
mod contract;
mod daemon;
mod drain;
mod event_feed;
mod events;
mod handles;
mod health;
mod ownership;
mod process;
mod quotas;
mod reflection;
mod refusal;
mod sessions;
mod upper;
