//! Documents that are read, links that are wrong, and outputs that are not what is shown.

use std::path::{Path, PathBuf};

use super::commands::{NotRun, compare, is_installer, is_server};
use super::links::{self, Documents};
use super::markdown::{self, Document, Shown};
use super::stale;

const TEXT: &str = "\
# A Title, with `code`: 2
See [there](other.md#its-part), [`code`](#a-title-with-code-2) and `[no](link.md)`.

```console
$ first --option  # says why
its output

$ second 'with  two spaces'
```

It prints

```text
a table
…
```

## Again
## Again

```python
a = [no](command)
```

```text
no output
```

```sh
third
```
";

fn document() -> Document {
    markdown::read(TEXT)
}

#[test]
fn headings_are_anchors_as_they_are_linked_to() {
    assert_eq!(document().anchors, ["a-title-with-code-2", "again", "again-1"]);
}

#[test]
fn links_in_code_are_none() {
    let links: Vec<_> = document().links.into_iter().map(|link| (link.line, link.target)).collect();
    assert_eq!(links, [(2, "other.md#its-part".to_owned()), (2, "#a-title-with-code-2".to_owned())]);
}

#[test]
fn commands_have_the_output_that_is_shown_for_them() {
    let commands: Vec<_> = document().commands.into_iter().map(|shown| (shown.command, shown.output)).collect();
    let expected = [
        ("first --option", vec!["its output"]),
        ("second 'with  two spaces'", vec!["a table", "…"]),
        ("third", vec![]),
    ];
    let expected =
        expected.map(|(command, output)| (command.to_owned(), output.into_iter().map(str::to_owned).collect()));
    assert_eq!(commands, expected);
}

#[test]
fn the_last_command_of_a_block_is_known() {
    let ends: Vec<bool> = document().commands.iter().map(|shown| shown.ends_block).collect();
    assert_eq!(ends, [false, true, true]);
}

/// What is wrong with a link from `docs/from.md`, in a repository that has also `docs/to.md` and `code.rs`.
fn refused(target: &str) -> Option<String> {
    let root = tempfile::tempdir().expect("a folder");
    for (name, text) in [("docs/from.md", format!("[a]({target})")), ("docs/to.md", "# Here\n".to_owned())] {
        let path = root.path().join(name);
        std::fs::create_dir_all(path.parent().expect("it has one")).expect("a folder");
        std::fs::write(path, text).expect("a file");
    }
    std::fs::write(root.path().join("code.rs"), "").expect("a file");
    let documents: Documents = links::read(root.path(), ["docs/from.md", "docs/to.md"].map(PathBuf::from));
    links::check(Path::new(root.path()), &documents).1.pop()
}

#[test]
fn links_lead_to_files_and_headings() {
    for target in ["to.md", "to.md#here", "../code.rs", "../docs/", "https://example.org/x.md#y", "mailto:a@b.example"]
    {
        assert_eq!(refused(target), None, "{target}");
    }
    for target in ["gone.md", "to.md#there", "#here", "../code.rs#here", "../../to.md", "/docs/to.md"] {
        assert!(refused(target).is_some(), "{target}");
    }
}

#[test]
fn what_is_shown_is_printed_in_this_order() {
    let shown = |output: &[&str]| Shown {
        line: 1,
        command: "list".to_owned(),
        output: output.iter().map(|line| (*line).to_owned()).collect(),
        ends_block: true,
    };
    let printed = "one\ntwo  \nthree\n";
    for output in [vec![], vec!["two"], vec!["one", "…", "three"]] {
        assert!(compare(&shown(&output), printed).is_ok(), "{output:?}");
    }
    for output in [vec!["tw"], vec!["three", "one"], vec!["one", "one"]] {
        assert!(compare(&shown(&output), printed).is_err(), "{output:?}");
    }
}

#[test]
fn a_server_is_known_by_its_command() {
    for server in
        ["lowerdeckd", "lowerdeckd serve --config x", "lowerdeckd --sockets any", "cargo run --bin lowerdeckd"]
    {
        assert!(is_server(server), "{server}");
    }
    for other in ["lowerdeckd health", "lowerdeckd stack explain disk", "lowerdeck stack list", "cargo xtask demo"] {
        assert!(!is_server(other), "{other}");
    }
}

#[test]
fn a_command_that_is_not_run_any_more_leaves_the_list() {
    let documents = Documents::from([(PathBuf::from("a.md"), document())]);
    let not_run = |command: &str| NotRun::from([(command.to_owned(), "a reason".to_owned())]);
    assert!(stale(&not_run("third"), &documents).is_empty());
    assert_eq!(stale(&not_run("fourth"), &documents).len(), 1);
}

#[test]
fn a_command_that_installs_is_known() {
    for installer in ["apt-get install g++", "cargo install --path client", "docker run x", "npm ci", "pip install x"] {
        assert!(is_installer(installer), "{installer}");
    }
    for other in ["cargo xtask demo", "cargo run --bin lowerdeckd", "pipes", "lowerdeck io disk 'read 0 1'"] {
        assert!(!is_installer(other), "{other}");
    }
}
