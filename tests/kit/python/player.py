"""Plays one case on any client that has the methods of `client_aio.Session`, and judges what comes back.

Laws: the steps run one after the other; every wait is bounded by the patience of the client; after the last step the
books are balanced, whatever the case was about. It knows nothing of roads and channels.
"""

from __future__ import annotations

import contextlib
import time
import uuid
from typing import Any, Callable

import contract
from cases import Mismatch, Names, compare, matches, pick

from client import Ended

_UNREAD = {"session_ending", "finding_recorded"}
"""Events that may be left when a case is over."""


class Player:
    """One case, being played."""

    def __init__(self, case: dict[str, Any], lab: Any, connect: Callable[[], Any], patience: float) -> None:
        """`lab` makes calls without a session; `connect` gives a new session, which has asked nothing yet."""
        self._case = case
        self._lab = lab
        self._connect = connect
        self._patience = patience
        self._sessions: dict[str, Any] = {}
        self._started: dict[str, tuple[Any, Any]] = {}
        self._balances: dict[str, dict[str, Any]] = {}
        self._plugged = ""
        self._names = Names(case, self._new_request_id, lambda: str(uuid.uuid4()))

    async def play(self) -> None:
        """Plays it from beginning to end. Raises `Mismatch`, and what a client raises."""
        try:
            await self._plug()
            for name, terms in self._case.get("sessions", {"main": {}}).items():
                await self._open(name, terms)
            await self._steps(self._case["steps"], self._names)
            for name in self._sessions:
                await self._settle(name)
        except Exception:
            with contextlib.suppress(contract.Refused, TimeoutError):  # of interest is why it failed
                await self._leave()
            raise
        await self._leave()

    async def _leave(self) -> None:
        """Closes connections, and unplugs: the server ends a forgotten session, and keeps a template for ever."""
        for session in self._sessions.values():
            await session.close()
        if self._plugged:
            await self._lab.call("UnplugStack", contract.request("UnplugStack", {"name": self._plugged}))

    # --- before and after the steps -----------------------------------------------------------------------------------

    async def _plug(self) -> None:
        stack = self._case["stack"]
        if isinstance(stack, dict):
            name = f"kit-{uuid.uuid4().hex[:12]}"
            await self._lab.call("PlugStack", contract.request("PlugStack", {"name": name, **stack}))
            self._plugged = stack = name
        self._names.set("stack", stack)

    async def _open(self, name: str, terms: dict[str, Any]) -> None:
        session = self._sessions[name] = await self._connect()
        self._names.set(name, session.uuid)
        message = {"stack": "${stack}", "client_name": "kit", **terms.get("open", {})}
        reply = await session.call("OpenSession", contract.request("OpenSession", self._names.fill(message)))
        self._names.set(f"{name}.stack", reply.session.stack)
        for limit, value in self._case.get("limits", {}).items():
            compare(value, contract.as_json(reply.session.limits).get(limit), f"the server's limit {limit}")
        if terms.get("stream", True):
            await session.listen()

    async def _settle(self, name: str) -> None:
        """What holds after every case: nothing unread, nothing outstanding, one completion for each accepted Send."""
        session = self._sessions[name]
        terms = self._case.get("sessions", {}).get(name, {})
        if terms.get("ends") == "by itself":
            return
        findings = await self._lab.call(
            "ListFindings", contract.request("ListFindings", self._names.fill({"stack": f"${{{name}.stack}}"}))
        )
        rules = [finding.rule for finding in findings.findings]
        compare(terms.get("findings", []), rules, f"findings about the stack of session {name}")
        if name not in self._balances:
            reply = await session.call("CloseSession", contract.request("CloseSession", {}))
            self._balances[name] = contract.as_json(reply)
        left = self._balances[name].get("files_left_open", 0)
        compare(terms.get("files_left_open", 0), left, "files that were not closed")
        if terms.get("stream", True):
            await self._read_rest(name, _UNREAD | ({"file_gone"} if left else set()))
        balance = self._balances[name].get("balance", {})
        compare(0, balance.get("outstanding"), "outstanding requests in the final balance")
        seen = session.books.completions + terms.get("completions_not_read", 0)
        compare(seen, int(balance.get("accepted", 0)), "accepted requests in the final balance, and completions seen")

    async def _read_rest(self, name: str, allowed: set[str]) -> None:
        session = self._sessions[name]
        try:
            while True:
                event = await session.next_event()
                if event.WhichOneof("body") not in allowed:
                    raise Mismatch(f"an event came that the case does not know of: {contract.as_json(event)}")
        except Ended as ended:
            if ended.refused:
                raise Mismatch(f"the stream of events must end in order: {ended}") from None

    def _new_request_id(self) -> int:
        return next(iter(self._sessions.values())).new_request_id()

    # --- steps --------------------------------------------------------------------------------------------------------

    async def _steps(self, steps: list[dict[str, Any]], names: Names) -> None:
        for number, step in enumerate(steps, 1):
            verb = next(iter(step))
            perform = getattr(self, f"_step_{verb}", None)
            if perform is None:
                raise Mismatch(f"this runner does not know the step `{verb}`")
            try:
                await perform(step, names)
            except (Mismatch, contract.Refused, Ended, TimeoutError) as error:
                what = step[verb] if isinstance(step[verb], str) else ""
                raise Mismatch(f"step {number} ({verb} {what}".rstrip() + f"): {error}") from error

    async def _step_call(self, step: dict[str, Any], names: Names) -> None:
        deadline = time.monotonic() + self._patience
        while True:
            try:
                return await self._call_once(step, names)
            except Mismatch:
                if not step.get("eventually") or time.monotonic() > deadline:
                    raise

    async def _call_once(self, step: dict[str, Any], names: Names) -> None:
        method = step["call"]
        message = contract.request(method, names.fill(step.get("message", {})))
        if "metadata" in step:
            await self._judge(step, names, self._lab.call(method, message, tuple(names.fill(step["metadata"]))))
        elif method in contract.LAB_METHODS:
            await self._judge(step, names, self._lab.call(method, message))
        else:
            name = step.get("session", "main")
            reply = await self._judge(step, names, self._sessions[name].call(method, message, step.get("unary", False)))
            if method == "CloseSession" and reply is not None:
                self._balances[name] = reply

    async def _judge(self, step: dict[str, Any], names: Names, call: Any) -> dict[str, Any] | None:
        """Awaits a reply or an error, compares it with what the step expects, and saves what it asks for."""
        try:
            reply = contract.as_json(await call)
        except contract.Refused as refused:
            if "error" not in step:
                raise
            compare(names.fill(step["error"]), refused.as_json(), "error")
            return None
        expected = names.fill(step.get("reply", {}))
        if "error" in step:
            raise Mismatch(f"expected the error {step['error']}, got the reply {reply}")
        compare({"hresult": 0} | expected, reply, "reply")
        for name, path in step.get("save", {}).items():
            names.set(name, pick(reply, path))
        return reply

    async def _step_driver(self, step: dict[str, Any], names: Names) -> None:
        message = {"stack": f"${{{step.get('session', 'main')}.stack}}", "layer": step.get("layer", 1)}
        call = {"call": "ControlDriver", "message": message | {"command": step["driver"]}}
        if "reply" in step:
            call["reply"] = {"reply": step["reply"]}
        await self._step_call(call | {key: step[key] for key in ("eventually", "error") if key in step}, names)

    async def _step_start(self, step: dict[str, Any], names: Names) -> None:
        session = self._sessions[step.get("session", "main")]
        message = contract.request(step["start"], names.fill(step.get("message", {})))
        self._started[step["as"]] = session, await session.start(step["start"], message, step.get("unary", False))

    async def _step_finish(self, step: dict[str, Any], names: Names) -> None:
        session, started = self._started.pop(step["finish"])
        await self._judge(step, names, session.finish(started))

    async def _step_abandon(self, step: dict[str, Any], names: Names) -> None:
        session, started = self._started.pop(step["abandon"])
        await session.abandon(started)

    async def _step_batch(self, step: dict[str, Any], names: Names) -> None:
        session = self._sessions[step.get("session", "main")]
        calls = [(call["call"], contract.request(call["call"], names.fill(call["message"]))) for call in step["batch"]]
        for call, started in zip(step["batch"], await session.batch(calls)):
            await self._judge(call, names, session.finish(started))

    async def _step_expect(self, step: dict[str, Any], names: Names) -> None:
        session = self._sessions[step.get("session", "main")]
        expected = list(step["expect"])
        while expected:
            try:
                event = await session.next_event()
            except TimeoutError as error:
                raise Mismatch(f"{error}; expected {names.fill(expected[0])}") from error
            found = contract.as_json(event)
            place = 0
            if step.get("in_any_order"):
                place = next((place for place, one in enumerate(expected) if matches(names.fill(one), found)), 0)
            compare(names.fill(expected.pop(place)), found, "event")
            for name, path in step.get("save", {}).items():
                names.set(name, pick(found, path))
            await session.processed(event, step.get("acknowledge", True))

    async def _step_acknowledge(self, step: dict[str, Any], names: Names) -> None:
        session = self._sessions[step.get("session", "main")]
        await session.acknowledge(int(names.fill(step["acknowledge"])))

    async def _step_heartbeat(self, step: dict[str, Any], names: Names) -> None:
        heartbeat = await self._sessions[step.get("session", "main")].heartbeat()
        compare(names.fill(step["heartbeat"]), contract.as_json(heartbeat), "heartbeat")

    async def _step_stream_ends(self, step: dict[str, Any], names: Names) -> None:
        try:
            event = await self._sessions[step.get("session", "main")].next_event()
        except Ended as ended:
            compare(step["stream_ends"], _end(ended), "end of the stream")
        else:
            raise Mismatch(f"the stream goes on: {contract.as_json(event)}")

    async def _step_open_files(self, step: dict[str, Any], names: Names) -> None:
        files = sorted(self._sessions[step.get("session", "main")].books.files)
        compare(sorted(names.fill(step["open_files"])), files, "files in the client's own books")

    async def _step_drop(self, step: dict[str, Any], names: Names) -> None:
        await self._sessions[step["drop"]].drop()

    async def _step_resume(self, step: dict[str, Any], names: Names) -> None:
        session = self._sessions[step["resume"]]
        await session.reconnect()
        await session.listen(int(names.fill(step["after"])) if "after" in step else None)

    async def _step_listen(self, step: dict[str, Any], names: Names) -> None:
        session = self._sessions[step.get("session", "main")]
        old = await session.listen(int(names.fill(step["after"])) if "after" in step else None)
        if "old_stream_ends" in step:
            compare(step["old_stream_ends"], _end(old), "end of the old stream")

    async def _step_repeat(self, step: dict[str, Any], names: Names) -> None:
        for number in range(1, step["repeat"] + 1):
            inner = names.scope()
            inner.set("round", number)
            await self._steps(step["steps"], inner)


def _end(ended: Ended | None) -> dict[str, Any] | None:
    if ended is None:
        return None
    return ended.refused.as_json() if ended.refused else {"code": "OK"}
