//! The laws of the configuration.

use clap::Parser;

use super::*;

fn flags(arguments: &[&str]) -> ServeFlags {
    Cli::parse_from(["lowerdeckd"].iter().chain(arguments)).serve
}

#[test]
fn nothing_configured_serves_the_built_in_stacks_on_loopback() {
    let config = Config::resolve(&flags(&[])).expect("defaults are valid");
    assert!(config.listen.ip().is_loopback());
    assert_eq!(config.stacks.len(), built_in::STACKS.len());
}

#[test]
fn flags_overrule_the_file() {
    let folder = tempfile::tempdir().expect("a scratch folder");
    let path = folder.path().join("lowerdeck.toml");
    let text = "seed = 1\n[limits]\nfiles_max = 5\nrequests_max = 6\n[stacks]\ndisk = 'null'\n";
    std::fs::write(&path, text).expect("a scratch file");
    let shown = path.display().to_string();
    let config = Config::resolve(&flags(&["--config", &shown, "--seed", "2", "--limit", "files_max=7"]))
        .expect("a valid configuration");
    assert_eq!((config.seed, config.limits.files_max, config.limits.requests_max), (2, 7, 6));
    let disk = config.stacks.iter().find(|stack| stack.name == "disk").expect("declared");
    assert_eq!(disk.definition.layers[0].driver, "null");
    assert!(config.print().contains(&format!("requests_max = 6 # {shown}")));
}

#[test]
fn every_setting_of_a_stack_survives_printing() {
    let folder = tempfile::tempdir().expect("a scratch folder");
    let path = folder.path().join("lowerdeck.toml");
    let shown = path.display().to_string();
    for settings in [
        "",
        ", shared = true",
        ", lenient = true, manual_clock = true",
        ", copy_method_neither = true",
        ", umdf_dispatcher = 'FileHandle'",
    ] {
        std::fs::write(&path, format!("[stacks]\ndisk = {{ expression = 'null'{settings} }}\n"))
            .expect("a scratch file");
        let resolved = || Config::resolve(&flags(&["--config", &shown])).expect("a valid configuration");
        let disk = |config: &Config| config.stacks.iter().find(|stack| stack.name == "disk").cloned();
        let declared = resolved();
        std::fs::write(&path, declared.print()).expect("a scratch file");
        assert_eq!(disk(&resolved()), disk(&declared), "{settings}");
    }
}

#[test]
fn a_file_that_cannot_be_is_refused_in_one_line_that_says_where() {
    let folder = tempfile::tempdir().expect("a scratch folder");
    let path = folder.path().join("lowerdeck.toml");
    let shown = path.display().to_string();
    let refused = || Config::resolve(&flags(&["--config", &shown])).expect_err("it cannot be").to_string();
    assert!(refused().starts_with(&format!("cannot read configuration file {shown}: ")));
    for (text, line, word) in [
        ("seed = 1\nlisen = 'x'\n", 2, "`lisen`"),
        ("seed = 'one'", 1, "u64"),
        ("[stacks]\ndisk = {\n", 2, ""),
        ("[stacks]\n\ndisk = { expression = 'null', umdf_dispatcher = 'WinUsb' }", 3, "FileHandle"),
    ] {
        std::fs::write(&path, text).expect("a scratch file");
        let said = refused();
        assert!(said.starts_with(&format!("configuration file {shown}:{line}: ")), "{said}");
        assert!(said.contains(word) && !said.contains('\n'), "{said}");
    }
    std::fs::write(&path, "[stacks]\ndisk = 'rom'\n").expect("a scratch file");
    assert!(refused().contains("`rom`"));
}

#[test]
fn places_of_handles_survive_printing() {
    let folder = tempfile::tempdir().expect("a scratch folder");
    let path = folder.path().join("lowerdeck.toml");
    let shown = path.display().to_string();
    let unset = Config::resolve(&flags(&[])).expect("defaults are valid");
    let set =
        Config::resolve(&flags(&["--files-root", "/a \"b\"", "--pipe-directory", "/run/p", "--sockets", "loopback"]))
            .expect("a valid configuration");
    assert_eq!(unset.places, HandlePlaces::default());
    for before in [unset, set] {
        std::fs::write(&path, before.print()).expect("a scratch file");
        let after = Config::resolve(&flags(&["--config", &shown])).expect("a valid configuration");
        assert_eq!(after.places, before.places);
    }
}

#[test]
fn unknown_limits_are_refused() {
    let error = Config::resolve(&flags(&["--limit", "file_max=7"])).expect_err("no such limit");
    assert!(error.to_string().contains("files_max"), "{error}");
}

#[test]
fn a_stack_needs_a_name() {
    assert!(matches!(Config::resolve(&flags(&["--stack", "ram"])), Err(ConfigError::Stack(_))));
}

#[test]
fn unknown_keys_of_the_file_are_refused() {
    let folder = tempfile::tempdir().expect("a scratch folder");
    let path = folder.path().join("lowerdeck.toml");
    std::fs::write(&path, "lisen = '127.0.0.1:1'\n").expect("a scratch file");
    let error = Config::resolve(&flags(&["--config", &path.display().to_string()])).expect_err("a typo");
    assert!(error.to_string().contains("lisen"), "{error}");
}

#[test]
fn what_config_prints_can_be_read_again() {
    let folder = tempfile::tempdir().expect("a scratch folder");
    let path = folder.path().join("lowerdeck.toml");
    let first =
        Config::resolve(&flags(&["--limit", "files_max=7", "--stack", "a = echo / scripted(script={on read: hold})"]));
    let first = first.expect("a valid configuration");
    std::fs::write(&path, first.print()).expect("a scratch file");
    let again = Config::resolve(&flags(&["--config", &path.display().to_string()])).expect("what was printed");
    assert_eq!((again.limits, again.listen), (first.limits, first.listen));
    assert_eq!(again.stacks.len(), first.stacks.len());
    for stack in first.stacks {
        assert!(again.stacks.contains(&stack), "{}", stack.name);
    }
}

#[test]
fn contradicting_limits_are_refused() {
    assert!(matches!(Config::resolve(&flags(&["--limit", "heartbeat_ms_max=0"])), Err(ConfigError::Limits(_))));
}
