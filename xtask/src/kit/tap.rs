//! What a runner reports, in the Test Anything Protocol.

/// Cases of one run.
#[derive(Debug, Default, PartialEq)]
pub struct Report {
    /// The runner's first comment: language, library, road.
    pub title: String,
    pub passed: usize,
    /// Names of the cases that failed, or why there are none.
    pub failed: Vec<String>,
    pub skipped: usize,
    /// Why the language as a whole was skipped.
    pub why_skipped: Option<String>,
}

impl Report {
    /// Reads what a runner printed. A run that ends before its plan is fulfilled has failed.
    pub fn parse(text: &str) -> Report {
        let mut report = Report::default();
        let mut planned = None;
        for line in text.lines() {
            if let Some(title) = line.strip_prefix("# ")
                && report.title.is_empty()
            {
                report.title = without_road(title);
            } else if let Some(count) = line.strip_prefix("1..") {
                planned = count.trim().parse::<usize>().ok();
            } else if let Some(case) = line.strip_prefix("not ok ") {
                report.failed.push(name(case));
            } else if let Some(case) = line.strip_prefix("ok ") {
                match case.contains("# SKIP") {
                    true => report.skipped += 1,
                    false => report.passed += 1,
                }
            }
        }
        let ran = report.passed + report.failed.len() + report.skipped;
        match planned {
            Some(planned) if planned == ran => {}
            Some(planned) => report.failed.push(format!("(ended after {ran} of {planned} cases)")),
            None => report.failed.push("(ended without a plan)".to_owned()),
        }
        report
    }

    /// Of things that were done without a runner's report.
    pub fn of(results: &[(&str, bool)]) -> Report {
        let failed = results.iter().filter(|(_, passed)| !passed).map(|(name, _)| (*name).to_owned()).collect();
        let passed = results.iter().filter(|(_, passed)| *passed).count();
        Report { passed, failed, ..Report::default() }
    }

    /// Of a language that is not here.
    pub fn skipped(why: String) -> Report {
        Report { skipped: 1, why_skipped: Some(why), ..Report::default() }
    }

    /// Of a language that could not be made to work.
    pub fn failed(why: &str) -> Report {
        Report { failed: vec![format!("(could not run) {why}")], ..Report::default() }
    }
}

/// What a runner printed of cases that must fail, with each verdict turned into its opposite.
pub fn turned(text: &str) -> String {
    let turn = |line: &str| {
        let failed = line.strip_prefix("not ok ").map(|case| format!("ok {case}\n"));
        let passed = || line.strip_prefix("ok ").map(|case| format!("not ok {case}\n"));
        failed.or_else(passed).unwrap_or_else(|| format!("{line}\n"))
    };
    text.lines().map(turn).collect()
}

/// The road has a column of its own.
fn without_road(title: &str) -> String {
    title.split(", road ").next().unwrap_or(title).to_owned()
}

/// `12 - happy_path # 5 ms`
fn name(case: &str) -> String {
    let case = case.split(" # ").next().unwrap_or(case);
    case.split_once(" - ").map_or(case, |(_, name)| name).trim().to_owned()
}
