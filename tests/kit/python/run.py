"""Plays the kit's cases with Python's own gRPC library, and reports in the Test Anything Protocol.

`--client sync` is the blocking client, `--client asyncio` its twin. The exit code is 0 when no case failed.
"""

from __future__ import annotations

import argparse
import asyncio
import importlib.metadata
import platform
import sys
import time
from collections.abc import Coroutine
from pathlib import Path
from typing import Any, Callable

import broken
import client_aio
from cases import Mismatch, load
from player import Player

import client

CASES = Path(__file__).resolve().parent.parent / "cases"
_FAILURES = (Mismatch, client.contract.Refused, client.Ended, TimeoutError)


def main() -> int:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--endpoint", default="127.0.0.1:50051", help="where the server listens")
    parser.add_argument("--road", choices=["unary", "queue-pair"], default="unary")
    parser.add_argument("--client", choices=["sync", "asyncio"], default="sync")
    parser.add_argument("--cases", type=Path, default=CASES, help="the folder of the cases")
    parser.add_argument("--case", action="append", default=[], help="play only this one; may be repeated")
    parser.add_argument("--has", action="append", default=[], help="what the server has besides stacks: pipes")
    parser.add_argument("--patience", type=float, default=10.0, help="seconds to wait for what must happen")
    parser.add_argument("--broken", choices=list(broken.MANNERS), help="break this client, to see the kit notice")
    options = parser.parse_args()
    print("TAP version 13")
    library = importlib.metadata.version("grpcio")
    print(f"# Python {platform.python_version()} ({options.client}), grpcio {library}, road {options.road}")
    cases = load(options.cases, options.case)
    print(f"1..{len(cases)}")
    failed = sum(not _report(number, case, options) for number, case in enumerate(cases, 1))
    return 1 if failed else 0


def _report(number: int, case: dict[str, Any], options: argparse.Namespace) -> bool:
    name = case["name"]
    missing = set(case.get("needs", [])) - set(options.has)
    if missing or options.road not in case.get("roads", [options.road]):
        why = f"the server has no {', '.join(sorted(missing))}" if missing else "this case is for the other road"
        print(f"ok {number} - {name} # SKIP {why}", flush=True)
        return True
    begun = time.monotonic()
    try:
        PLAYERS[options.client](case, options)
    except _FAILURES as failure:
        print(f"not ok {number} - {name}\n  ---\n  failed: {failure}\n  law: {case['law']}")
        print(f"  rules: {', '.join(case['rules'])}\n  fix: {case['fix']}\n  ...", flush=True)
        return False
    print(f"ok {number} - {name} # {(time.monotonic() - begun) * 1000:.0f} ms", flush=True)
    return True


class _Awaitable:
    """A blocking client in the clothes of an asynchronous one: each of its methods has returned when it is awaited."""

    def __init__(self, subject: Any) -> None:
        self._subject = subject

    def __getattr__(self, name: str) -> Any:
        value = getattr(self._subject, name)
        if not callable(value) or name == "new_request_id":
            return value

        async def returned(*arguments: Any) -> Any:
            return value(*arguments)

        return returned


def _run_at_once(coroutine: Coroutine[Any, Any, None]) -> None:
    """Runs a coroutine that never has to wait."""
    try:
        coroutine.send(None)
    except StopIteration:
        return
    raise RuntimeError("a blocking client awaited something")


def _play_sync(case: dict[str, Any], options: argparse.Namespace) -> None:
    session_type = broken.MANNERS[options.broken] if options.broken else client.Session

    async def connect() -> Any:
        return _Awaitable(session_type(options.endpoint, options.road, options.patience))

    lab = client.Connection(options.endpoint, options.patience)
    try:
        _run_at_once(Player(case, _Awaitable(lab), connect, options.patience).play())
    finally:
        lab.close()


def _play_asyncio(case: dict[str, Any], options: argparse.Namespace) -> None:
    async def connect() -> Any:
        return client_aio.Session(options.endpoint, options.road, options.patience)

    async def play() -> None:
        lab = client_aio.Connection(options.endpoint, options.patience)
        try:
            await Player(case, lab, connect, options.patience).play()
        finally:
            await lab.close()

    asyncio.run(play())


PLAYERS: dict[str, Callable[[dict[str, Any], argparse.Namespace], None]] = {
    "sync": _play_sync,
    "asyncio": _play_asyncio,
}

if __name__ == "__main__":
    sys.exit(main())
