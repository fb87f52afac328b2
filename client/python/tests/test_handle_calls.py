"""What the package makes of handles and targets before any server sees it: words, ids, NULL files, and asking again."""

import asyncio
from concurrent import futures

import pytest

import lowerdeck
import lowerdeck.aio
from lowerdeck import CreationDisposition, DesiredAccess, FileFlags, HResult, PipeAccess, PipeMode, ShareMode
from lowerdeck import handle_calls as calls
from tests.conftest import WAIT

PIPE = r"\\.\pipe\chan"


@pytest.fixture
def session(fake, queue_pair):
    with lowerdeck.connect(fake.endpoint, queue_pair=queue_pair) as client, client.open_session("any") as session:
        yield session


# --- the words of Win32 -----------------------------------------------------------------------------------------------


def test_the_arguments_of_create_file_arrive_and_overlapped_is_the_default(session, fake):
    session.create_file("a/b", DesiredAccess.GENERIC_READ, ShareMode.FILE_SHARE_READ, CreationDisposition.OPEN_ALWAYS)
    session.create_file(
        PIPE,
        flags_and_attributes=FileFlags.FILE_FLAG_WRITE_THROUGH,
        pipe_read_mode=PipeMode.PIPE_READMODE_MESSAGE,
        overlapped=False,
    )
    file, pipe = (request.create_file for request in fake.handle_calls)
    assert (file.name, file.desired_access, file.share_mode, file.creation_disposition) == ("a/b", 0x80000000, 1, 4)
    assert (file.flags_and_attributes, file.pipe_read_mode) == (0x40000000, 0)
    assert (pipe.name, pipe.desired_access, pipe.share_mode, pipe.creation_disposition) == (PIPE, 0xC0000000, 0, 3)
    assert (pipe.flags_and_attributes, pipe.pipe_read_mode) == (0x80000000, 2)


def test_the_arguments_of_create_named_pipe_arrive(session, fake):
    handle = session.create_named_pipe(
        PIPE,
        PipeAccess.PIPE_ACCESS_INBOUND | FileFlags.FILE_FLAG_FIRST_PIPE_INSTANCE,
        PipeMode.PIPE_TYPE_MESSAGE,
        2,
        4096,
        8192,
        1000,
    )
    session.create_named_pipe(PIPE, overlapped=False)
    pipe, default = (request.create_named_pipe for request in fake.handle_calls)
    assert (pipe.name, pipe.open_mode, pipe.pipe_mode, pipe.max_instances) == (PIPE, 0x40080001, 4, 2)
    assert (pipe.out_buffer_size, pipe.in_buffer_size, pipe.default_timeout_ms) == (4096, 8192, 1000)
    assert (default.open_mode, default.pipe_mode, default.max_instances) == (3, 6, 255)
    assert (handle.number, handle.name, handle.id) == (1, PIPE, fake.handle_calls[0].handle_id)


@pytest.mark.parametrize("kind", calls.SOCKET_KINDS)
def test_a_socket_says_what_it_is_and_where(session, fake, kind):
    handle = session.open_socket(kind, "127.0.0.1:7000")
    (request,) = fake.handle_calls
    assert getattr(request.open_socket, request.open_socket.WhichOneof("peer")) == "127.0.0.1:7000"
    assert request.open_socket.WhichOneof("peer") == kind
    assert request.open_socket.flags_and_attributes == 0x40000000
    assert handle.name == f"{kind}:127.0.0.1:7000"


def test_a_socket_of_no_kind_is_refused_here(session, fake):
    with pytest.raises(ValueError, match="unix_stream"):
        session.open_socket("sctp", "127.0.0.1:7000")
    assert fake.handle_calls == []


def test_bits_without_a_name_travel_as_they_are(session, fake):
    session.create_file("f", DesiredAccess(0x100000) | DesiredAccess.GENERIC_READ, 0x80, 77, 0x10)
    (request,) = fake.handle_calls
    assert (request.create_file.desired_access, request.create_file.share_mode) == (0x80100000, 0x80)
    assert (request.create_file.creation_disposition, request.create_file.flags_and_attributes) == (77, 0x40000010)


# --- answers that are lost --------------------------------------------------------------------------------------------


def test_a_lost_answer_is_asked_for_again_under_the_same_id(session, fake):
    fake.answers_to_lose = 2
    handle = session.create_named_pipe(PIPE)
    assert [request.handle_id for request in fake.handle_calls] == [handle.id] * 3
    assert fake.handles == {handle.id: handle.number}
    fake.answers_to_lose = 1
    target = handle.create_target()
    assert [(request.target_id, request.handle_id) for request in fake.handle_calls[3:]] == [(target.id, handle.id)] * 2


def test_each_open_has_an_id_of_its_own(session, fake):
    handles = [session.create_named_pipe(PIPE) for _ in range(3)]
    targets = [handles[0].create_target() for _ in range(3)]
    assert len({thing.id for thing in [*handles, *targets]}) == 6


def test_who_stopped_waiting_finds_the_handle_again(session, fake):
    fake.hold_opens.clear()
    with pytest.raises(lowerdeck.DeadlinePassed) as stopped:
        session.create_named_pipe(PIPE, timeout=0.05)
    fake.hold_opens.set()
    handle_id = stopped.value.metadata["handle_id"]
    handle = session.create_named_pipe(PIPE, handle_id=handle_id)
    assert (handle.id, fake.handles) == (handle_id, {handle_id: handle.number})


def test_a_close_whose_answer_was_lost_is_a_close(session, fake):
    handle = session.create_named_pipe(PIPE)
    fake.answers_to_lose = 1
    handle.close()
    assert (handle.closed, fake.handles) == (True, {})
    assert session.run(calls.close_handle(handle.id)) == HResult.ERROR_INVALID_HANDLE
    asked = len(fake.handle_calls)
    handle.close()
    assert len(fake.handle_calls) == asked


def test_a_disconnect_whose_answer_was_lost_is_not_repeated(session, fake):
    handle = session.create_named_pipe(PIPE)
    fake.answers_to_lose = 1
    with pytest.raises(lowerdeck.ConnectionLost):
        handle.disconnect()
    assert len(fake.handle_calls) == 2


# --- pFile ------------------------------------------------------------------------------------------------------------


def formats_of(fake):
    return [(request.format.target_id, request.format.file_id) for request in fake.requests]


def test_a_request_to_a_target_names_the_target_and_leaves_its_file_null(session, fake):
    first, second = (session.create_named_pipe(PIPE).create_target() for _ in range(2))
    with session.create_wdf_file() as file:
        sent = [file.send_read(1), first.send_read(1), second.send_write(b"x"), file.send_read(1)]
        sent.append(first.send_device_io_control(0x11400C, None, 16))
        for pending in sent:
            pending.result(WAIT)
    expected = [("", file.id), (first.id, ""), (second.id, ""), ("", file.id), (first.id, "")]
    assert sorted(formats_of(fake)) == sorted(expected)  # calls of their own keep no order


def test_another_target_stands_in_for_the_file_when_it_is_given(session, fake):
    first, second = (session.create_named_pipe(PIPE).create_target() for _ in range(2))
    first.read(1, file=second)
    first.write(b"x", file=first)
    first.device_io_control(1, file=second)
    first.flush(file=second)
    first.query_information(5, 8, file=second)
    first.set_information(20, b"x", file=second)
    assert formats_of(fake) == [(first.id, first.id if sent == 1 else second.id) for sent in range(6)]


def test_every_request_on_a_file_goes_to_the_target_that_is_given(session, fake):
    target = session.create_named_pipe(PIPE).create_target()
    with session.create_wdf_file() as file:
        file.send_read(1, target=target).result(WAIT)
        file.send_write(b"x", target=target).result(WAIT)
        file.send_device_io_control(1, target=target).result(WAIT)
        file.send_flush(target=target).result(WAIT)
        file.send_query_information(5, 8, target=target).result(WAIT)
        file.send_set_information(20, b"x", target=target).result(WAIT)
    assert formats_of(fake) == [(target.id, file.id)] * 6


def test_a_target_is_deleted_after_its_sends_were_answered(session, fake, monkeypatch):
    wait = futures.wait

    def release_and_wait(*arguments):
        fake.hold_sends.set()
        return wait(*arguments)

    monkeypatch.setattr(futures, "wait", release_and_wait)
    with session.create_named_pipe(PIPE) as handle, handle.create_target() as target:
        fake.hold_sends.clear()
        pending = target.send_read(1)
    assert fake.sends_before_delete == [1]
    assert pending.result(WAIT).data == bytes(1)


def test_a_target_is_deleted_once_and_before_its_handle_is_closed(session, fake):
    with session.create_named_pipe(PIPE) as handle, handle.create_target() as target:
        assert target.delete() == HResult.S_OK
    assert [type(request).__name__ for request in fake.handle_calls] == [
        "OpenHandleRequest",
        "CreateFileHandleTargetRequest",
        "DeleteTargetRequest",
        "CloseHandleRequest",
    ]


# --- the asyncio twin -------------------------------------------------------------------------------------------------


@pytest.fixture
def play(fake, queue_pair):
    """Runs a coroutine function with a session of the twin."""

    def run(scenario):
        async def with_session():
            client = lowerdeck.aio.connect(fake.endpoint, queue_pair=queue_pair)
            async with client, client.open_session("any") as session:
                return await asyncio.wait_for(scenario(session), WAIT)

        return asyncio.run(with_session())

    return run


def test_the_asyncio_twin_asks_alike(play, fake):
    async def scenario(session):
        fake.answers_to_lose = 1
        async with session.create_file("f") as file, session.create_named_pipe(PIPE) as pipe:
            async with file.create_target() as target, pipe.create_target() as other:
                assert await target.read(3) == bytes(3)
                await target.write(b"x", file=other)
                await target.device_io_control(1, None, 2)
                await target.flush()
                await target.query_information(5, 8)
                await target.set_information(20, b"x")
            with pytest.raises(ValueError, match="unix_stream"):
                session.open_socket("sctp", "")
            await session.open_socket("udp", "127.0.0.1:7")
        return file, pipe, target, other

    file, pipe, target, other = play(scenario)
    opened = [request for request in fake.handle_calls if hasattr(request, "create_file")]
    assert [request.handle_id for request in opened[:3]] == [file.id, file.id, pipe.id]
    assert opened[3].open_socket.udp == "127.0.0.1:7"
    assert formats_of(fake) == [(target.id, other.id if sent == 1 else "") for sent in range(6)]
    assert (file.closed, pipe.closed, fake.sends_before_delete) == (True, True, [6, 6])


def test_who_stopped_waiting_in_asyncio_finds_the_handle_again(play, fake):
    async def scenario(session):
        fake.hold_opens.clear()
        with pytest.raises(lowerdeck.DeadlinePassed) as stopped:
            await session.create_file("f", timeout=0.05)
        fake.hold_opens.set()
        handle_id = stopped.value.metadata["handle_id"]
        async with session.create_file("f", handle_id=handle_id) as handle:
            assert (handle.id, fake.handles) == (handle_id, {handle_id: handle.number})

    play(scenario)


def test_a_target_in_asyncio_is_deleted_after_its_sends_were_answered(play, fake, monkeypatch):
    wait = asyncio.wait

    async def release_and_wait(*arguments, **options):
        fake.hold_sends.set()
        return await wait(*arguments, **options)

    monkeypatch.setattr(asyncio, "wait", release_and_wait)

    async def scenario(session):
        async with session.create_named_pipe(PIPE) as handle, handle.create_target() as target:
            fake.hold_sends.clear()
            pending = await target.send_read(1)
        assert fake.sends_before_delete == [1]
        assert (await pending.result(WAIT)).data == bytes(1)

    play(scenario)
