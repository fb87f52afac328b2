"""The example of the document on CreateFileHandleTarget, step by step, with another program at the other end."""

import pytest

from lowerdeck import FileFlags, HResult, PipeAccess, PipeMode, TargetState
from tests.conftest import WAIT
from tests.outcomes import open_failure
from tests.peer import Peer

MAX_TRANSFER_SIZE = 4096
S_OK = HResult.S_OK


@pytest.fixture
def write_handle(handles, pipe_name):
    """CreateNamedPipe with the arguments of the example."""
    return handles.create_named_pipe(
        pipe_name.win32,
        PipeAccess.PIPE_ACCESS_DUPLEX | FileFlags.FILE_FLAG_OVERLAPPED,
        PipeMode.PIPE_TYPE_MESSAGE | PipeMode.PIPE_READMODE_MESSAGE | PipeMode.PIPE_WAIT,
        2,
        MAX_TRANSFER_SIZE,
        MAX_TRANSFER_SIZE,
        1000,
        overlapped=False,  # the open mode says it
    )


def test_a_driver_writes_to_a_program_through_its_target_and_reads_what_it_answers(
    handles, client, pipe_name, write_handle
):
    assert pipe_name.socket.is_socket()
    write_target = write_handle.create_target()
    assert write_target.get_state() is TargetState.STARTED
    assert write_target.has_target_file()

    with Peer(pipe_name.socket) as program:
        write_handle.connect(WAIT)

        request = handles.create_request()
        assert request.format_for_write(None, b"to the program", target=write_target) == S_OK
        assert request.send() == S_OK
        assert request.result(WAIT).information == len(b"to the program")
        assert request.delete() == S_OK
        assert program.receive() == b"to the program"

        request = handles.create_request()
        assert request.format_for_read(None, MAX_TRANSFER_SIZE, target=write_target) == S_OK
        assert request.send() == S_OK
        program.send(b"to the driver")
        assert request.result(WAIT).data == b"to the driver"
        assert request.delete() == S_OK

    assert write_target.delete(WAIT) == S_OK
    write_handle.close(WAIT)
    assert not pipe_name.socket.exists()
    assert client.lab.findings(handles.stack) == []


def test_the_example_in_its_shortest_form(handles, pipe_name, write_handle):
    with write_handle, write_handle.create_target() as target, Peer(pipe_name.socket) as program:
        write_handle.connect(WAIT)
        assert target.write(b"ping") == 4
        program.send(program.receive().upper())
        assert target.read(MAX_TRANSFER_SIZE) == b"PING"


def test_a_third_instance_is_one_too_many(handles, pipe_name, write_handle):
    def instance():
        return handles.create_named_pipe(pipe_name.win32, max_instances=2)

    with write_handle:
        second = instance()
        assert open_failure(instance) == "ERROR_PIPE_BUSY"
        second.close(WAIT)
        instance().close(WAIT)
