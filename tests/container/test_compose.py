"""`docker/compose.yaml`: the test beside the server waits until that is healthy, and is green."""

import os
import pathlib
import shutil
import subprocess

import pytest

from tests.container import host_python
from tests.container.conftest import IMAGE, WAIT, free_port

ROOT = pathlib.Path(__file__).parents[2]
FILES = [ROOT / "docker/compose.yaml", pathlib.Path(__file__).parent / "compose.host.yaml"]


@pytest.fixture
def compose():
    """Runs a command of compose; everything it made goes with the test."""
    program = shutil.which("docker-compose")
    assert program, "docker-compose is not here; cargo xtask ci installs it"
    settings = {
        **os.environ,
        "LOWERDECK_IMAGE": IMAGE,
        "LOWERDECK_TESTS_IMAGE": host_python.make(),
        "LOWERDECK_LISTEN": f"127.0.0.1:{free_port()}",
    }

    def run(*arguments):
        files = [word for file in FILES for word in ("--file", str(file))]
        project = f"lowerdeck-test-{os.getpid()}"
        command = [program, "--project-name", project, *files, *arguments]
        return subprocess.run(command, check=False, capture_output=True, text=True, env=settings, timeout=3 * WAIT)

    yield run
    run("down", "--timeout", "1")


def test_the_tests_service_waits_for_a_healthy_server_and_is_green(compose):
    done = compose("up", "--no-build", "--no-color", "--exit-code-from", "tests")
    said = done.stdout + done.stderr
    assert done.returncode == 0, said
    assert "created, written, read, cancelled, closed, gone" in said
