//! `ram` through a stack, and its store against a flat array.

use lowerdeck_framework::io::FormatIo;
use lowerdeck_framework::ioctl::IoControlCode;
use lowerdeck_framework::status::HResult;
use proptest::prelude::*;

use super::*;
use crate::testing::Lab;

#[test]
fn what_is_written_is_read_at_its_offset() {
    let mut lab = Lab::new("ram(size=256KiB)");
    let file = lab.create("disk");
    let data: Vec<u8> = (0..200_000_u32).map(|n| (n % 251) as u8).collect();
    let written = lab.write(file, 1000, &data);
    assert_eq!(lab.result(written).1, 200_000);
    let read = lab.read(file, 1000, 200_000);
    assert_eq!(lab.result(read).2, data);
    let before = lab.read(file, 990, 20);
    assert_eq!(lab.result(before).2, [&[0; 10][..], &data[..10]].concat());
}

#[test]
fn the_contents_outlive_the_file() {
    let mut lab = Lab::new("ram");
    let file = lab.create("first");
    lab.write(file, 0, b"kept");
    assert!(lab.close(file));
    let file = lab.create("second");
    let read = lab.read(file, 0, 4);
    assert_eq!(lab.result(read).2, "kept");
}

#[test]
fn a_read_over_the_end_is_short_and_one_after_it_fails() {
    let mut lab = Lab::new("ram(size=100B)");
    let file = lab.create("disk");
    let over = lab.read(file, 90, 20);
    assert_eq!(lab.result(over), (HResult::S_OK, 10, vec![0; 10].into()));
    for offset in [100, 101, i64::MAX - 1] {
        let after = lab.read(file, offset, 1);
        assert_eq!(lab.result(after).0, HResult::ERROR_HANDLE_EOF, "{offset}");
    }
}

#[test]
fn a_write_over_the_end_writes_nothing() {
    let mut lab = Lab::new("ram(size=100B)");
    let file = lab.create("disk");
    let over = lab.write(file, 98, b"xyz");
    assert_eq!(lab.result(over), (HResult::ERROR_HANDLE_EOF, 0, Default::default()));
    let read = lab.read(file, 98, 2);
    assert_eq!(lab.result(read).2, vec![0; 2]);
}

#[test]
fn negative_and_overflowing_offsets_are_refused() {
    let mut lab = Lab::new("ram");
    let file = lab.create("disk");
    for offset in [-1, i64::MIN, i64::MAX] {
        let read = lab.read(file, offset, 2);
        assert_eq!(lab.result(read).0, HResult::STATUS_INVALID_PARAMETER, "read at {offset}");
        let write = lab.write(file, offset, b"ab");
        assert_eq!(lab.result(write).0, HResult::STATUS_INVALID_PARAMETER, "write at {offset}");
    }
}

#[test]
fn accesses_begin_and_end_at_sectors() {
    let mut lab = Lab::new("ram(size=4KiB, sector=512)");
    let file = lab.create("disk");
    for (offset, length, status) in [
        (512, 512, HResult::S_OK),
        (100, 512, HResult::STATUS_INVALID_PARAMETER),
        (512, 100, HResult::STATUS_INVALID_PARAMETER),
    ] {
        let read = lab.read(file, offset, length);
        assert_eq!(lab.result(read).0, status, "{offset} {length}");
        let write = lab.write(file, offset, &vec![1; length as usize]);
        assert_eq!(lab.result(write).0, status, "{offset} {length}");
    }
}

#[test]
fn a_terabyte_costs_what_was_written() {
    let mut lab = Lab::new("ram(size=1TiB)");
    let file = lab.create("disk");
    let last = (1_i64 << 40) - 3;
    lab.write(file, last, b"end");
    let read = lab.read(file, last, 3);
    assert_eq!(lab.result(read).2, "end");
    let mut store = SparseStore::new(1 << 40, 1 << 30);
    assert_eq!(store.write(last, b"end"), Ok(()));
    assert_eq!(store.resident(), PAGE_BYTES);
}

#[test]
fn a_read_of_more_than_one_transfer_is_refused_before_anything_is_allocated() {
    let mut lab = Lab::new("ram(size=1TiB)");
    let file = lab.create("disk");
    let read = lab.read(file, 0, 1 << 39);
    assert_eq!(lab.result(read).0, HResult::STATUS_INSUFFICIENT_RESOURCES);
}

#[test]
fn the_budget_is_kept_and_a_refused_write_writes_nothing() {
    let mut lab = Lab::new("ram(size=1MiB, resident_max=64KiB)");
    let file = lab.create("disk");
    let first = lab.write(file, 0, b"one page");
    assert_eq!(lab.result(first).0, HResult::S_OK);
    let over = lab.write(file, 65_534, b"abcd");
    assert_eq!(lab.result(over).0, HResult::STATUS_INSUFFICIENT_RESOURCES);
    let read = lab.read(file, 65_534, 4);
    assert_eq!(lab.result(read).2, vec![0; 4]);
    let again = lab.write(file, 8, b"same page");
    assert_eq!(lab.result(again).0, HResult::S_OK);
}

#[test]
fn the_length_ioctl_gives_the_size_and_others_are_refused() {
    let mut lab = Lab::new("ram(size=64MiB)");
    let file = lab.create("disk");
    let length = lab.ioctl(file, IOCTL_DISK_GET_LENGTH_INFO, 16);
    assert_eq!(lab.result(length), (HResult::S_OK, 8, (64_u64 << 20).to_le_bytes().to_vec().into()));
    let small = lab.ioctl(file, IOCTL_DISK_GET_LENGTH_INFO, 7);
    assert_eq!(lab.result(small).0, HResult::ERROR_INSUFFICIENT_BUFFER);
    let other = lab.ioctl(file, IoControlCode(0x0007_0000), 16);
    assert_eq!(lab.result(other).0, HResult::STATUS_INVALID_DEVICE_REQUEST);
}

#[test]
fn zero_length_accesses_transfer_nothing() {
    let mut lab = Lab::new("ram(size=10B)");
    let file = lab.create("disk");
    let read = lab.read(file, 5, 0);
    assert_eq!(lab.result(read), (HResult::S_OK, 0, Default::default()));
    let write = lab.write(file, 10, b"");
    assert_eq!(lab.result(write), (HResult::S_OK, 0, Default::default()));
}

/// One access to the store: where, and what to write (None reads).
#[derive(Debug, Clone)]
enum Access {
    Read { offset: i64, length: u64 },
    Write { offset: i64, data: Vec<u8> },
}

/// A little more than three pages, so that accesses cross pages and the end.
const SIZE: u64 = 3 * PAGE_BYTES + 100;

fn any_access() -> impl Strategy<Value = Access> {
    let edges = prop_oneof![
        0..SIZE as i64 + 10,
        (0..4_i64, -3..3_i64).prop_map(|(page, by)| page * PAGE_BYTES as i64 + by),
        Just(i64::MAX),
    ];
    let lengths = prop_oneof![0..8_usize, Just(PAGE_BYTES as usize), 0..2 * PAGE_BYTES as usize + 50];
    (edges, lengths, any::<Option<u8>>()).prop_map(|(offset, length, byte)| match byte {
        None => Access::Read { offset, length: length as u64 },
        Some(first) => {
            let data = (0..length).map(|n| first.wrapping_add(n as u8)).collect();
            Access::Write { offset, data }
        }
    })
}

/// What a flat array answers to a read.
fn flat_read(flat: &[u8], offset: i64, length: u64) -> Result<Vec<u8>, AccessError> {
    let start = usize::try_from(offset).map_err(|_| AccessError::OutOfRange)?;
    offset.checked_add(length as i64).ok_or(AccessError::OutOfRange)?;
    let rest = flat.get(start..).filter(|rest| !rest.is_empty()).ok_or(AccessError::EndOfDevice)?;
    Ok(rest[..rest.len().min(length as usize)].to_vec())
}

/// What a flat array answers to a write.
fn flat_write(flat: &mut [u8], offset: i64, data: &[u8]) -> Result<(), AccessError> {
    let start = usize::try_from(offset).map_err(|_| AccessError::OutOfRange)?;
    offset.checked_add(data.len() as i64).ok_or(AccessError::OutOfRange)?;
    let target = flat.get_mut(start..start + data.len()).ok_or(AccessError::EndOfDevice)?;
    target.copy_from_slice(data);
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn the_store_behaves_like_a_flat_array(accesses in prop::collection::vec(any_access(), 1..40)) {
        let mut store = SparseStore::new(SIZE, SIZE);
        let mut flat = vec![0; SIZE as usize];
        for access in accesses {
            match access {
                Access::Read { offset, length } => {
                    let read = store.read(offset, length).map(|data| data.to_vec());
                    prop_assert_eq!(read, flat_read(&flat, offset, length), "read {} {}", offset, length);
                }
                Access::Write { offset, data } => {
                    prop_assert_eq!(store.write(offset, &data), flat_write(&mut flat, offset, &data));
                }
            }
        }
        let whole: Vec<u8> = (0..=3).flat_map(|page| store.read(page * PAGE_BYTES as i64, PAGE_BYTES)).flatten().collect();
        prop_assert!(whole == flat, "the contents differ");
    }
}

#[test]
fn a_flush_succeeds_and_information_is_refused() {
    let mut lab = Lab::new("ram");
    let file = lab.create("disk");
    let flush = lab.send(file, FormatIo::FlushBuffers);
    assert_eq!(lab.result(flush), (HResult::S_OK, 0, Default::default()));
    let query = lab.send(file, FormatIo::QueryInformation { class: 5, output: None });
    assert_eq!(lab.result(query).0, HResult::STATUS_INVALID_DEVICE_REQUEST);
}
