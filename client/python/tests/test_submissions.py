"""The books of a queue pair, without any server: what goes out together, and what is told to whom."""

import itertools

import grpc
import pytest

from lowerdeck import LimitReached, SendFlags, calls, formats
from lowerdeck.submissions import BATCH_BYTES_MAX, CALLS_WAITING_MAX, SubmissionQueue, submission_of
from lowerdeck.v1 import file_pb2, queue_pair_pb2, request_pb2, types_pb2

MIB = 1024 * 1024
MESSAGE_BYTES_MAX = 8 * MIB
BATCH_MAX = 4

_ids = itertools.count(1)


def ignore(reply, error):
    """What becomes of most submissions here."""


@pytest.fixture
def queue():
    """A queue whose stream is open."""
    queue = SubmissionQueue(BATCH_MAX, MESSAGE_BYTES_MAX)
    reopen(queue, 0)
    return queue


def reopen(queue, after):
    """Opens a stream as far as the server's first message."""
    queue.opened(after)
    assert next_message(queue) == queue_pair_pb2.QueuePairRequest(after_sequence=after)
    assert queue.answered(queue_pair_pb2.QueuePairResponse()) == []


def next_message(queue):
    """What goes out next; None for nothing."""
    message = queue.gather()
    return None if message is None else queue_pair_pb2.QueuePairRequest.FromString(message)


def put(queue, call):
    submission = submission_of(call, ignore, MESSAGE_BYTES_MAX)
    queue.put(submission)
    return submission


def write(file_id, size=4, flags=0):
    form = formats.write(file_id, bytes(size), None, None, "")
    return calls.format_and_send(next(_ids), form, formats.send_options(None, flags), False)


def taken(queue, number, *results):
    """The calls that a message of the server answers, with the replies."""
    response = queue_pair_pb2.QueuePairResponse(submissions_taken=number, results=results)
    return [(submission.call, reply) for submission, reply, error in queue.answered(response) if error is None]


# --- gathering --------------------------------------------------------------------------------------------------------


def test_what_is_ready_goes_out_in_one_message_and_names_its_file_once(queue):
    sends = [write("f"), write("f"), write("f")]
    for call in sends:
        put(queue, call)
    message = next_message(queue)
    assert message.file_id == "f"
    assert [entry.format_and_send.request_id for entry in message.submissions] == [
        call.message.request_id for call in sends
    ]
    assert {entry.format_and_send.format.file_id for entry in message.submissions} == {""}
    assert next_message(queue) is None


def test_submissions_mean_what_the_calls_mean(queue):
    sent = [write("f"), calls.close("f"), calls.cancel(7), calls.cancel_sent_requests_for_file("f", "t")]
    for call in sent:
        put(queue, call)
    message = next_message(queue)
    message.submissions[0].format_and_send.format.file_id = "f"
    message.submissions[1].close.file_id = "f"
    bodies = [getattr(entry, entry.WhichOneof("call")) for entry in message.submissions]
    assert bodies == [call.message for call in sent]


def test_a_submission_on_another_file_names_it_itself(queue):
    for file_id in ("f", "g", "f"):
        put(queue, write(file_id))
    message = next_message(queue)
    assert message.file_id == "f"
    assert [entry.format_and_send.format.file_id for entry in message.submissions] == ["", "g", ""]


def test_a_null_file_is_never_read_as_the_file_of_the_batch(queue):
    for file_id in ("f", "", "f"):
        put(queue, write(file_id))
    messages = [next_message(queue), next_message(queue)]
    assert [message.file_id for message in messages] == ["f", ""]
    assert [entry.format_and_send.format.file_id for entry in messages[1].submissions] == ["", "f"]


def test_a_format_for_a_target_rides_in_any_batch_and_keeps_its_own_file_or_null(queue):
    to_targets = [
        formats.read(file_id, 1, None, None, target) for file_id, target in (("", "t"), ("f", "t"), ("u", "t"))
    ]
    put(queue, write("f"))
    for form in to_targets:
        put(queue, calls.format_and_send(next(_ids), form, formats.send_options(None, 0), False))
        put(queue, calls.format_request(next(_ids), form))
    message = next_message(queue)
    more = next_message(queue)
    assert (message.file_id, more.file_id) == ("f", "")
    bodies = [getattr(entry, entry.WhichOneof("call")) for entry in [*message.submissions, *more.submissions][1:]]
    assert [body.format for body in bodies] == [form for form in to_targets for _ in range(2)]


def test_calls_without_a_file_ride_in_any_batch(queue):
    put(queue, calls.cancel(7))
    put(queue, write("f"))
    put(queue, calls.delete_request(8))
    message = next_message(queue)
    assert (message.file_id, len(message.submissions)) == ("f", 3)


def test_a_batch_ends_at_the_server_s_limit_and_at_the_limit_of_bytes(queue):
    for _ in range(BATCH_MAX + 1):
        put(queue, write("f"))
    for _ in range(2):
        put(queue, write("f", BATCH_BYTES_MAX // 2))
    put(queue, write("f", 2 * BATCH_BYTES_MAX))
    assert [len(next_message(queue).submissions) for _ in range(4)] == [BATCH_MAX, 2, 1, 1]
    assert next_message(queue) is None


def test_an_acknowledgement_rides_with_the_next_submission_or_alone_and_once(queue):
    put(queue, write("f"))
    queue.owe(3)
    assert (next_message(queue).acknowledged_sequence, next_message(queue)) == (3, None)
    queue.owe(5)
    alone = next_message(queue)
    assert (alone.acknowledged_sequence, len(alone.submissions)) == (5, 0)
    assert next_message(queue) is None


# --- what cannot be submitted -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "call",
    [
        calls.get_request(1),
        calls.close_session(),
        calls.create_wdf_file(1, None),
        calls.list_findings("s", ""),
        write("f", flags=SendFlags.SYNCHRONOUS),
        calls.send_request(1, formats.send_options(1.0, SendFlags.SYNCHRONOUS), ""),
        write("f", MESSAGE_BYTES_MAX),
    ],
    ids=lambda call: call.method,
)
def test_what_a_queue_pair_lacks_or_refuses_is_no_submission(call):
    assert submission_of(call, ignore, MESSAGE_BYTES_MAX) is None


def test_calls_beyond_the_limit_are_refused_and_sends_are_the_window_s_to_count(queue):
    for _ in range(CALLS_WAITING_MAX):
        put(queue, calls.cancel(1))
    put(queue, write("f"))
    with pytest.raises(LimitReached) as full:
        put(queue, calls.cancel(1))
    assert full.value.limit == "calls_waiting_max"
    next_message(queue)
    result = queue_pair_pb2.SubmissionResult(submission=1, cancelled=request_pb2.CancelResponse())
    assert len(taken(queue, 1, result)) == 1
    put(queue, calls.cancel(1))  # the answered one's place


# --- answers ----------------------------------------------------------------------------------------------------------


def test_a_send_is_accepted_when_it_is_taken_and_nothing_is_said_of_it(queue):
    sends = [put(queue, write("f")).call for _ in range(3)]
    next_message(queue)
    refused = queue_pair_pb2.SubmissionResult(submission=2, sent=request_pb2.FormatAndSendResponse(hresult=0xD0000128))
    assert [(call, reply.hresult) for call, reply in taken(queue, 2, refused)] == [
        (sends[0], 0),
        (sends[1], 0xD0000128),
    ]
    assert [call for call, _ in taken(queue, 2)] == []
    assert [call for call, _ in taken(queue, 3)] == [sends[2]]


def test_a_close_is_answered_when_it_has_returned_and_holds_up_nobody(queue):
    close = put(queue, calls.close("f")).call
    send = put(queue, write("f")).call
    next_message(queue)
    assert [call for call, _ in taken(queue, 2)] == [send]
    returned = queue_pair_pb2.SubmissionResult(submission=1, closed=file_pb2.CloseResponse())
    assert [call for call, _ in taken(queue, 2, returned)] == [close]
    assert taken(queue, 2, returned) == []


def test_a_cancel_is_answered_in_the_words_of_its_call(queue):
    call = put(queue, calls.cancel(7)).call
    next_message(queue)
    answer = request_pb2.CancelResponse(answer=types_pb2.CANCEL_ANSWER_REMEMBERED)
    ((answered, reply),) = taken(queue, 1, queue_pair_pb2.SubmissionResult(submission=1, cancelled=answer))
    assert (answered, call.read(reply).name) == (call, "REMEMBERED")


def test_a_refusal_is_typed_as_that_of_a_call(queue):
    put(queue, calls.cancel(0))
    next_message(queue)
    refused = queue_pair_pb2.SubmissionRefused(
        code=grpc.StatusCode.INVALID_ARGUMENT.value[0],
        reason="FIELD_INVALID",
        message="no",
        metadata={"field": "request_id"},
    )
    result = queue_pair_pb2.SubmissionResult(submission=1, refused=refused)
    ((_, reply, error),) = queue.answered(queue_pair_pb2.QueuePairResponse(submissions_taken=1, results=[result]))
    assert reply is None
    assert (error.code, error.reason, error.field_violations) == (
        grpc.StatusCode.INVALID_ARGUMENT,
        "FIELD_INVALID",
        (("request_id", "no"),),
    )


# --- streams that are lost --------------------------------------------------------------------------------------------


def test_nothing_is_submitted_before_the_server_has_answered_the_opening():
    queue = SubmissionQueue(BATCH_MAX, MESSAGE_BYTES_MAX)
    put(queue, calls.close("f"))
    queue.opened(0)
    assert len(next_message(queue).submissions) == 0
    assert next_message(queue) is None
    queue.answered(queue_pair_pb2.QueuePairResponse())
    assert len(next_message(queue).submissions) == 1


def test_a_lost_stream_gives_back_what_has_no_result_and_what_waited_in_order(queue):
    close = put(queue, calls.close("f"))
    sends = [put(queue, write("f")) for _ in range(BATCH_MAX + 1)]
    next_message(queue)
    taken(queue, 2)
    submitted, queued = queue.lost()
    assert (submitted, queued) == ([close, *sends[1:3]], sends[3:])


def test_a_resumed_stream_counts_from_the_beginning_and_acknowledges_by_its_opening(queue):
    put(queue, write("f"))
    queue.owe(2)
    next_message(queue)
    (again,), _ = queue.lost()
    reopen(queue, 2)
    queue.put(again)
    message = next_message(queue)
    assert (message.acknowledged_sequence, len(message.submissions)) == (0, 1)
    assert [call for call, _ in taken(queue, 1)] == [again.call]


def test_what_waited_comes_behind_what_is_asked_again(queue):
    again, waits = put(queue, write("f")), write("f")
    next_message(queue)
    put(queue, waits)
    _, queued = queue.lost()
    queue.put(again)
    queue.put_back(queued)
    reopen(queue, 0)
    ids = [entry.format_and_send.request_id for entry in next_message(queue).submissions]
    assert ids == [again.call.message.request_id, waits.message.request_id]
