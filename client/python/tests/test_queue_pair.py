"""The queue pair as a road: the same answers as calls of their own, in fewer messages."""

import contextlib
import threading
import uuid

import pytest

import lowerdeck
import lowerdeck.aio
from lowerdeck import CancelAnswer, calls, formats
from lowerdeck.events import SessionEnding
from lowerdeck.v1 import request_pb2
from tests.conftest import WAIT, script

UNKNOWN = str(uuid.UUID(int=7, version=4))


def read_on(file_id, request_id=77, target_id=""):
    form = formats.read(file_id, 4, None, None, target_id)
    return calls.format_and_send(request_id, form, formats.send_options(None, 0), False)


REFUSED = {
    "a read on an unknown file": read_on(UNKNOWN),
    "a read on a malformed file": read_on("x" * 5000),
    "a read to a foreign target": read_on(UNKNOWN, target_id="elsewhere"),
    "a read without an id": read_on(UNKNOWN, request_id=0),
    "a format without io": calls.format_request(78, request_pb2.Format(file_id=UNKNOWN)),
    "a format of an unknown request": calls.format_request(78, formats.flush("", "")),
    "a send of an unknown request": calls.send_request(78, formats.send_options(None, 0), ""),
    "a create without an id": calls.create_request(0, True),
    "a cancel of an unknown request": calls.cancel(78),
    "a reuse of an unknown request": calls.reuse_request(78, 0, True),
    "a delete of an unknown request": calls.delete_request(78),
    "a close of no file": calls.close(""),
    "a close of an unknown file": calls.close(UNKNOWN),
    "a cancel for an unknown file": calls.cancel_sent_requests_for_file(UNKNOWN, ""),
    "a return from no callback": calls.return_from_callback(9, 0),
}


@pytest.mark.parametrize("question", REFUSED)
def test_a_refusal_says_the_same_on_both_roads(lowerdeck_client, question):
    said = []
    for queue_pair in (True, False):
        session = lowerdeck_client.open_session("disk", queue_pair=queue_pair)
        with session, pytest.raises(lowerdeck.RpcRefused) as refused:
            session.run(REFUSED[question], WAIT)
        error = refused.value
        violations = getattr(error, "field_violations", ())
        said.append((type(error), error.code, error.reason, dict(error.metadata), error.args, violations))
    assert said[0] == said[1]


def test_a_completion_says_the_same_on_both_roads(lowerdeck_client):
    said = []
    for queue_pair in (True, False):
        session = lowerdeck_client.open_session("scripted", queue_pair=queue_pair)
        with session, session.create_wdf_file() as file:
            sent = [
                file.send_read(4, 1 << 40),
                file.send_read(4),
                file.send_write(b"data", 0),
                file.send_device_io_control(0x8000_2000, b"in", 4),
                file.send_flush(),
                file.send_query_information(5, 8),
                file.send_set_information(20, b"size"),
            ]
            completions = [pending.completion(WAIT) for pending in sent]
            assert {completion.file_id for completion in completions} == {file.id}
        said.append([(c.io_kind, c.hresult, c.information, c.data, c.ioctl_code, c.device_offset) for c in completions])
    assert said[0] == said[1]


def test_a_call_after_the_end_hears_why_it_ended(client):
    with client.open_session("disk") as session:
        pass
    with pytest.raises(lowerdeck.SessionEnded) as ended:
        session.run(calls.close(UNKNOWN), WAIT)
    assert ended.value.metadata["end_reason"] == "SESSION_END_REASON_CLOSED"


def test_a_call_after_the_end_of_the_stack_hears_of_that(scripted):
    feed = scripted.events()
    file = scripted.create_wdf_file()
    script(scripted, "on read: hold")
    file.send_read(4).wait_accepted(WAIT)
    file.close(WAIT)
    with contextlib.suppress(lowerdeck.StackEnded):
        scripted.run(calls.close(file.id), WAIT)  # stops the driver (CLS-17)
    feed.until(lambda event: isinstance(event, SessionEnding), WAIT)
    for call in (calls.close(file.id), calls.cancel(1), calls.create_request(1, True)):
        with pytest.raises(lowerdeck.StackEnded) as ended:
            scripted.run(call, WAIT)
        assert ended.value.reason == "STACK_STOPPED"


def test_a_completion_callback_may_cancel_and_wait_for_the_answer(scripted):
    script(scripted, "on read: arm")
    answers = []
    done = threading.Event()

    with scripted.create_wdf_file() as file:
        armed = file.send_read(4)
        armed.wait_accepted(WAIT)

        def cancel_the_other(_):
            late = file.send_read(4)
            answers.extend([armed.cancel(WAIT), late.cancel(WAIT)])
            done.set()

        file.send_write(b"x").add_done_callback(cancel_the_other)
        assert done.wait(WAIT)
    assert answers == [CancelAnswer.DELIVERED, CancelAnswer.DELIVERED]


def test_a_file_is_gone_after_the_callbacks_of_its_requests(scripted):
    told = []
    go_on = threading.Event()
    file = scripted.create_wdf_file()
    script(scripted, "on write: hold")
    pending = file.send_write(b"x")

    def slow(_):
        go_on.wait(WAIT)
        told.append("callback")

    pending.add_done_callback(slow)
    pending.wait_accepted(WAIT)
    script(scripted, f"complete L0:{pending.request_id} S_OK 1")
    pending.result(WAIT)
    closer = threading.Thread(target=file.close, args=(WAIT,))
    closer.start()
    waiter = threading.Thread(target=lambda: (file.wait_gone(WAIT), told.append("gone")))
    waiter.start()
    go_on.set()
    for thread in (closer, waiter):
        thread.join(WAIT)
    assert told == ["callback", "gone"]
