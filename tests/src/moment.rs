//! One trace entry in the words of the scenarios, and the patterns that find it.
//!
//! A moment is written `L1.Done(r, ERROR_OPERATION_ABORTED, 0)`: layer, name, arguments. A pattern gives the layer,
//! the name and any leading arguments; `*` matches any argument, `cancelled` and `timed-out` match by class (ERR-4).

use lowerdeck_framework::status::{HResult, StatusClass};

/// One thing that happened, in the stack's total order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Moment {
    /// 0 is the upper driver.
    pub layer: u32,
    /// `Create`, `Cleanup+`, `Done`, ...
    pub name: String,
    /// File or request by the script's name, then status and Information where there are any.
    pub arguments: Vec<String>,
}

impl std::fmt::Display for Moment {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "L{}.{}({})", self.layer, self.name, self.arguments.join(", "))
    }
}

impl Moment {
    /// The status among the arguments, if the moment carries one.
    pub fn status(&self) -> Option<HResult> {
        self.arguments.iter().skip(1).find_map(|argument| argument.parse().ok())
    }

    /// Whether `pattern` describes this moment.
    pub fn matches(&self, pattern: &str) -> bool {
        let (head, arguments) = pattern.split_once('(').unwrap_or((pattern, ")"));
        let wanted: Vec<&str> =
            arguments.trim_end_matches(')').split(',').map(str::trim).filter(|argument| !argument.is_empty()).collect();
        head == format!("L{}.{}", self.layer, self.name)
            && wanted.len() <= self.arguments.len()
            && wanted.iter().zip(&self.arguments).all(|(wanted, actual)| argument_matches(wanted, actual))
    }
}

fn argument_matches(wanted: &str, actual: &str) -> bool {
    let class = match wanted {
        "*" => return true,
        "cancelled" => StatusClass::Cancelled,
        "timed-out" => StatusClass::TimedOut,
        other => return other == actual,
    };
    actual.parse::<HResult>().is_ok_and(|status| status.class() == class)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn moment() -> Moment {
        Moment { layer: 1, name: "Done".to_owned(), arguments: vec!["r".to_owned(), "STATUS_CANCELLED".to_owned()] }
    }

    #[test]
    fn patterns_match_by_prefix_wildcard_and_class() {
        for pattern in ["L1.Done", "L1.Done(r)", "L1.Done(*, cancelled)", "L1.Done(r, STATUS_CANCELLED)"] {
            assert!(moment().matches(pattern), "{pattern}");
        }
        for pattern in ["L2.Done", "L1.Done(q)", "L1.Done(r, timed-out)", "L1.Done(r, *, 0)", "L1.Don"] {
            assert!(!moment().matches(pattern), "{pattern}");
        }
    }
}
