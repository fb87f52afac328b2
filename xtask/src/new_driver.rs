//! `cargo xtask new-driver NAME`: the folder of a new virtual driver, with the same files as its neighbours.

use std::fs;
use std::process::ExitCode;

use anyhow::{Context, Result, bail};
use clap::Args;

use crate::process;
use crate::workspace::Workspace;

#[derive(Args)]
pub struct Options {
    /// The driver's name in stack expressions, which is also its module's: lower-case letters, digits and `_`.
    name: String,
}

/// The files of a driver's folder. `{{name}}` stands for the module's name, `{{Name}}` for the type's.
const TEMPLATES: [(&str, &str); 4] = [
    ("mod.rs", include_str!("../templates/driver/mod.rs")),
    ("config.rs", include_str!("../templates/driver/config.rs")),
    ("driver.rs", include_str!("../templates/driver/driver.rs")),
    ("tests.rs", include_str!("../templates/driver/tests.rs")),
];

const DRIVERS: &str = "server/drivers/src";

pub fn run(workspace: &Workspace, options: &Options) -> Result<ExitCode> {
    let name = options.name.as_str();
    let type_name = type_name(name)?;
    let folder = workspace.path(DRIVERS).join(name);
    if folder.exists() || folder.with_extension("rs").exists() {
        bail!("{DRIVERS}/{name} exists; choose another name, or remove it first");
    }
    fs::create_dir_all(&folder).with_context(|| format!("cannot create {DRIVERS}/{name}"))?;
    for (file, template) in TEMPLATES {
        fs::write(folder.join(file), fill(template, name, &type_name))
            .with_context(|| format!("cannot write {DRIVERS}/{name}/{file}"))?;
        println!("created {DRIVERS}/{name}/{file}");
    }
    // How lines break and names sort depends on the name; `mod.rs` leads rustfmt to the others.
    process::run(workspace.command("rustfmt").arg(folder.join("mod.rs")))?;
    println!();
    print!("{}", fill(include_str!("../templates/driver/next-steps.txt"), name, &type_name));
    Ok(ExitCode::SUCCESS)
}

fn fill(template: &str, name: &str, type_name: &str) -> String {
    template.replace("{{name}}", name).replace("{{Name}}", type_name)
}

/// `usb_hub` gives `UsbHub`; what is no module name gives an error.
fn type_name(name: &str) -> Result<String> {
    let allowed = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
    let is_word = syn::parse_str::<syn::Ident>(name).is_ok();
    if !is_word || !name.chars().all(allowed) || !name.starts_with(|c: char| c.is_ascii_lowercase()) {
        bail!(
            "`{name}` is not a driver name: begin with a lower-case letter, go on with lower-case letters, digits or `_`, \
             and avoid Rust's keywords"
        );
    }
    let words = name.split('_').filter(|word| !word.is_empty());
    Ok(words.map(|word| word[..1].to_ascii_uppercase() + &word[1..]).collect())
}

#[cfg(test)]
mod tests;
