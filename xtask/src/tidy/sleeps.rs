//! Tests wait for events, never for time: a sleep is either too short on a busy machine or too long on any other.

use proc_macro2::{Delimiter, Ident, TokenStream, TokenTree};

use super::finding::Finding;
use super::source::{Rust, Source, Tree};
use super::test_code::{is_test_file, test_lines};

const RULE: &str = "sleep-in-test";

const REFUSED: [&str; 3] = ["sleep", "sleep_until", "park_timeout"];

pub fn check(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for source in &tree.sources {
        let lines = match &source.rust {
            Some(rust) => rust_sleeps(source, rust),
            None if source.path.ends_with(".py") && is_test_file(source) => python_sleeps(source),
            None => Vec::new(),
        };
        findings.extend(lines.into_iter().map(|line| {
            let advice = "wait for the event itself, or use a stack with a manual clock";
            Finding::refused(&source.path, line, RULE, advice.to_owned())
        }));
    }
    findings
}

fn rust_sleeps(source: &Source, rust: &Rust) -> Vec<usize> {
    let mut calls = Vec::new();
    find_calls(rust.tokens.clone(), &mut calls);
    if !is_test_file(source) {
        let tests = test_lines(&rust.syntax);
        calls.retain(|line| tests.iter().any(|lines| lines.contains(line)));
    }
    calls
}

/// The lines where a refused name is called, in macro arguments too. A function that is only defined is not a call.
fn find_calls(tokens: TokenStream, lines: &mut Vec<usize>) {
    let mut name: Option<Ident> = None;
    let mut defines = false;
    for token in tokens {
        match token {
            TokenTree::Ident(ident) => {
                defines = name.replace(ident).is_some_and(|before| before == "fn");
            }
            TokenTree::Group(group) => {
                if let Some(name) = name.take()
                    && group.delimiter() == Delimiter::Parenthesis
                    && !defines
                    && REFUSED.iter().any(|refused| name == refused)
                {
                    lines.push(name.span().start().line);
                }
                find_calls(group.stream(), lines);
            }
            TokenTree::Punct(_) | TokenTree::Literal(_) => name = None,
        }
    }
}

/// `time.sleep(..)` and `asyncio.sleep(..)`; a sleep of 0 only yields to the event loop.
fn python_sleeps(source: &Source) -> Vec<usize> {
    let sleeps = |line: &str| {
        let code = line.split('#').next().unwrap_or_default();
        code.match_indices("sleep(").any(|(at, call)| {
            let whole_word = !code[..at].ends_with(|before: char| before.is_alphanumeric() || before == '_');
            whole_word && !code[at + call.len()..].starts_with("0)")
        })
    };
    let lines = source.text.lines().enumerate();
    lines.filter(|(_, line)| sleeps(line)).map(|(index, _)| index + 1).collect()
}
