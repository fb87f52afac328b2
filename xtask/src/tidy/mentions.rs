//! Every path a Rust file mentions, with its line: in `use` trees, code, types, attributes and macro arguments alike.
//!
//! It works on tokens, because a syntax tree does not look into macros. Names bound by a `use` of the same file are
//! replaced by what they stand for, and `self` and `super` by the module they mean. It does not know what a glob brings
//! in; a glob itself is mentioned as `*`.

use std::collections::HashMap;

use proc_macro2::{Delimiter, Ident, Spacing, TokenStream, TokenTree};

/// One path at one line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mention {
    /// `["crate", "host", "clock"]`, or beginning with a crate's name.
    pub segments: Vec<String>,
    /// From 1.
    pub line: usize,
}

impl Mention {
    /// The path as it is written in Rust.
    pub fn path(&self) -> String {
        self.segments.join("::")
    }

    /// Whether the path is, or lies below, a prefix such as `std::sync::mpsc`.
    pub fn is_below(&self, prefix: &str) -> bool {
        let wanted: Vec<&str> = prefix.split("::").collect();
        self.segments.len() >= wanted.len() && self.segments.iter().zip(wanted).all(|(segment, name)| segment == name)
    }

    /// Whether the path gives access to what lies below a prefix: it is below it, or a glob of a module above it.
    pub fn touches(&self, prefix: &str) -> bool {
        let above = match self.segments.split_last() {
            Some((last, above)) if last == "*" => above,
            _ => return self.is_below(prefix),
        };
        let wanted: Vec<&str> = prefix.split("::").collect();
        above.iter().zip(wanted).all(|(segment, name)| segment == name)
    }
}

/// The paths in a file that stands at `module` in its crate.
pub fn of(tokens: &TokenStream, module: &[String]) -> Vec<Mention> {
    let mut reader = Reader::default();
    reader.read(tokens.clone(), &mut module.to_vec());
    let Reader { mut mentions, bindings } = reader;
    for mention in &mut mentions {
        if let Some(meaning) = bindings.get(&mention.segments[0]) {
            mention.segments.splice(..1, meaning.iter().cloned());
        }
    }
    mentions
}

#[derive(Default)]
struct Reader {
    mentions: Vec<Mention>,
    /// What the names brought in by `use` stand for.
    bindings: HashMap<String, Vec<String>>,
}

impl Reader {
    fn read(&mut self, tokens: TokenStream, module: &mut Vec<String>) {
        let tokens: Vec<TokenTree> = tokens.into_iter().collect();
        let mut at = 0;
        while at < tokens.len() {
            match &tokens[at] {
                TokenTree::Group(group) => {
                    self.read(group.stream(), module);
                    at += 1;
                }
                TokenTree::Ident(word) if *word == "mod" => {
                    at = self.read_module(&tokens, at, module);
                }
                // `impl Trait + use<'a>` brings nothing in.
                TokenTree::Ident(word) if *word == "use" && !is_punct(tokens.get(at + 1), '<') => {
                    let end = statement_end(&tokens, at);
                    self.read_use(&tokens[at + 1..end], &[], module);
                    at = end;
                }
                TokenTree::Ident(word) if *word == "extern" => {
                    at = self.read_extern(&tokens, at);
                }
                TokenTree::Ident(first) => {
                    at = self.read_path(&tokens, at, first, module);
                }
                TokenTree::Punct(_) | TokenTree::Literal(_) => at += 1,
            }
        }
    }

    /// `mod name { .. }`: what is inside stands one module deeper.
    fn read_module(&mut self, tokens: &[TokenTree], at: usize, module: &mut Vec<String>) -> usize {
        if let (Some(TokenTree::Ident(name)), Some(TokenTree::Group(body))) = (tokens.get(at + 1), tokens.get(at + 2)) {
            module.push(plain(name));
            self.read(body.stream(), module);
            module.pop();
            return at + 3;
        }
        at + 1
    }

    /// `extern crate name;`
    fn read_extern(&mut self, tokens: &[TokenTree], at: usize) -> usize {
        if let (Some(TokenTree::Ident(word)), Some(TokenTree::Ident(name))) = (tokens.get(at + 1), tokens.get(at + 2))
            && *word == "crate"
        {
            self.mentions.push(Mention { segments: vec![plain(name)], line: line(name) });
            return at + 3;
        }
        at + 1
    }

    /// A path in code: two segments at least, since a single word is more often a variable than a crate.
    fn read_path(&mut self, tokens: &[TokenTree], at: usize, first: &Ident, module: &[String]) -> usize {
        let mut segments = vec![plain(first)];
        let mut next = at + 1;
        while path_separator(tokens, next)
            && let Some(TokenTree::Ident(segment)) = tokens.get(next + 2)
        {
            segments.push(plain(segment));
            next += 3;
        }
        if segments.len() > 1 {
            self.mentions.push(Mention { segments: absolute(segments, module), line: line(first) });
        }
        next
    }

    /// The tree after `use`, or one branch of it below `prefix`.
    fn read_use(&mut self, tokens: &[TokenTree], prefix: &[String], module: &[String]) {
        let mut segments = prefix.to_vec();
        let mut at = 0;
        let mut last_line = 0;
        let mut alias = None;
        while let Some(token) = tokens.get(at) {
            last_line = token.span().start().line;
            match token {
                TokenTree::Group(group) if group.delimiter() == Delimiter::Brace => {
                    let branches: Vec<TokenTree> = group.stream().into_iter().collect();
                    for branch in branches.split(|token| is_punct(Some(token), ',')) {
                        self.read_use(branch, &segments, module);
                    }
                    return;
                }
                TokenTree::Ident(word) if *word == "as" => {
                    if let Some(TokenTree::Ident(name)) = tokens.get(at + 1) {
                        alias = Some(plain(name));
                    }
                    break;
                }
                // `use a::b::{self}` names `a::b` itself.
                TokenTree::Ident(word) if *word == "self" && !prefix.is_empty() => {}
                TokenTree::Ident(word) => segments.push(plain(word)),
                TokenTree::Punct(_) if is_punct(Some(token), '*') => segments.push("*".to_owned()),
                TokenTree::Punct(_) | TokenTree::Group(_) | TokenTree::Literal(_) => {}
            }
            at += 1;
        }
        // Nothing follows the last comma of a group.
        if tokens.is_empty() {
            return;
        }
        let segments = absolute(segments, module);
        let name = alias.or_else(|| segments.last().cloned());
        if let Some(name) = name.filter(|name| !matches!(name.as_str(), "*" | "_" | "crate")) {
            self.bindings.insert(name, segments.clone());
        }
        self.mentions.push(Mention { segments, line: last_line });
    }
}

/// A path with `self` and `super` replaced by the module they mean.
fn absolute(segments: Vec<String>, module: &[String]) -> Vec<String> {
    let mut above = module;
    let mut rest = segments.as_slice();
    match rest.first().map(String::as_str) {
        Some("self") => rest = &rest[1..],
        Some("super") => {}
        _ => return segments,
    }
    while rest.first().is_some_and(|segment| segment == "super") {
        above = &above[..above.len().saturating_sub(1)];
        rest = &rest[1..];
    }
    let mut path = vec!["crate".to_owned()];
    path.extend_from_slice(above);
    path.extend_from_slice(rest);
    path
}

/// The index of the semicolon that ends the statement, or the end of the tokens.
fn statement_end(tokens: &[TokenTree], from: usize) -> usize {
    tokens[from..].iter().position(|token| is_punct(Some(token), ';')).map_or(tokens.len(), |length| from + length)
}

/// Whether `::` stands at an index.
fn path_separator(tokens: &[TokenTree], at: usize) -> bool {
    let joint = matches!(tokens.get(at), Some(TokenTree::Punct(punct)) if punct.spacing() == Spacing::Joint);
    joint && is_punct(tokens.get(at), ':') && is_punct(tokens.get(at + 1), ':')
}

fn is_punct(token: Option<&TokenTree>, wanted: char) -> bool {
    matches!(token, Some(TokenTree::Punct(punct)) if punct.as_char() == wanted)
}

/// An identifier without its raw marker.
fn plain(ident: &Ident) -> String {
    let text = ident.to_string();
    text.strip_prefix("r#").map_or(text.clone(), str::to_owned)
}

fn line(ident: &Ident) -> usize {
    ident.span().start().line
}
