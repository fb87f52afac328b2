"""The README's examples run as they stand."""

import asyncio
import re
from pathlib import Path

import pytest

README = Path(__file__).parent.parent / "README.md"
EXAMPLES = re.findall(r"```python\n(.*?)```", README.read_text(), re.DOTALL)


def test_the_first_example_has_about_fifteen_lines():
    assert 10 <= len(EXAMPLES[0].splitlines()) <= 16


@pytest.mark.parametrize("number", range(len(EXAMPLES)))
def test_an_example_runs(number, lowerdeck_server, monkeypatch, pytester):
    monkeypatch.setenv("LOWERDECK_ENDPOINT", lowerdeck_server.endpoint)
    source = EXAMPLES[number]
    if "def test_" in source:
        pytester.makepyfile(source)
        pytester.runpytest_inprocess("-p", "no:cacheprovider").assert_outcomes(passed=source.count("def test_"))
        return
    names = {}
    exec(compile(source, f"README example {number}", "exec"), names)
    if "main" in names:
        asyncio.run(names["main"]())
