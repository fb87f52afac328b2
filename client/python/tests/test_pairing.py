"""How answers, completions and broken connections fit together, against a server with prescribed manners (K03)."""

import asyncio
import queue

import pytest

import lowerdeck
import lowerdeck.aio
from lowerdeck.v1 import event_pb2


@pytest.fixture
def client(fake, queue_pair):
    with lowerdeck.connect(fake.endpoint, queue_pair=queue_pair) as client:
        yield client


@pytest.fixture
def session(client):
    with client.open_session("fake", lease=5.0) as session:
        yield session


@pytest.fixture
def file(session):
    with session.create_wdf_file() as file:
        yield file


@pytest.mark.parametrize("manner", ["reply-first", "event-first"])
def test_a_request_is_done_once_in_either_order_of_answer_and_completion(fake, file, manner):
    fake.manners.append(manner)
    done = queue.SimpleQueue()
    fake.hold_completions.clear()
    first, second = file.send_read(4), file.send_read(5)
    for pending in (first, second):
        pending.add_done_callback(done.put)
    fake.hold_completions.set()
    assert first.result(10).data == bytes(4)
    first.wait_accepted(10)
    assert {done.get(timeout=10), done.get(timeout=10)} == {first, second}
    assert fake.books.completed == 2


def test_a_lost_question_is_asked_again(fake, file):
    fake.manners.extend(["unavailable", "unavailable"])
    pending = file.send_read(4)
    assert pending.result(10).information == 4
    assert fake.asked == [pending.request_id] * 3


def test_a_lost_answer_is_repaired_without_a_second_completion(fake, file):
    fake.manners.append("unavailable-after")
    pending = file.send_read(4)
    assert pending.result(10).information == 4
    assert fake.books.accepted == 1


def test_a_refused_send_has_no_completion(fake, file):
    fake.manners.append("refuse")
    pending = file.send_read(4)
    with pytest.raises(lowerdeck.SendRefused) as refused:
        pending.result(10)
    assert refused.value.hresult == lowerdeck.HResult.STATUS_FILE_CLOSED


def test_a_full_retention_window_delays_a_send_until_the_next_acknowledgement(fake, file):
    fake.hold_acknowledgements.clear()
    file.send_read(1).result(10)  # its completion now waits to be acknowledged
    fake.manners.append("retention-full")
    delayed = file.send_read(2)
    fake.put(file_gone=event_pb2.FileGone(file_id="another"))  # on a queue pair this is what comes to be acknowledged
    fake.hold_acknowledgements.set()
    assert delayed.result(10).information == 2
    assert fake.asked.count(delayed.request_id) == 2


def test_a_close_whose_answer_was_lost_is_not_repeated(fake, session):
    fake.lose_answers_of_close = True
    file = session.create_wdf_file()
    with pytest.raises(lowerdeck.ConnectionLost):
        file.close(10)
    file.close(10)
    file.wait_gone(10)
    assert fake.closes == 1  # a second one would be a violation (CLS-17)


def test_a_feed_that_is_not_read_says_what_it_missed(session, file):
    feed = session.events(limit=1)
    first = file.send_read(1)
    first.result(10)
    file.send_read(2).result(10)
    assert feed.next(10).completion.request_id == first.request_id
    with pytest.raises(lowerdeck.EventsMissed):
        feed.next(10)


def test_a_cut_stream_resumes_after_the_last_event_and_repeats_none(fake, session, file):
    feed = session.events()
    first = file.send_read(1)
    first.result(10)
    fake.cut_stream()
    second = file.send_read(2)
    second.result(10)
    seen = feed.until(lambda event: event.sequence == 2, timeout=10)
    assert [event.completion.request_id for event in seen] == [first.request_id, second.request_id]
    assert fake.resumed_after == [0, 1]


def test_a_gap_in_the_events_ends_the_session_loudly(fake, session, file):
    with fake.changed:
        fake.events.append(event_pb2.Event(sequence=7))
        fake.changed.notify_all()
    with pytest.raises(lowerdeck.ProtocolViolation):
        file.wait_gone(10)


def test_books_that_do_not_balance_are_reported(fake, client):
    session = client.open_session("fake")
    fake.books.accepted += 1
    fake.books.completed += 1
    with pytest.raises(lowerdeck.ProtocolViolation, match="accepted"):
        session.close(10)


def test_the_window_holds_senders_back_and_the_event_thread_is_told(fake, client):
    session = client.open_session("fake", in_flight_max=1)
    with session, session.create_wdf_file() as file:
        fake.hold_acknowledgements.clear()
        fake.hold_completions.clear()
        outcome = []

        def send_another(_):
            try:
                file.send_read(1)
            except lowerdeck.LimitReached as error:
                outcome.append(error.limit)
            fake.hold_acknowledgements.set()

        file.send_read(1).add_done_callback(send_another)
        fake.hold_completions.set()
        file.send_read(1).result(10)  # waits for the first one's place
        assert outcome == ["in_flight_max"]


def test_a_server_that_went_away_fails_what_waits(fake, client):
    session = client.open_session("fake", lease=0.2)
    fake.stop()
    with pytest.raises(lowerdeck.ConnectionLost):
        session.create_wdf_file(timeout=10)
    session.abandon()


def test_the_asyncio_twin_keeps_the_same_laws(fake, queue_pair):
    async def play():
        async with lowerdeck.aio.connect(fake.endpoint, queue_pair=queue_pair) as client:
            async with client.open_session("fake", lease=5.0) as session, session.create_wdf_file() as file:
                fake.manners.extend(["event-first", "unavailable", "reply-first", "unavailable-after", "refuse"])
                for length in (1, 2, 3):
                    pending = await file.send_read(length)
                    assert (await pending.result(10)).information == length
                refused = await file.send_read(4)
                with pytest.raises(lowerdeck.SendRefused):
                    await refused.result(10)
                fake.cut_stream()
                assert await file.read(5) == bytes(5)
            assert session.balance.accepted == 4
            assert fake.resumed_after[-1] == 3

    asyncio.run(play())
