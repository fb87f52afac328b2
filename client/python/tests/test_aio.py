"""The asyncio twin does what the blocking package does."""

import asyncio
import contextlib
import hashlib
import os

import pytest

import lowerdeck
import lowerdeck.aio
from lowerdeck import CancelAnswer, Health, HResult, PnpCallback, PowerState, SentIoAction, TargetState
from lowerdeck.events import FileGone, RequestCompleted, SessionEnding
from tests.conftest import WAIT, is_started
from tests.cutting_proxy import CuttingProxy

CHUNK_BYTES = 64 * 1024
CHUNKS = 128


@pytest.fixture
def play(lowerdeck_server, queue_pair):
    """Runs a coroutine function with a client of the twin, within the time of a test."""

    def run(scenario, *arguments):
        async def with_client():
            async with lowerdeck.aio.connect(lowerdeck_server.endpoint, queue_pair=queue_pair) as client:
                await asyncio.wait_for(scenario(client, *arguments), 2 * WAIT)

        asyncio.run(with_client())

    return run


def test_bytes_come_back_as_they_were_written_with_64_in_flight(play):
    data = os.urandom(CHUNK_BYTES * CHUNKS)

    async def scenario(client):
        async with client.open_session("disk", in_flight_max=64) as session, session.create_wdf_file() as file:
            places = range(0, len(data), CHUNK_BYTES)
            writes = [await file.send_write(data[at : at + CHUNK_BYTES], at) for at in places]
            results = await asyncio.gather(*(write.result(WAIT) for write in writes))
            assert sum(result.information for result in results) == len(data)
            reads = [await file.send_read(CHUNK_BYTES, at) for at in places]
            digest = hashlib.sha256()
            for read in reads:
                digest.update((await read.result(WAIT)).data)
        assert digest.digest() == hashlib.sha256(data).digest()
        assert session.balance.completed == 2 * CHUNKS

    play(scenario)


def test_a_device_opened_in_one_line_works(lowerdeck_server, monkeypatch):
    monkeypatch.setenv("LOWERDECK_ENDPOINT", lowerdeck_server.endpoint)

    async def scenario():
        async with lowerdeck.aio.open("disk") as device, device.create_wdf_file("chan") as file:
            assert await file.write(b"hello", 4096) == 5
            assert await file.read(5, 4096) == b"hello"
            await file.flush()
            length = await file.device_io_control(0x0007405C, output_length=8)
            assert int.from_bytes(length, "little") == 64 * 1024 * 1024

    asyncio.run(scenario())


def test_cancel_close_and_their_events_come_in_order(play):
    async def scenario(client):
        async with client.open_session("scripted") as session:
            await client.lab.control(session.stack, 1, "on read: arm")
            feed = session.events()
            file = await session.create_wdf_file("chan")
            first, second = await file.send_read(4), await file.send_read(4)
            assert await first.cancel(WAIT) is CancelAnswer.DELIVERED
            with pytest.raises(lowerdeck.IoCancelled):
                await first.result(WAIT)
            await second.wait_accepted(WAIT)
            await file.close(WAIT)
            await file.wait_gone(WAIT)
            heard = await feed.until(lambda event: isinstance(event, FileGone), WAIT)
            assert [type(event) for event in heard] == [RequestCompleted, RequestCompleted, FileGone]
            assert isinstance(await second.exception(WAIT), lowerdeck.IoCancelled)

    play(scenario)


def test_cancelling_who_waits_cancels_no_request(play):
    async def scenario(client):
        async with client.open_session("scripted") as session, session.create_wdf_file() as file:
            await client.lab.control(session.stack, 1, "on read: hold")
            pending = await file.send_read(4)
            with pytest.raises(TimeoutError):
                await pending.result(0.01)
            waiter = asyncio.ensure_future(pending.result())
            await pending.wait_accepted(WAIT)
            waiter.cancel()
            await client.lab.control(session.stack, 1, f"complete L0:{pending.request_id} S_OK 4")
            assert (await pending.result(WAIT)).information == 4

    play(scenario)


def test_requests_and_targets_step_by_step(play):
    async def scenario(client):
        async with client.open_session("scripted") as session, session.create_wdf_file() as file:
            assert await file.delete() == HResult.ERROR_ACCESS_DENIED
            target = session.get_default_io_target()
            assert await target.stop(SentIoAction.LEAVE_SENT_IO_PENDING) == HResult.S_OK
            request = await session.create_request()
            assert await request.format_for_read(file, 4) == HResult.S_OK
            assert await request.send() == HResult.S_OK
            assert (await request.get()).state is lowerdeck.RequestState.PENDED
            assert await target.start() == HResult.S_OK
            assert (await request.result(WAIT)).information == 4
            wait = SentIoAction.WAIT_FOR_SENT_IO_TO_COMPLETE
            assert await target.stop(wait, WAIT, inside_completion_of=request) == HResult.S_OK
            assert await target.start() == HResult.S_OK
            assert await target.get_state() is TargetState.STARTED
            assert await request.delete() == HResult.S_OK

    play(scenario)


def test_callbacks_are_coroutines(play):
    called = []

    async def scenario(client):
        async def note(session, invoked):
            called.append(invoked.callback)

        expected = [
            PnpCallback.ON_PREPARE_HARDWARE,
            PnpCallback.ON_SELF_MANAGED_IO_INIT,
            PnpCallback.ON_RELEASE_HARDWARE,
        ]
        async with client.open_session("disk", callbacks=dict.fromkeys(expected, note)) as session:
            async for entry in client.lab.follow_trace(session.stack, timeout=WAIT):
                if is_started(entry):
                    break
        assert called == expected

    play(scenario)


def test_a_session_resumes_after_its_connection_was_cut(lowerdeck_server, queue_pair):
    host, _, port = lowerdeck_server.endpoint.rpartition("//")[2].rpartition(":")

    async def scenario(proxy):
        async with lowerdeck.aio.connect(proxy.endpoint, queue_pair=queue_pair) as client:
            async with client.open_session("scripted") as session, session.create_wdf_file() as file:
                await client.lab.control(session.stack, 1, "on read: arm")
                pending = [await file.send_read(1) for _ in range(100)]
                await pending[50].wait_accepted(WAIT)
                proxy.cut()
                for request in pending:
                    await request.wait_accepted(WAIT)
                await file.cancel_sent_requests()
                ends = [await request.exception(WAIT) for request in pending]
                assert {type(end) for end in ends} == {lowerdeck.IoCancelled}
            assert session.balance.cancelled == 100

    with CuttingProxy((host, int(port))) as proxy:
        asyncio.run(asyncio.wait_for(scenario(proxy), 2 * WAIT))


def test_a_call_after_the_end_of_the_stack_hears_of_that(play):
    async def scenario(client):
        async with client.open_session("scripted") as session:
            feed = session.events()
            await client.lab.control(session.stack, 1, "on read: hold")
            file = await session.create_wdf_file()
            await (await file.send_read(4)).wait_accepted(WAIT)
            await file.close(WAIT)
            with contextlib.suppress(lowerdeck.StackEnded):
                await session.run(lowerdeck.calls.close(file.id), WAIT)  # stops the driver (CLS-17)
            await feed.until(lambda event: isinstance(event, SessionEnding), WAIT)
            with pytest.raises(lowerdeck.StackEnded):
                await session.run(lowerdeck.calls.cancel(1), WAIT)

    play(scenario)


def test_the_lab_and_health_answer_alike(play):
    async def scenario(client):
        assert await client.health() is Health.SERVING
        assert "disk" in [stack.name for stack in await client.lab.stacks()]
        async with client.open_session("disk") as session:
            assert (await client.lab.describe(session.stack)).layers[0].driver == "passthrough"
            assert await client.lab.findings(session.stack) == []
            async with session.create_wdf_file("chan"):
                (file,) = (await client.lab.outstanding(session.stack)).files
                assert file.name == "chan"
            read = await client.lab.trace(session.stack)
            followed = []
            async for entry in client.lab.follow_trace(session.stack, timeout=WAIT):
                followed.append(entry)
                if len(followed) == len(read):
                    break
            assert followed == read

    play(scenario)


def test_power_rebalance_and_surprise_removal_answer_alike(play):
    async def scenario(client):
        session = await client.open_session("scripted")
        await client.lab.set_power_state(session.stack, PowerState.D3, WAIT)
        await client.lab.set_power_state(session.stack, PowerState.D0, WAIT)
        assert (await client.lab.rebalance(session.stack, WAIT)).hresult == HResult.S_OK
        feed = session.events()
        await client.lab.surprise_remove(session.stack, WAIT)
        ending = (await feed.until(lambda event: isinstance(event, SessionEnding), WAIT))[-1]
        assert ending.reason is lowerdeck.SessionEndReason.STACK_REMOVED
        await session.close(WAIT)
        entered = {entry.callback for entry in await client.lab.trace(session.stack)}
        assert {PnpCallback.ON_D0_EXIT, PnpCallback.ON_QUERY_STOP, PnpCallback.ON_SURPRISE_REMOVAL} <= entered

    play(scenario)


def test_refusals_are_typed_alike(play):
    async def scenario(client):
        with pytest.raises(lowerdeck.NotFound):
            await client.open_session("no-such-stack")
        async with client.open_session("scripted") as session:
            with pytest.raises(lowerdeck.CreateFailed):
                await session.create_wdf_file("a/b")
            with pytest.raises(lowerdeck.NotOwned):
                await session.run(lowerdeck.calls.close("nonsense"))

    play(scenario)
