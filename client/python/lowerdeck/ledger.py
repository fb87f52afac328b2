"""The books of one session, without I/O: which Sends wait for what, how far the events are, what must balance.

Laws: the answer of a Send and its completion may come in either order (REQ-12); each accepted Send is completed once
(REQ-14); events are taken once, in order and without gaps, however often a stream is resumed. Knows nothing of threads,
tasks or channels; the session that owns a ledger keeps others out while it is in here.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum
from typing import Any, Generic, TypeVar

from lowerdeck import errors, events
from lowerdeck.completion import Completion
from lowerdeck.formats import Format
from lowerdeck.hresult import HResult, StatusClass
from lowerdeck.v1 import event_pb2, queue_pair_pb2, session_pb2

Waiter = TypeVar("Waiter")
"""What waits for the end of a Send; a pending request of either twin."""

SEND_ATTEMPTS_MAX = 8
"""How often one Send is put to the server in all. A connection that breaks more often than this within one Send is
given up; each attempt first waits for a connection, so this is no question of speed."""


@dataclass
class Round(Generic[Waiter]):
    """One Send on its way: from before the question is asked until both its answer and its completion are there."""

    request_id: int
    waiter: Waiter
    completion_expected: bool
    """False without a completion callback: such a request is polled (REQ-15)."""
    in_window: bool
    """Whether it takes a place in the window until its completion is acknowledged."""
    answered: bool = False
    completed: bool = False
    form: Format | None = None
    """What was submitted on a queue pair, whose completions do not say it again."""
    attempts: int = 1
    """How often the question was put over a connection that was then lost, and this once."""
    acknowledged_at_attempt: int = 0
    """How far the session was acknowledged when the question was last asked."""


class Next(Enum):
    """What to do about a Send that came back with an RPC error."""

    ASK_AGAIN = "ask again"
    PARK = "ask again after the next acknowledgement"
    GIVE_UP = "give up"
    ACCEPTED = "accepted; the completion is there already"


class Ledger(Generic[Waiter]):
    """The books of one session."""

    def __init__(self) -> None:
        """Opens empty books."""
        self.last_sequence = 0
        """The last event taken."""
        self.acknowledged = 0
        """The last event that the server no longer keeps."""
        self.ending: events.SessionEnding | None = None
        """The final SessionEnding, once it was taken."""
        self.accepted = self.completed = self.cancelled = self.failed = 0
        """Sends by outcome, counted as the server's Balance counts them."""
        self.unmatched = 0
        """Completions of no Send made here; always 0 unless somebody else sends in this session."""
        self.uncertain = False
        """Whether the fate of some Send is unknown, or known to the server alone."""
        self._rounds: dict[int, Round[Waiter]] = {}
        self._slots: deque[int] = (
            deque()
        )  # numbers of the completions that free a place in the window when acknowledged
        self._next_request_id = 1

    # --- requests -----------------------------------------------------------------------------------------------------

    def new_request_id(self) -> int:
        """An id that was never used in this session, and never zero."""
        self._next_request_id += 1
        return self._next_request_id - 1

    def begin(
        self,
        request_id: int,
        waiter: Waiter,
        completion_expected: bool = True,
        in_window: bool = False,
        form: Format | None = None,
    ) -> Round[Waiter]:
        """Before a Send is put to the server, so that a completion which overtakes the answer finds its place."""
        entry = Round(request_id, waiter, completion_expected, in_window, form=form)
        self._ask_again(entry)
        self._rounds[request_id] = entry
        return entry

    def answered(self, entry: Round[Waiter], hresult: HResult) -> bool:
        """A Send was answered. True if it was accepted; the first of answer and completion to say so counts it."""
        if entry.answered:
            return True  # the completion, or an earlier attempt, said so
        entry.answered = True
        if hresult != HResult.S_OK:
            self._drop(entry)
            return False
        self.accepted += 1
        if not entry.completion_expected:
            self._drop(entry)
            self.uncertain = True
        return True

    def asked_in_vain(self, entry: Round[Waiter], refused: errors.RpcRefused) -> Next:
        """A Send came back with an RPC error; says what to do, and closes the round when it is over."""
        if entry.completed or entry.answered:
            return Next.ACCEPTED
        if errors.is_connection_loss(refused) and entry.attempts < SEND_ATTEMPTS_MAX:
            entry.attempts += 1
            return self._ask_again(entry)
        if refused.reason == "RETENTION_FULL":  # each further attempt waits for an acknowledgement, so they end
            moved_on = self.acknowledged > entry.acknowledged_at_attempt
            return self._ask_again(entry) if moved_on else Next.PARK
        self.give_up(entry, refused)
        return Next.GIVE_UP

    def expect_unconfirmed(self, entry: Round[Waiter]) -> None:
        """The question may overtake acknowledgements that are on their way: a full retention is worth asking twice."""
        entry.acknowledged_at_attempt = -1

    def unpark(self, entry: Round[Waiter]) -> None:
        """A parked Send is about to be put to the server again."""
        self._ask_again(entry)

    def give_up(self, entry: Round[Waiter], error: errors.LowerdeckError) -> None:
        """Closes the round of a Send that has failed with an RPC error."""
        if isinstance(error, (errors.ConnectionLost, errors.ObjectGone, errors.DeadlinePassed)):
            self.uncertain = True  # the server may have accepted it
        self._drop(entry)

    def open_rounds(self) -> list[Round[Waiter]]:
        """Rounds that are not over; for the end of a session that cannot complete them any more."""
        remaining = list(self._rounds.values())
        if remaining:
            self.uncertain = True
        self._rounds.clear()
        return remaining

    # --- events -------------------------------------------------------------------------------------------------------

    def take(self, batch: Iterable[event_pb2.Event]) -> list[events.Event]:
        """The events of a batch that were not taken before. Raises ProtocolViolation at a gap."""
        fresh = []
        for message in batch:
            if self._is_next(message.sequence):
                fresh.append(self._noted(events.from_message(message)))
        return fresh

    def take_entries(self, first_sequence: int, entries: Iterable[queue_pair_pb2.QueueEntry]) -> list[events.Event]:
        """As `take`, of what a queue pair brought: the entries are numbered from `first_sequence`."""
        fresh: list[events.Event] = []
        for sequence, entry in enumerate(entries, first_sequence):
            if not self._is_next(sequence):
                continue
            body = entry.WhichOneof("body")
            if body == "completion":
                submitted = self._rounds.get(entry.completion.request_id)
                form = submitted.form if submitted is not None else None
                completion = Completion.from_queue(entry.completion, form)
                fresh.append(events.RequestCompleted(sequence, None, completion))
            elif body == "event":
                fresh.append(self._noted(events.from_message(entry.event)))
            else:
                fresh.append(events.UnknownEvent(sequence, None))
        return fresh

    def match(self, event: events.RequestCompleted) -> Round[Waiter] | None:
        """The round that a completion ends; None if this ledger knows of none."""
        completion = event.completion
        entry = self._rounds.pop(completion.request_id, None)
        if entry is None:
            self.unmatched += 1
            return None
        if not entry.answered:  # the completion overtook the answer, which can only be S_OK now
            entry.answered = True
            self.accepted += 1
        entry.completed = True
        self._count(completion)
        if entry.in_window:
            self._slots.append(event.sequence)
        return entry

    def acknowledge(self, through: int) -> int:
        """The server keeps no event up to this number. Returns how many places in the window that frees."""
        self.acknowledged = max(self.acknowledged, through)
        freed = 0
        while self._slots and self._slots[0] <= self.acknowledged:
            self._slots.popleft()
            freed += 1
        return freed

    # --- balance ------------------------------------------------------------------------------------------------------

    def audit(self, balance: session_pb2.Balance) -> None:
        """Compares the server's final balance with itself and with these books. Raises ProtocolViolation."""
        sheets: list[Any] = [balance, *balance.files]
        for sheet in sheets:
            name = getattr(sheet, "file_id", "") or "the session"
            if sheet.accepted != sheet.completed + sheet.cancelled + sheet.failed + sheet.outstanding:
                raise errors.ProtocolViolation(f"the balance of {name} does not add up: {_figures(sheet)}")
        if self.uncertain or self.unmatched:
            return
        ours = (self.accepted, self.completed, self.cancelled, self.failed)
        theirs = (balance.accepted, balance.completed, balance.cancelled, balance.failed)
        if ours != theirs:
            raise errors.ProtocolViolation(
                f"accepted, completed, cancelled and failed are {ours} here and {theirs} at the server"
            )

    def _is_next(self, sequence: int) -> bool:
        if sequence <= self.last_sequence:
            return False  # sent again by a resumed stream
        if sequence != self.last_sequence + 1:
            raise errors.ProtocolViolation(f"event {sequence} came after event {self.last_sequence}")
        self.last_sequence = sequence
        return True

    def _noted(self, event: events.Event) -> events.Event:
        if isinstance(event, events.SessionEnding) and event.reason.name != "DRAINING":
            self.ending = event
        return event

    def _ask_again(self, entry: Round[Waiter]) -> Next:
        entry.acknowledged_at_attempt = self.acknowledged
        return Next.ASK_AGAIN

    def _drop(self, entry: Round[Waiter]) -> None:
        if self._rounds.get(entry.request_id) is entry:
            del self._rounds[entry.request_id]

    def _count(self, completion: Completion) -> None:
        if completion.hresult.status_class is StatusClass.CANCELLED:
            self.cancelled += 1
        elif completion.hresult.is_failure:
            self.failed += 1
        else:
            self.completed += 1


def _figures(sheet: Any) -> str:
    return ", ".join(
        f"{name} {getattr(sheet, name)}" for name in ("accepted", "completed", "cancelled", "failed", "outstanding")
    )
