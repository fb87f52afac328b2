"""What a session hears, as values: one class for each body of the contract's `Event`.

Law: every event has its number; an event with a body this package does not know becomes `UnknownEvent`, so that numbers
have no gaps and acknowledgement goes on.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Callable

from lowerdeck.completion import Completion
from lowerdeck.enums import PnpCallback, PowerState, SessionEndReason
from lowerdeck.v1 import event_pb2, report_pb2


@dataclass(frozen=True)
class Event:
    """What all events have."""

    sequence: int
    """The number in the session, from 1 without gaps."""
    time_ticks: int | None
    """When, in ticks of 100 ns of the stack's clock; None for a completion of what was submitted on a queue pair, which
    does not carry it."""


@dataclass(frozen=True)
class RequestCompleted(Event):
    """The one completion of an accepted Send (REQ-14)."""

    completion: Completion


@dataclass(frozen=True)
class FileGone(Event):
    """A closed file reached its end (P7 of CLS-3)."""

    file_id: str


@dataclass(frozen=True)
class CallbackInvoked(Event):
    """One of L0's own PnP callbacks is called; the stack waits for its return."""

    callback_id: int
    callback: PnpCallback
    previous_power_state: PowerState
    target_power_state: PowerState


@dataclass(frozen=True)
class FindingRecorded(Event):
    """The verifier recorded a finding about the stack."""

    finding: report_pb2.Finding


@dataclass(frozen=True)
class DriverStopped(Event):
    """The stack ended by a driver stop."""

    driver_stop: report_pb2.DriverStop


@dataclass(frozen=True)
class SessionEnding(Event):
    """The session ends; final unless the reason is DRAINING."""

    reason: SessionEndReason
    hard_deadline: float | None
    """With DRAINING: seconds since the epoch at which the server gives up waiting."""


@dataclass(frozen=True)
class UnknownEvent(Event):
    """A body that a newer server knows and this package does not."""


def _request_completed(event: event_pb2.Event) -> Event:
    completion = Completion.from_message(event.request_completed)
    return RequestCompleted(event.sequence, event.time_ticks, completion)


def _file_gone(event: event_pb2.Event) -> Event:
    return FileGone(event.sequence, event.time_ticks, event.file_gone.file_id)


def _callback_invoked(event: event_pb2.Event) -> Event:
    body = event.callback_invoked
    return CallbackInvoked(
        event.sequence,
        event.time_ticks,
        body.callback_id,
        PnpCallback(body.callback),
        PowerState(body.previous_power_state),
        PowerState(body.target_power_state),
    )


def _finding_recorded(event: event_pb2.Event) -> Event:
    return FindingRecorded(event.sequence, event.time_ticks, event.finding_recorded.finding)


def _driver_stopped(event: event_pb2.Event) -> Event:
    return DriverStopped(event.sequence, event.time_ticks, event.driver_stopped.driver_stop)


def _session_ending(event: event_pb2.Event) -> Event:
    body = event.session_ending
    deadline = body.hard_deadline.ToNanoseconds() / 1e9 if body.HasField("hard_deadline") else None
    return SessionEnding(event.sequence, event.time_ticks, SessionEndReason(body.reason), deadline)


_READERS: dict[str, Callable[[event_pb2.Event], Event]] = {
    "request_completed": _request_completed,
    "file_gone": _file_gone,
    "callback_invoked": _callback_invoked,
    "finding_recorded": _finding_recorded,
    "driver_stopped": _driver_stopped,
    "session_ending": _session_ending,
}


def from_message(event: event_pb2.Event) -> Event:
    """Out of the contract's form."""
    reader = _READERS.get(event.WhichOneof("body") or "")
    return reader(event) if reader else UnknownEvent(event.sequence, event.time_ticks)
