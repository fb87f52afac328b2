//! `scripted`: the conformance driver. Each callback obeys a rule; without one it behaves well.
//!
//! # Rules
//! One per line, or separated by `;`; `#` begins a comment.
//!
//! ```text
//! on read name=chan nth=2: arm
//! on ioctl code=0x80002000: complete(S_OK, data="pong")
//! on cleanup: complete-file(S_OK, 4), note("cleaned up")
//! ```
//!
//! A rule is `on CALLBACK [CONDITION…]: ACTION, …`. Callbacks: `create read write ioctl default cancel
//! completion send-returned io-stop io-resume cleanup close` (`default` is `OnDefaultIoHandler`: `flush
//! query-information set-information`, QUE-2), and of PnP `prepare-hardware d0-entry self-managed-io-init
//! self-managed-io-suspend d0-exit release-hardware self-managed-io-flush self-managed-io-cleanup query-remove
//! self-managed-io-restart query-stop surprise-removal`. Rules are tried in the order written, those without a
//! condition last; the first that matches decides.
//!
//! | condition | matches |
//! |---|---|
//! | `name=chan` | the name the file was created with |
//! | `code=0x80002000` | the control code of an ioctl, the class of a query or set |
//! | `request=L0:7` | the request that layer 0 calls 7 |
//! | `nth=2` | the second callback that meets the rule's other conditions |
//!
//! | action | does |
//! |---|---|
//! | `complete(STATUS[, information][, data="text" or hex=00ff])` | completes the request |
//! | `hold`, `arm[(object=N)]` | keeps it; `arm` marks it cancelable, with `OnCancel` callback object `N` or 0 (REQ-47). On the completion of an own request, `hold` does not delete it |
//! | `forward[([no-callback][, forget][, sync][, timeout=MS][, flags=F][, file="name"][, target="name"])]` | sends it on as it is, or formatted again with a file, or as it is to a file-handle target; `forget` is SEND_AND_FORGET, `sync` SYNCHRONOUS (comes last; see below). A refused Send completes it with its error |
//! | `queue` | moves it to the manual queue (1) |
//! | `unmark-complete(…)` | unmarks and completes it; leaves it to `OnCancel` when that is under way |
//! | `complete-twice(STATUS)` | completes it, then once more by its identity (REQ-54) |
//! | `fail(STATUS)` | completes it; from a PnP callback, fails that |
//! | `context(N)` | assigns a context to the file |
//! | `send(read or write or ioctl or flush or query-information or set-information, number=N[, length=B][, code=C][, class=C][, file="name"][, callback=before, after or removed][, parent=N][, memory=N, received or L0:7[, start=B]][, target="name"][, sync][, timeout=MS][, then=complete])` | sends a request of its own, on this file or on a named one; `callback` says when it is registered, before or after Format, or that it is deregistered again; `parent` is a request of its own to create it under; `memory` formats a read, write or ioctl for the default target with a memory object of its own, or with the input (of a write) or output memory of the received or of a kept request, whose window is `start` and `length`; with a file-handle target as `target` there is no file; `then=complete` completes the received request with its result |
//! | `create-file("name"[, then=complete])`, `close-own("name")` | files of its own towards the lower driver |
//! | `create-target("name", handle=N)` | makes a file-handle target on a handle of the host |
//! | `start-target("name")`, `stop-target("name", cancel or wait or leave)`, `remove-target("name")`, `delete-target("name")` | changes a target, "" being the default one; how the call returned is noted |
//! | `open-hidden("name")` | has the framework open a file of its own towards the lower driver, which `send` can name and the framework closes (PNP-14) |
//! | `acknowledge[(requeue)]` | on `io-stop`: `StopAcknowledge`, with which the request goes back into its queue, or stays with the driver (QUE-14). There `hold` ignores the question |
//! | `cancel-own(N)` | cancels a request of its own |
//! | `complete-file(STATUS[, …])` | completes every request it keeps for this file |
//! | `retrieve-file(STATUS[, …])` | retrieves this file's requests from the manual queue and completes them |
//! | `private-lock`, `private-unlock` | takes or frees a lock of the driver's own; where it is taken, the callback waits for it, and goes on with the actions after it (REQ-48) |
//! | `block` | does not return from the callback until released; comes last. An undecided request is kept |
//! | `note("text")` | writes it down for the command `notes` |
//!
//! `create-file` and `close-own` do not wait: they return later, and a removal callback that closes a file should
//! `block` until the file is gone (STOP-1).
//!
//! A synchronous send keeps its callback from returning, and a received request that it does not send on is kept. When
//! the sent one has completed, and `on completion` has been obeyed if a completion callback is registered, the callback
//! goes on with `on send-returned` (REQ-13). That has the request only without a completion callback (`no-callback`,
//! `callback=removed`), which otherwise got it.
//!
//! # Commands
//! A rule as a command replaces the rule with the same conditions, or is added. Besides: `clear`, `rules`, `kept`,
//! `notes`; `complete L0:7 STATUS [information] [data…]`, `unmark-complete L0:7 STATUS …`, `complete-again L0:7 STATUS`,
//! `arm L0:7 [object=N]`, `unmark L0:7`, `is-canceled L0:7`,
//! `forward L0:7 [no-callback] [forget] [sync] [timeout=MS] [flags=F] [file="name"] [target="name"]`, `queue L0:7`,
//! `requeue L0:7`, `acknowledge L0:7 [requeue]`, `queue-stop N`, `queue-drain N`, `queue-purge N`, `queue-start N`,
//! `queue-state N`, `retrieve [name=chan] [queue=1]`; `release [CALLBACK]`; `send …`, `create-file NAME`,
//! `close-own NAME`, `open-hidden NAME`, `cancel-own N`, `delete-own N`; `create-target NAME handle=N` and the other
//! words about targets, `target-state NAME`; `acquire-lock` (`Acquired`, or `Waits` until the note `lock acquired`) and
//! `release-lock` of the device (SYN-6); `private-unlock`; `set-pnp-failed`, `commit-pnp-state` (PNP-15);
//! `complete-own N` (REQ-3) and `format-own N` (TGT-15), which no driver may do. Questions: `parameters L0:7` gives all of a kept request, as
//! `ioctl code=0x80002000 in=2 out=4 offset=0 data=6869`, `parameters L0:7 read` (or `write`, `ioctl`) what the getter
//! of that type gives, with `null` what it gives without any out pointer; `origin L0:7` gives
//! `IsFromUserModeDriver`, `GetRequestorMode` and `GetInitiatorProcessId`; `file-name NAME [capacity]` gives status,
//! size and, into a buffer of so many units, the name; `file-device NAME` gives the layer;
//! `type L0:7` gives `GetType` and `io-type L0:7` `GetEffectiveIoType`, as numbers.
//! Buffers of a kept request: `input-memory L0:7` and `output-memory L0:7` (`GetInputMemory`, `GetOutputMemory`) give the
//! contents as hexadecimal digits, or `NULL`; `input-buffer L0:7 [minimum]` and `output-buffer L0:7 [minimum]`
//! (`RetrieveInputBuffer`, `RetrieveOutputBuffer`) give them or the error; `write-input L0:7 data="…" or hex=…` and
//! `write-output …` write into a buffer in place, from its start. Of several packets with the same label the latest is meant.
//!
//! Objects: `get-file L0:7` takes a reference on the file of a kept request (OBJ-17) and `release-file NAME` gives one
//! back, both reply how many there are; `delete-object driver`, `device`, `target`, `file=NAME` or `L0:7` is
//! `DeleteWdfObject` (OBJ-4). `buffer N data="…"` puts a buffer aside, `buffer-read N` shows it in hexadecimal.
//! `memory-create N size=B [parent=M or under=L0:7]`, `memory-wrap N buffer=M` (preallocated), `memory-set N buffer=M`,
//! `memory-get N L0:7 [input or output]` (with a reference), `memory-read N`, `memory-write N [start=B] data="…"`,
//! `memory-add-ref N`, `memory-release N`, `memory-references N` (of everybody) and `memory-delete N` are the calls of
//! memory objects (OBJ-13 to OBJ-16).
//!
//! # What happens without a rule
//! Creates, writes, ioctls and what comes to `OnDefaultIoHandler` succeed, reads succeed with the bytes 0, 1, 2 …;
//! cancelled requests end with `ERROR_OPERATION_ABORTED`; a forwarded request is completed with the lower result; own
//! requests are deleted once completed. On `io-stop` what it keeps is requeued, or completed cancelled when the device
//! goes; what it has sent on is acknowledged. It leaves out device semantics and timers.

mod action;
mod arguments;
mod buffers;
mod command;
mod config;
mod control;
mod driver;
mod grammar;
mod inquiry;
mod kept;
mod notes;
mod objects;
mod own;
mod own_calls;
mod perform;
mod response;
mod rule;
mod stopping;
mod targets;
mod waiting;

use crate::options::{OptionKind, OptionType};
use crate::registry::DriverKind;

pub(crate) use self::config::{ScriptedConfig, device_config};
pub(crate) use self::driver::ScriptedDriver;
pub use self::kept::MAX_REMEMBERED_REQUESTS;
pub use self::notes::MAX_NOTES;
pub use self::objects::MAX_OBJECTS;
pub use self::own::{MAX_OWN_FILES, MAX_OWN_REQUESTS};
pub(crate) use self::response::{Response, Responses};
pub use self::rule::MAX_RULES;

const fn choice(
    key: &'static str,
    words: &'static [&'static str],
    default: &'static str,
    meaning: &'static str,
) -> OptionKind {
    OptionKind { key, option_type: OptionType::Choice(words), default: Some(default), meaning }
}

/// The registry's entry.
pub(crate) const KIND: DriverKind = DriverKind {
    name: "scripted",
    summary: "conformance driver: each callback obeys a script, at run time too",
    omits: "device semantics, timers",
    controllable: true,
    options: &[
        choice("role", &["function", "filter"], "function", "function driver or filter (SetFilter)"),
        choice("forward", &["default", "true", "false"], "default", "AutoForwardCreateCleanupClose (FWD-1)"),
        choice("create", &["handler", "none"], "handler", "whether OnCreateFile is implemented"),
        choice("files", &["callbacks", "none"], "callbacks", "whether OnCleanupFile and OnCloseFile are registered"),
        choice("queue", &["parallel", "sequential", "manual"], "parallel", "dispatch type of the default queue (0)"),
        choice("locking", &["device", "none"], "device", "SetLockingConstraint (SYN-1)"),
        choice(
            "zero_length",
            &["allow", "forbid"],
            "allow",
            "whether zero-length reads and writes are delivered (QUE-11)",
        ),
        choice("write", &["handler", "none"], "handler", "whether OnWrite is implemented (FWD-10)"),
        choice(
            "default_io",
            &["handler", "none"],
            "handler",
            "whether OnDefaultIoHandler is implemented, for the types without a handler of their own (QUE-2)",
        ),
        choice("buffers", &["copy", "deferred"], "copy", "the declared retrieval of buffers (IOC-13)"),
        choice(
            "ioctl_queue",
            &["default", "own"],
            "default",
            "whether device controls go to a parallel queue of their own, the last one (QUE-2)",
        ),
        choice(
            "queue_cancel",
            &["none", "callback"],
            "none",
            "whether OnIoCanceledOnQueue is registered on the manual queues (REQ-52)",
        ),
        choice(
            "power",
            &["unmanaged", "managed", "all"],
            "unmanaged",
            "whether its parallel and sequential queues, or all, are power-managed (QUE-13)",
        ),
        choice(
            "io_stop",
            &["none", "callback"],
            "none",
            "whether OnIoStop and OnIoResume are registered on its queues (QUE-14)",
        ),
        choice("pnp", &["callbacks", "none"], "callbacks", "whether the PnP callbacks are registered"),
        choice("unknown_files", &["reject", "allow"], "reject", "UmdfFileObjectPolicy (OBJ-18)"),
        OptionKind {
            key: "script",
            option_type: OptionType::Script,
            default: None,
            meaning: "the rules; none when not given",
        },
    ],
    factory: |options, _| Ok(Box::new(ScriptedDriver::new(ScriptedConfig::from_options(options)?))),
};

#[cfg(test)]
mod tests;
