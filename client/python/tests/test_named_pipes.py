"""Named pipes through file-handle targets: messages, ends that go, cancels, and what a target does (FHT rules)."""

import struct
import threading

import pytest

import lowerdeck
from lowerdeck import (
    DesiredAccess,
    HResult,
    IoFailed,
    PipeAccess,
    PipeMode,
)
from tests.conftest import WAIT
from tests.outcomes import failure, open_failure, pended_read
from tests.peer import Peer

FSCTL_PIPE_PEEK = 0x0011400C
MESSAGE_BYTES_MAX = 128 * 1024


# --- messages ---------------------------------------------------------------------------------------------------------


def test_messages_are_neither_merged_nor_split(target, peer):
    peer.send(b"one")
    peer.send(b"two")
    assert [target.read(64), target.read(64)] == [b"one", b"two"]
    assert [target.write(b"three"), target.write(b"four")] == [5, 4]
    assert [peer.receive(), peer.receive()] == [b"three", b"four"]


def test_a_short_read_gives_what_fits_with_more_data_and_the_rest_is_read_next(target, peer):
    peer.send(b"abcde")
    peer.send(b"f")
    for expected in (b"ab", b"cd"):
        with pytest.raises(IoFailed) as short:
            target.read(2)
        assert (short.value.hresult, short.value.data) == (HResult.ERROR_MORE_DATA, expected)
        assert short.value.information == 2
    assert [target.read(2), target.read(2)] == [b"e", b"f"]


def test_an_empty_message_is_a_message_and_no_end(target, peer):
    assert target.write(b"") == 0
    assert target.write(b"x") == 1
    assert [peer.receive(), peer.receive()] == [b"", b"x"]


def test_an_empty_message_of_the_peer_is_read_as_one(target, peer):
    peer.send(b"")
    peer.send(b"y")
    completion = target.send_read(4).result(WAIT)
    assert (completion.hresult, completion.information, completion.data) == (HResult.S_OK, 0, b"")
    assert target.read(4) == b"y"


def test_a_read_of_an_empty_pipe_pends_until_a_message_comes(target, peer):
    pending = [pended_read(target) for _ in range(3)]
    assert not any(read.done() for read in pending)
    for message in (b"1", b"2", b"3"):
        peer.send(message)
    assert sorted(read.result(WAIT).data for read in pending) == [b"1", b"2", b"3"]


def test_a_message_above_the_limit_is_refused_and_the_largest_is_not(target, peer):
    assert failure(target.write, bytes(MESSAGE_BYTES_MAX + 1)) == HResult.ERROR_NO_SYSTEM_RESOURCES
    largest = bytes(range(256)) * (MESSAGE_BYTES_MAX // 256)
    assert target.write(largest) == MESSAGE_BYTES_MAX
    assert peer.receive(MESSAGE_BYTES_MAX) == largest


def test_a_peek_tells_what_waits_and_takes_nothing(target, peer):
    peer.send(b"peeked")
    state, available, messages, length = struct.unpack("<4I", target.device_io_control(FSCTL_PIPE_PEEK, None, 22)[:16])
    assert (state, available, messages, length) == (3, 6, 1, 6)
    assert target.read(16) == b"peeked"
    assert failure(target.device_io_control, 0x222000) == HResult.ERROR_INVALID_FUNCTION


# --- ends that are not there ------------------------------------------------------------------------------------------


def test_before_a_client_came_the_pipe_is_listening(pipe, target, pipe_name):
    assert failure(target.read, 1) == HResult.ERROR_PIPE_LISTENING
    assert failure(target.write, b"x") == HResult.ERROR_PIPE_LISTENING
    with Peer(pipe_name.socket):
        assert pipe.connect(WAIT) == HResult.ERROR_PIPE_CONNECTED


def test_a_connect_waits_for_a_client_and_may_be_asked_again(pipe, pipe_name):
    with pytest.raises(lowerdeck.DeadlinePassed):
        pipe.connect(0.05)
    answers = []
    waiter = threading.Thread(target=lambda: answers.append(pipe.connect(WAIT)))
    waiter.start()
    with Peer(pipe_name.socket):
        waiter.join(WAIT)
    assert answers in ([HResult.S_OK], [HResult.ERROR_PIPE_CONNECTED])  # the client may have been faster


def test_what_a_peer_wrote_is_read_before_its_end_is_told(target, peer):
    peer.send(b"last")
    peer.close()
    assert target.read(16) == b"last"
    assert failure(target.read, 16) == HResult.ERROR_BROKEN_PIPE
    assert failure(target.write, b"x") == HResult.ERROR_NO_DATA


def test_a_peer_that_is_killed_breaks_a_pending_read(target, peer):
    pending = pended_read(target)
    peer.kill()
    assert pending.completion(WAIT).hresult == HResult.ERROR_BROKEN_PIPE


def test_after_a_disconnect_nobody_is_there_until_the_next_client(pipe, target, peer, pipe_name):
    pending = pended_read(target)
    pipe.disconnect(WAIT)
    assert pending.completion(WAIT).hresult == HResult.ERROR_PIPE_NOT_CONNECTED
    assert failure(target.read, 1) == HResult.ERROR_PIPE_NOT_CONNECTED
    assert failure(pipe.disconnect, WAIT) == HResult.ERROR_PIPE_NOT_CONNECTED
    with Peer(pipe_name.socket) as following:
        pipe.connect(WAIT)
        following.send(b"next")
        assert target.read(16) == b"next"


# --- other ends of Lowerdeck's own ------------------------------------------------------------------------------------


@pytest.mark.parametrize("read_mode", [PipeMode.PIPE_READMODE_MESSAGE, PipeMode.PIPE_READMODE_BYTE])
def test_another_session_is_the_client_in_either_read_mode(pipe, target, client, pipe_name, read_mode):
    with client.open_session("handles") as other:
        end = other.create_file(pipe_name.win32.upper(), pipe_read_mode=read_mode)
        pipe.connect(WAIT)
        with end, end.create_target() as to_server:
            target.write(b"abc")
            if read_mode == PipeMode.PIPE_READMODE_MESSAGE:
                assert failure(to_server.read, 2) == HResult.ERROR_MORE_DATA
            else:
                assert to_server.read(2) == b"ab"
            assert to_server.read(2) == b"c"
            to_server.write(b"back")
            assert target.read(8) == b"back"
    assert failure(target.read, 8) == HResult.ERROR_BROKEN_PIPE


def test_a_pipe_of_one_direction_is_held_to_it(handles, pipe_name):
    server = handles.create_named_pipe(pipe_name.win32, PipeAccess.PIPE_ACCESS_INBOUND)
    end = handles.create_file(pipe_name.win32, DesiredAccess.GENERIC_WRITE)
    with server, end, server.create_target() as reader, end.create_target() as writer:
        server.connect(WAIT)
        assert writer.write(b"in") == 2
        assert reader.read(8) == b"in"
        assert failure(reader.write, b"out") == HResult.ERROR_ACCESS_DENIED


@pytest.mark.parametrize(
    ("name", "code"),
    [
        (r"\\.\pipe\..", "ERROR_INVALID_NAME"),
        (r"\\.\pipe\a/b", "ERROR_INVALID_NAME"),
        (r"\\.\pipe\a\b", "ERROR_INVALID_NAME"),
        (r"\\.\pipe" + "\\", "ERROR_INVALID_NAME"),
        (r"\\elsewhere\pipe\a", "ERROR_INVALID_NAME"),
        ("\\\\.\\pipe\\a\0b", "ERROR_INVALID_NAME"),
        (r"\\.\pipe" + "\\" + "a" * 200, "ERROR_FILENAME_EXCED_RANGE"),
    ],
)
def test_a_hostile_name_of_a_pipe_makes_no_socket(handles, lowerdeck_server, name, code):
    before = sorted(lowerdeck_server.pipe_directory.iterdir())
    assert open_failure(handles.create_named_pipe, name) == code
    assert sorted(lowerdeck_server.pipe_directory.iterdir()) == before
