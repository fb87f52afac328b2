"""Handles and the targets on them in the asyncio twin: as in the blocking one."""

import asyncio

import pytest

import lowerdeck
import lowerdeck.aio
from lowerdeck import (
    CreationDisposition,
    FileFlags,
    HResult,
    PipeAccess,
    PipeMode,
    SentIoAction,
    TargetState,
    UmdfDispatcher,
)
from tests.conftest import WAIT
from tests.peer import Peer

MAX_TRANSFER_SIZE = 4096


@pytest.fixture
def play(lowerdeck_server, queue_pair):
    """Runs a coroutine function with a session of the twin, within the time of a test."""

    def run(scenario):
        async def with_session():
            client = lowerdeck.aio.connect(lowerdeck_server.endpoint, queue_pair=queue_pair)
            async with client, client.open_session("handles") as session:
                await asyncio.wait_for(scenario(session), 2 * WAIT)

        asyncio.run(with_session())

    return run


@pytest.fixture
def at_a_pipe(play, pipe_name):
    """Runs a coroutine function with a target on a pipe, the pipe, and a program at its other end."""

    def run(scenario):
        async def with_peer(session):
            async with session.create_named_pipe(pipe_name.win32) as pipe, pipe.create_target() as target:
                with Peer(pipe_name.socket) as peer:
                    await pipe.connect(WAIT)
                    await scenario(target, pipe, peer)

        play(with_peer)

    return run


async def failure(awaitable):
    """The HRESULT with which an operation fails."""
    with pytest.raises(lowerdeck.IoFailed) as failed:
        await awaitable
    return failed.value.hresult


def test_the_example_of_the_document_step_by_step(play, pipe_name):
    async def scenario(session):
        write_handle = await session.create_named_pipe(
            pipe_name.win32,
            PipeAccess.PIPE_ACCESS_DUPLEX | FileFlags.FILE_FLAG_OVERLAPPED,
            PipeMode.PIPE_TYPE_MESSAGE | PipeMode.PIPE_READMODE_MESSAGE | PipeMode.PIPE_WAIT,
            2,
            MAX_TRANSFER_SIZE,
            MAX_TRANSFER_SIZE,
            1000,
            overlapped=False,  # the open mode says it
        )
        write_target = await write_handle.create_target()
        assert await write_target.get_state() is TargetState.STARTED
        with Peer(pipe_name.socket) as program:
            await write_handle.connect(WAIT)
            request = await session.create_request()
            assert await request.format_for_write(None, b"to the program", target=write_target) == HResult.S_OK
            assert await request.send() == HResult.S_OK
            assert (await request.result(WAIT)).information == 14
            assert await request.delete() == HResult.S_OK
            assert program.receive() == b"to the program"
            program.send(b"to the driver")
            assert await write_target.read(MAX_TRANSFER_SIZE) == b"to the driver"
        assert await write_target.delete(WAIT) == HResult.S_OK
        await write_handle.close(WAIT)
        assert not pipe_name.socket.exists()
        assert await session.client.lab.findings(session.stack) == []

    play(scenario)


def test_messages_keep_their_boundaries_and_a_short_read_its_rest(at_a_pipe):
    async def scenario(target, pipe, peer):
        for message in (b"abc", b"", b"d"):
            peer.send(message)
        assert await failure(target.read(2)) == HResult.ERROR_MORE_DATA
        assert [await target.read(8) for _ in range(3)] == [b"c", b"", b"d"]
        assert await target.write(b"e") == 1
        assert peer.receive() == b"e"

    at_a_pipe(scenario)


def test_a_pending_read_is_cancelled_by_itself_by_its_target_and_by_a_stop(at_a_pipe):
    async def scenario(target, pipe, peer):
        first, second, third = [await target.send_read(8) for _ in range(3)]
        for pending in (first, second, third):
            await pending.wait_accepted(WAIT)
        await first.cancel(WAIT)
        assert isinstance(await first.exception(WAIT), lowerdeck.IoCancelled)
        assert not second.done()
        await target.cancel_sent_requests()
        assert isinstance(await second.exception(WAIT), lowerdeck.IoCancelled)
        assert isinstance(await third.exception(WAIT), lowerdeck.IoCancelled)
        last = await target.send_read(8)
        await last.wait_accepted(WAIT)
        assert await target.stop(SentIoAction.CANCEL_SENT_IO, WAIT) == HResult.S_OK
        assert isinstance(await last.exception(WAIT), lowerdeck.IoCancelled)
        assert await target.start(WAIT) == HResult.S_OK
        peer.send(b"kept")
        assert await target.read(8) == b"kept"

    at_a_pipe(scenario)


def test_the_ends_of_a_pipe_are_told_alike(at_a_pipe, pipe_name):
    async def scenario(target, pipe, peer):
        peer.close()
        assert await failure(target.read(8)) == HResult.ERROR_BROKEN_PIPE
        await pipe.disconnect(WAIT)
        assert await failure(target.read(8)) == HResult.ERROR_PIPE_NOT_CONNECTED
        waiting = asyncio.ensure_future(pipe.connect(WAIT))
        with Peer(pipe_name.socket) as following:
            assert await waiting in (HResult.S_OK, HResult.ERROR_PIPE_CONNECTED)
            following.send(b"next")
            assert await target.read(8) == b"next"
        await pipe.close(WAIT)
        assert await failure(target.read(8)) == HResult.ERROR_INVALID_HANDLE

    at_a_pipe(scenario)


def test_files_are_read_and_written_at_offsets(play, lowerdeck_server, pipe_name):
    name = pipe_name.socket.name

    async def scenario(session):
        handle = await session.create_file(name, creation_disposition=CreationDisposition.CREATE_NEW)
        async with handle, handle.create_target() as target:
            assert await target.write(b"0123456789", 0) == 10
            assert await target.read(4, 3) == b"3456"
            assert await failure(target.read(4, 10)) == HResult.ERROR_HANDLE_EOF
            with pytest.raises(lowerdeck.CreateFailed) as shared:
                await session.create_file(name)
            assert shared.value.hresult == HResult.ERROR_SHARING_VIOLATION
        assert (lowerdeck_server.files_root / name).read_bytes() == b"0123456789"
        with pytest.raises(lowerdeck.CreateFailed) as outside:
            await session.create_file("../secret")
        assert outside.value.hresult == HResult.ERROR_ACCESS_DENIED

    play(scenario)


def test_another_session_s_handle_and_a_missing_dispatcher_are_refused_alike(play, pipe_name):
    async def scenario(session):
        name = f"aio-{pipe_name.socket.name}"
        lab = session.client.lab
        await lab.plug(name, "null", umdf_dispatcher=UmdfDispatcher.REFLECTOR)
        async with session.client.open_session(name) as other:
            pipe = await other.create_named_pipe(pipe_name.win32, overlapped=False)
            with pytest.raises(lowerdeck.NotOwned):
                await session.run(lowerdeck.handle_calls.close_handle(pipe.id))
            with pytest.raises(lowerdeck.CreateFailed) as missing:
                await pipe.create_target()
            assert missing.value.hresult == HResult.ERROR_BAD_CONFIGURATION
        async with session.create_named_pipe(pipe_name.win32, overlapped=False) as pipe:
            with pytest.raises(lowerdeck.CreateFailed) as synchronous:
                await pipe.create_target()
            assert synchronous.value.hresult == HResult.E_INVALIDARG
        await lab.unplug(name, WAIT)

    play(scenario)
