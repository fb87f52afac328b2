"""`RequestSender`: what sends requests of its own, a driver-created file or a target on a handle, of either twin.

Held here: what the calls of `FileIo` and `TargetIo` stand on. Law: one abstract way to send a format, and three to wait
for its outcome; the twins differ in these four alone.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Generic, Protocol, TypeVar

from lowerdeck.formats import Format


class Identified(Protocol):
    """An object of the session with an id, which a format names."""

    id: str


Other = TypeVar("Other", bound=Identified)
"""The twin's class of the object that may replace one for a request: a target for a file, a file for a target."""

# What the calls return: in the blocking package what is named here, in the asyncio twin a coroutine of it.

Sent = TypeVar("Sent")
"""A PendingRequest."""

Data = TypeVar("Data")
"""The output, as bytes."""

Information = TypeVar("Information")
"""Information as an int, such as the bytes written."""

Nothing = TypeVar("Nothing")
"""None."""


class RequestSender(ABC, Generic[Sent, Data, Information, Nothing]):
    """How formats are sent, and how the outcome of a Send comes back."""

    id: str

    @abstractmethod
    def _send(self, form: Format, timeout: float | None, flags: int, retain: bool) -> Sent:
        """FormatAndSend, without waiting for the completion."""

    @abstractmethod
    def _data(self, sent: Sent) -> Data:
        """What was read. Raises IoFailed or its kin."""

    @abstractmethod
    def _information(self, sent: Sent) -> Information:
        """The completion's Information. Raises IoFailed or its kin."""

    @abstractmethod
    def _nothing(self, sent: Sent) -> Nothing:
        """Waits for the completion. Raises IoFailed or its kin."""


def id_of(other: Identified | None) -> str:
    """The id by which a format names a file or target; the empty one of NULL and of the default target."""
    return other.id if other else ""
