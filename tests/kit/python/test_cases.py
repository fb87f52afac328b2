"""The cases themselves: they are what the schema and README.md say, name only what is there, and a slip is noticed."""

from __future__ import annotations

import copy
import json
import re
import unittest
from pathlib import Path
from typing import Any

import contract
import jsonschema
from cases import Mismatch, Names, compare, load
from player import Player

KIT = Path(__file__).resolve().parent.parent
CASES = load(KIT / "cases", [])
SCHEMA = json.loads((KIT / "case.schema.json").read_text())
NAME = re.compile(r"\$\{([^}]*)\}")


def steps_of(steps: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """All steps, those of batches and repetitions too."""
    found = []
    for step in steps:
        found += [step, *steps_of(step.get("steps", [])), *steps_of(step.get("batch", []))]
    return found


def saved_by(step: dict[str, Any]) -> set[str]:
    """Names that a step gives a value."""
    return set(step.get("save", {})) | ({"round"} if "repeat" in step else set())


class TheCases(unittest.TestCase):
    """What holds for each case."""

    def test_each_is_valid_by_the_schema(self) -> None:
        jsonschema.Draft202012Validator.check_schema(SCHEMA)
        for case in CASES:
            with self.subTest(case["name"]):
                jsonschema.validate(case, SCHEMA)

    def test_each_is_named_as_its_file(self) -> None:
        self.assertEqual(
            [path.stem for path in sorted((KIT / "cases").glob("*.json"))], [case["name"] for case in CASES]
        )

    def test_each_uses_the_names_it_declares_and_no_others(self) -> None:
        for case in CASES:
            drawn = set(case.get("request_ids", [])) | set(case.get("uuids", []))
            sessions = set(case.get("sessions", {"main": {}}))
            known = drawn | {"stack"} | sessions | {f"{name}.stack" for name in sessions}
            for step in steps_of(case["steps"]):
                known |= saved_by(step)
            used = set(NAME.findall(json.dumps(case["steps"])))
            with self.subTest(case["name"]):
                self.assertEqual(used - known, set(), "names without a value")
                self.assertEqual(drawn - used, set(), "declared and never used")

    def test_each_speaks_of_methods_and_fields_of_the_contract(self) -> None:
        for case in CASES:
            for step in steps_of(case["steps"]):
                method = step.get("call") or step.get("start")
                if method:
                    with self.subTest(case["name"], step=step):
                        contract.request(method, Placeholders().fill(step.get("message", {})))

    def test_each_step_is_one_that_the_player_knows(self) -> None:
        for step in (step for case in CASES for step in case["steps"]):
            self.assertTrue(hasattr(Player, f"_step_{next(iter(step))}"), step)


class Placeholders(Names):
    """Names that all have the value 1."""

    def __init__(self) -> None:
        super().__init__({}, int, str)

    def _value(self, name: str) -> str:
        return "1"


class TheSchema(unittest.TestCase):
    """What a slip in a case leads to."""

    def refuses(self, change: Any) -> None:
        case = copy.deepcopy(next(case for case in CASES if case["name"] == "happy_path"))
        change(case)
        with self.assertRaises(jsonschema.ValidationError):
            jsonschema.validate(case, SCHEMA)

    def test_a_case_without_a_law_is_refused(self) -> None:
        self.refuses(lambda case: case.pop("law"))

    def test_a_key_that_means_nothing_is_refused(self) -> None:
        self.refuses(lambda case: case.update(step=[]))

    def test_an_unknown_step_is_refused(self) -> None:
        self.refuses(lambda case: case["steps"].append({"sleep": 5}))

    def test_a_slip_within_a_step_is_refused(self) -> None:
        self.refuses(lambda case: case["steps"][0].update(replies={}))

    def test_a_reply_and_an_error_exclude_each_other(self) -> None:
        self.refuses(lambda case: case["steps"][0].update(reply={}, error={"code": "NOT_FOUND"}))


class Comparing(unittest.TestCase):
    """What counts as equal."""

    def differs(self, expected: Any, actual: Any) -> None:
        with self.assertRaises(Mismatch):
            compare(expected, actual, "it")

    def test_numbers_and_their_texts_are_equal(self) -> None:
        compare({"a": "7", "b": 7}, {"a": 7, "b": "7"}, "it")
        self.differs({"a": 7}, {"a": "8"})

    def test_absent_is_the_default_and_nothing_else(self) -> None:
        compare({"a": 0, "b": "", "c": False, "d": None}, {}, "it")
        for value in (1, "x", True, "*"):
            self.differs({"a": value}, {})

    def test_a_list_has_exactly_these_elements(self) -> None:
        compare([{"a": 1}], [{"a": 1, "b": 2}], "it")
        self.differs([{"a": 1}], [{"a": 1}, {"a": 1}])
        self.differs([], [{"a": 1}])

    def test_one_of_takes_each_and_no_other(self) -> None:
        compare({"one_of": [1, 2]}, 2, "it")
        self.differs({"one_of": [1, 2]}, 3)

    def test_null_means_absent(self) -> None:
        self.differs({"data": None}, {"data": "AA=="})

    def test_bytes_and_hexadecimal_numbers_are_filled_in(self) -> None:
        names = Names({"request_ids": ["r"]}, lambda: 3, str)
        filled = names.fill({"a": "text:hi", "b": "hex:00ff", "c": "0x800703E3", "d": "L0:${r}"})
        self.assertEqual(filled, {"a": "aGk=", "b": "AP8=", "c": 0x800703E3, "d": "L0:3"})

    def test_a_round_draws_its_own_names(self) -> None:
        numbers = iter(range(1, 10))
        names = Names({"request_ids": ["r", "s"]}, lambda: next(numbers), str)
        self.assertEqual(names.fill("${r}"), "1")
        rounds = [
            [scope.fill("${r}"), scope.fill("${s}"), scope.fill("${s}")] for scope in (names.scope(), names.scope())
        ]
        self.assertEqual(rounds, [["1", "2", "2"], ["1", "3", "3"]])


if __name__ == "__main__":
    unittest.main()
