"""Clients that are broken on purpose, each in a way that real ones were: the kit must notice.

See `cargo xtask kit --broken`. Nobody copies from here.
"""

from __future__ import annotations

from typing import Any

import client


class ForgetsAcknowledgement(client.Session):
    """Processes events and never tells the server, which keeps them all."""

    def processed(self, event: Any, acknowledge: bool = True) -> None:
        """Writes the event down, and no more."""
        self.books.process(event)


class ReusesRequestId(client.Session):
    """Takes the number of a request that has completed for the next one."""

    def __init__(self, *arguments: Any) -> None:
        """With a heap of used numbers."""
        super().__init__(*arguments)
        self._used: list[int] = []

    def new_request_id(self) -> int:
        """An old number, if there is one."""
        return self._used.pop() if self._used else super().new_request_id()

    def processed(self, event: Any, acknowledge: bool = True) -> None:
        """Throws the number on the heap."""
        super().processed(event, acknowledge)
        if event.WhichOneof("body") == "request_completed":
            self._used.append(event.request_completed.request_id)


class IgnoresFileGone(client.Session):
    """Takes the return of Close for the end of the file, and has no use for FileGone."""

    def next_event(self) -> Any:
        """The next event that it finds interesting."""
        while True:
            event = super().next_event()
            if event.WhichOneof("body") != "file_gone":
                return event
            self.acknowledge(event.sequence)


MANNERS = {
    "forgets-acknowledgement": ForgetsAcknowledgement,
    "reuses-request-id": ReusesRequestId,
    "ignores-file-gone": IgnoresFileGone,
}
