"""Whose a handle and a target are, what kinds of them a target takes, and servers and stacks that have none."""

import time
import uuid

import pytest

import lowerdeck
from lowerdeck import UmdfDispatcher, calls, formats, handle_calls
from lowerdeck.server_process import ServerProcess, find_binary
from tests.conftest import WAIT, refusal
from tests.outcomes import open_failure
from tests.peer import Peer

HANDLE_QUESTIONS = {
    "close": handle_calls.close_handle,
    "connect": handle_calls.connect_named_pipe,
    "disconnect": handle_calls.disconnect_named_pipe,
    "create target": lambda handle_id: handle_calls.create_file_handle_target(handle_calls.new_id(), handle_id),
}

TARGET_QUESTIONS = {
    "state": calls.get_target_state,
    "start": calls.start_target,
    "stop": lambda target_id: calls.stop_target(target_id, lowerdeck.SentIoAction.CANCEL_SENT_IO, 0),
    "remove": lambda target_id: calls.remove_target(target_id, False),
    "delete": calls.delete_target,
    "cancel": lambda target_id: calls.cancel_sent_requests_for_file(target_id, target_id),
    "read": lambda target_id: calls.format_and_send(
        77, formats.read("", 4, None, None, target_id), formats.send_options(None, 0), False
    ),
}


@pytest.mark.parametrize("question", HANDLE_QUESTIONS)
def test_a_foreign_handle_is_refused_exactly_like_an_unknown_one(handles, client, pipe_name, question):
    ask = HANDLE_QUESTIONS[question]
    with handles.create_named_pipe(pipe_name.win32) as pipe, client.open_session("handles") as other:
        unknown = str(uuid.uuid4())
        answer = refusal(other, ask(pipe.id), pipe.id)
        assert answer == refusal(other, ask(unknown), unknown) == refusal(other, ask("no id"), "no id")
        assert answer[0] == "HANDLE_NOT_OWNED_OR_UNKNOWN"
        assert pipe_name.socket.is_socket()
        with pipe.create_target() as target, Peer(pipe_name.socket) as peer:
            pipe.connect(WAIT)
            target.write(b"untouched")
            assert peer.receive() == b"untouched"


@pytest.mark.parametrize("question", TARGET_QUESTIONS)
def test_a_foreign_target_is_refused_exactly_like_an_unknown_one(handles, client, pipe_name, question):
    ask = TARGET_QUESTIONS[question]
    other = client.open_session("handles")
    with other, handles.create_named_pipe(pipe_name.win32) as pipe, pipe.create_target() as target:
        unknown = str(uuid.uuid4())
        answer = refusal(other, ask(target.id), target.id)
        assert answer == refusal(other, ask(unknown), unknown)
        assert answer[0] == "TARGET_NOT_OWNED_OR_UNKNOWN"
        assert target.get_state() is lowerdeck.TargetState.STARTED


def test_sessions_on_one_shared_stack_do_not_share_handles(client, pipe_name):
    name = f"shared-{uuid.uuid4().hex[:8]}"
    dispatcher = UmdfDispatcher.FILE_HANDLE
    client.lab.plug(name, "null", sharing=lowerdeck.StackSharing.SHARED, umdf_dispatcher=dispatcher)
    with client.open_session(name) as owner, client.open_session(name) as other:
        pipe = owner.create_named_pipe(pipe_name.win32)
        target = pipe.create_target()
        refusal(other, handle_calls.close_handle(pipe.id), pipe.id)
        refusal(other, calls.delete_target(target.id), target.id)
        assert target.get_state() is lowerdeck.TargetState.STARTED
    client.lab.unplug(name, WAIT)


def test_what_one_session_leaves_open_is_closed_with_it(client, pipe_name):
    with client.open_session("handles") as session:
        session.create_named_pipe(pipe_name.win32).create_target()
        assert pipe_name.socket.is_socket()
    give_up = time.monotonic() + WAIT
    while pipe_name.socket.exists():  # the end of a session does not wait for it
        assert time.monotonic() < give_up
        client.health()


# --- what a target takes ----------------------------------------------------------------------------------------------


def test_a_synchronous_handle_takes_no_target(handles, pipe_name):
    with handles.create_named_pipe(pipe_name.win32, overlapped=False) as pipe:
        assert open_failure(pipe.create_target) == "E_INVALIDARG"


def test_without_its_dispatcher_a_stack_has_no_targets_on_handles(client, template, pipe_name):
    name = template("null")
    with client.open_session(name) as session, session.create_named_pipe(pipe_name.win32) as pipe:
        assert client.lab.describe(session.stack).umdf_dispatcher == UmdfDispatcher.REFLECTOR
        assert open_failure(pipe.create_target) == "ERROR_BAD_CONFIGURATION"


def test_a_stack_plugged_with_the_dispatcher_has_them(client, template, pipe_name):
    name = template("null", umdf_dispatcher=UmdfDispatcher.FILE_HANDLE)
    with client.open_session(name) as session, session.create_named_pipe(pipe_name.win32) as pipe:
        assert client.lab.describe(session.stack).umdf_dispatcher == UmdfDispatcher.FILE_HANDLE
        with pipe.create_target() as target:
            assert target.get_state() is lowerdeck.TargetState.STARTED


def test_an_id_that_names_something_else_is_refused(handles, pipe_name):
    with handles.create_named_pipe(pipe_name.win32) as pipe, pipe.create_target() as target:
        with pytest.raises(lowerdeck.AlreadyExists) as taken:
            handles.create_named_pipe(pipe_name.win32, max_instances=7, handle_id=pipe.id)
        assert taken.value.reason == "HANDLE_ID_IN_USE"
        again = handles.create_named_pipe(pipe_name.win32, handle_id=pipe.id)
        assert (again.id, again.number) == (pipe.id, pipe.number)
        with handles.create_named_pipe(pipe_name.win32) as another:
            assert another.number != pipe.number
            with pytest.raises(lowerdeck.AlreadyExists) as taken:
                another.create_target(target_id=target.id)
        assert taken.value.reason == "TARGET_ID_IN_USE"
        assert pipe.create_target(target_id=target.id).id == target.id


@pytest.fixture(scope="module")
def bare_server():
    """A server that was given no place for handles."""
    binary = find_binary()
    if binary is None:
        pytest.skip("a server that runs already may have places")
    with ServerProcess(binary) as server:
        yield server


@pytest.mark.parametrize(
    "opening",
    [
        lambda session: session.create_file("f"),
        lambda session: session.create_named_pipe(r"\\.\pipe\p"),
        lambda session: session.open_socket("tcp", "127.0.0.1:7"),
    ],
    ids=["file", "pipe", "socket"],
)
def test_a_server_without_places_says_which_setting_gives_one(bare_server, opening):
    with lowerdeck.connect(bare_server.endpoint) as client, client.open_session("handles") as session:
        with pytest.raises(lowerdeck.FailedPrecondition) as refused:
            opening(session)
        assert refused.value.reason == "HANDLES_NOT_CONFIGURED"
        assert refused.value.metadata["setting"]


# --- connections that are lost ----------------------------------------------------------------------------------------


def test_a_pipe_and_its_target_outlive_a_lost_connection(proxy, queue_pair, pipe_name):
    client = lowerdeck.connect(proxy.endpoint, queue_pair=queue_pair)
    with client, client.open_session("handles") as session:
        pipe = session.create_named_pipe(pipe_name.win32)
        with pipe, pipe.create_target() as target, Peer(pipe_name.socket) as peer:
            pipe.connect(WAIT)
            reads = [target.send_read(16) for _ in range(50)]
            reads[20].wait_accepted(WAIT)
            proxy.cut()
            for number in range(50):
                peer.send(bytes([number]))
            assert sorted(read.result(WAIT).data for read in reads) == [bytes([number]) for number in range(50)]
            proxy.cut()
            target.write(b"still there")
            assert peer.receive() == b"still there"
