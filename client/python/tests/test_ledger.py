"""The books of a session, without any server."""

import grpc
import pytest
from google.rpc import status_pb2

from lowerdeck import HResult, InvalidArgument, LimitReached, ProtocolViolation, errors
from lowerdeck.ledger import SEND_ATTEMPTS_MAX, Ledger, Next
from lowerdeck.v1 import event_pb2, session_pb2

LOST = errors.no_connection(1.0)
FULL = LimitReached("full", grpc.StatusCode.RESOURCE_EXHAUSTED, "RETENTION_FULL")


@pytest.fixture
def ledger():
    return Ledger()


def completion(sequence, request_id, hresult=0):
    body = event_pb2.RequestCompleted(request_id=request_id, hresult=hresult)
    return event_pb2.Event(sequence=sequence, request_completed=body)


def test_events_sent_again_are_taken_once(ledger):
    first, second = completion(1, 7), completion(2, 8)
    assert [event.sequence for event in ledger.take([first])] == [1]
    assert [event.sequence for event in ledger.take([first, second])] == [2]


def test_a_gap_is_refused(ledger):
    with pytest.raises(ProtocolViolation, match="event 3 came after event 1"):
        ledger.take([completion(1, 7), completion(3, 8)])


def test_a_body_of_a_newer_contract_is_counted_like_any_other(ledger):
    ledger.take([event_pb2.Event(sequence=1)])
    assert ledger.last_sequence == 1


@pytest.mark.parametrize("event_first", [True, False])
def test_a_round_is_counted_once_in_either_order(ledger, event_first):
    entry = ledger.begin(7, "waiter")
    (event,) = ledger.take([completion(1, 7)])
    steps = [lambda: ledger.match(event), lambda: ledger.answered(entry, HResult.S_OK)]
    for step in steps if event_first else reversed(steps):
        step()
    assert (ledger.accepted, ledger.completed) == (1, 1)
    assert ledger.open_rounds() == []


def test_a_second_completion_matches_nothing(ledger):
    ledger.begin(7, "waiter")
    first, second = ledger.take([completion(1, 7), completion(2, 7)])
    assert ledger.match(first).waiter == "waiter"
    assert ledger.match(second) is None
    assert ledger.unmatched == 1


@pytest.mark.parametrize(
    ("hresult", "counted"),
    [(0, "completed"), (0x90000005, "completed"), (0xD0000120, "cancelled"), (0xD00000B5, "failed")],
)
def test_outcomes_are_counted_by_class(ledger, hresult, counted):
    ledger.begin(7, "waiter")
    (event,) = ledger.take([completion(1, 7, hresult)])
    ledger.match(event)
    assert getattr(ledger, counted) == ledger.completed + ledger.cancelled + ledger.failed == 1


def test_a_place_is_free_when_its_completion_is_acknowledged(ledger):
    for request_id in (7, 8):
        ledger.begin(request_id, "waiter", in_window=True)
    for event in ledger.take([completion(1, 7), completion(2, 8)]):
        ledger.match(event)
    assert [ledger.acknowledge(1), ledger.acknowledge(1), ledger.acknowledge(2)] == [1, 0, 1]


def test_a_lost_connection_is_tried_a_limited_number_of_times(ledger):
    entry = ledger.begin(7, "waiter")
    asked = 1
    while ledger.asked_in_vain(entry, LOST) is Next.ASK_AGAIN:
        asked += 1
    assert asked == SEND_ATTEMPTS_MAX
    assert ledger.uncertain
    assert ledger.open_rounds() == []


def test_an_answer_that_was_lost_after_the_completion_is_not_missed(ledger):
    entry = ledger.begin(7, "waiter")
    (event,) = ledger.take([completion(1, 7)])
    ledger.match(event)
    assert ledger.asked_in_vain(entry, LOST) is Next.ACCEPTED


def test_a_full_retention_waits_for_an_acknowledgement_unless_there_was_one(ledger):
    entry = ledger.begin(7, "waiter")
    assert ledger.asked_in_vain(entry, FULL) is Next.PARK
    ledger.unpark(entry)
    ledger.acknowledge(1)
    assert ledger.asked_in_vain(entry, FULL) is Next.ASK_AGAIN
    assert ledger.asked_in_vain(entry, FULL) is Next.PARK


@pytest.mark.parametrize(
    "balance",
    [
        session_pb2.Balance(accepted=2, completed=1),
        session_pb2.Balance(accepted=1, cancelled=1),
        session_pb2.Balance(accepted=1, completed=1, files=[session_pb2.FileBalance(file_id="f", accepted=1)]),
    ],
)
def test_books_that_do_not_add_up_or_differ_are_refused(ledger, balance):
    ledger.begin(7, "waiter")
    (event,) = ledger.take([completion(1, 7)])
    ledger.match(event)
    ledger.audit(session_pb2.Balance(accepted=1, completed=1))
    with pytest.raises(ProtocolViolation):
        ledger.audit(balance)


class Refusal:
    """What grpc raises, as far as it is read."""

    def __init__(self, code, details):
        self._code, self._details = code, details

    def code(self):
        return self._code

    def details(self):
        return "no"

    def trailing_metadata(self):
        return (("grpc-status-details-bin", self._details),)


@pytest.mark.parametrize("details", [b"\xff\xff", status_pb2.Status(code=3).SerializeToString()])
def test_an_error_without_readable_details_is_typed_by_its_code(details):
    error = errors.from_rpc_error(Refusal(grpc.StatusCode.INVALID_ARGUMENT, details))
    assert isinstance(error, InvalidArgument)
    assert (error.reason, error.field_violations) == ("", ())
