//! The UMDF 1 object model and its state machines as a deterministic, sans-I/O core.
//!
//! A [`stack::Stack`] is told what happened (its methods, past tense, each with the time) and yields
//! [`effect::Effect`]s. Whatever could run next is a [`scheduler::Step`] in a run queue; nothing here blocks,
//! sleeps, logs, allocates a thread or asks the time. It must not know of any runtime, wire format or clock;
//! the manifest proves it.
//!
//! In reading order: the vocabulary ([`ids`], [`status`], [`clock`], [`ioctl`], [`memory`], [`memory_object`], [`io`],
//! [`callback`], [`handle`]); the machines ([`request`], [`received`], [`mod@file`], [`target`], [`queue`], [`device`],
//! [`power`], [`io_stop`]); the contract with drivers ([`driver`]; what they can call is [`context`], with [`queries`],
//! [`buffers`] and [`object_calls`]; [`forwarding`]); verdicts ([`rule`], [`verifier`], [`trace`], [`report`]); the
//! machine that runs it all ([`scheduler`], [`timer`], [`stack`], [`effect`]); and what a host does once it has
//! stopped ([`restart`]).
//!
//! The laws, each at the module that keeps it: the close order P0-P7 (CLS-3) in `stack/close.rs`; exactly one
//! completion per accepted Send (REQ-14) in `stack/complete.rs` and [`received::OwnedRequest`]; who gets a
//! cancel (REQ-28) in `stack/cancel.rs`; who forwards creates (FWD-2) in [`forwarding`]; what a device waits for on
//! its way out of D0 (QUE-14, QUE-15) in `stack/io_stop.rs`; how long a driver may take (STOP-8) in
//! `stack/watchdog.rs`; one answer for each operation of the host (FHT-10) in `stack/host_io.rs`; drivers are called
//! from `stack/dispatch.rs` only, and one that waits is a callback that has not returned (`stack/synchronous.rs`,
//! `stack/lock.rs`).

pub mod buffers;
pub mod callback;
mod chain;
pub mod clock;
pub mod context;
pub mod device;
pub mod driver;
pub mod effect;
pub mod file;
pub mod forwarding;
pub mod handle;
pub mod ids;
pub mod io;
pub mod io_stop;
pub mod ioctl;
pub mod memory;
pub mod memory_object;
pub mod object_calls;
mod own_targets;
pub mod power;
pub mod queries;
pub mod queue;
pub mod received;
pub mod report;
pub mod request;
pub mod restart;
pub mod rule;
pub mod scheduler;
pub mod stack;
pub mod status;
pub mod target;
pub mod timer;
pub mod trace;
mod transition;
pub mod verifier;
