//! What can be wrong with a stack definition.

use crate::definition::{MAX_EXPRESSION_BYTES, MAX_LAYERS};
use crate::syntax::{Position, SyntaxError};

/// Why a stack expression was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DefinitionError {
    /// It is longer than [`MAX_EXPRESSION_BYTES`].
    #[error(
        "the stack expression has {bytes} bytes, the limit is {MAX_EXPRESSION_BYTES}; shorten it or script the driver at run time"
    )]
    TooLong {
        /// Its length.
        bytes: usize,
    },
    /// It does not follow the grammar.
    #[error(transparent)]
    Syntax(#[from] SyntaxError),
    /// A layer names an unknown driver, or has a bad option.
    #[error("{position}: {error}")]
    Layer {
        /// Where the driver, key or value stands.
        position: Position,
        /// What is wrong with it.
        error: Box<LayerError>,
    },
    /// The layers do not make a stack.
    #[error(transparent)]
    Shape(#[from] BuildError),
}

impl DefinitionError {
    /// Where the expression is wrong, if the error has a place.
    pub fn position(&self) -> Option<Position> {
        match self {
            DefinitionError::Syntax(error) => Some(error.position),
            DefinitionError::Layer { position, .. } => Some(*position),
            DefinitionError::TooLong { .. } | DefinitionError::Shape(_) => None,
        }
    }
}

/// Why the drivers of a definition could not be made.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BuildError {
    /// More layers than [`MAX_LAYERS`].
    #[error("the stack has {layers} layers, the limit is {MAX_LAYERS} including the terminator; remove some")]
    TooManyLayers {
        /// How many there would be.
        layers: usize,
    },
    /// A terminator above another layer, or none at the bottom.
    #[error("a `terminator` ends the stack: write it once, as the lowest layer, or leave it out")]
    TerminatorNotLowest,
    /// One layer is wrong.
    #[error("layer L{level} (`{driver}`): {error}")]
    Layer {
        /// Its level, from 1 at the top.
        level: usize,
        /// Its driver.
        driver: String,
        /// What is wrong with it.
        error: Box<LayerError>,
    },
}

/// What is wrong with one layer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LayerError {
    /// No such driver.
    #[error("no driver is named `{name}`{}; the drivers are {known}", meant(.near_miss.as_deref()))]
    UnknownDriver {
        /// The name given.
        name: String,
        /// What was probably meant.
        near_miss: Option<String>,
        /// All names.
        known: String,
    },
    /// The driver has no such option.
    #[error("`{driver}` has no option `{key}`{}; {}", meant(.near_miss.as_deref()), options(.known))]
    UnknownOption {
        /// The driver.
        driver: String,
        /// The key given.
        key: String,
        /// What was probably meant.
        near_miss: Option<String>,
        /// All keys, separated by commas; empty for a driver without options.
        known: String,
    },
    /// A key that is there twice.
    #[error("option `{key}` is given twice; give it once")]
    RepeatedOption {
        /// The key.
        key: String,
    },
    /// A value that the option does not take.
    #[error("option `{key}`: {problem}")]
    BadOption {
        /// The key.
        key: String,
        /// What is wrong with the value, and what would be right.
        problem: String,
    },
}

fn meant(near_miss: Option<&str>) -> String {
    near_miss.map_or(String::new(), |name| format!(", did you mean `{name}`?"))
}

fn options(known: &str) -> String {
    if known.is_empty() { "it has none".to_owned() } else { format!("its options are {known}") }
}
