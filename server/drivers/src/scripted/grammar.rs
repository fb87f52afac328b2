//! The grammar of rules and commands: names, arguments, separators. It knows no callback and no action.

use lowerdeck_framework::ids::{Level, RequestLabel};
use winnow::ascii::{digit1, multispace1};
use winnow::combinator::{alt, cut_err, delimited, eof, opt, peek, preceded, repeat, terminated};
use winnow::token::take_while;
use winnow::{ModalResult, Parser};

use crate::syntax::{Input, Spanned, SyntaxError, expected, parse_all, spanned, tokens};

/// A value as written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Value {
    /// A word or number.
    Bare(String),
    /// A string.
    Quoted(String),
    /// `L0:7`.
    Label(RequestLabel),
}

/// `value` or `key=value`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Argument {
    pub(super) key: Option<String>,
    pub(super) value: Value,
    pub(super) at: usize,
}

/// A name and its arguments.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Call {
    pub(super) name: Spanned<String>,
    pub(super) arguments: Vec<Argument>,
    /// Where it ends: what is missing is missing there.
    pub(super) end: usize,
}

/// `on NAME CONDITION…: CALL, …`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct RuleText {
    pub(super) trigger: Spanned<String>,
    pub(super) conditions: Vec<Argument>,
    pub(super) actions: Vec<Call>,
    pub(super) from: usize,
    pub(super) to: usize,
}

/// A command: a rule or a call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum CommandText {
    Rule(RuleText),
    Call(Call),
}

/// Reads a script.
pub(super) fn script(text: &str) -> Result<Vec<RuleText>, SyntaxError> {
    let end = alt((separator, peek(eof).void())).context(expected("`,` and another action, `;` or a new line"));
    let rules = repeat(0.., terminated(rule, (cut_err(end), separators)));
    let rest = eof.context(expected("a rule such as `on read: hold`, or the end"));
    parse_all(delimited(separators, rules, rest), text)
}

/// Reads a command.
pub(super) fn command(text: &str) -> Result<CommandText, SyntaxError> {
    let end = eof.context(expected("the end of the command"));
    let command = alt((rule.map(CommandText::Rule), spaced_call.map(CommandText::Call)));
    parse_all(delimited(tokens::blank, command, (tokens::blank, end)), text)
}

/// Blanks within a line.
fn inline(input: &mut Input<'_>) -> ModalResult<()> {
    take_while(0.., [' ', '\t', '\r']).void().parse_next(input)
}

/// What ends a rule.
fn separator(input: &mut Input<'_>) -> ModalResult<()> {
    alt((';'.void(), '\n'.void(), tokens::comment)).parse_next(input)
}

fn separators(input: &mut Input<'_>) -> ModalResult<()> {
    repeat(0.., alt((separator, multispace1.void()))).parse_next(input)
}

fn rule(input: &mut Input<'_>) -> ModalResult<RuleText> {
    let on = ("on", take_while(1.., [' ', '\t']));
    let trigger = spanned(tokens::word).context(expected("the name of a callback"));
    let condition = terminated(keyed, inline);
    let colon = ':'.context(expected("a condition such as name=chan, or `:` and the actions"));
    let head = (cut_err(trigger), inline, repeat(0.., condition), cut_err(colon), tokens::blank);
    let another = preceded((',', tokens::blank), cut_err(call));
    let actions = (cut_err(call), repeat(0.., another));
    preceded(on, (head, actions))
        .with_span()
        .map(|(((trigger, (), conditions, _, ()), (first, rest)), span)| {
            let rest: Vec<Call> = rest;
            let actions = std::iter::once(first).chain(rest).collect();
            RuleText { trigger, conditions, actions, from: span.start, to: span.end }
        })
        .parse_next(input)
}

/// An action: `name` or `name(argument, …)`.
fn call(input: &mut Input<'_>) -> ModalResult<Call> {
    let name = spanned(tokens::word).context(expected("an action such as hold or complete(S_OK)"));
    let close = cut_err(')').context(expected("`,` and another argument, or `)`"));
    let arguments = delimited(('(', tokens::blank), arguments, close);
    (name, opt(arguments))
        .with_span()
        .map(|((name, arguments), span)| {
            let end = if arguments.is_some() { span.end - 1 } else { span.end };
            Call { name, arguments: arguments.unwrap_or_default(), end }
        })
        .parse_next(input)
        .and_then(|call| inline(input).map(|()| call))
}

fn arguments(input: &mut Input<'_>) -> ModalResult<Vec<Argument>> {
    let another = preceded((',', tokens::blank), cut_err(terminated(argument, tokens::blank)));
    let (first, rest): (Option<Argument>, Vec<Argument>) =
        (opt(terminated(argument, tokens::blank)), repeat(0.., another)).parse_next(input)?;
    Ok(first.into_iter().chain(rest).collect())
}

/// A command: `name argument …`, commas allowed.
fn spaced_call(input: &mut Input<'_>) -> ModalResult<Call> {
    let name = spanned(tokens::word).context(expected("a command or a rule"));
    let gap = (tokens::blank, opt(','), tokens::blank);
    (name, repeat(0.., preceded(gap, argument)))
        .with_span()
        .map(|((name, arguments), span)| Call { name, arguments, end: span.end })
        .parse_next(input)
}

fn argument(input: &mut Input<'_>) -> ModalResult<Argument> {
    let plain = spanned(value).map(|value| Argument { key: None, value: value.value, at: value.at });
    alt((keyed, plain)).context(expected("an argument")).parse_next(input)
}

fn keyed(input: &mut Input<'_>) -> ModalResult<Argument> {
    let value = cut_err(value).context(expected("a value: a word, a number, a \"string\" or a request such as L0:7"));
    (terminated(spanned(tokens::word), '='), value)
        .map(|(key, value)| Argument { key: Some(key.value), value, at: key.at })
        .parse_next(input)
}

fn value(input: &mut Input<'_>) -> ModalResult<Value> {
    alt((
        label.map(Value::Label),
        tokens::quoted.map(Value::Quoted),
        tokens::bare.map(|text| Value::Bare(text.to_owned())),
    ))
    .parse_next(input)
}

fn label(input: &mut Input<'_>) -> ModalResult<RequestLabel> {
    let creator = preceded('L', digit1.parse_to::<u8>());
    (creator, preceded(':', digit1.parse_to::<u64>()))
        .map(|(creator, number)| RequestLabel { creator: Level(creator), number })
        .parse_next(input)
}
