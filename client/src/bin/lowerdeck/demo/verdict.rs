//! Whether the demo went as the rules say. Pure: judges what was recorded.

use lowerdeck_client::{HResult, v1};
use v1::TraceKind as Kind;

use super::play::{LENGTH, Played};
use crate::words;

/// One law, and how the demo kept it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Check {
    pub(super) rule: &'static str,
    pub(super) law: &'static str,
    /// Why not, if not.
    pub(super) result: Result<(), String>,
}

impl Check {
    pub(super) fn new(rule: &'static str, law: &'static str, result: Result<(), String>) -> Check {
        Check { rule, law, result }
    }
}

/// Judges the life of a file.
pub(super) fn judge(played: &Played) -> Vec<Check> {
    let trace = Trace(&played.trace);
    let mut checks = reading(played, &trace);
    checks.extend(closing(played, &trace));
    checks.push(Check::new("CLS-10", "no I/O reached a driver after its OnCloseFile", trace.no_io_after_close()));
    checks.push(Check::new("CLS-12", "each layer that was told saw one cleanup and one close", trace.balanced()));
    checks.push(Check::new(
        "",
        "the books balance: 3 accepted = 2 completed + 1 cancelled",
        holds(
            (played.sheet.accepted, played.sheet.completed, played.sheet.cancelled) == (3, 2, 1)
                && played.sheet.files_left_open == 0,
            &format!("{:?}", played.sheet),
        ),
    ));
    checks
}

/// The six steps, and that every read completed once.
fn reading(played: &Played, trace: &Trace<'_>) -> Vec<Check> {
    let [plain, ..] = &played.completions;
    let once = played.completions.iter().try_for_each(|done| once(&played.trace, done.request_id));
    vec![
        Check::new(
            "FILE-4",
            "the create went to the next lower driver",
            trace.order(&[
                ("CreateWdfFile called", trace.position(0, Kind::Call, "CreateWdfFile")),
                ("L1 Create", trace.create()),
                ("CreateWdfFile returned", trace.position(0, Kind::Return, "CreateWdfFile")),
            ]),
        ),
        Check::new(
            "REQ-14",
            "each of the three reads completed once",
            once.and(holds(played.called_back, "the completion callback was not called")),
        ),
        Check::new(
            "REQ-35",
            "the first read completed with its data, as many bytes as Information says",
            status(plain.hresult, HResult::S_OK).and(holds(
                plain.data.len() as u64 == plain.information && plain.data.iter().copied().eq(0..LENGTH as u8),
                &format!("Information is {}, the data {:?}", plain.information, plain.data),
            )),
        ),
    ]
}

/// Close with one armed and one held read.
fn closing(played: &Played, trace: &Trace<'_>) -> Vec<Check> {
    let [_, armed, held] = &played.completions;
    let label = |request_id| trace.label(request_id).unwrap_or_default();
    let (armed_label, held_label) = (label(armed.request_id), label(held.request_id));
    let close_entered = ("L1 Close+", trace.position(1, Kind::CloseEnter, ""));
    let held_done = ("Done of the held read", trace.of_request(Kind::Done, &held_label));
    vec![
        Check::new(
            "CLS-3",
            "cleanup, cancel, completion, close and gone came in this order",
            trace.order(&[
                ("L1 Cleanup+", trace.position(1, Kind::CleanupEnter, "")),
                ("L1 Cleanup-", trace.position(1, Kind::CleanupLeave, "")),
                ("OnCancel of the armed read", trace.of_request(Kind::OnCancel, &armed_label)),
                ("Done of the armed read", trace.of_request(Kind::Done, &armed_label)),
                close_entered,
                ("L1 Close-", trace.position(1, Kind::CloseLeave, "")),
                ("FileGone", trace.position(0, Kind::FileGone, "")),
            ]),
        ),
        Check::new(
            "REQ-32",
            "the armed read completed cancelled",
            holds(armed.hresult.is_cancelled(), &format!("it completed with {}", armed.hresult)),
        ),
        Check::new(
            "CLS-7",
            "the held read was left alone and kept its own status",
            status(held.hresult, HResult::S_OK).and(holds(
                trace.of_request(Kind::OnCancel, &held_label).is_none(),
                "its owner got OnCancel without having armed it",
            )),
        ),
        Check::new(
            "CLS-13",
            "Close returned while the held read was pending",
            holds(played.pending_after_close, "the read was not in flight any more").and(trace.order(&[
                ("Close returned", trace.position(0, Kind::Return, "Close")),
                held_done,
                close_entered,
            ])),
        ),
    ]
}

pub(super) fn holds(law: bool, otherwise: &str) -> Result<(), String> {
    if law { Ok(()) } else { Err(otherwise.to_owned()) }
}

fn status(found: HResult, expected: HResult) -> Result<(), String> {
    holds(found == expected, &format!("it completed with {found}"))
}

/// Whether L0's request completed exactly once.
pub(super) fn once(trace: &[v1::TraceEntry], request_id: u64) -> Result<(), String> {
    let label = Trace(trace).label(request_id);
    let label = label.ok_or_else(|| format!("request {request_id} is not in the trace"))?;
    let completed = |entry: &&v1::TraceEntry| {
        entry.layer == 0 && entry.kind() == Kind::OnCompletion && entry.request_label == label
    };
    match trace.iter().filter(completed).count() {
        1 => Ok(()),
        count => Err(format!("{label} has {count} completions")),
    }
}

/// The trace with questions.
struct Trace<'a>(&'a [v1::TraceEntry]);

impl Trace<'_> {
    /// The first entry of a kind in a layer; a text narrows L0's calls and returns.
    fn position(&self, layer: u32, kind: Kind, text: &str) -> Option<u64> {
        self.find(|entry| entry.layer == layer && entry.kind() == kind && entry.text.starts_with(text))
    }

    /// Where the create reached a driver first, if that was the next lower one.
    fn create(&self) -> Option<u64> {
        let created = |entry: &&v1::TraceEntry| matches!(entry.kind(), Kind::Create | Kind::CreateByFramework);
        let first = self.0.iter().find(created)?;
        (first.layer == 1).then_some(first.sequence)
    }

    /// The first entry of a kind about a request, in any layer.
    fn of_request(&self, kind: Kind, label: &str) -> Option<u64> {
        self.find(|entry| entry.kind() == kind && entry.request_label == label)
    }

    fn find(&self, wanted: impl Fn(&v1::TraceEntry) -> bool) -> Option<u64> {
        let found = self.0.iter().find(|entry| wanted(entry));
        found.map(|entry| entry.sequence)
    }

    /// The label of a request of L0.
    fn label(&self, request_id: u64) -> Option<String> {
        let wanted = format!("L0:{request_id}");
        let found = self.0.iter().find(|entry| entry.request_label == wanted);
        found.map(|entry| entry.request_label.clone())
    }

    /// Whether all are there, in this order.
    fn order(&self, expected: &[(&str, Option<u64>)]) -> Result<(), String> {
        let mut last: Option<(&str, u64)> = None;
        for (name, position) in expected {
            let position = position.ok_or_else(|| format!("{name} is missing from the trace"))?;
            if let Some((before, at)) = last
                && at > position
            {
                return Err(format!("{name} (#{position}) came before {before} (#{at})"));
            }
            last = Some((name, position));
        }
        Ok(())
    }

    fn no_io_after_close(&self) -> Result<(), String> {
        for (index, entry) in self.0.iter().enumerate() {
            let same = |later: &&v1::TraceEntry| {
                later.kind() == Kind::Io && later.layer == entry.layer && later.file_label == entry.file_label
            };
            if entry.kind() == Kind::CloseEnter
                && let Some(io) = self.0[index..].iter().find(same)
            {
                return Err(format!("{} got I/O at #{}", words::layer(io), io.sequence));
            }
        }
        Ok(())
    }

    fn balanced(&self) -> Result<(), String> {
        let told = self.0.iter().filter(|entry| entry.kind() == Kind::CleanupEnter);
        for cleanup in told {
            let count = |kind| {
                let same = self.0.iter().filter(|entry| {
                    entry.kind() == kind && entry.layer == cleanup.layer && entry.file_label == cleanup.file_label
                });
                same.count()
            };
            let (cleanups, closes) = (count(Kind::CleanupEnter), count(Kind::CloseEnter));
            if (cleanups, closes) != (1, 1) {
                let layer = words::layer(cleanup);
                return Err(format!("{layer} saw {cleanups} cleanups and {closes} closes"));
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
