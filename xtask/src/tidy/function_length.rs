//! Functions fit on a screen. Attributes and documentation do not count; the signature does.

use syn::visit::{self, Visit};

use super::finding::Finding;
use super::ratchet::{Figure, Ratchet};
use super::source::Tree;

const RULE: &str = "function-length";

/// Lines from the signature to the closing brace.
const LIMIT: usize = 70;

pub fn check(tree: &Tree, ratchet: &Ratchet) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (source, rust) in tree.rust() {
        let mut functions = Functions::default();
        functions.visit_file(&rust.syntax);
        let mut largest = 0;
        for Function { name, line, lines } in functions.0 {
            largest = largest.max(lines);
            findings.extend(ratchet.judge(Figure {
                rule: RULE,
                path: &source.path,
                line,
                figure: lines,
                limit: LIMIT,
                advice: format!("`{name}` has {lines} lines, over {LIMIT}: name its parts"),
            }));
        }
        findings.extend(ratchet.tighten(RULE, &source.path, largest, LIMIT));
    }
    findings
}

struct Function {
    name: String,
    line: usize,
    lines: usize,
}

#[derive(Default)]
struct Functions(Vec<Function>);

impl Functions {
    fn add(&mut self, signature: &syn::Signature, body: &syn::Block) {
        let line = signature.fn_token.span.start().line;
        self.0.push(Function {
            name: signature.ident.to_string(),
            line,
            lines: body.brace_token.span.close().end().line + 1 - line,
        });
    }
}

impl<'ast> Visit<'ast> for Functions {
    fn visit_item_fn(&mut self, function: &'ast syn::ItemFn) {
        self.add(&function.sig, &function.block);
        visit::visit_item_fn(self, function);
    }

    fn visit_impl_item_fn(&mut self, function: &'ast syn::ImplItemFn) {
        self.add(&function.sig, &function.block);
        visit::visit_impl_item_fn(self, function);
    }

    fn visit_trait_item_fn(&mut self, function: &'ast syn::TraitItemFn) {
        if let Some(body) = &function.default {
            self.add(&function.sig, body);
        }
        visit::visit_trait_item_fn(self, function);
    }
}
