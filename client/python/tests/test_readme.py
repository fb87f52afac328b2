"""The examples of the package's README, and of the repository's, run as they stand."""

import asyncio
import re
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parent.parent
READMES = [PACKAGE / "README.md", PACKAGE.parent.parent / "README.md"]
EXAMPLE = re.compile(r"```python\n(.*?)```(?:\n\n```text\n(.*?)```)?", re.DOTALL)
EXAMPLES, OUTPUTS = zip(*(found for readme in READMES for found in EXAMPLE.findall(readme.read_text())))


def test_the_first_example_has_about_fifteen_lines():
    assert 10 <= len(EXAMPLES[0].splitlines()) <= 16


@pytest.mark.parametrize("number", range(len(EXAMPLES)))
def test_an_example_runs_and_prints_what_is_below_it(number, lowerdeck_server, monkeypatch, pytester, capsys):
    monkeypatch.setenv("LOWERDECK_ENDPOINT", lowerdeck_server.endpoint)
    source = EXAMPLES[number]
    if "/tmp/pipes" in source:
        if lowerdeck_server.pipe_directory is None:
            pytest.skip("the pipe directory of a server that runs already is not known")
        source = source.replace("/tmp/pipes", str(lowerdeck_server.pipe_directory))
    if "def test_" in source:
        pytester.makepyfile(source)
        pytester.runpytest_inprocess("-p", "no:cacheprovider").assert_outcomes(passed=source.count("def test_"))
        return
    names = {}
    exec(compile(source, f"README example {number}", "exec"), names)
    if "main" in names:
        asyncio.run(names["main"]())
    if OUTPUTS[number]:
        assert capsys.readouterr().out == OUTPUTS[number]


def test_an_output_stands_in_the_readme():
    assert any(OUTPUTS)
