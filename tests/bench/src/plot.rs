//! The ratios as a picture: a bar for each row, its goal and its floor as lines.

use std::fmt::Write as _;

use crate::report::Report;

const WIDTH: f64 = 900.0;
const LABEL: f64 = 400.0;
const ROW: f64 = 34.0;
/// Ratios beyond are cut off.
const RATIO_MAX: f64 = 3.0;

fn x(ratio: f64) -> f64 {
    LABEL + ratio.min(RATIO_MAX) / RATIO_MAX * (WIDTH - LABEL - 20.0)
}

/// The plot as SVG.
pub fn of(report: &Report) -> String {
    let height = ROW * (report.rows.len() as f64 + 1.0);
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {height}\" font-family=\"sans-serif\" font-size=\"13\">\n\
         <rect width=\"{WIDTH}\" height=\"{height}\" fill=\"white\"/>\n"
    );
    for (index, row) in report.rows.iter().enumerate() {
        let y = ROW * index as f64 + 8.0;
        let colour = match row.verdict() {
            "goal" => "#2a7f3f",
            "floor" => "#b58900",
            _ => "#b03030",
        };
        let bar = x(row.ratio.median) - LABEL;
        let _ = writeln!(svg, "<text x=\"8\" y=\"{}\">{}</text>", y + 15.0, row.heading.title.replace('&', "&amp;"));
        let _ = writeln!(svg, "<rect x=\"{LABEL}\" y=\"{y}\" width=\"{bar:.1}\" height=\"20\" fill=\"{colour}\"/>");
        let at = LABEL + bar + 4.0;
        let _ = writeln!(svg, "<text x=\"{at:.1}\" y=\"{}\">{:.2}</text>", y + 15.0, row.ratio.median);
        for (ratio, dash) in [(row.heading.goal, "none"), (row.heading.floor, "4 3")] {
            if ratio.is_finite() && ratio > 0.0 {
                let at = x(ratio);
                let _ = writeln!(
                    svg,
                    "<line x1=\"{at:.1}\" x2=\"{at:.1}\" y1=\"{}\" y2=\"{}\" stroke=\"black\" stroke-dasharray=\"{dash}\"/>",
                    y - 3.0,
                    y + 23.0
                );
            }
        }
    }
    let y = ROW * report.rows.len() as f64 + 20.0;
    let _ = writeln!(svg, "<text x=\"8\" y=\"{y}\">ratio to the reference; line: goal, dashed: floor</text>\n</svg>");
    svg
}
