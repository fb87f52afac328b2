"""What a file-handle target does with requests, states and deletes, on a pipe that keeps reads waiting (FHT rules)."""

import threading

import pytest

import lowerdeck
from lowerdeck import HResult, IoCancelled, IoFailed, SendFlags, SentIoAction, TargetState, handle_calls
from tests.conftest import WAIT
from tests.outcomes import failure, open_failure, pended_read, refused
from tests.peer import Peer

# --- cancel, states, ends ---------------------------------------------------------------------------------------------


def test_a_pending_read_is_cancelled_and_takes_no_message(target, peer):
    pending = pended_read(target)
    assert pending.cancel(WAIT) is lowerdeck.CancelAnswer.DELIVERED
    with pytest.raises(IoCancelled):
        pending.result(WAIT)
    peer.send(b"kept")
    assert target.read(16) == b"kept"


def test_all_reads_of_a_target_are_cancelled_by_its_own_file(target, peer):
    pending = [pended_read(target) for _ in range(8)]
    target.cancel_sent_requests()
    assert {type(read.exception(WAIT)) for read in pending} == {IoCancelled}


def test_a_timeout_asks_the_host_to_cancel(target, peer):
    with pytest.raises(lowerdeck.IoTimedOut):
        target.read(16, timeout=0.05)
    peer.send(b"kept")
    assert target.read(16) == b"kept"


def test_a_stop_cancels_what_is_at_the_host_and_a_stopped_target_pends(target, peer):
    sent = pended_read(target)
    assert target.stop(SentIoAction.CANCEL_SENT_IO, WAIT) == HResult.S_OK
    assert isinstance(sent.exception(WAIT), IoCancelled)
    assert target.get_state() is TargetState.STOPPED
    pended = pended_read(target)
    peer.send(b"late")
    assert not pended.done()
    assert target.start(WAIT) == HResult.S_OK
    assert pended.result(WAIT).data == b"late"


def test_a_removed_target_takes_nothing_and_its_handle_stays(pipe, target, peer):
    sent = pended_read(target)
    assert target.remove(timeout=WAIT) == HResult.S_OK
    assert isinstance(sent.exception(WAIT), IoCancelled)
    assert target.get_state() is TargetState.DELETED  # TGT-29
    assert refused(target.send_read(1)) == HResult.STATUS_INVALID_DEVICE_STATE
    with pipe.create_target() as another:
        peer.send(b"still here")
        assert another.read(16) == b"still here"


def test_a_deleted_target_takes_nothing_and_its_handle_stays(pipe, peer):
    with pipe.create_target() as target:
        sent = pended_read(target)
    assert isinstance(sent.exception(WAIT), IoCancelled)
    assert target.get_state() is TargetState.DELETED
    assert refused(target.send_read(1)).is_failure
    with pipe.create_target() as another:
        peer.send(b"still here")
        assert another.read(16) == b"still here"


def test_send_and_forget_is_refused(target, peer):
    assert refused(target.send_write(b"x", flags=SendFlags.SEND_AND_FORGET)).is_failure
    assert target.write(b"y") == 1
    assert peer.receive() == b"y"


def test_the_file_of_another_target_takes_the_place_of_the_handle(handles, target, peer, pipe_name):
    second = handles.create_named_pipe(pipe_name.win32)
    with second, second.create_target() as other, Peer(pipe_name.socket) as its_peer:
        second.connect(WAIT)
        target.write(b"own", file=target)
        target.write(b"other's", file=other)
        assert (peer.receive(), its_peer.receive()) == (b"own", b"other's")
        its_peer.send(b"from the other")
        assert target.read(32, file=other) == b"from the other"


def test_requests_on_a_file_and_to_a_target_go_side_by_side(client, template, pipe_name):
    name = template("ram(size=1MiB)", umdf_dispatcher=lowerdeck.UmdfDispatcher.FILE_HANDLE)
    with client.open_session(name) as session, session.create_wdf_file() as file:
        pipe = session.create_named_pipe(pipe_name.win32)
        with pipe, pipe.create_target() as target, Peer(pipe_name.socket) as peer:
            pipe.connect(WAIT)
            sent = []
            for number in range(50):  # on a queue pair these share their batches
                sent += [file.send_write(bytes([number]), number), target.send_write(bytes([number]))]
            assert [pending.result(WAIT).information for pending in sent] == [1] * 100
            assert sorted(peer.receive() for _ in range(50)) == [bytes([number]) for number in range(50)]
            assert file.read(50, 0) == bytes(range(50))


def test_a_driver_created_file_is_no_file_of_a_handle(handles, target, peer):
    with handles.create_wdf_file() as file:
        assert refused(file.send_write(b"x", target=target)) == HResult.E_INVALIDARG


# --- handles that are closed under their targets (FHT-20) -------------------------------------------------------------


def test_closing_a_handle_under_its_target_ends_its_io_and_is_a_finding(handles, client, pipe, target, peer):
    pending = [pended_read(target) for _ in range(4)]
    pipe.close(WAIT)
    # Whatever the host had begun is aborted; it may not have come to all of them.
    ends = {read.completion(WAIT).hresult for read in pending}
    assert ends <= {HResult.ERROR_OPERATION_ABORTED, HResult.ERROR_INVALID_HANDLE}
    assert failure(target.read, 1) == HResult.ERROR_INVALID_HANDLE
    assert [finding.rule for finding in client.lab.findings(handles.stack)] == ["FHT-20"]
    assert handles.run(handle_calls.close_handle(pipe.id)) == HResult.ERROR_INVALID_HANDLE
    assert open_failure(pipe.create_target) == "ERROR_INVALID_HANDLE"


def test_a_handle_that_is_closed_ends_a_connect(pipe):
    answers = []

    def connect():
        try:
            answers.append(pipe.connect(WAIT))
        except IoFailed as error:
            answers.append(error.hresult)

    waiter = threading.Thread(target=connect)
    waiter.start()
    pipe.close(WAIT)
    waiter.join(WAIT)
    # The connect may come when the handle is closed already.
    assert answers in ([HResult.ERROR_OPERATION_ABORTED], [HResult.ERROR_INVALID_HANDLE])
