//! Share modes: every pair of opens against the rule as Win32 words it, and what a share outlives.

use super::{Place, READ, SHARE_ALL, WRITE, request};
use crate::handle::{Access, Disposition, ShareMode};
use crate::win32::Win32Error;

const RIGHTS: [u32; 3] = [Access::READ_DATA, Access::WRITE_DATA, Access::DELETE];
const SHARES: [u32; 3] = [ShareMode::READ, ShareMode::WRITE, ShareMode::DELETE];

/// The bits of `which` (0 to 7) out of three.
fn chosen(which: u32, bits: [u32; 3]) -> u32 {
    (0..3).filter(|bit| which & (1 << bit) != 0).map(|bit| bits[bit as usize]).sum()
}

/// Each right of one is among the shares of the other; who has no rights minds nobody.
fn go_together(first: (u32, u32), second: (u32, u32)) -> bool {
    first.0 == 0 || second.0 == 0 || (first.0 & !second.1 == 0 && second.0 & !first.1 == 0)
}

#[tokio::test]
async fn two_opens_go_together_when_each_lets_the_other() {
    let place = Place::new();
    place.put("file", b"");
    let open = async |(rights, shares): (u32, u32)| {
        let asked = request("file", chosen(rights, RIGHTS), chosen(shares, SHARES), Disposition::OpenExisting);
        place.root.create_file(&asked).await.map(|opened| opened.file)
    };
    let all = || (0..8).flat_map(|rights| (0..8).map(move |shares| (rights, shares)));
    for first in all() {
        let held = open(first).await.expect("nobody else has it open");
        for second in all() {
            let expected = go_together(first, second).then_some(()).ok_or(Win32Error::SHARING_VIOLATION);
            assert_eq!(open(second).await.map(|_| ()), expected, "{first:?} then {second:?}");
        }
        drop(held);
    }
    assert_eq!(place.root.open_handles(), 0);
}

/// A third is held to both who are there.
#[tokio::test]
async fn an_open_is_held_to_all_who_are_there() {
    let place = Place::new();
    place.put("file", b"");
    let open = async |access, share| {
        place
            .root
            .create_file(&request("file", access, share, Disposition::OpenExisting))
            .await
            .map(|opened| opened.file)
    };
    let generous = open(READ, SHARE_ALL).await.expect("the first");
    let strict = open(READ, ShareMode::READ).await.expect("reads beside a reader");
    assert_eq!(open(WRITE, SHARE_ALL).await.err(), Some(Win32Error::SHARING_VIOLATION));
    drop(generous);
    assert_eq!(open(WRITE, SHARE_ALL).await.err(), Some(Win32Error::SHARING_VIOLATION));
    drop(strict);
    assert!(open(WRITE, SHARE_ALL).await.is_ok());
}

/// One file by two names is one file.
#[tokio::test]
async fn another_name_of_the_same_file_is_the_same_file() {
    let place = Place::new();
    place.put("file", b"");
    std::fs::hard_link(place.inside("file"), place.inside("hard")).expect("a link");
    std::os::unix::fs::symlink("file", place.inside("soft")).expect("a link");
    let asked = |name| request(name, READ, 0, Disposition::OpenExisting);
    let _held = place.root.create_file(&asked("file")).await.expect("the first");
    for name in ["hard", "soft", "file"] {
        let refused = place.root.create_file(&asked(name)).await.err();
        assert_eq!(refused, Some(Win32Error::SHARING_VIOLATION), "{name}");
    }
}

/// A file that took the name of another is not that one.
#[tokio::test]
async fn a_new_file_of_an_old_name_is_shared_anew() {
    let place = Place::new();
    place.put("file", b"");
    let asked = request("file", READ, 0, Disposition::OpenExisting);
    let _held = place.root.create_file(&asked).await.expect("the first");
    place.put("other", b"");
    std::fs::rename(place.inside("other"), place.inside("file")).expect("another of that name");
    assert!(place.root.create_file(&asked).await.is_ok());
}

/// Roots that are clones share files; the clones of a process's root are all it has.
#[tokio::test]
async fn clones_of_a_root_are_one_root() {
    let place = Place::new();
    place.put("file", b"");
    let asked = request("file", READ, 0, Disposition::OpenExisting);
    let _held = place.root.create_file(&asked).await.expect("the first");
    assert_eq!(place.root.clone().create_file(&asked).await.err(), Some(Win32Error::SHARING_VIOLATION));
}
