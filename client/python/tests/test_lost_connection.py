"""Losing the connection, and losing the client: nothing is lost, nothing happens twice (MAP-4, MAP-5, MAP-6)."""

import subprocess
import sys
import threading

import pytest

import lowerdeck
from lowerdeck import TraceKind
from tests.conftest import WAIT, script, words

MANY = 10_000


@pytest.fixture
def remote(proxy, queue_pair):
    """A client whose connection can be cut."""
    with lowerdeck.connect(proxy.endpoint, queue_pair=queue_pair) as remote:
        yield remote


@pytest.mark.timeout(180)
def test_10000_requests_in_flight_survive_lost_connections_each_exactly_once(proxy, remote, client, template):
    name = template("echo(delay=1s)", clock=lowerdeck.ClockKind.MANUAL)  # nothing completes before the clock moves
    completed = []

    def count(pending):
        completed.append(pending.request_id)
        if len(completed) == MANY // 2:
            proxy.cut()  # in the middle of the completions

    session = remote.open_session(name, in_flight_max=MANY)
    with session, session.create_wdf_file() as file:
        requests = []
        for number in range(MANY):
            pending = file.send_write(b"x")
            pending.add_done_callback(count)
            requests.append(pending)
            if number == MANY // 2:
                requests[MANY // 4].wait_accepted(WAIT)  # some are answered, some are not, some are not sent yet
                proxy.cut()
        for pending in requests:
            pending.wait_accepted(60)
        assert session.refresh().balance.outstanding == MANY
        assert completed == []
        proxy.cut()  # with all of them in flight: the completions find nobody there
        client.lab.advance_clock(session.stack, 1.0)
        results = [pending.result(60) for pending in requests]

    assert proxy.cuts == 3
    assert {result.information for result in results} == {1}
    assert sorted(completed) == sorted(pending.request_id for pending in requests)  # each once
    assert session.balance.accepted == session.balance.completed == MANY


def test_a_session_resumes_where_it_was_after_a_cut(proxy, remote, client, template):
    with remote.open_session(template("scripted")) as session:
        client.lab.control(session.stack, 1, "on read: hold")
        feed = session.events()
        with session.create_wdf_file() as file:
            held = file.send_read(4)
            held.wait_accepted(WAIT)
            proxy.cut()
            client.lab.control(session.stack, 1, f"complete L0:{held.request_id} S_OK 2")  # while nobody listens
            assert held.result(WAIT).information == 2
        event = feed.next(WAIT)
        assert (event.sequence, event.completion.request_id) == (1, held.request_id)


def test_a_create_whose_connection_was_cut_is_found_again(proxy, remote, client, template):
    with remote.open_session(template("scripted")) as session:
        client.lab.control(session.stack, 1, "on create: hold")
        created = []
        creator = threading.Thread(target=lambda: created.append(session.create_wdf_file("chan")))
        creator.start()
        for entry in client.lab.follow_trace(session.stack, timeout=WAIT):
            if entry.kind == TraceKind.CREATE:
                break
        proxy.cut()
        (kept,) = client.lab.control(session.stack, 1, "kept").splitlines()
        client.lab.control(session.stack, 1, f"complete {kept.split()[0]} S_OK")
        creator.join(WAIT)
        assert len(created) == 1
        assert words(client.lab.trace(session.stack), layer=1).count("Create") == 1
        created[0].close()


CLIENT_TO_KILL = """
import sys
import lowerdeck

client = lowerdeck.connect(sys.argv[1])
session = client.open_session(sys.argv[2], lease=1.0)
client.lab.control(session.stack, 1, "on read: arm")
files = [session.create_wdf_file(name) for name in ("a", "b", "c")]
for file in files:
    file.send_read(4).wait_accepted()
print(session.stack, flush=True)
sys.stdin.read()
"""


def test_a_killed_client_s_files_are_cleaned_up_and_closed_in_balance(lowerdeck_server, client, template):
    name = template("scripted(files=callbacks)")
    command = [sys.executable, "-c", CLIENT_TO_KILL, lowerdeck_server.endpoint, name]
    victim = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    with victim:
        stack = victim.stdout.readline().strip()
        victim.kill()

    entries = list(client.lab.follow_trace(stack, timeout=WAIT))  # ends when the private stack has been removed
    layer = [entry for entry in entries if entry.layer == 1 and entry.file_label]
    files = {entry.file_label for entry in layer}
    assert len(files) == 3
    for file in files:
        seen = words([entry for entry in layer if entry.file_label == file], layer=1)
        assert seen == [
            "Create", "CreateDone", "Io", "Cleanup+", "Cleanup-", "OnCancel", "Done", "Close+", "Close-", "FileGone",
        ]  # fmt: skip


def test_the_loss_of_a_client_does_not_disturb_another(lowerdeck_server, client, scripted):
    with lowerdeck.connect(lowerdeck_server.endpoint) as other:
        lost = other.open_session("scripted", lease=1.0)
        lost.create_wdf_file("lost")
        stack = lost.stack
        lost.abandon()
    with scripted.create_wdf_file() as file:
        script(scripted, "on read: hold")
        held = file.send_read(4)
        assert "FileGone" in words(client.lab.follow_trace(stack, timeout=WAIT), layer=1)
        assert not held.done()
        script(scripted, f"complete L0:{held.request_id} S_OK 4")
        assert held.result(WAIT).information == 4
