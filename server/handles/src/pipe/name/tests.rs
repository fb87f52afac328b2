//! Which names are names of pipes.

use super::PipeName;
use crate::win32::Win32Error;

#[test]
fn names_differ_by_more_than_case() {
    let name = PipeName::parse(r"\\.\PIPE\Modem-1.Rx_a").expect("a plain name");
    assert_eq!(name.as_str(), "modem-1.rx_a");
    assert_eq!(PipeName::parse(r"\\.\pipe\MODEM-1.rx_A"), Ok(name));
}

#[test]
fn no_name_leads_out_of_the_directory() {
    let hostile =
        ["", ".", "..", ".hidden", "../x", r"..\x", "a/b", r"a\b", "a\0b", "a b", "ü", "a:b", "a*", "/etc/passwd"];
    for name in hostile {
        let parsed = PipeName::parse(&format!(r"\\.\pipe\{name}"));
        assert_eq!(parsed, Err(Win32Error::INVALID_NAME), "{name:?}");
    }
    for name in ["", "x", r"\\.\pipe", r"\\server\pipe\x", r"\\?\pipe\x", r"\\.\pipé\x"] {
        assert_eq!(PipeName::parse(name), Err(Win32Error::INVALID_NAME), "{name:?}");
    }
}
