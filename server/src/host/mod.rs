//! The host runs stacks: it owns their locks, clocks and timers, and knows which stacks there are.
//!
//! It promises: a batch of events is applied in one piece, in the thread that brought it, and when the call returns
//! everything that could run has run; effects reach an upper driver in the stack's order; a stack that fails takes no
//! other with it. It must not know sessions, gRPC or any wire type.

pub mod built_in;
pub mod catalog;
pub mod clock;
pub mod declaration;
pub mod error;
pub mod handle_host;
pub mod handle_io;
pub mod inspect;
pub mod instance;
pub mod layers;
pub mod limits;
pub mod progress;
pub mod record;
mod restart;
mod routing;
pub mod timekeeper;
mod transition;
pub mod upper;
