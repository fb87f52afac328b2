//! The stacks that are there without any configuration.

use lowerdeck_framework::handle::Dispatcher;

use super::declaration::Declaration;
use super::error::HostError;

/// Name, expression and dispatcher of each, in order of names.
pub const STACKS: &[(&str, &str, Dispatcher)] = &[
    ("demo", "passthrough(files=callbacks) / scripted", Dispatcher::Reflector),
    ("disk", "passthrough / ram(size=64MiB)", Dispatcher::Reflector),
    ("echo", "passthrough / echo", Dispatcher::Reflector),
    ("handles", "passthrough / echo", Dispatcher::FileHandle),
    ("null", "null", Dispatcher::Reflector),
    ("scripted", "scripted", Dispatcher::Reflector),
];

/// The built-in stacks as private templates.
///
/// # Errors
/// Never with a table that parses; a test holds it.
pub fn declarations() -> Result<Vec<Declaration>, HostError> {
    let declare = |&(name, expression, dispatcher): &(&str, &str, Dispatcher)| {
        Ok(Declaration { dispatcher, ..Declaration::new(name, expression)? })
    };
    STACKS.iter().map(declare).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_built_in_stack_can_be_built() {
        let declared = declarations().expect("the table parses");
        assert_eq!(declared.len(), STACKS.len());
    }
}
