//! Which rule an entry of the trace illustrates, and what the rules say in a sentence. For readers of the demo only:
//! what is right is decided elsewhere.

use std::fmt::Write;

use lowerdeck_client::{HResult, v1};
use v1::TraceKind as Kind;

use crate::words;

/// The rule of how a stack starts.
pub(super) const START: &str = "PNP-2";

/// Finds rules; an entry's rule depends on what came before it.
pub(super) struct Rules<'a> {
    trace: &'a [v1::TraceEntry],
    /// Where `Close` has returned.
    closed: Option<u64>,
}

impl<'a> Rules<'a> {
    pub(super) fn new(trace: &'a [v1::TraceEntry]) -> Rules<'a> {
        let close = |entry: &&v1::TraceEntry| entry.kind() == Kind::Return && entry.text.starts_with("Close");
        let closed = trace.iter().find(close).map(|entry| entry.sequence);
        Rules { trace, closed }
    }

    /// The rule recorded with the entry, or the one of its kind; with the phase of CLS-3 where it belongs to one.
    pub(super) fn of(&self, entry: &'a v1::TraceEntry) -> Option<&'a str> {
        if !entry.rule.is_empty() {
            return Some(&entry.rule);
        }
        if words::is_of_host(entry) {
            return Some(of_host(entry));
        }
        let next_lower = entry.layer == 1;
        Some(match entry.kind() {
            Kind::Call if entry.text.starts_with("CreateWdfFile") => "FILE-4",
            Kind::Call if entry.text.starts_with("Send") => "REQ-7",
            Kind::Call if entry.text.starts_with("Close") => "CLS-3 P0",
            Kind::Call if entry.text.starts_with("CreateFileHandleTarget") => "FHT-2",
            Kind::Call if entry.text.starts_with("CancelSentRequest") => "REQ-27",
            Kind::Call | Kind::Return if entry.text.starts_with("DeleteTarget") => "FHT-21",
            Kind::Return if entry.text.starts_with("Close") => "CLS-13",
            Kind::Create | Kind::CreateByFramework if next_lower => "FILE-4",
            Kind::Create | Kind::CreateByFramework => "FWD-2",
            Kind::CleanupEnter | Kind::CleanupLeave if next_lower => "CLS-3 P1",
            Kind::CleanupEnter | Kind::CleanupLeave => "CLS-3 P3",
            Kind::CancelCreatorsRequests => "CLS-5 P4",
            Kind::OnCancel => "REQ-27",
            Kind::Done if words::is_cancelled(entry) => "REQ-32",
            Kind::Done if self.was_left_alone(entry) => "CLS-7 P5",
            Kind::OnCompletion if entry.layer == 0 => "REQ-14",
            Kind::CloseEnter => "CLS-10 P6",
            Kind::CloseLeave => "CLS-3 P6",
            Kind::FileGone if entry.layer == 0 => "CLS-20 P7",
            Kind::FileGone => "CLS-3 P7",
            _ => return None,
        })
    }

    /// Whether a request that completed after Close had returned was never cancelled.
    fn was_left_alone(&self, done: &v1::TraceEntry) -> bool {
        let cancelled =
            |entry: &v1::TraceEntry| entry.kind() == Kind::OnCancel && entry.request_label == done.request_label;
        self.closed.is_some_and(|closed| closed < done.sequence) && !self.trace.iter().any(cancelled)
    }
}

/// The rule of what the host does for a request.
fn of_host(entry: &v1::TraceEntry) -> &'static str {
    match entry.hresult.map(HResult) {
        None => "FHT-10",
        Some(HResult::ERROR_MORE_DATA) => "FHT-15",
        Some(HResult::ERROR_PIPE_LISTENING | HResult::ERROR_BROKEN_PIPE) => "FHT-18",
        Some(hresult) if hresult.is_cancelled() => "FHT-13",
        Some(_) if entry.io_kind() == v1::IoKind::Read && entry.information == Some(0) => "FHT-16",
        Some(_) => "FHT-14",
    }
}

/// A line for each of these rules, in the order of the rule book.
pub(super) fn sentences(shown: &[&str]) -> String {
    let mut text = String::new();
    for (rule, sentence) in SENTENCES {
        if shown.iter().any(|shown| shown.split(' ').next() == Some(rule)) {
            // Writing into a string cannot fail.
            let _ = writeln!(text, "{rule:<6}  {sentence}");
        }
    }
    text
}

/// What the rules say, shortly.
const SENTENCES: &[(&str, &str)] = &[
    ("PNP-2", "drivers start from the lowest up"),
    ("FILE-4", "a create goes to the next lower driver, never to the top of the stack"),
    ("FWD-2", "whether a create goes further down is decided by role, setting and handler"),
    ("REQ-7", "Send answering S_OK means accepted: exactly one completion follows"),
    ("REQ-14", "OnCompletion is called exactly once per accepted Send"),
    ("REQ-27", "a cancel is an attempt, delivered to whoever owns the request"),
    ("REQ-32", "a cancelled request completes with the cancelled status"),
    ("CLS-3", "closing goes by phases: cleanup, cancel, wait for all I/O, close, gone"),
    ("CLS-5", "the creator's requests are cancelled only after cleanup has returned"),
    ("CLS-7", "a request that its owner has not armed keeps running, and the file waits for it"),
    ("CLS-10", "after OnCloseFile has been called, no I/O of the file is seen"),
    ("CLS-13", "Close does not wait for the I/O"),
    ("CLS-20", "the file is gone when the last request that refers to it is"),
    ("FHT-1", "the factory of file-handle targets is an interface of the device"),
    ("FHT-2", "CreateFileHandleTarget makes a target on a handle that is open for overlapped I/O"),
    ("FHT-6", "the target takes no reference on the handle; the driver closes it"),
    ("FHT-7", "a NULL pFile means the handle that the target was made on"),
    ("FHT-10", "read, write and ioctl are the host's ReadFile, WriteFile and DeviceIoControl"),
    ("FHT-11", "the target is started when it is made"),
    ("FHT-13", "a cancel asks the host to cancel that one operation, and promises nothing"),
    ("FHT-14", "in a pipe of messages each write is one message, and a read ends with a whole one"),
    ("FHT-15", "a read that is too short gets what fits, and the next one the rest"),
    ("FHT-16", "a message of no bytes is a success with Information 0, and no end"),
    ("FHT-18", "the state of a pipe has its own errors: no client yet, the other end closed"),
    ("FHT-19", "the end that CreateNamedPipe gives has no client until the driver connects one"),
    ("FHT-21", "the target is deleted first, the handle closed after it"),
];

#[cfg(test)]
mod tests;
