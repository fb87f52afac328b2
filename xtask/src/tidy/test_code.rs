//! Which code is test code: whole files by their place, parts of files by their attributes.

use std::ops::RangeInclusive;

use proc_macro2::Span;
use syn::visit::{self, Visit};

use super::source::Source;

/// Whether the whole file is test code: below a `tests` folder, or named `tests`, `test_x` or `x_tests`.
pub fn is_test_file(source: &Source) -> bool {
    let stem = source.stem();
    source.folders().any(|folder| folder == "tests")
        || stem == "tests"
        || stem.ends_with("_tests")
        || (source.path.ends_with(".py") && (stem.starts_with("test_") || stem == "conftest"))
}

/// The lines of `#[cfg(test)]` modules and of `#[test]` functions, whichever test attribute they bear.
pub fn test_lines(file: &syn::File) -> Vec<RangeInclusive<usize>> {
    let mut lines = TestLines(Vec::new());
    lines.visit_file(file);
    lines.0
}

struct TestLines(Vec<RangeInclusive<usize>>);

impl TestLines {
    fn add_if_test(&mut self, attributes: &[syn::Attribute], start: Span, body: &syn::token::Brace) {
        if attributes.iter().any(is_test_attribute) {
            self.0.push(start.start().line..=body.span.close().end().line);
        }
    }
}

impl<'ast> Visit<'ast> for TestLines {
    fn visit_item_mod(&mut self, module: &'ast syn::ItemMod) {
        if let Some((body, _)) = &module.content {
            self.add_if_test(&module.attrs, module.mod_token.span, body);
        }
        visit::visit_item_mod(self, module);
    }

    fn visit_item_fn(&mut self, function: &'ast syn::ItemFn) {
        let start = function.sig.fn_token.span;
        self.add_if_test(&function.attrs, start, &function.block.brace_token);
        visit::visit_item_fn(self, function);
    }
}

/// `#[cfg(test)]`, `#[test]`, `#[tokio::test]`.
fn is_test_attribute(attribute: &syn::Attribute) -> bool {
    let path = attribute.path();
    if path.is_ident("cfg") {
        return attribute.parse_args::<syn::Ident>().is_ok_and(|condition| condition == "test");
    }
    path.segments.last().is_some_and(|segment| segment.ident == "test")
}
