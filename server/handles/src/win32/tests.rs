//! Every row of the tables is sensible, and what they do not know is an error all the same.

use std::collections::HashSet;
use std::io;

use lowerdeck_framework::status::HResult;
use rustix::io::Errno;

use super::{ERRNO_TO_WIN32, NAMED, Win32Error};

/// Every `errno` is decided once, by a named failure whose HRESULT an application reads as that same code.
#[test]
fn every_row_maps_one_errno_to_a_named_failure() {
    let mut decided = HashSet::new();
    for (errno, code) in ERRNO_TO_WIN32 {
        assert!(decided.insert(errno.raw_os_error()), "{errno:?} is decided twice");
        assert!(code.name().is_some(), "{errno:?} becomes a code without a name: {code}");
        let result = code.hresult();
        assert!(!result.is_success(), "{errno:?} becomes a success");
        assert_eq!(result.0 >> 16, 0x8007, "{errno:?} becomes {result:?}, which is not of the Win32 facility");
        assert_eq!(result.win32_code(), Some(code.0));
    }
}

/// The names are in ascending order of distinct codes that fit a Win32 code.
#[test]
fn every_named_code_is_one_code() {
    for pair in NAMED.windows(2) {
        assert!(pair[0].0 < pair[1].0, "{} and {} are out of order", pair[0].0, pair[1].0);
    }
    for (code, name) in NAMED {
        assert!(code.0 != 0 && code.0 < 0x1_0000, "{name} is no Win32 code");
        assert_eq!(format!("{code:?}"), format!("ERROR_{name}"));
    }
}

/// A code that the framework names as well means the same there.
#[test]
fn the_framework_and_this_table_agree_on_names() {
    let mut shared = 0;
    for (code, name) in NAMED {
        let there =
            lowerdeck_framework::status::NAMED.iter().find(|(_, known)| known.strip_prefix("ERROR_") == Some(name));
        if let Some((result, name)) = there {
            assert_eq!(code.hresult(), *result, "{name}");
            shared += 1;
        }
    }
    assert!(shared >= 12, "only {shared} names are shared: were they renamed?");
}

/// Rows by hand: what a host says of a disk, a path, a right, and a socket.
#[test]
fn a_host_error_becomes_what_win32_says_of_it() {
    let rows = [
        (Errno::NOSPC, 0x8007_0070), // disk full
        (Errno::DQUOT, 0x8007_0070), // quota exceeded
        (Errno::ACCESS, 0x8007_0005),
        (Errno::PERM, 0x8007_0005),
        (Errno::ROFS, 0x8007_0013),
        (Errno::NOENT, 0x8007_0002),
        (Errno::NOTDIR, 0x8007_0003),
        (Errno::EXIST, 0x8007_0050),
        (Errno::NAMETOOLONG, 0x8007_00CE),
        (Errno::FBIG, 0x8007_00DF),
        (Errno::MFILE, 0x8007_0004),
        (Errno::IO, 0x8007_045D),
        (Errno::PIPE, 0x8007_00E8),
        (Errno::CONNREFUSED, 0x8007_04C9),
    ];
    for (errno, result) in rows {
        assert_eq!(Win32Error::from_errno(errno).hresult(), HResult(result), "{errno:?}");
        let error = io::Error::from(errno);
        assert_eq!(Win32Error::from(&error).hresult(), HResult(result), "{error}");
    }
}

/// What nobody has decided is a failure of its own, not a success and not another's code.
#[test]
fn an_unlisted_error_is_a_general_failure() {
    assert_eq!(Win32Error::from_errno(Errno::XFULL), Win32Error::GEN_FAILURE);
    assert_eq!(Win32Error::from(&io::Error::other("of nobody")), Win32Error::GEN_FAILURE);
}

/// The library refuses by kind where the system was not asked.
#[test]
fn a_refusal_of_the_library_keeps_its_meaning() {
    let rows = [
        (io::ErrorKind::PermissionDenied, Win32Error::ACCESS_DENIED),
        (io::ErrorKind::InvalidInput, Win32Error::INVALID_NAME),
        (io::ErrorKind::OutOfMemory, Win32Error::NOT_ENOUGH_MEMORY),
    ];
    for (kind, code) in rows {
        assert_eq!(Win32Error::from(&io::Error::new(kind, "refused")), code);
    }
}
