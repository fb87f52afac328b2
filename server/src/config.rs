//! Configuration: flags, then `LOWERDECK_*` environment, then one TOML file, then defaults.
//!
//! Laws: this module is the only reader of files and environment; every value is validated once, here, and every
//! unknown key is refused; no configuration at all gives the built-in stacks on loopback.

mod file;
mod flags;
mod places;

use std::fmt::Write as _;
use std::net::{Ipv4Addr, SocketAddr};

pub use self::flags::{Cli, Command, Endpoint, ServeFlags, StackCommand};
pub use self::places::Sockets;
use lowerdeck_framework::handle::Dispatcher;
use lowerdeck_framework::ioctl::MethodNeitherAction;
use lowerdeck_framework::verifier::VerifierMode;

use crate::host::built_in;
use crate::host::clock::ClockKind;
use crate::host::declaration::{Declaration, Sharing};
use crate::host::error::HostError;
use crate::host::handle_host::HandlePlaces;
use crate::host::limits::{Limits, LimitsError};
use crate::telemetry::LogFormat;

/// The port that clients try when they are told nothing.
pub const DEFAULT_PORT: u16 = 50051;

/// Everything that can be configured.
#[derive(Debug, Clone)]
pub struct Config {
    /// Where to listen; port 0 takes a free one.
    pub listen: SocketAddr,
    /// Whether an address beyond loopback is meant, although nothing is encrypted.
    pub insecure_listen: bool,
    /// The stacks that are there from the beginning.
    pub stacks: Vec<Declaration>,
    /// Decides every random choice of drivers.
    pub seed: u64,
    /// All capacities.
    pub limits: Limits,
    /// Where handles may lead.
    pub places: HandlePlaces,
    /// The filter of the logs.
    pub log: String,
    /// How logs are written.
    pub log_format: LogFormat,
    /// Where each value comes from, in the order of this struct; values that are defaults are not listed.
    pub origins: Vec<Origin>,
}

/// Where one value comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origin {
    /// The key, as in the file.
    pub key: String,
    /// `flag`, `environment` or the file's path.
    pub source: String,
}

/// Why a configuration is refused.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file cannot be read.
    #[error("cannot read configuration file {path}: {reason}")]
    Read {
        /// Its path.
        path: String,
        /// Why.
        reason: String,
    },
    /// The file does not parse, or has a key that means nothing.
    #[error("configuration file {path}:{line}: {reason}")]
    Parse {
        /// Its path.
        path: String,
        /// The line, from 1.
        line: usize,
        /// Why, in one line: what a container engine shows of a server that did not start.
        reason: String,
    },
    /// A limit has an unknown name or no number.
    #[error("`{0}` sets no limit: write NAME=VALUE with one of {1}")]
    Limit(String, String),
    /// Limits that contradict each other.
    #[error(transparent)]
    Limits(#[from] LimitsError),
    /// A stack without a name.
    #[error("`{0}` declares no stack: write NAME = EXPRESSION, for example `disk = ram(size=64MiB)`")]
    Stack(String),
    /// A stack that cannot be.
    #[error(transparent)]
    Declaration(#[from] HostError),
}

impl Default for Config {
    fn default() -> Config {
        Config {
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, DEFAULT_PORT)),
            insecure_listen: false,
            stacks: built_in::declarations().expect("the built-in stacks parse, which a test holds"),
            seed: 0,
            limits: Limits::default(),
            places: HandlePlaces::default(),
            log: "info".to_owned(),
            log_format: LogFormat::default(),
            origins: Vec::new(),
        }
    }
}

impl Config {
    /// The effective configuration.
    ///
    /// # Errors
    /// [`ConfigError`].
    pub fn resolve(flags: &ServeFlags) -> Result<Config, ConfigError> {
        let mut config = Config::default();
        if let Some(path) = &flags.config {
            file::apply(&mut config, path)?;
        }
        flags::apply(&mut config, flags)?;
        config.limits.check()?;
        Ok(config)
    }

    /// Declares a stack instead of any of the same name.
    fn declare(&mut self, declaration: Declaration) {
        self.stacks.retain(|there| there.name != declaration.name);
        self.stacks.push(declaration);
    }

    fn set_limit(&mut self, name: &str, value: u64) -> Result<(), ConfigError> {
        if self.limits.set(name, value) {
            return Ok(());
        }
        let names: Vec<_> = Limits::TABLE.iter().map(|limit| limit.name).collect();
        Err(ConfigError::Limit(format!("{name}={value}"), names.join(", ")))
    }

    fn came_from(&mut self, key: &str, source: &str) {
        self.origins.retain(|origin| origin.key != key);
        self.origins.push(Origin { key: key.to_owned(), source: source.to_owned() });
    }

    /// The configuration as a TOML file, each value with its origin.
    pub fn print(&self) -> String {
        let origin = |key: &str| {
            let found = self.origins.iter().find(|origin| origin.key == key);
            found.map_or("default", |origin| origin.source.as_str()).to_owned()
        };
        let mut text = String::new();
        let mut line = |key: &str, value: String| {
            let short = key.rsplit('.').next().unwrap_or(key);
            let _ = writeln!(text, "{short} = {value} # {}", origin(key)); // a String takes everything
        };
        line("listen", format!("\"{}\"", self.listen));
        line("insecure_listen", self.insecure_listen.to_string());
        line("seed", self.seed.to_string());
        for (key, value) in places::written(&self.places) {
            match value {
                Some(value) => line(key, value),
                None => line(&format!("# {key}"), "\"DIRECTORY\"".to_owned()),
            }
        }
        line("log", format!("{:?}", self.log));
        line("log_format", format!("\"{}\"", format!("{:?}", self.log_format).to_lowercase()));
        text.push_str("\n[limits]\n");
        for limit in Limits::TABLE {
            let value = self.limits.get(limit.name).unwrap_or(limit.default);
            let _ = writeln!(
                text,
                "{} = {value} # {}; {}: {}",
                limit.name,
                origin(&format!("limits.{}", limit.name)),
                limit.unit,
                limit.reason
            );
        }
        text.push_str("\n[stacks]\n");
        for stack in &self.stacks {
            let settings: String = [
                ("shared = true", stack.sharing == Sharing::Shared),
                ("lenient = true", stack.verifier == VerifierMode::Lenient),
                ("manual_clock = true", stack.clock == ClockKind::Manual),
                ("copy_method_neither = true", stack.method_neither == MethodNeitherAction::Copy),
                ("umdf_dispatcher = \"FileHandle\"", stack.dispatcher == Dispatcher::FileHandle),
            ]
            .into_iter()
            .filter(|(_, set)| *set)
            .map(|(setting, _)| format!(", {setting}"))
            .collect();
            let source = origin(&format!("stacks.{}", stack.name));
            let source = if source == "default" { "built in".to_owned() } else { source };
            let _ = writeln!(
                text,
                "{} = {{ expression = {:?}{settings} }} # {source}",
                stack.name,
                stack.definition.to_string()
            );
        }
        text
    }
}

#[cfg(test)]
mod tests;
