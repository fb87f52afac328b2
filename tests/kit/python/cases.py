"""Cases as data: loading them, filling in names, and comparing what came with what was expected.

Laws: see "The format" in ../README.md, of which this module is the reference. It does no I/O with a server.
"""

from __future__ import annotations

import base64
import json
import re
from pathlib import Path
from typing import Any, Callable

_NAME = re.compile(r"\$\{([a-z][a-z0-9_.]*)\}")
_HEXADECIMAL = re.compile(r"0x[0-9A-Fa-f]{1,16}")


class Mismatch(Exception):
    """Something is not as the case expects it."""


def load(folder: Path, names: list[str]) -> list[dict[str, Any]]:
    """The cases of a folder in the order of their names, or only those that are asked for."""
    cases = [json.loads(path.read_text()) for path in sorted(folder.glob("*.json"))]
    if names:
        unknown = set(names) - {case["name"] for case in cases}
        if unknown:
            raise SystemExit(f"no such case: {', '.join(sorted(unknown))}")
        cases = [case for case in cases if case["name"] in names]
    return cases


class Names:
    """What `${name}` stands for."""

    def __init__(self, case: dict[str, Any], new_request_id: Callable[[], int], new_uuid: Callable[[], str]) -> None:
        """Request ids and UUIDs that a case declares are drawn when they are first mentioned."""
        self._draw: dict[str, Callable[[], Any]] = dict.fromkeys(case.get("request_ids", []), new_request_id)
        self._draw |= dict.fromkeys(case.get("uuids", []), new_uuid)
        self._values: dict[str, str] = {}

    def set(self, name: str, value: Any) -> None:
        """Gives a name its value."""
        self._values[name] = str(value)

    def scope(self) -> Names:
        """Names for one round of a repetition: what is drawn or set there is forgotten after it."""
        inner = Names({}, int, str)
        inner._draw = self._draw
        inner._values = dict(self._values)
        return inner

    def fill(self, value: Any) -> Any:
        """A piece of a case with names, hexadecimal numbers and bytes replaced by what they stand for."""
        if isinstance(value, dict):
            return {key: self.fill(inner) for key, inner in value.items()}
        if isinstance(value, list):
            return [self.fill(inner) for inner in value]
        if not isinstance(value, str):
            return value
        text = _NAME.sub(lambda match: self._value(match[1]), value)
        if text.startswith("text:"):
            return base64.b64encode(text[5:].encode()).decode()
        if text.startswith("hex:"):
            return base64.b64encode(bytes.fromhex(text[4:])).decode()
        return int(text, 16) if _HEXADECIMAL.fullmatch(text) else text

    def _value(self, name: str) -> str:
        if name not in self._values:
            if name not in self._draw:
                raise Mismatch(f"the case uses ${{{name}}} before anything has given it a value")
            self.set(name, self._draw[name]())
        return self._values[name]


def compare(expected: Any, actual: Any, where: str) -> None:
    """Raises `Mismatch` unless `actual` has what `expected` names. Fields that are not named may be anything."""
    if isinstance(expected, dict) and set(expected) == {"one_of"}:
        if not any(matches(choice, actual) for choice in expected["one_of"]):
            raise Mismatch(f"{where}: expected one of {expected['one_of']}, got {actual!r}")
    elif isinstance(expected, dict):
        if not isinstance(actual, dict):
            raise Mismatch(f"{where}: expected {expected}, got {actual!r}")
        for key, inner in expected.items():
            compare(inner, actual.get(key), f"{where}.{key}")
    elif isinstance(expected, list):
        actual = actual or []
        if not isinstance(actual, list) or len(actual) != len(expected):
            raise Mismatch(f"{where}: expected {len(expected)} elements {expected}, got {actual!r}")
        for place, (inner, found) in enumerate(zip(expected, actual)):
            compare(inner, found, f"{where}.{place}")
    elif expected == "*":
        if actual in (None, "", 0, "0", False):
            raise Mismatch(f"{where}: expected any value, got none")
    elif _text(expected) != _text(actual):
        raise Mismatch(f"{where}: expected {_shown(expected)}, got {_shown(actual)}")


def matches(expected: Any, actual: Any) -> bool:
    """Whether `compare` would find nothing."""
    try:
        compare(expected, actual, "")
    except Mismatch:
        return False
    return True


def _text(value: Any) -> str:
    """Numbers of 64 bits are texts in JSON, and a field with its default value is absent: all of that is equal."""
    text = json.dumps(value) if isinstance(value, bool) else str(value)
    return "" if text in ("None", "0", "false") else text


def _shown(value: Any) -> str:
    number = isinstance(value, int) and not isinstance(value, bool) and value > 0xFFFF
    return f"{value:#010X}".replace("X", "x") if number else repr(value)


def pick(value: Any, path: str) -> Any:
    """What stands at a path such as `0.callback_invoked.callback_id`."""
    for key in path.split("."):
        value = value[int(key)] if isinstance(value, list) else (value or {}).get(key)
    if value is None:
        raise Mismatch(f"there is nothing at {path} to be saved")
    return value
