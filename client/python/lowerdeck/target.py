"""`IoTarget`: where requests are sent, with its state (TGT rules)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lowerdeck import calls
from lowerdeck.enums import SentIoAction, TargetState
from lowerdeck.hresult import HResult

if TYPE_CHECKING:
    from lowerdeck.file import DriverCreatedFile
    from lowerdeck.handle_target import FileHandleTarget
    from lowerdeck.request import IoRequest
    from lowerdeck.session import Session


class IoTarget:
    """IWDFIoTarget and IWDFIoTargetStateManagement. A `timeout` ends the wait with DeadlinePassed, not the call."""

    def __init__(self, session: Session, target_id: str) -> None:
        """Made by `get_default_io_target`, or on a handle."""
        self._session = session
        self.id = target_id
        """The target's id; empty for the default I/O target."""

    def get_state(self) -> TargetState:
        """GetState: a snapshot (TGT-32)."""
        return self._session.run(calls.get_target_state(self.id))

    def has_target_file(self) -> bool:
        """Whether GetTargetFile yields a file; the default target has none (TGT-4)."""
        return self._session.run(calls.get_target_file(self.id))

    def start(self, timeout: float | None = None) -> HResult:
        """Start: delivers what was pended, oldest first (TGT-20)."""
        return self._session.run(calls.start_target(self.id), timeout)

    def stop(
        self, action: SentIoAction, timeout: float | None = None, *, inside_completion_of: IoRequest | None = None
    ) -> HResult:
        """Stop: returns when what the action waits for has completed (TGT-25).

        `inside_completion_of` is the request in whose completion callback this is called, which the server cannot see.
        To wait there is to wait for oneself: a finding, and answered at once (TGT-26).
        """
        inside = 0 if inside_completion_of is None else inside_completion_of.id
        return self._session.run(calls.stop_target(self.id, action, inside), timeout)

    def remove(self, surprise: bool = False, timeout: float | None = None) -> HResult:
        """Remove: deletes the connection, after everything sent has completed (TGT-29)."""
        return self._session.run(calls.remove_target(self.id, surprise), timeout)

    def delete(self, timeout: float | None = None) -> HResult:
        """DeleteWdfObject, after everything sent has completed; the default target cannot be deleted (OBJ-4)."""
        return self._session.run(calls.delete_target(self.id), timeout)

    def cancel_sent_requests_for_file(self, file: DriverCreatedFile | FileHandleTarget) -> None:
        """CancelSentRequestsForFile: asks for every request on `file` through this target (TGT-33)."""
        self._session.run(calls.cancel_sent_requests_for_file(file.id, self.id))
