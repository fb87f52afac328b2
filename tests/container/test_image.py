"""What the image is: small, without privileges, with a health check that works."""

import json

import lowerdeck
from tests.container.conftest import IMAGE, docker

SIZE_MAX = 15_000_000


def config():
    return json.loads(docker("image", "inspect", "--format", "{{json .Config}}", IMAGE))


def test_it_is_small():
    assert int(docker("image", "inspect", "--format", "{{.Size}}", IMAGE)) <= SIZE_MAX


def test_it_says_how_it_is_run_checked_and_stopped():
    image = config()
    assert image["User"] == "65532:65532"
    assert image["StopSignal"] == "SIGTERM"
    assert image["Healthcheck"]["Test"] == ["CMD", "/lowerdeckd", "health"]
    assert (image["Entrypoint"], image["Cmd"]) == (["/lowerdeckd"], ["serve"])
    assert set(image["ExposedPorts"]) == {"50051/tcp"}


def test_it_is_labelled():
    labels = config()["Labels"]
    prefix = "org.opencontainers.image."
    assert labels[prefix + "title"] == "lowerdeckd"
    assert labels[prefix + "licenses"] == "Apache-2.0"
    assert labels[prefix + "version"] not in ("", "0.0.0")
    assert len(labels[prefix + "revision"]) in (40, len("unknown"))


def test_it_turns_healthy_by_its_own_check(start):
    container = start()
    container.wait_for(lambda: container.inspect(".State.Health.Status") == "healthy", "it is healthy")
    assert container.inspect(".State.Health.FailingStreak") == 0


def test_it_has_no_privileges(server):
    status = docker("top", server.id, "-o", "pid,uid,gid")
    pid, uid, gid = status.splitlines()[1].split()
    assert (uid, gid) == ("65532", "65532")
    with open(f"/proc/{pid}/status", encoding="ascii") as lines:
        facts = dict(line.rstrip("\n").split(":\t", 1) for line in lines if ":\t" in line)
    assert {facts[name] for name in ("CapInh", "CapPrm", "CapEff", "CapBnd")} == {"0" * 16}
    assert facts["NoNewPrivs"] == "1"


def test_its_default_command_serves_the_built_in_stacks(client):
    names = {stack.name for stack in client.lab.stacks() if stack.is_template}
    assert {"demo", "disk", "echo", "handles", "null", "scripted"} <= names
    assert client.health() == lowerdeck.Health.SERVING
