//! No name leads outside the root, and no name that Win32 would change or give a meaning of its own is taken.

use std::os::unix::fs::symlink;

use super::outside::{Outside, SECRET};
use super::{Place, READ, SHARE_ALL, WRITE, request};
use crate::disk::name::{COMPONENT_BYTES_MAX, FileName, NAME_BYTES_MAX};
use crate::handle::Disposition;
use crate::win32::Win32Error;

const DISPOSITIONS: [Disposition; 5] = [
    Disposition::CreateNew,
    Disposition::CreateAlways,
    Disposition::OpenExisting,
    Disposition::OpenAlways,
    Disposition::TruncateExisting,
];

/// Would leave the root.
const LEAVING: [&str; 32] = [
    "..",
    "../outside/secret",
    "..\\outside\\secret",
    "..\\../outside\\secret",
    "folder/../../outside/secret",
    "folder\\..\\..\\outside\\secret",
    "folder/../plain",
    "folder/..",
    "../root/plain",
    "../../../../../../../../etc/passwd",
    "... /outside/secret",
    ".. /outside/secret",
    ".. ./outside/secret",
    "..../outside/secret",
    "/etc/passwd",
    "/",
    "\\",
    "\\outside\\secret",
    "//outside/secret",
    "\\\\server\\share\\secret",
    "//server/share/secret",
    "\\\\.\\C:\\secret",
    "\\\\.\\pipe\\name",
    "\\\\?\\C:\\secret",
    "\\\\?\\UNC\\server\\share\\secret",
    "\\??\\C:\\secret",
    "\\Device\\HarddiskVolume1\\secret",
    "C:\\secret",
    "c:/secret",
    "C:secret",
    "Z:",
    "/proc/self/root/etc/passwd",
];

/// Means something else on Windows, or is no name there.
const NO_NAMES: [&str; 49] = [
    "CON",
    "con",
    "Con.txt",
    "PRN",
    "AUX",
    "NUL",
    "nul",
    "NUL.tar.gz",
    "NUL .txt",
    "nul.",
    "COM0",
    "COM1",
    "com9.log",
    "COM¹",
    "LPT1",
    "lpt9",
    "LPT³.txt",
    "CONIN$",
    "conout$",
    "CLOCK$",
    "folder/AUX",
    "folder\\nul.txt",
    "AUX/plain",
    "plain\0",
    "\0",
    "plain\0/../../outside/secret",
    "fol\0der/plain",
    "plain.",
    "plain ",
    "plain. .",
    "plain . .",
    "folder./plain",
    "folder /plain",
    " ",
    ".",
    "./plain",
    "folder/./plain",
    "folder//plain",
    "folder\\\\plain",
    "folder/",
    "plain:stream",
    "plain::$DATA",
    "folder:$I30:$INDEX_ALLOCATION",
    "pl?in",
    "pl*",
    "pl|in",
    "<plain>",
    "pl\"ain",
    "plain\n",
];

fn prepared() -> (Place, Outside) {
    let place = Place::new();
    let outside = Outside::beside(&place);
    std::fs::create_dir(place.inside("folder")).expect("a folder");
    place.put("plain", b"inside");
    place.put("folder/plain", b"inside");
    (place, outside)
}

fn names(place: &Place) -> Vec<String> {
    let entries = std::fs::read_dir(place.inside("")).expect("the root");
    let mut names: Vec<String> =
        entries.map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned()).collect();
    names.sort();
    names
}

/// Every name is refused with its code, whatever the disposition; nothing is made inside and nothing touched outside.
async fn assert_all_refused(rows: impl IntoIterator<Item = (String, Win32Error)>) {
    let (place, outside) = prepared();
    for (name, code) in rows {
        for disposition in DISPOSITIONS {
            let request = request(&name, READ | WRITE, SHARE_ALL, disposition);
            let refused = place.root.create_file(&request).await.err();
            assert_eq!(refused, Some(code), "{name:?} with {disposition:?}");
        }
    }
    assert_eq!(names(&place), ["folder", "plain"]);
    assert_eq!(place.content("plain"), b"inside");
    assert_eq!(place.content("folder/plain"), b"inside");
    outside.assert_untouched();
}

#[tokio::test]
async fn a_name_that_would_leave_the_root_is_refused() {
    assert_all_refused(LEAVING.map(|name| (name.to_owned(), Win32Error::ACCESS_DENIED))).await;
}

#[tokio::test]
async fn a_name_that_win32_would_change_or_reserve_is_refused() {
    assert_all_refused(NO_NAMES.map(|name| (name.to_owned(), Win32Error::INVALID_NAME))).await;
}

#[tokio::test]
async fn a_name_that_is_too_long_or_empty_is_refused() {
    let long = "x".repeat(256);
    let deep = format!("{}y", "x/".repeat(2048));
    let wide = "é".repeat(128); // 256 bytes
    let too_long = [long.clone(), format!("folder\\{long}"), format!("{long}/plain"), deep, wide];
    let rows = too_long.into_iter().map(|name| (name, Win32Error::FILENAME_EXCED_RANGE));
    assert_all_refused(rows.chain([(String::new(), Win32Error::PATH_NOT_FOUND)])).await;
}

/// The limits are of the name and known before the host is asked, which may take less.
#[test]
fn a_name_is_as_long_as_its_limits_and_no_longer() {
    let component = |bytes| FileName::parse(&"x".repeat(bytes)).map(|_| ());
    assert_eq!(component(COMPONENT_BYTES_MAX), Ok(()));
    assert_eq!(component(COMPONENT_BYTES_MAX + 1), Err(Win32Error::FILENAME_EXCED_RANGE));
    assert_eq!(FileName::parse(&"é".repeat(128)), Err(Win32Error::FILENAME_EXCED_RANGE), "bytes count, not characters");
    let whole = |bytes: usize| FileName::parse(&format!("x{}", "/x".repeat(bytes))[..bytes]).map(|_| ());
    assert_eq!(whole(NAME_BYTES_MAX), Ok(()));
    assert_eq!(whole(NAME_BYTES_MAX + 2), Err(Win32Error::FILENAME_EXCED_RANGE));
}

/// The other side of the law: what only looks alike is an ordinary name, and either separator goes down.
#[tokio::test]
async fn a_name_that_only_looks_hostile_is_taken() {
    let taken = [
        "..plain",
        ".plain",
        "a..b",
        "CONSOLE",
        "com",
        "COM10",
        "COM1x",
        "nulls.txt",
        "auxiliary",
        " leading",
        "é¹",
        "$MFT",
        "folder/new",
        "folder\\newer",
        "con_",
        "lpt",
        "~",
        "%2e%2e%2foutside",
        "PLAIN",
    ];
    let (place, outside) = prepared();
    for name in taken {
        let opened = place.open(name, Disposition::CreateNew).await;
        assert!(opened.is_ok(), "{name:?}: {opened:?}");
        assert!(place.inside(&name.replace('\\', "/")).is_file(), "{name:?} is not where it says");
    }
    let longest = "x".repeat(255);
    assert!(place.open(&longest, Disposition::CreateNew).await.is_ok());
    outside.assert_untouched();
}

/// Links inside the root that lead out of it, each as the host itself would follow it.
#[tokio::test]
async fn a_link_that_leaves_the_root_is_not_followed() {
    let (place, outside) = prepared();
    let secret = outside.path().join("secret");
    symlink(&secret, place.inside("absolute")).expect("a link");
    symlink("../outside/secret", place.inside("relative")).expect("a link");
    symlink("relative", place.inside("second")).expect("a link to a link");
    symlink(outside.path(), place.inside("away")).expect("a link to a folder");
    symlink("../../outside", place.inside("folder/up")).expect("a link to a folder, further down");
    symlink("folder/up/secret", place.inside("through")).expect("a link through a link");
    symlink(place.inside("plain"), place.inside("back")).expect("an absolute link to inside");
    symlink("../root/plain", place.inside("around")).expect("a link that goes out and comes back");
    symlink(format!("/proc/self/cwd{}", secret.display()), place.inside("magic"))
        .expect("a link by way of the process");
    let names = ["absolute", "relative", "second", "away/secret", "away/deep/file", "folder/up/secret", "through"];
    for name in names {
        assert_eq!(place.content(name), SECRET, "the host would not follow {name}: it proves nothing");
    }
    for name in names.into_iter().chain(["away/new", "back", "around", "magic", "folder/up/new"]) {
        for disposition in DISPOSITIONS.into_iter().filter(|disposition| *disposition != Disposition::CreateNew) {
            let refused = place.open(name, disposition).await.err();
            assert_eq!(refused, Some(Win32Error::ACCESS_DENIED), "{name} with {disposition:?}");
        }
        assert!(place.open(name, Disposition::CreateNew).await.is_err(), "{name} is made anew");
    }
    outside.assert_untouched();
}

/// A link to a file that is not there makes none, inside or out.
#[tokio::test]
async fn a_link_to_nothing_makes_nothing() {
    let (place, outside) = prepared();
    symlink(outside.path().join("new"), place.inside("out")).expect("a link");
    symlink("folder/missing", place.inside("in")).expect("a link");
    symlink("circle", place.inside("circle")).expect("a link to itself");
    let rows = [
        ("out", Win32Error::ACCESS_DENIED),
        ("in", Win32Error::FILE_NOT_FOUND),
        ("circle", Win32Error::CANT_RESOLVE_FILENAME),
    ];
    for (name, code) in rows {
        assert_eq!(place.open(name, Disposition::OpenAlways).await.err(), Some(code), "{name}");
        assert_eq!(place.open(name, Disposition::CreateAlways).await.err(), Some(code), "{name}");
        assert_eq!(place.open(name, Disposition::CreateNew).await.err(), Some(Win32Error::FILE_EXISTS), "{name}");
    }
    assert!(!place.inside("folder/missing").exists());
    outside.assert_untouched();
}

/// A link that stays inside is as good as what it leads to.
#[tokio::test]
async fn a_link_that_stays_inside_is_followed() {
    let (place, _outside) = prepared();
    symlink("folder/plain", place.inside("link")).expect("a link");
    symlink("folder", place.inside("other")).expect("a link to a folder");
    let file = place.opened("link").await;
    assert_eq!(super::read_at(&file, 0, 16).await, super::done(b"inside"));
    let file = place.opened("other\\plain").await;
    assert_eq!(super::read_at(&file, 0, 16).await, super::done(b"inside"));
}
