//! Option values: their kinds, how they are read, and how they print.

use winnow::combinator::{alt, delimited, opt};
use winnow::token::take_while;
use winnow::{ModalResult, Parser};

use crate::syntax::{Input, expected, tokens};

/// The value of an option, by the way it was written. Prints as it reads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum OptionValue {
    /// A word: a letter or underscore, then letters, digits, `_`, `-`, `.`.
    Word(String),
    /// A word with an argument in parentheses, such as `fail(STATUS_ACCESS_DENIED)`; the argument is letters,
    /// digits and underscores.
    Applied(String, String),
    /// A plain or hexadecimal number.
    Number(u64),
    /// A number of bytes with a unit: `B`, `k` (1000), `M`, `KiB`, `MiB`, `GiB`, `TiB`.
    Size(u64),
    /// A time in ticks of 100 ns: `ns` (hundreds), `us`, `ms`, `s`, `min`, `h`.
    Duration(u64),
    /// A string in double quotes.
    Text(String),
    /// Verbatim text in balanced braces; braces in its strings and comments do not count.
    Block(String),
}

/// Units of sizes in bytes, the largest first. Printing takes the first that divides.
const SIZES: &[(&str, u64)] =
    &[("TiB", 1 << 40), ("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10), ("M", 1_000_000), ("k", 1000), ("B", 1)];

/// Units of durations in ticks, the largest first; `ns` is apart, for it is finer than a tick.
const DURATIONS: &[(&str, u64)] =
    &[("h", 36_000_000_000), ("min", 600_000_000), ("s", 10_000_000), ("ms", 10_000), ("us", 10)];

/// Nanoseconds in one tick.
const TICK_NANOSECONDS: u128 = 100;

/// Reads a value.
pub(crate) fn value(input: &mut Input<'_>) -> ModalResult<OptionValue> {
    alt((
        tokens::quoted.map(OptionValue::Text),
        tokens::block.map(|text| OptionValue::Block(text.to_owned())),
        word,
        tokens::bare.verify_map(quantity),
    ))
    .context(expected(
        "a value: a word, a number, a size such as 64MiB, a duration such as 5ms, a \"string\" or a closed {block}",
    ))
    .parse_next(input)
}

/// A word, and its argument if it has one.
fn word(input: &mut Input<'_>) -> ModalResult<OptionValue> {
    let argument = take_while(1.., |c: char| c.is_ascii_alphanumeric() || c == '_');
    (tokens::word, opt(delimited('(', argument, ')')))
        .map(|(word, argument)| match argument {
            Some(argument) => OptionValue::Applied(word, argument.to_owned()),
            None => OptionValue::Word(word),
        })
        .parse_next(input)
}

/// A number with or without a unit; None for anything else and for what does not fit 64 bits.
fn quantity(text: &str) -> Option<OptionValue> {
    if let Some(digits) = text.strip_prefix("0x") {
        return u64::from_str_radix(digits, 16).ok().map(OptionValue::Number);
    }
    let (digits, unit) = text.split_at(text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len()));
    // Wider arithmetic: nanoseconds of a duration may need more than the 64 bits its ticks fit in.
    let number: u128 = digits.parse().ok()?;
    let scaled = |units: &[(&str, u64)]| {
        let (_, factor) = units.iter().find(|(name, _)| *name == unit)?;
        u64::try_from(number.checked_mul(u128::from(*factor))?).ok()
    };
    match unit {
        "" => u64::try_from(number).ok().map(OptionValue::Number),
        "ns" if number.is_multiple_of(TICK_NANOSECONDS) => {
            u64::try_from(number / TICK_NANOSECONDS).ok().map(OptionValue::Duration)
        }
        _ => scaled(SIZES).map(OptionValue::Size).or_else(|| scaled(DURATIONS).map(OptionValue::Duration)),
    }
}

impl std::fmt::Display for OptionValue {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let unit = |units: &[(&'static str, u64)], number: u64| {
            units.iter().find(|(_, factor)| number.is_multiple_of(*factor)).copied()
        };
        match self {
            OptionValue::Word(word) => f.write_str(word),
            OptionValue::Applied(word, argument) => write!(f, "{word}({argument})"),
            OptionValue::Number(number) => write!(f, "{number}"),
            OptionValue::Size(0) => f.write_str("0B"),
            OptionValue::Size(bytes) => match unit(SIZES, *bytes) {
                Some((name, factor)) => write!(f, "{}{name}", bytes / factor),
                None => write!(f, "{bytes}B"),
            },
            OptionValue::Duration(0) => f.write_str("0ms"),
            OptionValue::Duration(ticks) => match unit(DURATIONS, *ticks) {
                Some((name, factor)) => write!(f, "{}{name}", ticks / factor),
                None => write!(f, "{}ns", u128::from(*ticks) * TICK_NANOSECONDS),
            },
            OptionValue::Text(text) => tokens::write_quoted(f, text),
            OptionValue::Block(text) => write!(f, "{{{text}}}"),
        }
    }
}
