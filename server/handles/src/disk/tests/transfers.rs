//! Reads and writes: offsets, ends, limits, and what the host refuses in the middle.

use std::sync::{Arc, Mutex};

use bytes::Bytes;

use super::{Place, READ, SHARE_ALL, done, failed, read_at, request, unended, write_at};
use crate::disk::file::{HostFile, WRITE_TO_END_OF_FILE};
use crate::disk::pool::BlockingPool;
use crate::disk::rights::{Rights, Uses};
use crate::disk::sharing::ShareTable;
use crate::disk::{DiskFile, DiskLimits};
use crate::handle::{Access, Disposition};
use crate::operation::{Operation, Outcome, TRANSFER_BYTES_MAX};
use crate::win32::Win32Error;

#[tokio::test]
async fn what_is_written_at_an_offset_is_read_there_and_a_gap_reads_as_zeros() {
    let place = Place::new();
    let file = place.open("file", Disposition::CreateNew).await.expect("made");
    assert_eq!(write_at(&file, 4096, b"page").await, Outcome::written(4));
    assert_eq!(read_at(&file, 4096, 4).await, done(b"page"));
    assert_eq!(read_at(&file, 4092, 6).await, done(b"\0\0\0\0pa"));
    assert_eq!(write_at(&file, 1, b"x").await, Outcome::written(1));
    assert_eq!(place.content("file").len(), 4100);
    assert_eq!(read_at(&file, 0, 3).await, done(b"\0x\0"));
}

/// G18: at the end of a file there is nothing, and short of it there is what is left.
#[tokio::test]
async fn a_read_at_the_end_is_end_of_file_and_one_across_it_is_short() {
    let place = Place::new();
    place.put("file", b"0123456789");
    let file = place.opened("file").await;
    assert_eq!(read_at(&file, 8, 100).await, done(b"89"));
    assert_eq!(read_at(&file, 9, 1).await, done(b"9"));
    for offset in [10, 11, 1 << 40, i64::MAX as u64 - 1] {
        assert_eq!(read_at(&file, offset, 1).await, failed(Win32Error::HANDLE_EOF), "at {offset}");
    }
    for offset in [0, 10, 11] {
        assert_eq!(read_at(&file, offset, 0).await, done(b""), "nothing asked for at {offset}");
    }
}

/// Nobody gets memory by asking: the buffer is of what is there.
#[tokio::test]
async fn a_long_read_of_a_short_file_takes_little() {
    let place = Place::new();
    place.put("file", b"short");
    let file = place.opened("file").await;
    let read = read_at(&file, 0, TRANSFER_BYTES_MAX).await;
    assert_eq!(read, done(b"short"));
    let buffer = Vec::from(read.data);
    assert!(buffer.capacity() < 4096, "{} bytes for 5", buffer.capacity());
}

#[tokio::test]
async fn an_offset_that_no_file_has_is_a_bad_argument() {
    let place = Place::new();
    place.put("file", b"old");
    let file = place.opened("file").await;
    for offset in [i64::MAX as u64, 1 << 63, u64::MAX - 1] {
        assert_eq!(read_at(&file, offset, 1).await, failed(Win32Error::INVALID_PARAMETER), "read at {offset:#x}");
        assert_eq!(write_at(&file, offset, b"x").await, failed(Win32Error::INVALID_PARAMETER), "write at {offset:#x}");
    }
    assert_eq!(read_at(&file, u64::MAX, 1).await, failed(Win32Error::INVALID_PARAMETER));
    assert_eq!(place.content("file"), b"old");
}

#[tokio::test]
async fn the_largest_transfer_goes_both_ways() {
    let place = Place::new();
    let file = place.open("file", Disposition::CreateNew).await.expect("made");
    let data = Bytes::from((0..TRANSFER_BYTES_MAX).map(|index| (index % 251) as u8).collect::<Vec<u8>>());
    let written = file.perform(Operation::Write { data: data.clone(), offset: 3 }, &unended()).await;
    assert_eq!(written, Outcome::written(u64::from(TRANSFER_BYTES_MAX)));
    assert!(read_at(&file, 3, TRANSFER_BYTES_MAX).await.data == data, "what was written is not what is read");
}

#[tokio::test]
async fn a_file_does_not_grow_above_its_limit() {
    let place = Place::with(DiskLimits { file_bytes_max: 10, ..DiskLimits::default() });
    let file = place.open("file", Disposition::CreateNew).await.expect("made");
    assert_eq!(write_at(&file, 6, b"last").await, Outcome::written(4));
    for (offset, data) in [(7, b"last".as_slice()), (10, b"x"), (1 << 40, b"x"), (WRITE_TO_END_OF_FILE, b"x")] {
        assert_eq!(write_at(&file, offset, data).await, failed(Win32Error::FILE_TOO_LARGE), "at {offset}");
    }
    assert_eq!(place.content("file"), b"\0\0\0\0\0\0last");
}

/// A handle that may only append does so wherever it is told to write; any other does with the offset that says so.
#[tokio::test]
async fn an_append_goes_to_the_end_whatever_the_offset() {
    let place = Place::new();
    place.put("log", b"one ");
    let asked = request("log", Access::APPEND_DATA, SHARE_ALL, Disposition::OpenExisting);
    let log = place.root.create_file(&asked).await.expect("it opens").file;
    assert_eq!(write_at(&log, 0, b"two ").await, Outcome::written(4));
    assert_eq!(write_at(&log, 1 << 20, b"three ").await, Outcome::written(6));
    let other = place.opened("log").await;
    assert_eq!(write_at(&other, WRITE_TO_END_OF_FILE, b"four").await, Outcome::written(4));
    assert_eq!(write_at(&log, 1, b"!").await, Outcome::written(1));
    assert_eq!(place.content("log"), b"one two three four!");
}

/// Two handles append at once, and neither loses a byte to the other.
#[tokio::test]
async fn appends_of_many_handles_overwrite_nothing() {
    let place = Place::new();
    place.put("log", b"");
    let asked = request("log", Access::APPEND_DATA, SHARE_ALL, Disposition::OpenExisting);
    let mut files = Vec::new();
    for _ in 0..4 {
        files.push(Arc::new(place.root.create_file(&asked).await.expect("it opens").file));
    }
    let mut appends = tokio::task::JoinSet::new();
    for number in 0..400 {
        let file = Arc::clone(&files[number % files.len()]);
        appends.spawn(async move { write_at(&file, 0, format!("{number:03}\n").as_bytes()).await });
    }
    while let Some(ended) = appends.join_next().await {
        assert_eq!(ended.expect("no panic"), Outcome::written(4));
    }
    let content = String::from_utf8(place.content("log")).expect("text");
    let mut lines: Vec<&str> = content.lines().collect();
    lines.sort_unstable();
    let expected: Vec<String> = (0..400).map(|number| format!("{number:03}")).collect();
    assert_eq!(lines, expected);
}

/// 32 reads in flight over a file of 8 MiB give the file.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_reads_in_flight_give_each_its_own_part() {
    const PART: usize = 64 << 10;
    let place = Place::new();
    let content: Vec<u8> =
        (0..(8 << 20_u32)).map(|index: u32| (index.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
    place.put("file", &content);
    let file = Arc::new(place.opened("file").await);
    let mut reads = tokio::task::JoinSet::new();
    let mut parts = (0..content.len() / PART).rev();
    loop {
        while reads.len() < 32 {
            let Some(part) = parts.next() else { break };
            let file = Arc::clone(&file);
            reads.spawn(async move { (part, read_at(&file, (part * PART) as u64, PART as u32).await) });
        }
        let Some(ended) = reads.join_next().await else { break };
        let (part, read) = ended.expect("no panic");
        assert!(read.data == content[part * PART..][..PART], "part {part} is another's");
    }
}

/// The host refuses with what a full disk says, through the same write as any other.
#[tokio::test]
async fn a_full_disk_is_told_as_disk_full() {
    let table = Arc::new(ShareTable::default());
    let rights = Rights::of(Access(READ | Access::GENERIC_WRITE)).expect("rights");
    let full = std::fs::File::options().write(true).open("/dev/full").expect("the host has a disk that is always full");
    let share = table.enter((0, 0), Uses::default(), Uses::default()).expect("nobody else has it");
    let file = cap_std::fs::File::from_std(full);
    let share = Mutex::new(Some(share));
    let host_file = HostFile { share, file, rights, write_through: false, file_bytes_max: 1 << 20 };
    let file = DiskFile::new(host_file, BlockingPool::new(1, 1));
    assert_eq!(write_at(&file, 0, b"no room").await, failed(Win32Error::DISK_FULL));
}
