//! What an open does by its disposition, rights and flags, and that a refused one has changed nothing.

use rustix::fs::{CWD, FileType, Mode, OFlags, mknodat};

use super::{DiskLimits, FileRoot, Place, READ, SHARE_ALL, WRITE, done, failed, read_at, request, write_at};
use crate::handle::{Access, CreateFile, Disposition, Flags, ShareMode};
use crate::operation::Outcome;
use crate::win32::Win32Error;

/// What an open finds, asks for, and gives: whether it existed, or why not.
type Row = (bool, Disposition, Result<bool, Win32Error>, Option<&'static [u8]>);

#[tokio::test]
async fn each_disposition_does_what_win32_says() {
    use Disposition::{CreateAlways, CreateNew, OpenAlways, OpenExisting, TruncateExisting};
    let rows: [Row; 10] = [
        (false, CreateNew, Ok(false), Some(b"")),
        (false, CreateAlways, Ok(false), Some(b"")),
        (false, OpenExisting, Err(Win32Error::FILE_NOT_FOUND), None),
        (false, OpenAlways, Ok(false), Some(b"")),
        (false, TruncateExisting, Err(Win32Error::FILE_NOT_FOUND), None),
        (true, CreateNew, Err(Win32Error::FILE_EXISTS), Some(b"old")),
        (true, CreateAlways, Ok(true), Some(b"")),
        (true, OpenExisting, Ok(true), Some(b"old")),
        (true, OpenAlways, Ok(true), Some(b"old")),
        (true, TruncateExisting, Ok(true), Some(b"")),
    ];
    for (is_there, disposition, expected, content) in rows {
        let place = Place::new();
        if is_there {
            place.put("file", b"old");
        }
        let opened = place.root.create_file(&request("file", READ | WRITE, 0, disposition)).await;
        assert_eq!(opened.map(|opened| opened.existed), expected, "{disposition:?}, there: {is_there}");
        let after = place.inside("file").exists().then(|| place.content("file"));
        assert_eq!(after.as_deref(), content, "{disposition:?}, there: {is_there}");
    }
}

/// To cut is to write: it needs no right of the handle, yet nobody may exclude it; and it leaves no claim behind.
#[tokio::test]
async fn a_file_is_not_cut_before_all_who_have_it_open_let_it_be_written() {
    let place = Place::new();
    place.put("file", b"old");
    let open = async |access, share, disposition| {
        place.root.create_file(&request("file", access, share, disposition)).await.map(|opened| opened.file)
    };
    let reader = open(READ, ShareMode::READ, Disposition::OpenExisting).await.expect("the first may");
    for access in [READ, READ | WRITE, 0] {
        let refused = open(access, SHARE_ALL, Disposition::CreateAlways).await.err();
        assert_eq!(refused, Some(Win32Error::SHARING_VIOLATION), "{access:#x}");
    }
    assert_eq!(place.content("file"), b"old");
    drop(reader);
    let cutter = open(READ, SHARE_ALL, Disposition::CreateAlways).await.expect("nobody has it open");
    assert_eq!(place.content("file"), b"");
    assert_eq!(write_at(&cutter, 0, b"x").await, failed(Win32Error::ACCESS_DENIED));
    let reader = open(READ, ShareMode::READ, Disposition::OpenExisting).await;
    assert!(reader.is_ok(), "the cut is over, and the handle only reads: {reader:?}");
}

#[tokio::test]
async fn to_truncate_without_the_right_to_write_is_a_bad_argument() {
    let place = Place::new();
    place.put("file", b"old");
    let refused = place.root.create_file(&request("file", READ, 0, Disposition::TruncateExisting)).await.err();
    assert_eq!(refused, Some(Win32Error::INVALID_PARAMETER));
    assert_eq!(place.content("file"), b"old");
}

/// A missing folder is told from a missing file, and a file on the way from both.
#[tokio::test]
async fn a_missing_folder_is_told_from_a_missing_file() {
    let place = Place::new();
    place.put("file", b"");
    let rows = [
        ("missing", Win32Error::FILE_NOT_FOUND),
        ("missing/file", Win32Error::PATH_NOT_FOUND),
        ("file/below", Win32Error::PATH_NOT_FOUND),
    ];
    for (name, code) in rows {
        assert_eq!(place.open(name, Disposition::OpenExisting).await.err(), Some(code), "{name}");
    }
    assert_eq!(place.open("missing/file", Disposition::CreateNew).await.err(), Some(Win32Error::PATH_NOT_FOUND));
}

/// Folders, pipes that nobody reads or writes, and sockets are no files; none of them holds the open.
#[tokio::test]
async fn what_is_no_regular_file_is_refused() {
    let place = Place::new();
    std::fs::create_dir(place.inside("folder")).expect("a folder");
    mknodat(CWD, place.inside("fifo"), FileType::Fifo, Mode::RUSR | Mode::WUSR, 0).expect("a pipe");
    let _socket = std::os::unix::net::UnixListener::bind(place.inside("socket")).expect("a socket");
    for name in ["folder", "fifo", "socket"] {
        for access in [0, READ, WRITE, READ | WRITE] {
            for disposition in [Disposition::OpenExisting, Disposition::OpenAlways, Disposition::CreateAlways] {
                let refused = place.root.create_file(&request(name, access, SHARE_ALL, disposition)).await.err();
                let refused = refused.expect(name);
                assert!([Win32Error::ACCESS_DENIED, Win32Error::NOT_READY].contains(&refused), "{name}: {refused}");
            }
        }
    }
    assert_eq!(place.root.open_handles(), 0);
}

/// The descriptor of a file that was there can do no more than its handle, so that `OPEN_ALWAYS` for reading takes a file
/// that the host lets nobody write.
#[tokio::test]
async fn what_is_opened_for_reading_need_not_be_writable() {
    let place = Place::new();
    place.put("file", b"old");
    let readable = std::fs::File::open(place.inside("file")).expect("open");
    rustix::fs::fchmod(&readable, Mode::RUSR).expect("read only");
    for disposition in [Disposition::OpenExisting, Disposition::OpenAlways] {
        let opened = place.root.create_file(&request("file", READ, SHARE_ALL, disposition)).await;
        let file = opened.expect("it can be read").file;
        assert_eq!(read_at(&file, 0, 8).await, done(b"old"));
        let descriptors = std::fs::read_dir("/proc/self/fd").expect("the host tells descriptors");
        let modes: Vec<OFlags> = descriptors
            .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok())
            .filter_map(|number| open_mode(&place.inside("file"), number))
            .collect();
        assert_eq!(modes, [OFlags::RDONLY; 2], "one is the test's own, {disposition:?}");
    }
}

/// How a descriptor of this process has `path` open, if it has.
fn open_mode(path: &std::path::Path, descriptor: u32) -> Option<OFlags> {
    let target = std::fs::read_link(format!("/proc/self/fd/{descriptor}")).ok()?;
    let told = std::fs::read_to_string(format!("/proc/self/fdinfo/{descriptor}")).ok()?;
    let flags = told.lines().find_map(|line| line.strip_prefix("flags:"))?;
    let flags = u32::from_str_radix(flags.trim(), 8).ok()?;
    (target == path.canonicalize().ok()?).then(|| OFlags::from_bits_retain(flags) & OFlags::RWMODE)
}

/// A handle does what it was opened for; a handle for nothing exists, and that is all.
#[tokio::test]
async fn each_right_is_needed_and_enough() {
    const EXECUTE: u32 = 0x2000_0000;
    let rows = [
        (READ, true, false),
        (Access::READ_DATA, true, false),
        (WRITE, false, true),
        (Access::WRITE_DATA, false, true),
        (Access::APPEND_DATA, false, true),
        (READ | WRITE, true, true),
        (Access::GENERIC_ALL, true, true),
        (0x001F_01FF, true, true),
        (Access::DELETE, false, false),
        (EXECUTE, false, false),
        (0, false, false),
    ];
    for (access, reads, writes) in rows {
        let place = Place::new();
        place.put("file", b"old");
        let opened = place.root.create_file(&request("file", access, SHARE_ALL, Disposition::OpenExisting)).await;
        let file = opened.expect("every right is there").file;
        let denied = failed(Win32Error::ACCESS_DENIED);
        let read = read_at(&file, 0, 8).await;
        assert_eq!(read, if reads { done(b"old") } else { denied.clone() }, "{access:#x}");
        let written = write_at(&file, 0, b"new").await;
        assert_eq!(written, if writes { Outcome::written(3) } else { denied }, "{access:#x}");
    }
}

/// Unknown rights, share modes and flags are refused before anything is made.
#[tokio::test]
async fn an_open_that_asks_for_what_is_not_done_here_makes_nothing() {
    let place = Place::new();
    let good = request("file", READ | WRITE, SHARE_ALL, Disposition::CreateAlways);
    for access in [0x0100_0000, 0x0200_0000, 0x0000_0200, READ | 0x0400_0000] {
        let refused = place.root.create_file(&CreateFile { access: Access(access), ..good.clone() }).await;
        assert_eq!(refused.err(), Some(Win32Error::ACCESS_DENIED), "right {access:#x}");
    }
    for share in [8, 0x8000_0000, 15] {
        let refused = place.root.create_file(&CreateFile { share: ShareMode(share), ..good.clone() }).await;
        assert_eq!(refused.err(), Some(Win32Error::INVALID_PARAMETER), "share mode {share:#x}");
    }
    for flags in [Flags::DELETE_ON_CLOSE, 0x2000_0000, 0x0200_0000, 0x0020_0000, 0x0010_0000] {
        let refused = place.root.create_file(&CreateFile { flags: Flags(flags), ..good.clone() }).await;
        assert_eq!(refused.err(), Some(Win32Error::NOT_SUPPORTED), "flag {flags:#x}");
    }
    assert!(!place.inside("file").exists());
    for flags in [0, 0x80, Flags::OVERLAPPED, Flags::WRITE_THROUGH | 0x0800_0000 | 0x1000_0000] {
        let taken = place.root.create_file(&CreateFile { flags: Flags(flags), ..good.clone() }).await;
        assert!(taken.is_ok(), "flags {flags:#x}: {taken:?}");
    }
}

#[test]
fn a_root_that_is_not_there_is_told_at_once() {
    let folder = tempfile::tempdir().expect("a folder");
    let missing = FileRoot::open(&folder.path().join("missing"), DiskLimits::default());
    assert_eq!(missing.map(|_| ()).map_err(|error| error.kind()), Err(std::io::ErrorKind::NotFound));
}
