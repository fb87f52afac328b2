//! The table of control codes: what each does, and what is refused.

use std::os::unix::fs::MetadataExt;

use super::{DiskLimits, Place, READ, SHARE_ALL, WRITE, control, done, failed, read_at, request};
use crate::disk::control::{
    CODES, FSCTL_FLUSH_FILE_BUFFERS, FSCTL_SET_END_OF_FILE, FSCTL_SET_SPARSE, FSCTL_SET_ZERO_DATA,
    IOCTL_DISK_GET_LENGTH_INFO,
};
use crate::handle::{Access, Disposition};
use crate::operation::Outcome;
use crate::win32::Win32Error;

#[tokio::test]
async fn the_size_is_told_as_it_is() {
    let place = Place::new();
    place.put("file", &[1; 300]);
    let file = place.opened("file").await;
    assert_eq!(control(&file, IOCTL_DISK_GET_LENGTH_INFO, b"", 8).await, done(b"\x2C\x01\0\0\0\0\0\0"));
    assert_eq!(control(&file, FSCTL_SET_END_OF_FILE, &5_i64.to_le_bytes(), 0).await, Outcome::written(0));
    assert_eq!(control(&file, IOCTL_DISK_GET_LENGTH_INFO, b"", 64).await, done(b"\x05\0\0\0\0\0\0\0"));
}

#[tokio::test]
async fn the_end_of_file_moves_both_ways_up_to_the_limit() {
    let place = Place::with(DiskLimits { file_bytes_max: 10, ..DiskLimits::default() });
    place.put("file", b"01234567");
    let file = place.opened("file").await;
    let rows = [
        (4_i64, Outcome::written(0), b"0123".as_slice()),
        (6, Outcome::written(0), b"0123\0\0"),
        (11, failed(Win32Error::FILE_TOO_LARGE), b"0123\0\0"),
        (-1, failed(Win32Error::INVALID_PARAMETER), b"0123\0\0"),
        (0, Outcome::written(0), b""),
    ];
    for (size, expected, content) in rows {
        assert_eq!(control(&file, FSCTL_SET_END_OF_FILE, &size.to_le_bytes(), 0).await, expected, "to {size}");
        assert_eq!(place.content("file"), content, "to {size}");
    }
}

#[tokio::test]
async fn a_zeroed_range_reads_as_zeros_takes_no_room_and_keeps_the_size() {
    let place = Place::new();
    place.put("file", &[7; 64 << 10]);
    let blocks = || place.inside("file").metadata().expect("there").blocks();
    let before = blocks();
    let file = place.opened("file").await;
    let range = |first: i64, beyond: i64| [first.to_le_bytes(), beyond.to_le_bytes()].concat();
    assert_eq!(control(&file, FSCTL_SET_ZERO_DATA, &range(4096, 1 << 20), 0).await, Outcome::written(0));
    assert_eq!(place.content("file"), [vec![7; 4096], vec![0; 60 << 10]].concat());
    assert!(blocks() < before, "{} blocks of {before}", blocks());
    assert_eq!(control(&file, FSCTL_SET_ZERO_DATA, &range(1, 3), 0).await, Outcome::written(0));
    assert_eq!(read_at(&file, 0, 4).await, done(b"\x07\0\0\x07"));
    for (first, beyond) in [(3, 1), (-1, 3), (0, -1), (i64::MIN, i64::MAX)] {
        let refused = control(&file, FSCTL_SET_ZERO_DATA, &range(first, beyond), 0).await;
        assert_eq!(refused, failed(Win32Error::INVALID_PARAMETER), "{first} to {beyond}");
    }
}

#[tokio::test]
async fn flush_and_sparse_succeed_without_output() {
    let place = Place::new();
    place.put("file", b"old");
    for access in [READ, WRITE, Access::APPEND_DATA] {
        let opened = place.root.create_file(&request("file", access, SHARE_ALL, Disposition::OpenExisting)).await;
        let file = opened.expect("it opens").file;
        for code in [FSCTL_FLUSH_FILE_BUFFERS, FSCTL_SET_SPARSE] {
            assert_eq!(control(&file, code, b"", 0).await, Outcome::written(0), "{code:#x} with {access:#x}");
        }
    }
}

/// The access bits of a code say which right it takes.
#[tokio::test]
async fn a_code_takes_the_right_that_it_names() {
    let place = Place::new();
    place.put("file", b"old");
    for access in [0, READ, WRITE, Access::APPEND_DATA] {
        let opened = place.root.create_file(&request("file", access, SHARE_ALL, Disposition::OpenExisting)).await;
        let file = opened.expect("it opens").file;
        for row in CODES {
            let right = [0, READ, WRITE, READ | WRITE][(row.code as usize >> 14) & 3];
            let ended = control(&file, row.code, &[0; 16], 8).await;
            let is_denied = ended == failed(Win32Error::ACCESS_DENIED);
            assert_eq!(is_denied, right & !access != 0, "{} with {access:#x}: {ended:?}", row.name);
        }
    }
}

/// Too little input or room is told before anything is done.
#[tokio::test]
async fn a_short_buffer_is_refused_and_nothing_is_done() {
    let place = Place::new();
    place.put("file", b"old");
    let file = place.opened("file").await;
    let all = control(&file, IOCTL_DISK_GET_LENGTH_INFO, b"", 7).await;
    assert_eq!(all, failed(Win32Error::INSUFFICIENT_BUFFER));
    for row in CODES.into_iter().filter(|row| row.input_bytes > 0) {
        let short = vec![0; row.input_bytes as usize - 1];
        assert_eq!(control(&file, row.code, &short, 8).await, failed(Win32Error::INVALID_PARAMETER), "{}", row.name);
    }
    assert_eq!(place.content("file"), b"old");
}

/// A code is compared whole: with another access or method it is another one.
#[tokio::test]
async fn every_other_code_is_an_invalid_function() {
    let place = Place::new();
    place.put("file", b"old");
    let file = place.opened("file").await;
    let near = CODES.into_iter().flat_map(|row| (0..32).map(move |bit| row.code ^ (1 << bit)));
    let unknown = near.chain([0, u32::MAX, 0x0011_400C]).filter(|code| CODES.iter().all(|row| row.code != *code));
    for code in unknown {
        assert_eq!(control(&file, code, &[0; 16], 8).await, failed(Win32Error::INVALID_FUNCTION), "{code:#x}");
    }
    assert_eq!(place.content("file"), b"old");
}

#[test]
fn the_table_names_each_code_once() {
    for (index, row) in CODES.iter().enumerate() {
        assert!(CODES[..index].iter().all(|other| other.code != row.code && other.name != row.name), "{}", row.name);
    }
}
