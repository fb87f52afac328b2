//! What somebody who mistyped a name probably meant.

/// The candidate closest to `word`, when it is close enough to be a slip of the keyboard: at most a third of
/// the letters changed, inserted, removed or swapped with a neighbour. The first of equally close ones.
pub(crate) fn near_miss<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let word: Vec<char> = word.to_lowercase().chars().collect();
    let allowed = (word.len() / 3).clamp(1, 4);
    candidates
        .into_iter()
        .map(|candidate| (distance(&word, &candidate.chars().collect::<Vec<_>>()), candidate))
        .filter(|(distance, _)| *distance <= allowed)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

/// Optimal string alignment distance.
fn distance(a: &[char], b: &[char]) -> usize {
    let mut rows = vec![vec![0; b.len() + 1]; a.len() + 1];
    for i in 0..=a.len() {
        for j in 0..=b.len() {
            rows[i][j] = match (i, j) {
                (0, _) => j,
                (_, 0) => i,
                _ => {
                    let changed = usize::from(a[i - 1] != b[j - 1]);
                    let one = (rows[i - 1][j] + 1).min(rows[i][j - 1] + 1).min(rows[i - 1][j - 1] + changed);
                    let swapped = i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1];
                    if swapped { one.min(rows[i - 2][j - 2] + 1) } else { one }
                }
            };
        }
    }
    rows[a.len()][b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_is_recognised_and_another_word_is_not() {
        let names = ["ram", "echo", "passthrough", "terminator"];
        for (typed, meant) in [
            ("rma", Some("ram")),
            ("ECHO", Some("echo")),
            ("ehco", Some("echo")),
            ("passtrough", Some("passthrough")),
            ("disk", None),
            ("", None),
        ] {
            assert_eq!(near_miss(typed, names), meant, "{typed}");
        }
    }
}
