//! What a script can say of the trace: which moments came, how often, in which order.

use std::collections::HashMap;

use super::Stage;
use crate::backend::RawMoment;
use crate::moment::Moment;

impl Stage {
    /// Everything that happened so far.
    pub fn moments(&mut self) -> Vec<Moment> {
        let raw = self.backend.trace();
        let labels = self.labels_in(&raw);
        raw.into_iter().map(|entry| self.moment(entry, &labels)).collect()
    }

    pub(super) fn file_labels(&mut self) -> HashMap<String, String> {
        let raw = self.backend.trace();
        self.labels_in(&raw)
    }

    /// A file's label is learnt from its create, which carries the create's number.
    fn labels_in(&self, raw: &[RawMoment]) -> HashMap<String, String> {
        let creates = raw
            .iter()
            .filter(|entry| entry.name.starts_with("Create") && !entry.file.is_empty() && !entry.request.is_empty());
        creates.map(|entry| (entry.file.clone(), self.translate(&entry.request))).collect()
    }

    pub(super) fn translate(&self, label: &str) -> String {
        let number = label.strip_prefix("L0:").and_then(|number| number.parse().ok());
        number.and_then(|number: u64| self.names.get(&number).cloned()).unwrap_or_else(|| label.to_owned())
    }

    fn moment(&self, entry: RawMoment, labels: &HashMap<String, String>) -> Moment {
        let RawMoment { layer, name, file, request, kind, status, information, rule } = entry;
        let file = labels.get(&file).cloned().unwrap_or(file);
        let of_file = ["Create", "Cleanup", "Close", "FileGone", "CancelCreators", "ContextCleanup"];
        let mut arguments = Vec::new();
        if name == "Io" {
            arguments.push(kind);
        }
        if !rule.is_empty() {
            arguments.push(rule);
        } else if of_file.iter().any(|prefix| name.starts_with(prefix)) || name == "CancelSentRequestsForFile" {
            arguments.push(file);
        } else if !request.is_empty() {
            arguments.push(self.translate(&request));
        }
        arguments.extend(status.map(|status| status.to_string()));
        arguments.extend(information.map(|information| information.to_string()));
        Moment { layer, name, arguments }
    }

    /// `A < B < C`: each pattern matches exactly one moment, in this order.
    pub fn order(&mut self, chain: &str) {
        self.comes_to_hold(|stage| in_order(&stage.moments(), chain));
    }

    /// How many moments match.
    pub fn count(&mut self, pattern: &str) -> usize {
        self.catch_up();
        self.count_so_far(pattern)
    }

    fn count_so_far(&mut self, pattern: &str) -> usize {
        self.moments().iter().filter(|moment| moment.matches(pattern)).count()
    }

    /// No moment matches.
    pub fn never(&mut self, pattern: &str) {
        let count = self.count(pattern);
        self.check(count == 0, &format!("`{pattern}` happened {count} times"));
    }

    /// Exactly one moment matches.
    pub fn once(&mut self, pattern: &str) {
        self.times(pattern, 1);
    }

    /// Exactly so many moments match.
    pub fn times(&mut self, pattern: &str, expected: usize) {
        self.comes_to_hold(|stage| match stage.count_so_far(pattern) {
            count if count == expected => Ok(()),
            count => Err(format!("`{pattern}` happened {count} times, not {expected}")),
        });
    }

    /// Fails with the trace and the replay unless `held`.
    pub fn check(&mut self, held: bool, problem: &str) {
        if !held {
            self.fail(problem);
        }
    }

    /// Fails with the trace and the replay.
    pub fn fail(&mut self, problem: &str) -> ! {
        let trace: Vec<String> = self.moments().iter().map(|moment| format!("    {moment}")).collect();
        panic!(
            "{problem}\n  trace:\n{}\n  on {}; replay: {}",
            trace.join("\n"),
            self.backend.name(),
            self.backend.replay()
        );
    }
}

/// Each pattern of `A < B < C` matches exactly one moment, in this order; else what is wrong.
fn in_order(moments: &[Moment], chain: &str) -> Result<(), String> {
    let mut before: Option<(usize, &str)> = None;
    for pattern in chain.split('<').map(str::trim) {
        let found: Vec<usize> = (0..moments.len()).filter(|index| moments[*index].matches(pattern)).collect();
        if found.len() != 1 {
            return Err(format!("`{pattern}` happened {} times, not once", found.len()));
        }
        if let Some((_, earlier)) = before.filter(|(at, _)| *at >= found[0]) {
            return Err(format!("`{earlier}` did not happen before `{pattern}`"));
        }
        before = Some((found[0], pattern));
    }
    Ok(())
}
