//! Holds the import table of [`super::layers`], in manifests and in sources.

use toml::{Table, Value};

use super::finding::Finding;
use super::layers::{Dependencies, LAYERS, Layer, PACKAGES, Package};
use super::mentions::Mention;
use super::source::{Manifest, Source, Tree};

const RULE: &str = "import table";

pub fn check(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    let root = tree.manifests.iter().find(|manifest| manifest.path == "Cargo.toml");
    for package in PACKAGES {
        for manifest in &tree.manifests {
            if manifest.path == package.manifest {
                check_manifest(package, manifest, root, &mut findings);
            }
        }
    }
    for (source, rust) in tree.rust() {
        for layer in LAYERS.iter().filter(|layer| holds(layer, source)) {
            let refused = rust.mentions.iter().filter_map(|mention| {
                let name = refusal(layer, mention)?;
                Some((mention, name))
            });
            for (mention, name) in refused {
                let advice = format!(
                    "`{}` may not be used in {} (`{name}` is refused): {}",
                    mention.path(),
                    layer.folder,
                    layer.reason
                );
                findings.push(Finding::refused(&source.path, mention.line, RULE, advice));
            }
        }
    }
    findings
}

/// Whether a source belongs to a layer.
fn holds(layer: &Layer, source: &Source) -> bool {
    let as_file = format!("{}.rs", layer.folder.trim_end_matches('/'));
    source.path.starts_with(layer.folder) || source.path == as_file
}

/// The entry of the layer's list that a mention runs into.
fn refusal(layer: &Layer, mention: &Mention) -> Option<&'static str> {
    if layer.excepted.iter().any(|path| mention.is_below(path)) {
        return None;
    }
    layer.refused.iter().copied().find(|refused| match refused.strip_suffix('*') {
        Some(_) => matches_family(refused, &mention.segments[0]),
        None => mention.touches(refused),
    })
}

fn check_manifest(package: &Package, manifest: &Manifest, root: Option<&Manifest>, findings: &mut Vec<Finding>) {
    let mut refuse = |section: &str, key: &str, name: &str| {
        let advice = format!("`{name}` may not be among the {section}: {}", package.reason);
        let line = line_of(manifest, key);
        findings.push(Finding::refused(&manifest.path, line, RULE, advice));
    };
    for section in ["dependencies", "build-dependencies"] {
        for (key, name) in named(manifest, root, section) {
            let allowed = match package.dependencies {
                Dependencies::Only(allowed) => allowed.contains(&name.as_str()),
                Dependencies::AllBut(refused) => !any_matches(refused, &name),
            };
            if !allowed {
                refuse(section, &key, &name);
            }
        }
    }
    for (key, name) in named(manifest, root, "dev-dependencies") {
        if any_matches(package.refused_in_tests, &name) {
            refuse("dev-dependencies", &key, &name);
        }
    }
}

/// The keys and package names in a section of a manifest, the tables for single targets included.
fn named(manifest: &Manifest, root: Option<&Manifest>, section: &str) -> Vec<(String, String)> {
    let targets = manifest.table.get("target").and_then(Value::as_table);
    let per_target = targets.into_iter().flat_map(Table::values);
    let sections = std::iter::once(manifest.table.get(section)).chain(per_target.map(|target| target.get(section)));
    let shared = root.and_then(|root| {
        let workspace = root.table.get("workspace")?;
        workspace.get("dependencies")?.as_table()
    });
    sections
        .flatten()
        .filter_map(Value::as_table)
        .flatten()
        .map(|(key, value)| {
            let inherited = value.get("workspace").and_then(Value::as_bool) == Some(true);
            let declared = if inherited { shared.and_then(|shared| shared.get(key)).unwrap_or(value) } else { value };
            let package = declared.get("package").and_then(Value::as_str);
            (key.clone(), package.unwrap_or(key).to_owned())
        })
        .collect()
}

fn any_matches(names: &[&str], name: &str) -> bool {
    names.iter().any(|wanted| matches_family(wanted, name))
}

/// Whether a name is meant by an entry: exactly, or for `tonic*` and `lowerdeck-*` as one of the family.
fn matches_family(entry: &str, name: &str) -> bool {
    let Some(family) = entry.strip_suffix('*') else {
        return entry == name;
    };
    name.strip_prefix(family)
        .is_some_and(|rest| rest.is_empty() || family.ends_with('-') || rest.starts_with(['-', '_']))
}

/// The line of a manifest that declares a dependency.
fn line_of(manifest: &Manifest, key: &str) -> usize {
    let declares = |line: &str| {
        let line = line.trim_start();
        let rest = line
            .strip_prefix(key)
            .or_else(|| line.split_once(key).filter(|(before, _)| before.ends_with('.')).map(|(_, rest)| rest));
        rest.is_some_and(|rest| rest.starts_with(['.', ' ', '=', ']']))
    };
    let position = manifest.text.lines().position(declares);
    position.map_or(1, |index| index + 1)
}
