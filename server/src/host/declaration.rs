//! What a stack is declared to be, before any instance of it exists.

use lowerdeck_drivers::definition::StackDefinition;
use lowerdeck_framework::handle::Dispatcher;
use lowerdeck_framework::ioctl::MethodNeitherAction;
use lowerdeck_framework::verifier::VerifierMode;

use super::clock::ClockKind;
use super::error::HostError;
use super::limits::STACK_NAME_CHARS_MAX;

/// Whether sessions meet on one instance.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Sharing {
    /// A template: each session gets an instance of its own.
    #[default]
    Private,
    /// One instance for all.
    Shared,
}

/// A stack as plugged. Two that are equal are the same declaration.
#[derive(Debug, Clone, PartialEq)]
pub struct Declaration {
    /// Its name, 1 to 64 characters of `a-z0-9-_`, beginning with a letter.
    pub name: String,
    /// Its layers, top first, terminator included.
    pub definition: StackDefinition,
    /// Template or shared.
    pub sharing: Sharing,
    /// What broken rules lead to.
    pub verifier: VerifierMode,
    /// What moves its clock.
    pub clock: ClockKind,
    /// `UmdfMethodNeitherAction` (IOC-8).
    pub method_neither: MethodNeitherAction,
    /// `UmdfDispatcher` (FHT-4).
    pub dispatcher: Dispatcher,
}

impl Declaration {
    /// Declares a strict private stack on the real clock, from an expression.
    ///
    /// # Errors
    /// [`HostError::NameInvalid`], [`HostError::ExpressionInvalid`].
    pub fn new(name: &str, expression: &str) -> Result<Declaration, HostError> {
        check_name(name)?;
        let definition: StackDefinition =
            expression.parse().map_err(|error| HostError::ExpressionInvalid(format!("stack `{name}`: {error}")))?;
        // Options are checked when the drivers are made: a template that cannot be built is refused now, not later.
        definition.build(0).map_err(|error| HostError::ExpressionInvalid(format!("stack `{name}`: {error}")))?;
        Ok(Declaration {
            name: name.to_owned(),
            definition,
            sharing: Sharing::default(),
            verifier: VerifierMode::default(),
            clock: ClockKind::default(),
            method_neither: MethodNeitherAction::default(),
            dispatcher: Dispatcher::default(),
        })
    }
}

/// Whether `name` is fit for a stack.
///
/// # Errors
/// [`HostError::NameInvalid`].
fn check_name(name: &str) -> Result<(), HostError> {
    let fits = name.len() <= STACK_NAME_CHARS_MAX
        && name.starts_with(|first: char| first.is_ascii_lowercase())
        && name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '-' | '_'));
    if fits {
        return Ok(());
    }
    Err(HostError::NameInvalid(name.chars().take(STACK_NAME_CHARS_MAX).collect()))
}
