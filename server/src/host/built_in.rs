//! The stacks that are there without any configuration.

use super::declaration::Declaration;
use super::error::HostError;

/// Name and expression of each, in order of names.
pub const STACKS: &[(&str, &str)] = &[
    ("demo", "passthrough(files=callbacks) / scripted"),
    ("disk", "passthrough / ram(size=64MiB)"),
    ("echo", "passthrough / echo"),
    ("null", "null"),
    ("scripted", "scripted"),
];

/// The built-in stacks as private templates.
///
/// # Errors
/// Never with a table that parses; a test holds it.
pub fn declarations() -> Result<Vec<Declaration>, HostError> {
    STACKS.iter().map(|(name, expression)| Declaration::new(name, expression)).collect()
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
