//! The scenarios, one module per group of `cargo xtask conformance`, each test named after its id.
//!
//! The cast of every script: L0 is the script, L1 and L2 are hosted scripted drivers, the terminator lies below.

mod buffers;
mod callbacks;
mod cancel;
mod close;
mod create;
mod explore;
mod formats;
mod forwarding;
mod handles;
mod io_stop;
mod ioctl;
mod isolation;
mod leavings;
mod locks;
mod memory;
mod objects;
mod pipes;
mod power;
mod queries;
mod queues;
mod references;
mod remote;
mod removal;
mod requests;
mod restart;
mod rounds;
mod sessions;
mod status;
mod target_misuse;
mod targets;
mod timeouts;
mod upper;
mod watchdog;

/// The default set-up: L1 is a function driver with `OnCreateFile` and file callbacks, parallel queue.
const DEFAULT: &str = "scripted";
/// L1 passes creates, cleanups and closes on to L2.
const FORWARDING: &str =
    "scripted(role=filter, create=handler, files=callbacks, script={on create: forward}) / scripted";
