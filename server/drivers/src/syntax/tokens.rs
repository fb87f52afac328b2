//! The tokens: blanks and comments, words, quoted strings, blocks.

use winnow::ModalResult;
use winnow::Parser;
use winnow::ascii::{multispace1, till_line_ending};
use winnow::combinator::{alt, cut_err, delimited, preceded, repeat};
use winnow::error::{ContextError, ErrMode};
use winnow::stream::Stream;
use winnow::token::{any, none_of, take_while};

use super::{Input, expected};

/// Characters of a bare token: words and numbers.
pub(crate) fn is_bare(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.')
}

/// Whether `text` is a word: a letter or underscore, then letters, digits, `_`, `-` and `.`.
pub(crate) fn is_word(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_') && text.chars().all(is_bare)
}

/// White space, line ends and comments; may be nothing.
pub(crate) fn blank(input: &mut Input<'_>) -> ModalResult<()> {
    repeat(0.., alt((multispace1.void(), comment))).parse_next(input)
}

/// `#` to the end of the line.
pub(crate) fn comment(input: &mut Input<'_>) -> ModalResult<()> {
    ('#', till_line_ending).void().parse_next(input)
}

/// A bare token, any of [`is_bare`] at least once.
pub(crate) fn bare<'a>(input: &mut Input<'a>) -> ModalResult<&'a str> {
    take_while(1.., is_bare).parse_next(input)
}

/// A word as in [`is_word`].
pub(crate) fn word(input: &mut Input<'_>) -> ModalResult<String> {
    bare.verify(|text: &str| is_word(text)).map(str::to_owned).parse_next(input)
}

/// A string in double quotes, unescaped.
pub(crate) fn quoted(input: &mut Input<'_>) -> ModalResult<String> {
    let character = alt((preceded('\\', cut_err(escape)), none_of(['"', '\\'])));
    let characters = repeat(0.., character).fold(String::new, |mut text, c| {
        text.push(c);
        text
    });
    delimited('"', characters, cut_err('"').context(expected("`\"` at the end of the string"))).parse_next(input)
}

/// What follows a backslash in a string.
fn escape(input: &mut Input<'_>) -> ModalResult<char> {
    let unicode = delimited("u{", take_while(1..=6, |c: char| c.is_ascii_hexdigit()), '}')
        .verify_map(|digits| char::from_u32(u32::from_str_radix(digits, 16).ok()?));
    let simple = any.verify_map(|c| match c {
        '"' | '\\' => Some(c),
        'n' => Some('\n'),
        'r' => Some('\r'),
        't' => Some('\t'),
        '0' => Some('\0'),
        _ => None,
    });
    alt((unicode, simple)).context(expected("an escape: \\\" \\\\ \\n \\r \\t \\0 or \\u{hex}")).parse_next(input)
}

/// Writes `text` so that [`quoted`] reads it back.
pub(crate) fn write_quoted(f: &mut std::fmt::Formatter<'_>, text: &str) -> std::fmt::Result {
    use std::fmt::Write;
    f.write_char('"')?;
    for c in text.chars() {
        match c {
            '"' | '\\' => write!(f, "\\{c}")?,
            '\n' => f.write_str("\\n")?,
            '\r' => f.write_str("\\r")?,
            '\t' => f.write_str("\\t")?,
            c if c.is_control() => write!(f, "\\u{{{:x}}}", c as u32)?,
            c => f.write_char(c)?,
        }
    }
    f.write_char('"')
}

/// A block in balanced braces: the verbatim text between them. Braces in strings and comments do not count.
pub(crate) fn block<'a>(input: &mut Input<'a>) -> ModalResult<&'a str> {
    let rest: &'a str = input.peek_finish();
    match block_length(rest) {
        Some(length) => {
            let block = input.next_slice(length);
            Ok(&block[1..length - 1])
        }
        None => Err(ErrMode::Backtrack(ContextError::new())),
    }
}

/// Bytes of the block that `text` begins with, both braces included; None when there is none or it is not closed.
pub(crate) fn block_length(text: &str) -> Option<usize> {
    let mut depth = 0_usize;
    let mut characters = text.char_indices();
    while let Some((at, c)) = characters.next() {
        match c {
            '{' => depth += 1,
            '}' => depth = depth.checked_sub(1)?,
            '#' => {
                characters.by_ref().find(|(_, c)| *c == '\n')?;
            }
            '"' => skip_string(&mut characters)?,
            _ => {}
        }
        if depth == 0 {
            return (c == '}').then_some(at + 1);
        }
    }
    None
}

/// Moves past the closing quote.
fn skip_string(characters: &mut std::str::CharIndices<'_>) -> Option<()> {
    while let Some((_, c)) = characters.next() {
        match c {
            '"' => return Some(()),
            '\\' => {
                characters.next()?;
            }
            _ => {}
        }
    }
    None
}
