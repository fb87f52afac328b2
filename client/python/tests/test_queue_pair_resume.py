"""A queue pair in batches, and over streams that are lost: against a server with prescribed manners."""

import asyncio
import queue

import grpc
import pytest

import lowerdeck
import lowerdeck.aio
from lowerdeck import SendFlags, calls
from lowerdeck.aio.queue_pair import QueuePair
from lowerdeck.ledger import Ledger
from lowerdeck.v1 import event_pb2, queue_pair_pb2, session_pb2


@pytest.fixture
def session(fake, queue_pair):
    with lowerdeck.open("fake", fake.endpoint, lease=5.0, queue_pair=queue_pair) as device:
        yield device.session


only_queue_pair = pytest.mark.parametrize("queue_pair", [True], ids=["queue-pair"])


def play(fake, scenario):
    """Runs a coroutine function with a file of the asyncio twin."""

    async def with_file():
        async with lowerdeck.aio.open("fake", fake.endpoint) as device, device.create_wdf_file() as file:
            await scenario(file)

    asyncio.run(with_file())


# --- gathering --------------------------------------------------------------------------------------------------------


def test_requests_that_are_ready_together_travel_together(fake):
    async def scenario(file):
        pending = [await file.send_read(1) for _ in range(10)]
        for request in pending:
            await request.result(10)

    play(fake, scenario)
    (batch,) = [batch for batch in fake.batches if len(batch.submissions) > 1]
    assert (batch.file_id, len(batch.submissions)) == ("file", 10)


@only_queue_pair
def test_no_submission_overtakes_the_acknowledgement_of_what_was_heard_before(fake, session):
    file = session.create_wdf_file()
    for _ in range(20):
        file.read(1)
    file.close(10)
    assert fake.acknowledged_when_asked == list(range(20))


def test_the_asyncio_twin_acknowledges_along_with_the_next_submission(fake):
    async def scenario(file):
        for _ in range(20):
            await file.read(1)
        on_its_way.extend(fake.batches[1:])

    on_its_way = []
    play(fake, scenario)
    assert fake.acknowledged_when_asked == list(range(20))
    assert [len(batch.submissions) for batch in on_its_way] == [1] * 20


@only_queue_pair
def test_an_event_of_a_newer_contract_keeps_its_number(fake, session):
    feed = session.events()
    fake.put(file_gone=event_pb2.FileGone(file_id="another"))
    fake.put()
    session.create_wdf_file().read(1)
    assert [feed.next(10).sequence for _ in range(3)] == [1, 2, 3]


# --- lost streams -----------------------------------------------------------------------------------------------------


@only_queue_pair
def test_a_send_is_asked_again_on_the_next_stream_until_it_has_a_result(fake, session):
    fake.manners.extend(["reply-first", "unavailable", "unavailable"])
    file = session.create_wdf_file()
    first = file.send_read(1)
    first.result(10)
    lost = file.send_read(2)
    assert lost.result(10).information == 2
    assert fake.asked == [first.request_id, *[lost.request_id] * 3]
    assert fake.resumed_after == [0, 1, 1]


@only_queue_pair
def test_a_call_between_two_streams_waits_for_the_next_even_if_it_must_not_be_repeated(fake, session):
    file = session.create_wdf_file()
    fake.hold_openings.clear()
    fake.cut_stream()
    with fake.changed:
        assert fake.changed.wait_for(lambda: len(fake.resumed_after) == 2, 10)
    with pytest.raises(lowerdeck.DeadlinePassed):
        session.run(calls.close(file.id), 0.05)
    fake.cut_stream()  # before the next one has begun
    fake.hold_openings.set()
    file.wait_gone(10)
    assert fake.closes == 1


def test_a_caller_that_stops_waiting_ends_nothing(fake, session):
    file = session.create_wdf_file()
    fake.hold_closes.clear()
    with pytest.raises(lowerdeck.DeadlinePassed) as passed:
        file.close(timeout=0.2)
    assert passed.value.code is grpc.StatusCode.DEADLINE_EXCEEDED
    fake.hold_closes.set()
    file.wait_gone(10)
    assert fake.closes == 1


def test_a_callback_holds_its_place_in_the_window_until_it_has_run(fake):
    with lowerdeck.open("fake", fake.endpoint, in_flight_max=1) as device, device.create_wdf_file() as file:
        outcome = queue.SimpleQueue()

        def send_another(_):
            with fake.changed:
                fake.changed.wait_for(lambda: fake.acknowledged, 10)  # the request's own place is free by then
            try:
                file.send_read(1)
            except lowerdeck.LimitReached as error:
                outcome.put(error.limit)

        fake.hold_completions.clear()
        file.send_read(1).add_done_callback(send_another)
        fake.hold_completions.set()
        assert outcome.get(timeout=10) == "in_flight_max"
        file.read(1)


# --- what stays a call of its own -------------------------------------------------------------------------------------


@only_queue_pair
def test_a_synchronous_send_that_overtook_an_acknowledgement_is_asked_again(fake, session):
    fake.manners.extend(["reply-first", "retention-full"])
    file = session.create_wdf_file()
    file.read(1)
    assert file.send_read(2, flags=SendFlags.SYNCHRONOUS).result(10).information == 2
    assert len(fake.asked) == 3


def test_a_synchronous_send_of_the_asyncio_twin_is_asked_again_too(fake):
    fake.manners.extend(["reply-first", "retention-full"])

    async def scenario(file):
        await file.read(1)
        pending = await file.send_read(2, flags=SendFlags.SYNCHRONOUS)
        assert (await pending.result(10)).information == 2

    play(fake, scenario)
    assert len(fake.asked) == 3


def test_a_server_without_queue_pair_is_served_by_calls(fake):
    fake.batch_submissions_max = 0
    with lowerdeck.open("fake", fake.endpoint) as device, device.create_wdf_file() as file:
        assert file.read(3) == bytes(3)
    assert fake.batches == []


def test_a_write_that_fails_as_the_stream_ends_is_a_lost_connection():
    class EndingWire:
        def queue_pair(self):
            return self

        async def write(self, message):
            raise asyncio.InvalidStateError

        async def answers(self, stream):
            yield queue_pair_pb2.QueuePairResponse()
            raise lowerdeck.ServerFault("Internal error from Core", grpc.StatusCode.INTERNAL)

    async def scenario():
        limits = session_pb2.SessionLimits(batch_submissions_max=1, message_bytes_max=4096)
        pair = QueuePair(EndingWire(), Ledger(), limits, lambda freed: None)
        async for _ in pair.open(0):
            pass

    with pytest.raises(lowerdeck.ConnectionLost):
        asyncio.run(scenario())
