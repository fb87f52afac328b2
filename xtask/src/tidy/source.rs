//! The tree of files the rules look at, read once. Generated and installed files are not part of it.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};

use super::finding::Finding;
use super::mentions::{self, Mention};

/// Folders that hold nothing a person wrote as it stands, by name, wherever they are.
const SKIPPED_FOLDERS: [&str; 6] = ["target", "node_modules", "generated", "__pycache__", "snapshots", "templates"];

/// The same by path: what setuptools leaves behind.
const SKIPPED_PATHS: [&str; 2] = ["client/python/build", "client/python/dist"];

/// All sources and package manifests, sorted by path.
pub struct Tree {
    pub sources: Vec<Source>,
    pub manifests: Vec<Manifest>,
}

/// One source file.
pub struct Source {
    /// Relative to the root, with forward slashes.
    pub path: String,
    pub text: String,
    /// For Rust files that parse.
    pub rust: Option<Rust>,
    /// Why it is not understood, for Rust files that do not parse.
    error: Option<String>,
}

/// A Rust file as its syntax and the paths it mentions.
pub struct Rust {
    pub syntax: syn::File,
    pub tokens: proc_macro2::TokenStream,
    pub mentions: Vec<Mention>,
}

/// One Cargo.toml.
pub struct Manifest {
    /// Relative to the root, with forward slashes.
    pub path: String,
    pub text: String,
    pub table: toml::Table,
}

impl Tree {
    /// Reads everything below a root.
    pub fn read(root: &Path) -> Result<Self> {
        let mut files = Vec::new();
        walk(root, "", &mut files)?;
        files.sort();
        Self::of(files)
    }

    /// Makes a tree of paths and texts.
    pub fn of(files: Vec<(String, String)>) -> Result<Self> {
        let mut tree = Self { sources: Vec::new(), manifests: Vec::new() };
        for (path, text) in files {
            if file_name(&path) == "Cargo.toml" {
                let table = text.parse().with_context(|| format!("{path} is not a manifest"))?;
                tree.manifests.push(Manifest { path, text, table });
            } else {
                tree.sources.push(Source::new(path, text));
            }
        }
        Ok(tree)
    }

    /// The files written in Rust that could be understood.
    pub fn rust(&self) -> impl Iterator<Item = (&Source, &Rust)> {
        self.sources.iter().filter_map(|source| source.rust.as_ref().map(|rust| (source, rust)))
    }

    /// A finding for each Rust file that does not parse: no other rule has looked at it.
    pub fn unreadable(&self) -> Vec<Finding> {
        self.sources
            .iter()
            .filter_map(|source| {
                let error = source.error.as_ref()?;
                let advice = format!("no rule could look at it, because it does not parse: {error}");
                Some(Finding::refused(&source.path, 1, "syntax", advice))
            })
            .collect()
    }
}

impl Source {
    fn new(path: String, text: String) -> Self {
        let (rust, error) = match path.ends_with(".rs").then(|| Rust::parse(&path, &text)) {
            None => (None, None),
            Some(Ok(rust)) => (Some(rust), None),
            Some(Err(error)) => (None, Some(error.to_string())),
        };
        Self { path, text, rust, error }
    }

    /// The file's name without folders and extension.
    pub fn stem(&self) -> &str {
        let name = file_name(&self.path);
        name.rsplit_once('.').map_or(name, |(stem, _)| stem)
    }

    /// The folders above the file, outermost first.
    pub fn folders(&self) -> impl Iterator<Item = &str> {
        let folders = self.path.rsplit_once('/').map_or("", |(folders, _)| folders);
        folders.split('/').filter(|folder| !folder.is_empty())
    }
}

impl Rust {
    fn parse(path: &str, text: &str) -> syn::Result<Self> {
        let syntax = syn::parse_file(text)?;
        let tokens: proc_macro2::TokenStream = text.parse()?;
        let mentions = mentions::of(&tokens, &module_path(path));
        Ok(Self { syntax, tokens, mentions })
    }
}

/// Where a file stands in its crate: `server/src/host/clock.rs` is `["host", "clock"]`. Empty outside `src`.
fn module_path(path: &str) -> Vec<String> {
    let Some((_, inside)) = path.rsplit_once("src/") else {
        return Vec::new();
    };
    let inside = inside.trim_end_matches(".rs");
    let mut modules: Vec<String> = inside.split('/').map(str::to_owned).collect();
    if modules.last().is_some_and(|last| matches!(last.as_str(), "mod" | "lib" | "main")) {
        modules.pop();
    }
    modules
}

fn file_name(path: &str) -> &str {
    path.rsplit_once('/').map_or(path, |(_, name)| name)
}

/// Whether a file is one the rules look at.
fn wanted(name: &str) -> bool {
    let generated = name.ends_with("_pb2.py") || name.ends_with("_pb2_grpc.py");
    let written = [".rs", ".py", ".proto"].iter().any(|extension| name.ends_with(extension));
    name == "Cargo.toml" || (written && !generated)
}

fn walk(folder: &Path, prefix: &str, files: &mut Vec<(String, String)>) -> Result<()> {
    let entries = fs::read_dir(folder).with_context(|| format!("cannot list {}", folder.display()))?;
    for entry in entries {
        let entry = entry.with_context(|| format!("cannot list {}", folder.display()))?;
        let name = entry.file_name().to_string_lossy().into_owned();
        let relative = format!("{prefix}{name}");
        let kind = entry.file_type().with_context(|| format!("cannot look at {relative}"))?;
        if kind.is_dir() {
            let skipped = name.starts_with('.')
                || SKIPPED_FOLDERS.contains(&name.as_str())
                || SKIPPED_PATHS.contains(&relative.as_str());
            if !skipped {
                walk(&entry.path(), &format!("{relative}/"), files)?;
            }
        } else if kind.is_file() && wanted(&name) {
            let text = fs::read_to_string(entry.path()).with_context(|| format!("cannot read {relative}"))?;
            files.push((relative, text));
        }
    }
    Ok(())
}
