//! The server over real gRPC, through the generated client stubs: what the contract promises, call by call.
//!
//! Law of these tests: nothing waits for time; whatever takes time is waited for by its event.

mod bad_input;
mod bench;
mod ending;
mod events;
mod main_job;
mod operations;
mod ownership;
mod queue_pair;
mod requests;
