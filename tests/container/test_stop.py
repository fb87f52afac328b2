"""`docker stop`: sessions finish, readiness tells first, and the end is an orderly one."""

import time

import lowerdeck
from lowerdeck.events import SessionEnding

WAIT = 20.0


def test_a_session_with_io_in_flight_is_drained(start):
    container = start(environment={"LOWERDECK_DRAIN": "30s"}).wait_until_ready()
    with lowerdeck.connect(container.endpoint) as client:
        session = client.open_session("scripted")
        client.lab.control(session.stack, 1, "on read: hold")
        feed = session.events()
        file = session.create_wdf_file(timeout=WAIT)
        pending = file.send_read(4)
        pending.wait_accepted(WAIT)
        stopping = container.stop(60)
        ending = feed.until(lambda event: isinstance(event, SessionEnding), WAIT)[-1]
        assert ending.reason == lowerdeck.SessionEndReason.DRAINING
        assert client.health() == lowerdeck.Health.NOT_SERVING, "readiness"
        assert client.health("liveness") == lowerdeck.Health.SERVING
        assert stopping.poll() is None, "it waits for the session"
        client.lab.control(session.stack, 1, f"complete L0:{pending.request_id} S_OK 4")
        assert len(pending.result(WAIT).data) == 4, "what was in flight comes to its end"
        file.close(timeout=WAIT)
        session.close(timeout=WAIT)
    assert stopping.wait(WAIT) == 0
    assert container.exit_code() == 0


def test_sessions_that_do_not_end_are_ended_within_the_default_grace_period(start):
    container = start().wait_until_ready()
    with lowerdeck.connect(container.endpoint) as client:
        session = client.open_session("scripted")
        client.lab.control(session.stack, 1, "on read: hold")
        file = session.create_wdf_file(timeout=WAIT)
        file.send_read(4).wait_accepted(WAIT)
        before = time.monotonic()
        stopping = container.stop(10)  # what `docker stop` waits unless it is told otherwise
        assert stopping.wait(WAIT) == 0
        assert container.exit_code() == 0, "it ended by itself; 137 would say that it was killed"
        assert time.monotonic() - before < 10
        session.abandon()
