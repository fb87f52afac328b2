//! Handles of the server's host, and the targets on them: what is refused and how, what ends and how, and what is left.
//!
//! The peers are the test's own sockets in the server's pipe directory, as any program of the host could have them.

mod calls;
mod closing;
mod controls;
mod descriptors;
mod ended;
mod freed;
mod host_errors;
mod kinds;
mod leavings;
mod names;
mod peer;
mod peers;
mod places;
mod quotas;
mod repeats;
mod taken;
mod values;
mod win32;
