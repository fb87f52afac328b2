"""`Lab`: looking after stacks from the outside; the twin of `lowerdeck.lab`."""

from __future__ import annotations

from collections.abc import AsyncIterator

from lowerdeck import calls, formats
from lowerdeck.aio.wire import Wire
from lowerdeck.enums import ClockKind, MethodNeitherAction, PowerState, StackSharing, UmdfDispatcher, VerifierMode
from lowerdeck.errors import ProtocolViolation
from lowerdeck.v1 import lab_pb2, report_pb2, stack_pb2, trace_pb2


class Lab:
    """LabService."""

    def __init__(self, wire: Wire) -> None:
        """Made by a client."""
        self._wire = wire

    async def stacks(self) -> list[stack_pb2.StackSummary]:
        """Templates, shared stacks and instances; all pages."""
        found: list[stack_pb2.StackSummary] = []
        token = ""
        while True:
            page = await self._wire.run(calls.list_stacks(token))
            found.extend(page.stacks)
            token = page.next_page_token
            if not token:
                return found

    async def describe(self, stack: str) -> stack_pb2.StackDescription:
        """One stack with its layers, top first."""
        return await self._wire.run(calls.describe_stack(stack))

    async def plug(
        self,
        name: str,
        expression: str,
        *,
        sharing: StackSharing = StackSharing.PRIVATE,
        verifier: VerifierMode = VerifierMode.STRICT,
        clock: ClockKind = ClockKind.REAL,
        method_neither: MethodNeitherAction = MethodNeitherAction.REJECT,
        umdf_dispatcher: UmdfDispatcher = UmdfDispatcher.REFLECTOR,
    ) -> stack_pb2.StackDescription:
        """Declares a template, or declares and starts a shared stack; for example `passthrough / ram(size=64MiB)`.

        File-handle targets, of drivers and of sessions, take UmdfDispatcher.FILE_HANDLE (FHT-4).
        """
        call = calls.plug_stack(name, expression, sharing, verifier, clock, method_neither, umdf_dispatcher)
        return await self._wire.run(call)

    async def unplug(self, name: str, timeout: float | None = None) -> stack_pb2.UnplugStackResponse:
        """Removes a stack in order, or forgets a template."""
        return await self._wire.run(calls.unplug_stack(name), timeout)

    async def surprise_remove(self, stack: str, timeout: float | None = None) -> None:
        """Takes the device away without asking anybody, and returns when the stack is removed (PNP-7)."""
        await self._wire.run(calls.surprise_remove_stack(stack), timeout)

    async def set_power_state(self, stack: str, state: PowerState, timeout: float | None = None) -> None:
        """Brings every driver into a power state: D0, D3 or D3_FINAL (PNP-4)."""
        await self._wire.run(calls.set_power_state(stack, state), timeout)

    async def rebalance(self, stack: str, timeout: float | None = None) -> lab_pb2.RebalanceStackResponse:
        """Stops and starts every driver for other resources (PNP-4); a veto is an answer (PNP-6)."""
        return await self._wire.run(calls.rebalance_stack(stack), timeout)

    async def control(self, stack: str, layer: int, command: str) -> str:
        """Gives a hosted driver a command in its own language, and returns its reply; layer 1 is the topmost."""
        return await self._wire.run(calls.control_driver(stack, layer, command))

    async def advance_clock(
        self, stack: str, seconds: float = 0.0, *, wall_clock_shift: float = 0.0
    ) -> lab_pb2.AdvanceClockResponse:
        """Moves a manual clock, and returns when everything that became due has been done."""
        ticks = round(seconds * formats.TICKS_PER_SECOND)
        shift = round(wall_clock_shift * formats.TICKS_PER_SECOND)
        return await self._wire.run(calls.advance_clock(stack, ticks, shift))

    async def trace(self, stack: str, after: int = 0) -> list[trace_pb2.TraceEntry]:
        """The trace after entry `after`; all pieces. Raises ProtocolViolation if entries were dropped meanwhile."""
        entries: list[trace_pb2.TraceEntry] = []
        while True:
            piece = await self._wire.run(calls.read_trace(stack, after))
            if entries and piece.dropped:
                raise ProtocolViolation(f"{piece.dropped} trace entries were dropped between two pieces")
            if not piece.entries:
                return entries
            entries.extend(piece.entries)
            after = piece.next_after_sequence

    async def follow_trace(
        self, stack: str, after: int = 0, timeout: float | None = None
    ) -> AsyncIterator[trace_pb2.TraceEntry]:
        """The trace as it grows, from after entry `after`; ends with the stack.

        `timeout` bounds the whole stream, in seconds; it then raises DeadlinePassed.
        """
        stream = self._wire.stream(calls.follow_trace(stack, after), timeout)
        try:
            async for message in self._wire.answers(stream):
                for entry in message.entries:
                    yield entry
        finally:
            stream.cancel()

    async def findings(self, stack: str) -> list[report_pb2.Finding]:
        """What the verifier recorded, oldest first; all pages."""
        found: list[report_pb2.Finding] = []
        token = ""
        while True:
            page = await self._wire.run(calls.list_findings(stack, token))
            found.extend(page.findings)
            token = page.next_page_token
            if not token:
                return found

    async def driver_stop(self, stack: str) -> report_pb2.DriverStop | None:
        """The driver stop that ended the stack, if one did."""
        page = await self._wire.run(calls.list_findings(stack, ""))
        return page.driver_stop if page.HasField("driver_stop") else None

    async def outstanding(self, stack: str) -> report_pb2.OutstandingReport:
        """Which files are not gone, and who holds them (STOP-5)."""
        return await self._wire.run(calls.get_outstanding_files(stack))
