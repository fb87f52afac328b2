//! What a measurement comes to: a table for people, `report.json` for programs.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::Context;
use serde::Serialize;

use crate::plot;
use crate::statistics::{Sample, ratio};

/// The whole report.
#[derive(Debug, Default, Serialize)]
pub struct Report {
    /// What was measured.
    pub rows: Vec<RowReport>,
    /// Ids of rows that could not be measured here.
    pub skipped: Vec<String>,
}

/// One row as it was measured.
#[derive(Debug, Serialize)]
pub struct RowReport {
    #[serde(flatten)]
    pub heading: Heading,
    pub lowerdeck: Sample,
    pub reference: Sample,
    pub ratio: Sample,
    pub valid: bool,
    /// Why it is not valid.
    pub problem: Option<String>,
    /// Further figures, by names that end with their units.
    pub details: BTreeMap<&'static str, f64>,
    /// The figure over the seconds of the last round, where it was watched.
    pub series: Vec<(f64, f64)>,
}

/// What a row is about.
#[derive(Debug, Clone, Serialize)]
pub struct Heading {
    pub section: Section,
    pub id: String,
    pub title: String,
    pub unit: &'static str,
    pub reference_name: String,
    /// The ratio that is aimed at, and the one that must hold.
    pub goal: f64,
    pub floor: f64,
    pub less_is_better: bool,
}

/// The parts of the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Section {
    /// What Lowerdeck does, against others and against the design.
    Work,
    /// What more of everything costs.
    Scale,
    /// What one client does to the others and to memory.
    SlowReader,
}

impl Section {
    const ALL: [Section; 3] = [Section::Work, Section::Scale, Section::SlowReader];

    fn title(self) -> &'static str {
        match self {
            Section::Work => "work",
            Section::Scale => "how cost grows",
            Section::SlowReader => "a client that stops reading",
        }
    }
}

impl RowReport {
    /// A row of figures with those that they are compared with, round by round.
    pub fn new(heading: Heading, ours: Vec<f64>, theirs: Vec<f64>) -> RowReport {
        let (lowerdeck, reference) = (Sample::of(ours), Sample::of(theirs));
        let ratio = ratio(&lowerdeck, &reference);
        RowReport {
            heading,
            lowerdeck,
            reference,
            ratio,
            valid: true,
            problem: None,
            details: BTreeMap::new(),
            series: Vec::new(),
        }
    }

    /// A row whose reference is a figure that less is better than: `goal` is aimed at, `floor` must hold.
    pub fn absolute(
        section: Section,
        id: &str,
        title: &str,
        unit: &'static str,
        rounds: Vec<f64>,
        bounds: (f64, f64),
    ) -> RowReport {
        let (goal, floor) = bounds;
        let heading = Heading {
            section,
            id: id.to_owned(),
            title: title.to_owned(),
            unit,
            reference_name: "the design's goal".to_owned(),
            goal: 1.0,
            floor: floor / goal,
            less_is_better: true,
        };
        let reference = vec![goal; rounds.len()];
        RowReport::new(heading, rounds, reference)
    }

    /// The row with why it is not valid, if it is not.
    pub fn with_problem(mut self, problem: Option<String>) -> RowReport {
        self.valid = problem.is_none();
        self.problem = problem;
        self
    }

    /// The row with one more figure.
    pub fn with(mut self, name: &'static str, figure: f64) -> RowReport {
        self.details.insert(name, figure);
        self
    }

    /// The row with its figure over time.
    pub fn with_series(mut self, series: Vec<(f64, f64)>) -> RowReport {
        self.series = series;
        self
    }

    /// `goal`, `floor` or `below` by the median ratio; `not valid` before all.
    pub fn verdict(&self) -> &'static str {
        let reaches = |bound: f64| {
            if self.heading.less_is_better { self.ratio.median <= bound } else { self.ratio.median >= bound }
        };
        match () {
            () if !self.valid => "not valid",
            () if reaches(self.heading.goal) => "goal",
            () if reaches(self.heading.floor) => "floor",
            () => "below",
        }
    }
}

/// A figure with at most four digits and its magnitude, in the unit that suits it.
fn short(figure: f64, unit: &str) -> String {
    let nanos = match unit {
        "ns" => figure,
        "µs" => figure * 1e3,
        "ms" => figure * 1e6,
        _ => {
            let (figure, magnitude) = match figure {
                figure if figure >= 1e9 => (figure / 1e9, "G"),
                figure if figure >= 1e6 => (figure / 1e6, "M"),
                figure if figure >= 1e4 => (figure / 1e3, "k"),
                figure => (figure, ""),
            };
            return format!("{figure:.*} {magnitude}{unit}", if figure < 10.0 { 2 } else { 1 });
        }
    };
    match nanos {
        nanos if nanos >= 1e6 => format!("{:.2} ms", nanos / 1e6),
        nanos if nanos >= 1e4 => format!("{:.1} µs", nanos / 1e3),
        nanos => format!("{nanos:.0} ns"),
    }
}

impl Report {
    /// Prints the table, writes `report.json` and `report.svg` into `folder`.
    pub fn write(&self, folder: &Path) -> anyhow::Result<()> {
        for section in Section::ALL {
            let rows: Vec<_> = self.rows.iter().filter(|row| row.heading.section == section).collect();
            if !rows.is_empty() {
                println!(
                    "\n{:<56} {:>12} {:>12} {:>7} {:>7} {:>6} {:>6}",
                    section.title(),
                    "lowerdeck",
                    "reference",
                    "ratio",
                    "spread",
                    "goal",
                    "floor"
                );
                rows.into_iter().for_each(RowReport::print);
            }
        }
        for id in &self.skipped {
            println!("{id}: skipped");
        }
        let json = folder.join("report.json");
        std::fs::write(&json, serde_json::to_string_pretty(self)?).with_context(|| json.display().to_string())?;
        let svg = folder.join("report.svg");
        std::fs::write(&svg, plot::of(self)).with_context(|| svg.display().to_string())?;
        println!("\n{}\n{}", json.display(), svg.display());
        Ok(())
    }
}

impl RowReport {
    fn print(&self) {
        let Heading { title, unit, goal, floor, reference_name, .. } = &self.heading;
        println!(
            "{title:<56} {:>12} {:>12} {:>7.2} {:>6.0}% {goal:>6.2} {floor:>6.2}  {}",
            short(self.lowerdeck.median, unit),
            short(self.reference.median, unit),
            self.ratio.median,
            self.ratio.spread * 100.0,
            self.verdict(),
        );
        let details = self.details.iter().map(|(name, figure)| format!("{name} {}", short(*figure, "").trim_end()));
        let details: Vec<_> = std::iter::once(format!("to {reference_name}")).chain(details).collect();
        println!("    {}", details.join(", "));
        if let Some(problem) = &self.problem {
            println!("    {problem}");
        }
    }
}

#[cfg(test)]
mod tests;
