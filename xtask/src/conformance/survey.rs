//! Lays the listed tests over the scenario ids, and prints what came of it.

use std::collections::BTreeMap;

use serde::Serialize;

use super::listing::Listing;
use super::scenario::{GROUPS, Group, Scenario};
use crate::table::{self, Align};

/// The tests that hold one scenario, by back end.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Held {
    /// Paths of the tests that play it in process, on the framework.
    pub framework: Vec<String>,
    /// Paths of the tests that play it over gRPC against a running server.
    pub wire: Vec<String>,
}

/// Every scenario with the tests that hold it.
#[derive(Debug)]
pub struct Survey {
    held: BTreeMap<Scenario, Held>,
}

/// How many of a set of scenarios are held.
#[derive(Debug, Default, PartialEq, Eq, Serialize)]
pub struct Counts {
    pub scenarios: usize,
    pub framework: usize,
    pub wire: usize,
    pub missing: usize,
}

/// What `--format json` prints.
#[derive(Serialize)]
pub struct Report<'a> {
    #[serde(flatten)]
    counts: Counts,
    list: Vec<Entry<'a>>,
}

#[derive(Serialize)]
struct Entry<'a> {
    id: String,
    group: &'static str,
    #[serde(flatten)]
    held: &'a Held,
}

impl Held {
    fn is_missing(&self) -> bool {
        self.framework.is_empty() && self.wire.is_empty()
    }
}

/// Where a test plays its scenario.
enum BackEnd {
    Framework,
    Wire,
}

/// What a test claims by its path.
enum Claim {
    /// It is not about a scenario.
    Nothing,
    /// It holds one.
    Holds(Scenario, BackEnd),
    /// It looks as if it held one, and would count for nothing.
    Fault(String),
}

impl Claim {
    /// Reads `close::b09_law::wire`.
    fn of(path: &str) -> Self {
        let mut parts = path.rsplit("::");
        let last = parts.next().unwrap_or_default();
        let scenario = parts.next().and_then(Scenario::named_by);
        let back_end = match last {
            "framework" => BackEnd::Framework,
            "wire" => BackEnd::Wire,
            _ => {
                let without = Scenario::named_by(last).or(scenario).filter(|scenario| scenario.exists());
                return without.map_or(Self::Nothing, |scenario| {
                    Self::Fault(format!("{scenario} names no back end; end the path with framework or wire"))
                });
            }
        };
        match scenario {
            Some(scenario) if scenario.exists() => Self::Holds(scenario, back_end),
            Some(scenario) => Self::Fault(format!("there is no scenario {scenario}")),
            None => Self::Fault(format!("a test named `{last}` is named after a scenario id such as a01_ above it")),
        }
    }
}

impl Survey {
    /// Sorts the tests to their scenarios; the faults are tests that would count for nothing.
    pub fn of(listing: &Listing) -> Result<Self, Vec<String>> {
        let every = GROUPS.iter().flat_map(Group::scenarios);
        let mut held: BTreeMap<Scenario, Held> = every.map(|scenario| (scenario, Held::default())).collect();
        let mut faults = Vec::new();
        for path in &listing.tests {
            match Claim::of(path) {
                Claim::Nothing => {}
                Claim::Fault(fault) => faults.push(format!("{path}: {fault}")),
                Claim::Holds(scenario, _) if listing.ignored.contains(path) => {
                    faults.push(format!("{path}: {scenario} is ignored, which holds nothing"));
                }
                Claim::Holds(scenario, back_end) => {
                    let held = held.entry(scenario).or_default();
                    match back_end {
                        BackEnd::Framework => held.framework.push(path.clone()),
                        BackEnd::Wire => held.wire.push(path.clone()),
                    }
                }
            }
        }
        if faults.is_empty() { Ok(Self { held }) } else { Err(faults) }
    }

    /// One line over all scenarios.
    pub fn counts(&self) -> String {
        format!("all: {}", self.count(self.held.keys().copied()).sentence())
    }

    /// A table per group, each with its counts, and the counts of all.
    pub fn table(&self, missing_only: bool) -> String {
        let mut text = String::new();
        for group in &GROUPS {
            let counts = self.count(group.scenarios());
            text.push_str(&format!("{}. {} ({})\n", group.letter, group.title, counts.sentence()));
            let rows: Vec<Vec<String>> = group
                .scenarios()
                .map(|scenario| (scenario, &self.held[&scenario]))
                .filter(|(_, held)| !missing_only || held.is_missing())
                .map(|(scenario, held)| {
                    let state = if held.is_missing() { "not yet" } else { "implemented" };
                    let tests = |paths: &[String]| match paths.len() {
                        0 => "-".to_owned(),
                        count => count.to_string(),
                    };
                    vec![scenario.to_string(), state.to_owned(), tests(&held.framework), tests(&held.wire)]
                })
                .collect();
            if !rows.is_empty() {
                let head =
                    [("id", Align::Left), ("state", Align::Left), ("framework", Align::Right), ("wire", Align::Right)];
                text.push_str(&table::render(&head, &rows));
            }
            text.push('\n');
        }
        text.push_str(&self.counts());
        text.push('\n');
        text
    }

    /// The same for programs.
    pub fn json(&self, missing_only: bool) -> Report<'_> {
        let groups = GROUPS.iter().flat_map(|group| group.scenarios().map(move |scenario| (group.title, scenario)));
        Report {
            counts: self.count(self.held.keys().copied()),
            list: groups
                .map(|(group, scenario)| Entry { id: scenario.to_string(), group, held: &self.held[&scenario] })
                .filter(|entry| !missing_only || entry.held.is_missing())
                .collect(),
        }
    }

    fn count(&self, scenarios: impl Iterator<Item = Scenario>) -> Counts {
        let mut counts = Counts::default();
        for scenario in scenarios {
            let held = &self.held[&scenario];
            counts.scenarios += 1;
            counts.framework += usize::from(!held.framework.is_empty());
            counts.wire += usize::from(!held.wire.is_empty());
            counts.missing += usize::from(held.is_missing());
        }
        counts
    }
}

impl Counts {
    fn sentence(&self) -> String {
        let Self { scenarios, framework, wire, missing } = self;
        format!("{scenarios} scenarios: {framework} on framework, {wire} on wire, {missing} not yet")
    }
}
