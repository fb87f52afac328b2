//! The grammar of stack expressions, and the checks that need its positions.

use winnow::combinator::{cut_err, delimited, eof, opt, preceded, repeat};
use winnow::{ModalResult, Parser};

use super::value::value;
use super::{
    DefinitionError, LayerDefinition, LayerError, MAX_EXPRESSION_BYTES, OptionDefinition, OptionValue, StackDefinition,
    TERMINATOR,
};
use crate::registry;
use crate::syntax::{Input, Position, Spanned, expected, parse_all, spanned, tokens};

/// A layer as written, with its places.
struct ParsedLayer {
    driver: Spanned<String>,
    options: Vec<ParsedOption>,
}

struct ParsedOption {
    key: Spanned<String>,
    value: Spanned<OptionValue>,
}

/// Parses and checks an expression, and completes it with a terminator.
pub(super) fn parse(expression: &str) -> Result<StackDefinition, DefinitionError> {
    if expression.len() > MAX_EXPRESSION_BYTES {
        return Err(DefinitionError::TooLong { bytes: expression.len() });
    }
    let parsed = parse_all(stack, expression)?;
    let mut layers = Vec::with_capacity(parsed.len() + 1);
    for layer in parsed {
        layers.push(checked(expression, layer)?);
    }
    if layers.last().is_none_or(|layer| layer.driver != TERMINATOR) {
        layers.push(LayerDefinition::new(TERMINATOR));
    }
    let definition = StackDefinition { layers };
    definition.check_shape()?;
    Ok(definition)
}

/// Makes the driver once and drops it: its own checks decide, and they exist only once.
fn checked(expression: &str, parsed: ParsedLayer) -> Result<LayerDefinition, DefinitionError> {
    let places: Vec<(usize, usize)> = parsed.options.iter().map(|option| (option.key.at, option.value.at)).collect();
    let layer = LayerDefinition {
        driver: parsed.driver.value,
        options: parsed
            .options
            .into_iter()
            .map(|option| OptionDefinition { key: option.key.value, value: option.value.value })
            .collect(),
    };
    // The last place of a key: where it is repeated.
    let place_of = |key: &str| {
        let index = layer.options.iter().rposition(|option| option.key == key)?;
        Some(places[index])
    };
    match registry::build(&layer, 0) {
        Ok(_) => Ok(layer),
        Err(error) => {
            let at = match &error {
                LayerError::UnknownDriver { .. } => None,
                LayerError::UnknownOption { key, .. } | LayerError::RepeatedOption { key } => {
                    place_of(key).map(|(key_at, _)| key_at)
                }
                LayerError::BadOption { key, .. } => place_of(key).map(|(_, value_at)| value_at),
            };
            let position = Position::of(expression, at.unwrap_or(parsed.driver.at));
            Err(DefinitionError::Layer { position, error: Box::new(error) })
        }
    }
}

fn stack(input: &mut Input<'_>) -> ModalResult<Vec<ParsedLayer>> {
    let below = preceded(('/', tokens::blank), cut_err(layer));
    let (first, rest): (ParsedLayer, Vec<ParsedLayer>) =
        preceded(tokens::blank, (layer, repeat(0.., below))).parse_next(input)?;
    eof.context(expected("`/` and another layer, or the end")).parse_next(input)?;
    Ok(std::iter::once(first).chain(rest).collect())
}

fn layer(input: &mut Input<'_>) -> ModalResult<ParsedLayer> {
    let driver = spanned(tokens::word).context(expected("the name of a driver"));
    let close = cut_err(')').context(expected("`,` and another option, or `)`"));
    let options = delimited(('(', tokens::blank), options, close);
    (driver, tokens::blank, opt(options), tokens::blank)
        .map(|(driver, (), options, ())| ParsedLayer { driver, options: options.unwrap_or_default() })
        .parse_next(input)
}

fn options(input: &mut Input<'_>) -> ModalResult<Vec<ParsedOption>> {
    let another = preceded((',', tokens::blank), cut_err(option));
    let (first, rest): (Option<ParsedOption>, Vec<ParsedOption>) =
        (opt(option), repeat(0.., another)).parse_next(input)?;
    Ok(first.into_iter().chain(rest).collect())
}

fn option(input: &mut Input<'_>) -> ModalResult<ParsedOption> {
    let key = spanned(tokens::word).context(expected("the name of an option"));
    let equals = cut_err('=').context(expected("`=` and a value"));
    (key, tokens::blank, equals, tokens::blank, cut_err(spanned(value)), tokens::blank)
        .map(|(key, (), _, (), value, ())| ParsedOption { key, value })
        .parse_next(input)
}
