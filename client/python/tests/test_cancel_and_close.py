"""Cancel in its answers, and close in its order (group B and E of the scenarios)."""

import contextlib

import pytest

import lowerdeck
from lowerdeck import CancelAnswer, HResult, calls
from lowerdeck.events import FileGone, RequestCompleted
from tests.conftest import WAIT, label, script, words


def sent(file, count=1):
    """Reads that the scripted driver has."""
    pending = [file.send_read(4) for _ in range(count)]
    for request in pending:
        request.wait_accepted(WAIT)
    return pending


def test_an_armed_request_is_cancelled(scripted):
    script(scripted, "on read: arm")
    with scripted.create_wdf_file() as file:
        (pending,) = sent(file)
        assert pending.cancel(WAIT) is CancelAnswer.DELIVERED
        with pytest.raises(lowerdeck.IoCancelled):
            pending.result(WAIT)


def test_a_cancel_of_an_unarmed_request_is_remembered_until_it_is_armed(scripted):
    script(scripted, "on read: hold")
    with scripted.create_wdf_file() as file:
        (pending,) = sent(file)
        assert pending.cancel(WAIT) is CancelAnswer.REMEMBERED
        assert not pending.done()
        script(scripted, f"arm {label(pending)}")
        assert isinstance(pending.exception(WAIT), lowerdeck.IoCancelled)


def test_a_cancel_after_the_completion_changes_nothing(scripted):
    with scripted.create_wdf_file() as file:
        pending = file.send_read(4, retain=True)
        assert pending.result(WAIT).data == bytes(range(4))
        assert pending.cancel(WAIT) is CancelAnswer.ALREADY_COMPLETED
        assert pending.request.delete() == HResult.S_OK


def test_a_timed_out_request_says_so(client, template):
    name = template("scripted", clock=lowerdeck.ClockKind.MANUAL)
    with client.open_session(name) as session, session.create_wdf_file() as file:
        script(session, "on read: arm")
        pending = file.send_read(4, timeout=5.0)
        pending.wait_accepted(WAIT)
        client.lab.advance_clock(session.stack, 4.9)
        assert not pending.done()
        client.lab.advance_clock(session.stack, 0.1)
        assert isinstance(pending.exception(WAIT), lowerdeck.IoTimedOut)


def test_b02_close_with_pending_io_goes_through_its_phases_in_order(client, scripted):
    script(scripted, "on read: arm")
    feed = scripted.events()
    file = scripted.create_wdf_file("chan")
    (pending,) = sent(file)
    file.close(WAIT)
    file.wait_gone(WAIT)

    seen = words(client.lab.trace(scripted.stack), layer=1)
    order = ["Cleanup+", "Cleanup-", "OnCancel", "Done", "Close+", "Close-", "FileGone"]
    assert [word for word in seen if word in order] == order
    heard = feed.until(lambda event: isinstance(event, FileGone), WAIT)
    assert [type(event) for event in heard] == [RequestCompleted, FileGone]
    assert heard[0].completion.hresult.status_class is lowerdeck.StatusClass.CANCELLED
    assert isinstance(pending.exception(WAIT), lowerdeck.IoCancelled)


def test_b07_close_does_not_wait_for_a_held_request(client, scripted):
    script(scripted, "on read: hold")
    file = scripted.create_wdf_file("chan")
    (pending,) = sent(file)
    file.close(WAIT)
    assert not pending.done()
    assert not file.gone
    (outstanding,) = client.lab.outstanding(scripted.stack).files
    assert [request.label for request in outstanding.requests] == [label(pending)]

    script(scripted, f"complete {label(pending)} S_OK 4")
    assert pending.completion(WAIT).hresult == HResult.S_OK
    file.wait_gone(WAIT)
    seen = words(client.lab.trace(scripted.stack), layer=1)
    assert seen.index("Done") < seen.index("Close+") < seen.index("FileGone")


def test_b12_close_from_a_completion_does_not_deadlock(scripted):
    file = scripted.create_wdf_file()
    file.send_read(4).add_done_callback(lambda pending: file.close(WAIT))
    file.wait_gone(WAIT)


def test_b23_a_completed_request_that_is_not_deleted_keeps_its_file(client, scripted):
    file = scripted.create_wdf_file()
    kept = file.send_read(4, retain=True)
    kept.result(WAIT)
    file.close(WAIT)
    (outstanding,) = client.lab.outstanding(scripted.stack).files
    assert [request.undeleted for request in outstanding.requests] == [True]
    assert not file.gone
    kept.request.delete()
    file.wait_gone(WAIT)


def test_sending_on_a_closed_file_is_refused_by_the_framework(scripted):
    script(scripted, "on read: hold")
    file = scripted.create_wdf_file()
    (pending,) = sent(file)
    file.close(WAIT)
    with pytest.raises(lowerdeck.SendRefused) as refused:
        file.send_read(4).result(WAIT)
    assert refused.value.hresult == HResult.STATUS_FILE_CLOSED
    script(scripted, f"complete {label(pending)} S_OK")


def test_b15_a_second_close_stops_the_driver_in_strict_mode(client, scripted):
    script(scripted, "on read: hold")
    feed = scripted.events()
    file = scripted.create_wdf_file()
    sent(file)
    file.close(WAIT)
    with contextlib.suppress(lowerdeck.StackEnded):  # the call that broke the rule may hear of the end itself
        scripted.run(calls.close(file.id))
    stop = feed.until(lambda event: isinstance(event, lowerdeck.events.DriverStopped), WAIT)[-1]
    assert stop.driver_stop.rule == "CLS-17"
    assert client.lab.driver_stop(scripted.stack).rule == "CLS-17"


def test_a_create_that_nobody_waits_for_goes_on_and_is_found_again(client, scripted):
    script(scripted, "on create: hold")
    with pytest.raises(lowerdeck.DeadlinePassed) as passed:
        scripted.create_wdf_file("chan", timeout=0.05)
    request_id = int(passed.value.metadata["request_id"])
    assert words(client.lab.trace(scripted.stack), layer=1)[-1] == "Create"  # not cancelled, not completed (FILE-10)
    script(scripted, f"complete L0:{request_id} S_OK")
    with scripted.create_wdf_file("chan", request_id=request_id, timeout=WAIT) as file:
        assert file.write(b"hello") == 5
    assert words(client.lab.trace(scripted.stack), layer=1).count("Create") == 1


def test_a_session_ends_when_its_last_request_has_however_often_that_is_asked(scripted):
    script(scripted, "on read: hold")
    file = scripted.create_wdf_file()
    (pending,) = sent(file)
    file.close(WAIT)
    with pytest.raises(lowerdeck.DeadlinePassed):
        scripted.close(timeout=0.05)
    assert scripted.balance is None
    script(scripted, f"complete {label(pending)} S_OK 4")
    scripted.close(WAIT)
    assert pending.result(WAIT).information == 4  # its completion came before the session's end
    assert (scripted.balance.accepted, scripted.balance.completed, scripted.balance.outstanding) == (1, 1, 0)
