//! Verdicts and the shape of the document.

use super::*;

fn row(less_is_better: bool, ours: f64) -> RowReport {
    let heading = Heading {
        section: Section::Scale,
        id: "a-row".to_owned(),
        title: "a row".to_owned(),
        unit: "/s",
        reference_name: "another".to_owned(),
        goal: 1.0,
        floor: if less_is_better { 2.0 } else { 0.5 },
        less_is_better,
    };
    RowReport::new(heading, vec![ours], vec![100.0])
}

#[test]
fn a_verdict_compares_the_ratio_in_the_direction_that_is_better() {
    let verdicts = |less_is_better| [40.0, 60.0, 110.0, 210.0].map(|ours| row(less_is_better, ours).verdict());
    assert_eq!(verdicts(false), ["below", "floor", "goal", "goal"]);
    assert_eq!(verdicts(true), ["goal", "goal", "floor", "below"]);
}

#[test]
fn a_row_with_a_problem_is_not_valid_whatever_it_reaches() {
    let row = row(false, 200.0).with_problem(Some("the generator was the limit".to_owned()));
    assert_eq!((row.verdict(), row.valid), ("not valid", false));
}

#[test]
fn the_document_has_the_fields_that_programs_read() {
    let row = row(true, 50.0).with("per_session_per_second", 5.0);
    let document = serde_json::to_value(&row).expect("numbers and text");
    for field in
        ["id", "lowerdeck", "reference", "reference_name", "unit", "ratio", "goal", "floor", "valid", "section"]
    {
        assert!(document.get(field).is_some(), "{field} in {document}");
    }
    assert_eq!(document["ratio"]["median"], 0.5);
    assert_eq!(document["details"]["per_session_per_second"], 5.0);
    assert_eq!(document["section"], "scale");
}
