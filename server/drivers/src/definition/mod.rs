//! Stack expressions: which drivers a stack has and how each is set up, top first.
//!
//! ```text
//! passthrough(files=callbacks) / ram(size=64MiB)   # a terminator is added below
//! ```
//!
//! A layer is a driver's name and, in parentheses, its options as `key=value`. White space and line ends are
//! free, `#` begins a comment. Values are those of [`OptionValue`].
//!
//! Laws: a definition that was parsed can be built; what it prints ([`std::fmt::Display`]) parses to the same
//! definition; a bad one says where and what was expected, and changes nothing. It knows no driver: those are in
//! the [`crate::registry`].

mod error;
mod grammar;
mod near_miss;
mod value;

use lowerdeck_framework::driver::Driver;

pub use self::error::{BuildError, DefinitionError, LayerError};
pub(crate) use self::near_miss::near_miss;
pub use self::value::OptionValue;
pub(crate) use self::value::value;

use crate::registry;

/// Longest stack expression in bytes: room for a long script, and small enough to travel in one request.
pub const MAX_EXPRESSION_BYTES: usize = 16 * 1024;

/// Most layers of one stack, the terminator included: more than any real stack, few enough for one trace.
pub const MAX_LAYERS: usize = 32;

/// The driver at the bottom of every stack (MAP-9).
pub(crate) const TERMINATOR: &str = "terminator";

/// One option of a layer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OptionDefinition {
    /// Its name, one of the driver's.
    pub key: String,
    /// Its value.
    pub value: OptionValue,
}

/// One layer: a driver and its options as written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LayerDefinition {
    /// The driver's name in the registry.
    pub driver: String,
    /// Options in the order in which they were written; each key once.
    pub options: Vec<OptionDefinition>,
}

impl LayerDefinition {
    /// A layer without options.
    pub fn new(driver: impl Into<String>) -> LayerDefinition {
        LayerDefinition { driver: driver.into(), options: Vec::new() }
    }
}

/// The layers of a stack, top (L1) first; the lowest is a terminator.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StackDefinition {
    /// 1 to [`MAX_LAYERS`] layers.
    pub layers: Vec<LayerDefinition>,
}

impl StackDefinition {
    /// Makes the drivers, top first, ready for a stack. Every random decision of theirs derives from `seed`
    /// and their place, so that equal seeds give equal behaviour.
    ///
    /// # Errors
    /// Never for a parsed definition; for one made by hand, what is wrong with which layer.
    pub fn build(&self, seed: u64) -> Result<Vec<Box<dyn Driver>>, BuildError> {
        self.check_shape()?;
        let build = |(index, layer): (usize, &LayerDefinition)| {
            let layer_seed = seed.rotate_left(17) ^ (index as u64 + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15);
            registry::build(layer, layer_seed).map_err(|error| BuildError::Layer {
                level: index + 1,
                driver: layer.driver.clone(),
                error: Box::new(error),
            })
        };
        self.layers.iter().enumerate().map(build).collect()
    }

    /// The number of layers and where the terminator is.
    fn check_shape(&self) -> Result<(), BuildError> {
        let terminators = self.layers.iter().filter(|layer| layer.driver == TERMINATOR).count();
        let is_last = self.layers.last().is_some_and(|layer| layer.driver == TERMINATOR);
        if self.layers.len() > MAX_LAYERS {
            Err(BuildError::TooManyLayers { layers: self.layers.len() })
        } else if terminators != 1 || !is_last {
            Err(BuildError::TerminatorNotLowest)
        } else {
            Ok(())
        }
    }
}

impl std::str::FromStr for StackDefinition {
    type Err = DefinitionError;

    /// Parses a stack expression, appends a terminator when the lowest layer is none, and checks that it can
    /// be built.
    fn from_str(expression: &str) -> Result<StackDefinition, DefinitionError> {
        grammar::parse(expression)
    }
}

impl std::fmt::Display for LayerDefinition {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.driver)?;
        for (index, option) in self.options.iter().enumerate() {
            let before = if index == 0 { "(" } else { ", " };
            write!(f, "{before}{}={}", option.key, option.value)?;
        }
        f.write_str(if self.options.is_empty() { "" } else { ")" })
    }
}

impl std::fmt::Display for StackDefinition {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for (index, layer) in self.layers.iter().enumerate() {
            write!(f, "{}{layer}", if index == 0 { "" } else { " / " })?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
