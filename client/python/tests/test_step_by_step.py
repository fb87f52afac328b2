"""The fine-grained calls: requests and targets as UMDF has them, and L0's own callbacks."""

import gc
import threading

import pytest

import lowerdeck
from lowerdeck import CancelAnswer, HResult, PnpCallback, RequestState, SendFlags, SentIoAction, TargetState, calls
from lowerdeck.events import CallbackInvoked
from tests.conftest import WAIT, is_started, label, script, words


@pytest.fixture
def file(scripted):
    with scripted.create_wdf_file("chan") as file:
        yield file


# --- requests ---------------------------------------------------------------------------------------------------------


def test_the_six_steps_of_a_read(scripted, file):
    request = scripted.create_request()
    assert request.get().state is RequestState.UNFORMATTED
    assert request.format_for_read(file, 4) == HResult.S_OK
    assert request.get().state is RequestState.FORMATTED
    assert request.send() == HResult.S_OK
    assert request.result(WAIT).data == bytes(range(4))
    status = request.get()
    assert (status.state, status.hresult) == (RequestState.COMPLETED, HResult.S_OK)
    assert status.completion.information == 4
    assert request.delete() == HResult.S_OK
    with pytest.raises(lowerdeck.ObjectGone):
        request.get()


def test_a_file_is_not_deleted_but_closed(file):
    assert file.delete() == HResult.ERROR_ACCESS_DENIED
    assert file.send_read(4).result(WAIT).data == bytes(range(4))


def test_dropping_a_file_is_not_closing_it(client, scripted):
    def names():
        return [file.name for file in client.lab.outstanding(scripted.stack).files]

    dropped = scripted.create_wdf_file("dropped")
    file_id = dropped.id
    del dropped
    gc.collect()
    assert names() == ["dropped"]
    assert "Cleanup+" not in words(client.lab.trace(scripted.stack), 1)
    scripted.run(calls.close(file_id))
    assert names() == []


def test_a_request_can_be_reused_for_another_round(scripted, file):
    request = scripted.create_request()
    request.format_for_write(file, b"one")
    request.send()
    assert request.result(WAIT).information == 3
    request.reuse()
    request.format_for_ioctl(file, 0x80002000, b"in", 8)
    assert request.send() == HResult.S_OK
    assert request.result(WAIT).ioctl_code == 0x80002000
    request.delete()


def test_an_unformatted_request_is_not_accepted(scripted):
    request = scripted.create_request()
    assert request.send() == HResult.STATUS_REQUEST_NOT_ACCEPTED
    with pytest.raises(lowerdeck.SendRefused):
        request.completion(WAIT)
    request.delete()


def test_a_synchronous_send_returns_after_the_completion(scripted, file):
    request = scripted.create_request()
    request.format_for_read(file, 4)
    assert request.send(flags=SendFlags.SYNCHRONOUS) == HResult.S_OK
    assert request.get().state is RequestState.COMPLETED
    assert request.result(WAIT).information == 4
    request.delete()


def test_a_request_without_completion_callback_makes_no_event(scripted, file):
    feed = scripted.events()
    silent = scripted.create_request(completion_callback=False)
    silent.format_for_read(file, 4)
    assert silent.send(flags=SendFlags.SYNCHRONOUS) == HResult.S_OK
    assert silent.get().completion.data == bytes(range(4))
    silent.delete()
    heard = file.send_read(1)
    assert feed.next(WAIT).completion.request_id == heard.request_id


def test_a_cancel_before_send_sticks(scripted, file):
    request = scripted.create_request()
    request.format_for_read(file, 4)
    assert request.cancel() is CancelAnswer.STICKY
    assert request.send() == HResult.ERROR_OPERATION_ABORTED
    request.delete()


# --- targets ----------------------------------------------------------------------------------------------------------


def test_a_stopped_target_keeps_what_is_sent_until_it_starts(scripted, file):
    target = scripted.get_default_io_target()
    assert target.get_state() is TargetState.STARTED
    assert not target.has_target_file()
    assert target.stop(SentIoAction.LEAVE_SENT_IO_PENDING) == HResult.S_OK
    assert target.get_state() is TargetState.STOPPED
    pending = [file.send_read(length) for length in (1, 2)]
    for request in pending:
        request.wait_accepted(WAIT)
    assert script(scripted, "kept") == ""
    assert not any(request.done() for request in pending)
    assert target.start() == HResult.S_OK
    assert [request.result(WAIT).information for request in pending] == [1, 2]


def test_a_request_pended_in_a_stopped_target_is_cancelled_by_the_framework(scripted, file):
    target = scripted.get_default_io_target()
    target.stop(SentIoAction.LEAVE_SENT_IO_PENDING)
    pending = file.send_read(4)
    assert pending.cancel(WAIT) is CancelAnswer.COMPLETED_BY_FRAMEWORK
    assert isinstance(pending.exception(WAIT), lowerdeck.IoCancelled)
    target.start()


def test_stop_with_cancel_waits_for_every_request_in_flight(scripted, file):
    script(scripted, "on read: arm")
    pending = file.send_read(4)
    pending.wait_accepted(WAIT)
    target = scripted.get_default_io_target()
    assert target.stop(SentIoAction.CANCEL_SENT_IO, timeout=WAIT) == HResult.S_OK
    assert isinstance(pending.exception(WAIT), lowerdeck.IoCancelled)
    target.start()


def test_stop_inside_a_completion_does_not_wait_for_itself(client, scripted, file):
    script(scripted, "on read nth=1: hold")
    held = file.send_read(4)
    held.wait_accepted(WAIT)
    request = scripted.create_request()
    request.format_for_read(file, 4)
    request.send()
    request.result(WAIT)
    target = scripted.get_default_io_target()
    wait = SentIoAction.WAIT_FOR_SENT_IO_TO_COMPLETE
    assert target.stop(wait, WAIT, inside_completion_of=request) == HResult.S_OK
    assert not held.done()
    assert [finding.rule for finding in client.lab.findings(scripted.stack)] == ["TGT-26"]
    target.start()
    script(scripted, f"complete {label(held)} S_OK 4")
    held.result(WAIT)
    request.delete()


def test_the_default_target_cannot_be_deleted(scripted):
    assert scripted.get_default_io_target().delete() == HResult.ERROR_ACCESS_DENIED


# --- callbacks --------------------------------------------------------------------------------------------------------


def test_callbacks_are_called_in_the_order_of_start_and_removal(client):
    called = []
    files = []

    def note(session, invoked):
        called.append(invoked.callback)

    def prepare(session, invoked):  # A18: a file during one's own start
        note(session, invoked)
        file = session.create_wdf_file("status")
        assert file.write(b"hello", 0) == 5
        files.append(file)

    def release(session, invoked):  # CLS-2: where files are closed
        note(session, invoked)
        files[0].close()

    handlers = {
        PnpCallback.ON_PREPARE_HARDWARE: prepare,
        PnpCallback.ON_D0_ENTRY: note,
        PnpCallback.ON_SELF_MANAGED_IO_INIT: note,
        PnpCallback.ON_D0_EXIT: note,
        PnpCallback.ON_RELEASE_HARDWARE: release,
    }
    with client.open_session("disk", callbacks=handlers) as session:
        next(filter(is_started, client.lab.follow_trace(session.stack, timeout=WAIT)))
        assert files[0].read(5, 0) == b"hello"
    assert called == list(handlers)
    assert files[0].gone
    assert session.files_left_open == 0


def test_a_callback_that_raises_is_a_failure_for_the_stack_and_for_the_test(client):
    def broken(session, invoked):
        raise ArithmeticError("a bug of the upper driver")

    session = client.open_session("disk", callbacks={PnpCallback.ON_D0_ENTRY: broken})
    feed = session.events()
    with pytest.raises(ArithmeticError):
        session.close(WAIT)
    assert session.balance.accepted == 0
    assert feed is not None


def test_callbacks_without_handlers_are_returned_from_by_hand(client):
    session = client.open_session("disk", callbacks=[PnpCallback.ON_SELF_MANAGED_IO_CLEANUP])
    feed = session.events()
    closing = threading.Thread(target=session.close, args=(WAIT,))
    closing.start()
    invoked = feed.until(lambda event: isinstance(event, CallbackInvoked), WAIT)[-1]
    assert invoked.callback is PnpCallback.ON_SELF_MANAGED_IO_CLEANUP
    assert closing.is_alive()
    session.return_from_callback(invoked)
    closing.join(WAIT)
    assert session.balance is not None
