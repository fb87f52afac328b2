//! What a Markdown document says that can be checked: its anchors, its links, and the commands that it shows.
//!
//! It knows as much of Markdown as our documents use: fenced blocks, headings with `#`, links in the text.

/// A document.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Document {
    /// What a link may name behind `#`.
    pub anchors: Vec<String>,
    /// What stands in the parentheses of links.
    pub links: Vec<Link>,
    /// The commands of its `console` and `sh` blocks, in order.
    pub commands: Vec<Shown>,
}

/// A link.
#[derive(Debug, PartialEq, Eq)]
pub struct Link {
    /// From 1.
    pub line: usize,
    /// As it is written.
    pub target: String,
}

/// A command.
#[derive(Debug, PartialEq, Eq)]
pub struct Shown {
    /// From 1.
    pub line: usize,
    /// As it is written, without the comment behind it.
    pub command: String,
    /// What the document shows of its output: the lines below it, and those of a `text` block in the same section.
    pub output: Vec<String>,
    /// Whether it is the last one of its block.
    pub ends_block: bool,
}

/// Reads a document.
pub fn read(text: &str) -> Document {
    let mut document = Document::default();
    // The language of the block that we are in.
    let mut fence: Option<String> = None;
    // Whether a `text` block would show the output of the last command.
    let mut is_output_due = false;
    for (line, text) in (1..).zip(text.lines()) {
        if let Some(mark) = text.trim_start().strip_prefix("```") {
            match fence.take() {
                None => {
                    let language = mark.trim().to_owned();
                    is_output_due &= language == "text";
                    fence = Some(language);
                }
                Some(language) => {
                    let is_commands = is_commands(&language);
                    if let Some(last) = document.commands.last_mut().filter(|_| is_commands) {
                        last.ends_block = true;
                    }
                    is_output_due = is_commands && !document.commands.is_empty();
                }
            }
            continue;
        }
        match fence.as_deref() {
            None if text.starts_with('#') => {
                is_output_due = false;
                let anchor = anchor(text.trim_start_matches('#'));
                let before = document.anchors.iter().filter(|known| **known == anchor).count();
                document.anchors.push(if before == 0 { anchor } else { format!("{anchor}-{before}") });
            }
            None => document.links.extend(links(text).map(|target| Link { line, target })),
            Some("console") => console(&mut document.commands, line, text),
            Some("sh") if !text.trim().is_empty() => document.commands.push(shown(line, text)),
            Some("text") if is_output_due => {
                if let Some(last) = document.commands.last_mut() {
                    last.output.push(text.to_owned());
                }
            }
            Some(_) => {}
        }
    }
    document
}

fn is_commands(language: &str) -> bool {
    matches!(language, "console" | "sh")
}

/// A line of a `console` block: a command behind its prompt, or what the command before it prints.
fn console(commands: &mut Vec<Shown>, line: usize, text: &str) {
    match (text.strip_prefix("$ "), commands.last_mut()) {
        (Some(command), _) => commands.push(shown(line, command)),
        (None, Some(last)) if !last.ends_block && !text.trim().is_empty() => last.output.push(text.to_owned()),
        _ => {}
    }
}

fn shown(line: usize, text: &str) -> Shown {
    let command = text.split("  #").next().unwrap_or(text);
    Shown { line, command: command.trim().to_owned(), output: Vec::new(), ends_block: false }
}

/// The anchor that a heading gets: small letters, digits, `-` and `_`, with a `-` for each space.
fn anchor(heading: &str) -> String {
    let kept = heading.trim().chars().filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'));
    kept.flat_map(char::to_lowercase).map(|c| if c == ' ' { '-' } else { c }).collect()
}

/// The targets of the links in a line, but for those in code.
fn links(text: &str) -> impl Iterator<Item = String> + '_ {
    // Every other piece between backticks is code. A link's own text may be code, so only its second half is looked for.
    let prose = text.split('`').enumerate().map(|(number, piece)| if number % 2 == 0 { piece } else { "" });
    let prose: String = prose.collect();
    let targets: Vec<String> = prose
        .split("](")
        .skip(1)
        .filter_map(|rest| rest.split_once(')'))
        .map(|(target, _)| target.to_owned())
        .collect();
    targets.into_iter()
}
