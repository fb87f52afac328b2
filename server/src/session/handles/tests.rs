//! The laws of ids of handles and targets.

use lowerdeck_handles::handle::{Flags, OpenSocket, SocketAddress};

use super::*;

fn request(name: &str) -> OpenRequest {
    OpenRequest::Socket(OpenSocket { address: SocketAddress::UnixStream(name.to_owned()), flags: Flags(0) })
}

fn open(number: u64) -> OpenHandle {
    OpenHandle { id: HandleId(number), number: HandleNumber(number), ended: CancellationToken::new() }
}

/// A table with one open handle.
fn table() -> (HandleTable, Uuid) {
    let (mut table, id) = (HandleTable::default(), Uuid::new_v4());
    table.opening(id, request("a"));
    table.opened(id, Ok(open(7)));
    (table, id)
}

fn outcome(opened: Option<oneshot::Receiver<OpenOutcome>>) -> Option<OpenOutcome> {
    opened?.try_recv().ok()
}

#[test]
fn the_message_that_comes_again_finds_the_handle_before_and_after_it_is_open() {
    let (mut table, id) = (HandleTable::default(), Uuid::new_v4());
    assert!(matches!(table.asked_before(id, &request("a")), Ok(None)));
    let mut first = table.opening(id, request("a"));
    let Ok(Some(mut second)) = table.asked_before(id, &request("a")) else { panic!("it is known") };
    assert!(first.try_recv().is_err() && second.try_recv().is_err());
    table.opened(id, Ok(open(7)));
    assert_eq!((first.try_recv(), second.try_recv()), (Ok(Ok(HandleId(7))), Ok(Ok(HandleId(7)))));
    assert_eq!(outcome(table.asked_before(id, &request("a")).expect("the same message")), Some(Ok(HandleId(7))));
    assert_eq!(table.count(), 1);
}

#[test]
fn another_message_with_the_same_id_is_refused_and_so_is_the_id_of_a_closed_handle() {
    let (mut table, id) = table();
    assert_eq!(table.asked_before(id, &request("b")).err(), Some(SessionError::HandleIdInUse(id)));
    assert!(table.close(&id.to_string(), 10).is_ok_and(|closed| closed.is_some()));
    assert_eq!(table.asked_before(id, &request("a")).err(), Some(SessionError::HandleIdInUse(id)));
}

#[test]
fn a_failed_open_leaves_its_id_free() {
    let (mut table, id) = (HandleTable::default(), Uuid::new_v4());
    let first = table.opening(id, request("a"));
    table.opened(id, Err(HResult::E_INVALIDARG));
    assert_eq!(outcome(Some(first)), Some(Err(HResult::E_INVALIDARG)));
    assert!(matches!(table.asked_before(id, &request("b")), Ok(None)));
    assert_eq!(table.own(&id.to_string()).err(), Some(SessionError::HandleNotOwned(id.to_string())));
}

#[test]
fn a_closed_handle_is_told_from_a_foreign_one() {
    let (mut table, id) = table();
    let mine = id.to_string();
    assert_eq!(table.own(&mine).map(|open| open.map(|open| open.id)), Ok(Some(HandleId(7))));
    assert!(table.close(&mine, 10).is_ok_and(|closed| closed.is_some_and(|open| open.id == HandleId(7))));
    assert!(matches!(table.own(&mine), Ok(None)));
    assert!(matches!(table.close(&mine, 10), Ok(None)));
    for id in [Uuid::new_v4().to_string(), String::new(), "handle 1".to_owned()] {
        assert_eq!(table.own(&id).err(), Some(SessionError::HandleNotOwned(id)));
    }
}

#[test]
fn a_handle_that_is_being_opened_is_not_open() {
    let (mut table, id) = (HandleTable::default(), Uuid::new_v4());
    table.opening(id, request("a"));
    assert!(matches!(table.own(&id.to_string()), Ok(None)));
    assert!(matches!(table.close(&id.to_string(), 10), Ok(None)));
    assert_eq!(table.count(), 1, "it still comes to be");
}

#[test]
fn memory_of_closed_handles_is_bounded() {
    let mut table = HandleTable::default();
    let ids: Vec<_> = (0..5).map(|_| Uuid::new_v4()).collect();
    for id in &ids {
        table.opening(*id, request("a"));
        table.opened(*id, Ok(open(1)));
        assert!(table.close(&id.to_string(), 2).is_ok());
    }
    let known: Vec<_> = ids.iter().map(|id| table.own(&id.to_string()).is_ok()).collect();
    assert_eq!(known, [false, false, false, true, true]);
}

#[test]
fn a_target_is_known_by_its_id_and_its_handle() {
    let (mut targets, id, handle) = (TargetTable::default(), Uuid::new_v4(), Uuid::new_v4());
    assert_eq!(targets.made_before(id, handle), Ok(false));
    targets.made(id, handle, TargetId::default(), 10, |_| false);
    assert_eq!(targets.made_before(id, handle), Ok(true));
    assert_eq!(targets.made_before(id, Uuid::new_v4()), Err(SessionError::TargetIdInUse(id)));
    assert_eq!(targets.own(&id.to_string()), Ok(Some(TargetId::default())));
    assert_eq!(targets.own(""), Ok(None), "the default one");
    for foreign in [Uuid::new_v4().to_string(), "target 1".to_owned()] {
        assert_eq!(targets.own(&foreign), Err(SessionError::TargetNotOwned(foreign)));
    }
}

#[test]
fn the_oldest_deleted_target_is_forgotten_and_no_other() {
    let mut keys = slotmap::SlotMap::<TargetId, ()>::with_key();
    let (mut targets, handle) = (TargetTable::default(), Uuid::new_v4());
    let made: Vec<_> = (0..4).map(|_| (Uuid::new_v4(), keys.insert(()))).collect();
    let deleted = [made[1].1, made[2].1];
    for (id, target) in &made {
        targets.made(*id, handle, *target, 3, |target| deleted.contains(&target));
    }
    let known: Vec<_> = made.iter().map(|(id, _)| targets.own(&id.to_string()).is_ok()).collect();
    assert_eq!(known, [true, false, true, true]);
}
