//! What a measurement comes to: a table for people, `report.json` for programs.

use std::path::Path;

use anyhow::Context;
use serde::Serialize;

use crate::plot;
use crate::rows::Row;
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
    pub id: String,
    pub title: String,
    pub lowerdeck: Sample,
    pub reference: Sample,
    pub reference_name: String,
    pub unit: String,
    pub ratio: Sample,
    /// The ratio that is aimed at, and the one that must hold.
    pub goal: f64,
    pub floor: f64,
    pub less_is_better: bool,
    pub valid: bool,
    /// Why it is not valid.
    pub problem: Option<String>,
}

impl RowReport {
    pub fn new(row: &Row, ours: Sample, theirs: Sample, ratio: Sample, problem: Option<&str>) -> RowReport {
        RowReport {
            id: row.named.name.to_owned(),
            title: row.named.title.to_owned(),
            lowerdeck: ours,
            reference: theirs,
            reference_name: row.reference.name().to_owned(),
            unit: row.figure.unit().to_owned(),
            ratio,
            goal: row.goal,
            floor: row.floor,
            less_is_better: row.figure.less_is_better(),
            valid: problem.is_none(),
            problem: problem.map(ToOwned::to_owned),
        }
    }

    /// A row whose reference is a figure: less is better.
    pub fn absolute(id: &str, title: &str, unit: &str, rounds: Vec<f64>, goal: f64, floor: f64) -> RowReport {
        let reference = Sample::of(vec![goal; rounds.len()]);
        let lowerdeck = Sample::of(rounds);
        RowReport {
            id: id.to_owned(),
            title: title.to_owned(),
            ratio: ratio(&lowerdeck, &reference),
            lowerdeck,
            reference,
            reference_name: "the design's goal".to_owned(),
            unit: unit.to_owned(),
            goal: 1.0,
            floor: floor / goal,
            less_is_better: true,
            valid: true,
            problem: None,
        }
    }

    /// `goal`, `floor` or `below` by the median ratio; `not valid` before all.
    pub fn verdict(&self) -> &'static str {
        let reaches =
            |bound: f64| if self.less_is_better { self.ratio.median <= bound } else { self.ratio.median >= bound };
        match () {
            () if !self.valid => "not valid",
            () if reaches(self.goal) => "goal",
            () if reaches(self.floor) => "floor",
            () => "below",
        }
    }
}

/// A figure with at most four digits and its magnitude.
fn short(figure: f64) -> String {
    match figure {
        figure if figure >= 1e9 => format!("{:.2} G", figure / 1e9),
        figure if figure >= 1e6 => format!("{:.2} M", figure / 1e6),
        figure if figure >= 1e4 => format!("{:.1} k", figure / 1e3),
        figure => format!("{figure:.1} "),
    }
}

impl Report {
    /// Prints the table, writes `report.json` and `report.svg` into `folder`.
    pub fn write(&self, folder: &Path) -> anyhow::Result<()> {
        println!();
        println!(
            "{:<52} {:>12} {:>12} {:>7} {:>7} {:>6} {:>6}  ",
            "", "lowerdeck", "reference", "ratio", "spread", "goal", "floor"
        );
        for row in &self.rows {
            println!(
                "{:<52} {:>12} {:>12} {:>7.2} {:>6.0}% {:>6.2} {:>6.2}  {}",
                row.title,
                format!("{}{}", short(row.lowerdeck.median), row.unit),
                format!("{}{}", short(row.reference.median), row.unit),
                row.ratio.median,
                row.ratio.spread * 100.0,
                row.goal,
                row.floor,
                row.verdict(),
            );
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
