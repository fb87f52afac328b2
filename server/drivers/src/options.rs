//! How a driver declares its options, and reads them: typed, with the defaults that are documented.
//!
//! Law: the default in the documentation is the default in use, for it is read from there.

use lowerdeck_framework::status::HResult;
use winnow::Parser;
use winnow::combinator::eof;

use crate::definition::{self, LayerDefinition, LayerError, OptionValue, near_miss};
use crate::syntax::parse_all;

/// What an option takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OptionType {
    /// Bytes: a size such as `64MiB`, or a plain number.
    Size,
    /// A time such as `5ms`.
    Duration,
    /// One of these words.
    Choice(&'static [&'static str]),
    /// How the terminator answers: `complete`, `hold`, `fail` or `fail(STATUS)`.
    Answer,
    /// A script of the scripted driver, in a block or a string.
    Script,
}

impl std::fmt::Display for OptionType {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            OptionType::Size => f.write_str("a size such as 64MiB"),
            OptionType::Duration => f.write_str("a duration such as 5ms"),
            OptionType::Choice(words) => f.write_str(&words.join("|")),
            OptionType::Answer => f.write_str("complete|hold|fail|fail(STATUS)"),
            OptionType::Script => f.write_str("a script in braces, such as {on read: hold}"),
        }
    }
}

/// One option of a driver, as documented.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OptionKind {
    /// Its name.
    pub key: &'static str,
    /// What it takes.
    pub option_type: OptionType,
    /// What holds when it is not given, as it would be written; None when `meaning` tells.
    pub default: Option<&'static str>,
    /// What it does, with units, ranges and reasons.
    pub meaning: &'static str,
}

/// How a terminator answers a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Answer {
    Complete,
    Hold,
    Fail(HResult),
}

/// The options of one layer, read through their documentation.
pub(crate) struct Options<'a> {
    kinds: &'static [OptionKind],
    layer: &'a LayerDefinition,
}

impl<'a> Options<'a> {
    /// The options of `layer`, whose driver documents `kinds`.
    ///
    /// # Errors
    /// For an unknown or repeated key.
    pub(crate) fn new(kinds: &'static [OptionKind], layer: &'a LayerDefinition) -> Result<Options<'a>, LayerError> {
        for (index, option) in layer.options.iter().enumerate() {
            let keys = || kinds.iter().map(|kind| kind.key);
            if !keys().any(|key| key == option.key) {
                return Err(LayerError::UnknownOption {
                    driver: layer.driver.clone(),
                    key: option.key.clone(),
                    near_miss: near_miss(&option.key, keys()).map(str::to_owned),
                    known: keys().collect::<Vec<_>>().join(", "),
                });
            }
            if layer.options[..index].iter().any(|earlier| earlier.key == option.key) {
                return Err(LayerError::RepeatedOption { key: option.key.clone() });
            }
        }
        Ok(Options { kinds, layer })
    }

    /// Bytes; None when it was not given and has no default.
    pub(crate) fn size(&self, key: &str) -> Result<Option<u64>, LayerError> {
        self.read(key, |value| match value {
            OptionValue::Size(bytes) | OptionValue::Number(bytes) => Some(*bytes),
            _ => None,
        })
    }

    /// Ticks of 100 ns.
    pub(crate) fn duration(&self, key: &str) -> Result<u64, LayerError> {
        let ticks = self.read(key, |value| match value {
            OptionValue::Duration(ticks) => Some(*ticks),
            _ => None,
        })?;
        Ok(ticks.unwrap_or(0))
    }

    /// The meaning of the word chosen. `meanings` pairs the documented words with theirs, the default first.
    pub(crate) fn choice<T: Copy>(&self, key: &str, meanings: &[(&str, T)]) -> Result<T, LayerError> {
        let chosen = self.read(key, |value| match value {
            OptionValue::Word(word) => meanings.iter().find(|(name, _)| name == word).map(|(_, meaning)| *meaning),
            _ => None,
        })?;
        Ok(chosen.unwrap_or(meanings[0].1))
    }

    /// How a terminator answers; `failure` is the status of a plain `fail`.
    pub(crate) fn answer(&self, key: &str, failure: HResult) -> Result<Answer, LayerError> {
        let answer = self.read(key, |value| match value {
            OptionValue::Word(word) => match word.as_str() {
                "complete" => Some(Answer::Complete),
                "hold" => Some(Answer::Hold),
                "fail" => Some(Answer::Fail(failure)),
                _ => None,
            },
            OptionValue::Applied(word, status) if word == "fail" => status.parse().ok().map(Answer::Fail),
            _ => None,
        })?;
        Ok(answer.unwrap_or(Answer::Complete))
    }

    /// The text of a script; empty when none is given.
    pub(crate) fn script(&self, key: &str) -> Result<String, LayerError> {
        let text = self.read(key, |value| match value {
            OptionValue::Block(text) | OptionValue::Text(text) => Some(text.clone()),
            _ => None,
        })?;
        Ok(text.unwrap_or_default())
    }

    /// Refuses the value of `key` for a reason of the driver's.
    pub(crate) fn refuse(key: &str, problem: impl Into<String>) -> LayerError {
        LayerError::BadOption { key: key.to_owned(), problem: problem.into() }
    }

    /// The value given, else the documented default, as `accept` understands it.
    fn read<T>(&self, key: &str, accept: impl Fn(&OptionValue) -> Option<T>) -> Result<Option<T>, LayerError> {
        let kind = self
            .kinds
            .iter()
            .find(|kind| kind.key == key)
            .expect("a driver reads only options that it documents, see the registry's tests");
        let given = self.layer.options.iter().find(|option| option.key == key);
        let Some(option) = given else {
            return Ok(kind.default.and_then(|text| accept(&default_value(text))));
        };
        accept(&option.value).map(Some).ok_or_else(|| {
            let expected = kind.option_type;
            Self::refuse(key, format!("expected {expected}, found `{}`", option.value))
        })
    }
}

/// A documented default as a value.
fn default_value(text: &str) -> OptionValue {
    let whole = (definition::value, eof).map(|(value, _)| value);
    parse_all(whole, text).expect("documented defaults are values, see the registry's tests")
}
