//! What stack expressions and scripts have in common: tokens, positions, and how a parse fails.
//!
//! Laws: a failed parse says where (line:column), what was expected there and what was found; nothing here
//! recurses over its input, so nesting depth costs no stack. It knows neither drivers nor actions.

pub(crate) mod tokens;

use winnow::error::{ContextError, ErrMode, StrContext, StrContextValue};
use winnow::{LocatingSlice, Parser};

/// The text being parsed, with byte offsets.
pub(crate) type Input<'a> = LocatingSlice<&'a str>;

/// Longest piece of the text quoted in an error, in characters: enough to recognise the place.
const MAX_QUOTED_CHARACTERS: usize = 32;

/// A place in a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Position {
    /// Line, from 1.
    pub line: u32,
    /// Column in characters, from 1.
    pub column: u32,
}

impl Position {
    /// The place of byte `offset` in `text`. An offset inside a character means that character.
    pub(crate) fn of(text: &str, offset: usize) -> Position {
        let before = text.get(..text.floor_char_boundary(offset)).unwrap_or(text);
        let line_start = before.rfind('\n').map_or(0, |at| at + 1);
        let count = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
        Position {
            line: count(before.matches('\n').count()).saturating_add(1),
            column: count(before[line_start..].chars().count()).saturating_add(1),
        }
    }
}

impl std::fmt::Display for Position {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}:{}", self.line, self.column)
    }
}

/// A text that does not follow its grammar.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{position}: expected {expected}, found {found}")]
pub struct SyntaxError {
    /// Where.
    pub position: Position,
    /// What could have stood there.
    pub expected: String,
    /// What stood there.
    pub found: String,
}

impl SyntaxError {
    /// An error at byte `offset` of `text`.
    pub(crate) fn at(text: &str, offset: usize, expected: impl Into<String>) -> SyntaxError {
        SyntaxError { position: Position::of(text, offset), expected: expected.into(), found: found_at(text, offset) }
    }
}

/// Something parsed, and the byte offset at which it began.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Spanned<T> {
    pub(crate) value: T,
    pub(crate) at: usize,
}

/// `parser`, with the place where it began.
pub(crate) fn spanned<'a, T>(
    parser: impl Parser<Input<'a>, T, ErrMode<ContextError>>,
) -> impl Parser<Input<'a>, Spanned<T>, ErrMode<ContextError>> {
    parser.with_span().map(|(value, span)| Spanned { value, at: span.start })
}

/// What `parser` should be called when it is missing.
pub(crate) fn expected(what: &'static str) -> StrContext {
    StrContext::Expected(StrContextValue::Description(what))
}

/// Parses the whole of `text`.
pub(crate) fn parse_all<'a, T>(
    mut parser: impl Parser<Input<'a>, T, ErrMode<ContextError>>,
    text: &'a str,
) -> Result<T, SyntaxError> {
    parser.parse(LocatingSlice::new(text)).map_err(|error| {
        let expected = error.inner().context().find_map(|context| match context {
            StrContext::Expected(what) => Some(what.to_string()),
            _ => None,
        });
        SyntaxError::at(text, error.offset(), expected.unwrap_or_else(|| "the end".to_owned()))
    })
}

/// Describes what stands at byte `offset`: a whole token, one other character, or the end.
fn found_at(text: &str, offset: usize) -> String {
    let rest = text.get(text.floor_char_boundary(offset)..).unwrap_or("");
    let token: String = rest.chars().take_while(|c| tokens::is_bare(*c)).take(MAX_QUOTED_CHARACTERS).collect();
    match rest.chars().next() {
        None => "the end".to_owned(),
        Some(_) if !token.is_empty() => format!("`{token}`"),
        Some('\n' | '\r') => "the end of the line".to_owned(),
        Some(other) => format!("`{}`", other.escape_debug()),
    }
}
