//! Somebody renames while a name is looked up, so that what was seen is not what is used. Nothing outside is reached.
//!
//! A second thread exchanges two entries as fast as it can; the opens go on until both states were met often. Each test
//! so proves that the race took place.

use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use rustix::fs::{CWD, RenameFlags, renameat_with};
use tokio::task::JoinSet;

use super::outside::Outside;
use super::{Place, read_at, write_at};
use crate::handle::Disposition;
use crate::operation::Outcome;
use crate::win32::Win32Error;

/// How often each state must have been met.
const MEETINGS: usize = 300;
/// Opens after which the race is given up as one that never took place.
const OPENS_MAX: usize = 2_000_000;

/// Exchanges two entries until it is told to end, and leaves them as they were.
fn exchange(first: &Path, second: &Path, ended: &AtomicBool) {
    let exchange = || renameat_with(CWD, first, CWD, second, RenameFlags::EXCHANGE).expect("both are there");
    while !ended.load(Ordering::Relaxed) {
        exchange();
        exchange();
    }
}

/// Ends the other thread also when an assertion fails, so that the failure is told and not waited for.
struct EndOnDrop(Arc<AtomicBool>);

impl Drop for EndOnDrop {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// Makes the opens of `open`, one after the other, while `first` and `second` are exchanged: each is either served from
/// inside or refused.
async fn race(first: PathBuf, second: PathBuf, mut open: impl AsyncFnMut(usize) -> Result<(), Win32Error>) {
    let ended = Arc::new(AtomicBool::new(false));
    let mut exchanger = JoinSet::new();
    let told = Arc::clone(&ended);
    exchanger.spawn_blocking(move || exchange(&first, &second, &told));
    let end = EndOnDrop(ended);
    let (mut served, mut refused, mut opens) = (0, 0, 0);
    while served < MEETINGS || refused < MEETINGS {
        assert!(opens < OPENS_MAX, "no race: {served} opens were served and {refused} refused");
        match open(opens).await {
            Ok(()) => served += 1,
            Err(Win32Error::ACCESS_DENIED) => refused += 1,
            Err(other) => panic!("open {opens} is refused with {other}"),
        }
        opens += 1;
    }
    drop(end);
    exchanger.join_all().await;
}

#[tokio::test]
async fn a_link_put_in_the_place_of_a_file_reaches_nothing_outside() {
    let place = Place::new();
    let outside = Outside::beside(&place);
    place.put("file", b"inside");
    symlink("../outside/secret", place.inside("link")).expect("a link");
    race(place.inside("file"), place.inside("link"), async |number| {
        let cuts = number % 2 == 0;
        let disposition = if cuts { Disposition::TruncateExisting } else { Disposition::OpenExisting };
        let file = place.open("file", disposition).await?;
        assert_eq!(write_at(&file, 0, b"marked").await, Outcome::written(6));
        assert_eq!(read_at(&file, 0, 64).await.data, b"marked".as_slice());
        Ok(())
    })
    .await;
    outside.assert_untouched();
    assert_eq!(place.content("file"), b"marked");
}

#[tokio::test]
async fn a_parent_renamed_and_replaced_by_a_link_reaches_nothing_outside() {
    let place = Place::new();
    let outside = Outside::beside(&place);
    std::fs::create_dir(place.inside("deep")).expect("a folder");
    place.put("deep/file", b"inside");
    symlink("../outside/deep", place.inside("link")).expect("a link");
    race(place.inside("deep"), place.inside("link"), async |_| {
        let file = place.open("deep\\file", Disposition::CreateAlways).await?;
        assert_eq!(write_at(&file, 0, b"marked").await, Outcome::written(6));
        Ok(())
    })
    .await;
    outside.assert_untouched();
    assert_eq!(place.content("deep/file"), b"marked");
}

#[tokio::test]
async fn a_parent_replaced_while_files_are_made_makes_none_outside() {
    let place = Place::new();
    let outside = Outside::beside(&place);
    std::fs::create_dir_all(place.inside("way/deep")).expect("folders");
    symlink("../outside", place.inside("link")).expect("a link");
    let mut made = Vec::new();
    race(place.inside("way"), place.inside("link"), async |number| {
        let name = format!("way/deep/{number}");
        place.open(&name, Disposition::CreateNew).await?;
        made.push(name);
        Ok(())
    })
    .await;
    outside.assert_untouched();
    for name in made {
        assert!(place.inside(&name).is_file(), "{name} was made elsewhere");
    }
}
