//! Cancel and close: what waits for its turn ends without having been done, what has begun ends by itself (FHT-13).

use std::pin::pin;
use std::sync::mpsc;

use bytes::Bytes;
use tokio::sync::oneshot;
use tokio::task::JoinSet;

use super::{DiskLimits, Place, READ, failed, request, unended, write_at};
use crate::handle::Disposition;
use crate::operation::{Operation, Outcome};
use crate::win32::Win32Error;

/// One call at a time, so that a test can hold up all the others.
fn narrow(waiting_calls_max: usize) -> Place {
    let place = Place::with(DiskLimits { blocking_calls_max: 1, waiting_calls_max, ..DiskLimits::default() });
    place.put("file", b"old");
    place
}

/// Holds the only turn until the sender is dropped; ready once it has it.
async fn hold_up(place: &Place) -> (mpsc::SyncSender<()>, JoinSet<()>) {
    let (release, released) = mpsc::sync_channel::<()>(1);
    let (has_turn, had_turn) = oneshot::channel();
    let pool = place.root.pool.clone();
    let holder = async move {
        let call = move || {
            has_turn.send(()).expect("the test waits for it");
            released.recv().expect_err("the sender is dropped, and says nothing");
        };
        pool.call(std::future::pending(), call).await.expect("it has its turn");
    };
    let mut holders = JoinSet::new();
    holders.spawn(holder);
    had_turn.await.expect("it has its turn");
    (release, holders)
}

#[tokio::test]
async fn a_write_cancelled_or_closed_before_its_turn_is_never_done() {
    for closes in [false, true] {
        let place = narrow(8);
        let file = place.opened("file").await;
        let (release, holders) = hold_up(&place).await;
        let ending = unended();
        let write = file.perform(Operation::Write { data: Bytes::from_static(b"new"), offset: 0 }, &ending);
        let end = async { if closes { ending.closed.cancel() } else { ending.cancelled.cancel() } };
        let (ended, ()) = tokio::join!(biased; write, end); // the write waits already when it is ended
        assert_eq!(ended, failed(Win32Error::OPERATION_ABORTED), "closes: {closes}");
        drop(release);
        holders.join_all().await;
        assert_eq!(place.content("file"), b"old");
        assert_eq!(write_at(&file, 0, b"new").await, Outcome::written(3));
    }
}

#[tokio::test]
async fn a_write_cancelled_before_it_was_made_is_never_done() {
    let place = narrow(8);
    let file = place.opened("file").await;
    let ending = unended();
    ending.cancelled.cancel();
    let ended = file.perform(Operation::Write { data: Bytes::from_static(b"new"), offset: 0 }, &ending).await;
    assert_eq!(ended, failed(Win32Error::OPERATION_ABORTED));
    assert_eq!(place.content("file"), b"old");
}

/// A call that has begun is made, whoever has lost interest, and its answer is told to who has not.
#[tokio::test]
async fn what_has_begun_ends_by_itself() {
    let place = narrow(8);
    let (begun, has_begun) = oneshot::channel();
    let (go_on, goes_on) = mpsc::sync_channel::<()>(1);
    let (cancel, cancelled) = oneshot::channel::<()>();
    let call = place.root.pool.call(async { cancelled.await.expect("it is cancelled") }, move || {
        begun.send(()).expect("the test waits for it");
        goes_on.recv().expect("the test lets it go on");
        7
    });
    let cancels = async {
        has_begun.await.expect("it begins");
        cancel.send(()).ok();
        go_on.send(()).expect("it waits");
    };
    let (answer, ()) = tokio::join!(call, cancels);
    assert_eq!(answer, Ok(7));
}

#[tokio::test]
async fn more_calls_than_there_are_places_are_refused_and_not_queued() {
    let place = narrow(3);
    let file = place.opened("file").await;
    let (release, holders) = hold_up(&place).await;
    let let_go = async { drop(release) };
    let (first, second, third, ()) = tokio::join!(
        biased;
        write_at(&file, 0, b"a"),
        write_at(&file, 1, b"b"),
        write_at(&file, 2, b"c"),
        let_go
    );
    assert_eq!((first, second), (Outcome::written(1), Outcome::written(1)));
    assert_eq!(third, failed(Win32Error::NO_SYSTEM_RESOURCES));
    holders.join_all().await;
    assert_eq!(place.content("file"), b"abd");
}

/// Nothing of a file is left when its handle is gone: no share and no descriptor.
#[tokio::test]
async fn a_file_that_is_dropped_leaves_no_descriptor() {
    let place = Place::new();
    let mut files = Vec::new();
    for number in 0..100 {
        files.push(place.open(&format!("file{number}"), Disposition::CreateNew).await.expect("made"));
    }
    assert_eq!((place.root.open_handles(), descriptors_below(&place)), (100, 100));
    for file in &files {
        assert_eq!(write_at(file, 0, b"x").await, Outcome::written(1));
    }
    drop(files);
    assert_eq!((place.root.open_handles(), descriptors_below(&place)), (0, 0));
}

/// `CloseHandle` gives the file free at once, though an operation on it still waits for its turn.
#[tokio::test]
async fn a_closed_handle_excludes_nobody() {
    let place = Place::new();
    place.put("file", b"old");
    let asked = request("file", READ, 0, Disposition::OpenExisting);
    let file = place.root.create_file(&asked).await.expect("the first").file;
    assert_eq!(place.root.create_file(&asked).await.err(), Some(Win32Error::SHARING_VIOLATION));
    file.close();
    file.close();
    assert_eq!(place.root.open_handles(), 0);
    let second = place.root.create_file(&asked).await.expect("nobody has it open");
    drop(file);
    assert_eq!(place.root.create_file(&asked).await.err(), Some(Win32Error::SHARING_VIOLATION));
    drop(second);
}

/// Who drops an operation does not stop it; the end of the root waits for it, and the root goes on.
#[tokio::test]
async fn the_end_of_a_root_waits_for_what_nobody_awaits_any_more() {
    let place = narrow(8);
    let (go_on, goes_on) = mpsc::sync_channel::<()>(1);
    let path = place.inside("file");
    let call = place.root.pool.call(std::future::pending(), move || {
        goes_on.recv().expect("the test lets it go on");
        std::fs::write(path, b"new").expect("written");
    });
    assert!(!has_ended(&mut pin!(call)).await); // it has begun, and is dropped
    let mut finished = pin!(place.root.finished());
    assert!(!has_ended(&mut finished).await, "a call is under way");
    go_on.send(()).expect("it waits");
    finished.await;
    assert_eq!(place.content("file"), b"new");
    let file = place.opened("file").await;
    assert_eq!(write_at(&file, 0, b"old").await, Outcome::written(3));
}

/// Whether a future is ready when it is asked once.
async fn has_ended<F: Future + Unpin>(future: &mut F) -> bool {
    tokio::select! {
        biased;
        _ = future => true,
        () = std::future::ready(()) => false,
    }
}

/// Descriptors of this process on files below the root.
fn descriptors_below(place: &Place) -> usize {
    let root = place.inside("").canonicalize().expect("the root");
    let entries = std::fs::read_dir("/proc/self/fd").expect("the host tells descriptors");
    let targets = entries.filter_map(|entry| std::fs::read_link(entry.ok()?.path()).ok());
    targets.filter(|target| target.starts_with(&root) && *target != root).count()
}
