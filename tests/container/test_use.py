"""The image in use: a client outside, a stack file of the user's own, and a wrong one."""

import pathlib
import re

import pytest

import lowerdeck
from lowerdeck.events import FileGone

WAIT = 20.0
README = pathlib.Path(__file__).parents[2] / "README.md"
IOCTL_DISK_GET_LENGTH_INFO = 0x0007405C


def test_a_client_outside_goes_through_the_life_of_a_file(client):
    with client.open_session("disk") as session:
        feed = session.events()
        file = session.create_wdf_file("life", timeout=WAIT)
        file.write(b"into the container", offset=512, timeout=WAIT)
        assert file.read(18, offset=512, timeout=WAIT) == b"into the container"
        length = file.device_io_control(IOCTL_DISK_GET_LENGTH_INFO, output_length=8, timeout=WAIT)
        assert int.from_bytes(length, "little") == 64 << 20
        file.close(timeout=WAIT)
        file.wait_gone(timeout=WAIT)
        seen = feed.until(lambda event: isinstance(event, FileGone), WAIT)
        assert [type(event).__name__ for event in seen] == ["RequestCompleted"] * 3 + ["FileGone"]
        numbers = [event.sequence for event in seen]
        assert numbers == list(range(numbers[0], numbers[0] + 4))


def test_a_cancelled_request_ends_cancelled_before_its_file_goes(client):
    with client.open_session("scripted") as session:
        client.lab.control(session.stack, 1, "on read: arm")
        file = session.create_wdf_file(timeout=WAIT)
        pending = file.send_read(16)
        pending.wait_accepted(WAIT)
        assert pending.cancel(WAIT) == lowerdeck.CancelAnswer.DELIVERED
        assert pending.completion(WAIT).hresult.status_class == lowerdeck.StatusClass.CANCELLED
        file.close(timeout=WAIT)
        file.wait_gone(timeout=WAIT)


def test_a_mounted_stack_file_is_used(start, readable):
    stacks = readable / "stacks.toml"
    stacks.write_text("[stacks]\nmine = 'passthrough / ram(size=1MiB)'\n", encoding="ascii")
    container = start("serve", "--config", "/stacks.toml", options=(f"--volume={stacks}:/stacks.toml:ro",))
    container.wait_until_ready()
    with lowerdeck.connect(container.endpoint) as client, client.open_session("mine") as session:
        with session.create_wdf_file(timeout=WAIT) as file:
            file.write(b"mine", offset=0, timeout=WAIT)
            assert file.read(4, offset=0, timeout=WAIT) == b"mine"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[stacks]\nmine = 'rom'\n", "no driver is named `rom`"),
        ("[stacks\n", "/stacks.toml:1: "),
        ("stakcs = 1\n", "unknown field `stakcs`"),
    ],
)
def test_a_broken_stack_file_ends_it_with_one_clear_line(start, readable, text, said):
    stacks = readable / "stacks.toml"
    stacks.write_text(text, encoding="ascii")
    container = start("serve", "--config", "/stacks.toml", options=(f"--volume={stacks}:/stacks.toml:ro",))
    assert container.exit_code() != 0
    [line] = container.logs().splitlines()
    assert said in line


def test_the_readmes_lines_of_python_run_against_it(server, monkeypatch):
    section = README.read_text(encoding="utf-8").split("## In a container", 1)[1]
    [code] = re.findall(r"```python\n(.*?)```", section.split("\n## ", 1)[0], re.DOTALL)
    assert len([line for line in code.splitlines() if line]) <= 10
    monkeypatch.setenv("LOWERDECK_ENDPOINT", server.endpoint)
    exec(compile(code, str(README), "exec"), {})
