"""Bad input gets a clear answer and changes nothing else (design 3, decision 4)."""

import uuid

import grpc
import pytest

import lowerdeck
from lowerdeck import HResult, SendFlags, calls, enums, formats
from lowerdeck.errors import from_rpc_error
from lowerdeck.v1 import request_pb2, session_pb2
from tests.conftest import WAIT, Raw, assert_alive, words


@pytest.fixture
def session(client):
    """A session that still works after the test."""
    with client.open_session("disk") as session:
        yield session
        assert_alive(session)


@pytest.fixture
def file(session):
    with session.create_wdf_file() as file:
        yield file


def refused(question, *arguments, **options):
    """The typed error of a call that must be refused, and its code and reason."""
    with pytest.raises((lowerdeck.RpcRefused, grpc.RpcError)) as caught:
        question(*arguments, timeout=WAIT, **options)
    error = caught.value
    error = error if isinstance(error, lowerdeck.RpcRefused) else from_rpc_error(error)
    assert error.args[0][:1].islower() or not error.args[0][:1].isalpha()
    assert not error.args[0].endswith(".")
    return error


def read_of(file, request_id, **changes):
    form = formats.read(file.id, 4, 0, None, "")
    return request_pb2.FormatAndSendRequest(request_id=request_id, format=form, **changes)


# --- enums ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("changes", [{"loss_policy": 99}, {"callbacks": [99]}, {"callbacks": [0]}])
def test_an_unknown_enum_value_opens_no_session(client, changes):
    raw = Raw(client.channel, str(uuid.uuid4()))
    message = session_pb2.OpenSessionRequest(stack="disk", **changes)
    error = refused(raw.session.OpenSession, message, metadata=raw.metadata)
    assert (error.code, error.reason) == (grpc.StatusCode.INVALID_ARGUMENT, "ENUM_VALUE_UNKNOWN")
    assert error.field_violations[0][0].startswith(next(iter(changes)))


@pytest.mark.parametrize("option", ["sharing", "verifier", "clock", "method_neither"])
def test_an_unknown_enum_value_plugs_no_stack(client, option):
    kinds = {
        "sharing": enums.StackSharing,
        "verifier": enums.VerifierMode,
        "clock": enums.ClockKind,
        "method_neither": enums.MethodNeitherAction,
    }
    with pytest.raises(lowerdeck.InvalidArgument) as caught:
        client.lab.plug("never-plugged", "ram", **{option: kinds[option](99)})
    assert caught.value.reason == "ENUM_VALUE_UNKNOWN"
    assert "never-plugged" not in [stack.name for stack in client.lab.stacks()]


def test_an_unknown_stop_action_does_nothing_as_in_umdf(session):
    target = session.get_default_io_target()
    assert target.stop(enums.SentIoAction(99)) == HResult.S_OK
    assert target.get_state() is lowerdeck.TargetState.STARTED


# --- ids --------------------------------------------------------------------------------------------------------------


def test_a_zero_request_id_is_refused_everywhere(session, file):
    form, options = formats.read(file.id, 4, 0, None, ""), formats.send_options(None, 0)
    for call in (
        calls.create_wdf_file(0, "chan"),
        calls.format_and_send(0, form, options, False),
        calls.create_request(0, True),
        calls.format_request(0, form),
        calls.send_request(0, options, ""),
        calls.reuse_request(0, 0, True),
        calls.delete_request(0),
        calls.get_request(0),
        calls.cancel(0),
    ):
        error = refused(session.run, call)
        assert (call.method, error.code, error.reason) == (
            call.method,
            grpc.StatusCode.INVALID_ARGUMENT,
            "REQUEST_ID_ZERO",
        )


def test_the_same_message_again_does_no_second_io(client, template):
    with client.open_session(template("scripted")) as session, session.create_wdf_file() as file:
        client.lab.control(session.stack, 1, "on read: hold")
        held = file.send_read(4)
        held.wait_accepted(WAIT)
        form, options = formats.read(file.id, 4, None, None, ""), formats.send_options(None, 0)
        again = session.run(calls.format_and_send(held.request_id, form, options, False))
        assert again.hresult == HResult.S_OK
        client.lab.control(session.stack, 1, f"complete L0:{held.request_id} S_OK 4")
        held.result(WAIT)
    assert session.balance.accepted == 1


def test_a_used_request_id_with_another_body_is_refused(client, template):
    with client.open_session(template("scripted")) as session, session.create_wdf_file() as file:
        client.lab.control(session.stack, 1, "on read: hold")
        held = file.send_read(4)
        held.wait_accepted(WAIT)
        form, options = formats.read(file.id, 5, None, None, ""), formats.send_options(None, 0)
        error = refused(session.run, calls.format_and_send(held.request_id, form, options, False))
        assert (error.code, error.reason) == (grpc.StatusCode.ALREADY_EXISTS, "REQUEST_ID_IN_USE")
        error = refused(session.run, calls.create_wdf_file(held.request_id, "chan"))
        assert error.reason == "REQUEST_ID_IN_USE"
        client.lab.control(session.stack, 1, f"complete L0:{held.request_id} S_OK 4")
        held.result(WAIT)


def test_the_id_of_a_create_is_no_request(session):
    with session.create_wdf_file(request_id=900) as file:
        assert session.create_wdf_file(request_id=900) is file
        error = refused(session.run, calls.cancel(900))
        assert (error.code, error.reason) == (grpc.StatusCode.FAILED_PRECONDITION, "REQUEST_IS_CREATE")
        assert error.metadata["rule"] == "FILE-10"


def test_an_event_that_never_was_cannot_be_acknowledged(session):
    error = refused(session.run, calls.acknowledge_events(1 << 40))
    assert (error.code, error.reason) == (grpc.StatusCode.INVALID_ARGUMENT, "EVENT_SEQUENCE_UNKNOWN")


# --- names ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["a\\b", "a/b", "\\", "/"])
def test_a05_a_name_with_a_separator_reaches_no_driver(client, template, name):
    with client.open_session(template("scripted")) as session:
        with pytest.raises(lowerdeck.CreateFailed) as failed:
            session.create_wdf_file(name)
        assert failed.value.hresult == HResult.E_INVALIDARG
        assert "Create" not in words(client.lab.trace(session.stack), layer=1)


@pytest.mark.parametrize("character", ["a", "é", "😀"])
def test_a_file_name_has_255_utf_16_units_and_no_more(session, character):
    units = len(character.encode("utf-16-le")) // 2
    longest = character * (255 // units)
    with session.create_wdf_file(longest):
        pass
    error = refused(session.create_wdf_file, longest + character)
    assert (error.code, error.reason) == (grpc.StatusCode.INVALID_ARGUMENT, "FIELD_TOO_LONG")
    assert error.field_violations[0][0] == "file_name"


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ({"stack": "s" * 65}, "FIELD_TOO_LONG"),
        ({"stack": "disk", "client_name": "n" * 65}, "FIELD_TOO_LONG"),
        ({"stack": ""}, "FIELD_MISSING"),
        ({"stack": "disk", "lease": 1e-9}, "FIELD_INVALID"),
        ({"stack": "disk", "lease": -5.0}, "FIELD_INVALID"),
        ({"stack": "disk", "lease": 1e9}, "FIELD_INVALID"),
    ],
)
def test_a_field_out_of_its_bounds_opens_no_session(client, options, reason):
    with pytest.raises(lowerdeck.InvalidArgument) as caught:
        client.open_session(**options)
    assert caught.value.reason == reason
    assert caught.value.field_violations


def test_an_unknown_stack_is_not_found(client):
    with pytest.raises(lowerdeck.NotFound) as caught:
        client.open_session("no-such-stack")
    assert caught.value.reason == "STACK_UNKNOWN"


@pytest.mark.parametrize("expression", ["", "ram(", "rom", "ram(sise=1MiB)", "ram(size=much)", "ram /"])
def test_a_stack_expression_that_means_nothing_is_refused(client, expression):
    with pytest.raises(lowerdeck.InvalidArgument):
        client.lab.plug("never-plugged", expression)


# --- sizes and numbers ------------------------------------------------------------------------------------------------


def test_a_format_without_io_is_refused(session, file):
    raw = Raw(session.client.channel, session.uuid)
    message = request_pb2.FormatAndSendRequest(request_id=901, format=request_pb2.Format(file_id=file.id))
    error = refused(raw.device.FormatAndSend, message, metadata=raw.metadata)
    assert (error.code, error.reason) == (grpc.StatusCode.INVALID_ARGUMENT, "FIELD_MISSING")


def test_a_message_above_the_limit_is_refused_with_its_name(session, file):
    pending = file.send_write(bytes(session.info.limits.message_bytes_max + 1), 0)
    error = pending.exception(WAIT)
    assert isinstance(error, lowerdeck.LimitReached)
    assert (error.reason, error.limit) == ("MESSAGE_TOO_LARGE", "message_bytes_max")


def test_a_memory_above_the_limit_is_refused_with_its_name(session, file):
    error = file.send_read(session.info.limits.payload_bytes_max + 1, 0).exception(WAIT)
    assert isinstance(error, lowerdeck.LimitReached)
    assert (error.reason, error.limit) == ("LIMIT_REACHED", "payload_bytes_max")


def test_the_largest_memory_is_served(session, file):
    size = session.info.limits.payload_bytes_max
    assert file.write(bytes(size), 0) == size
    assert len(file.read(size, 0)) == size


@pytest.mark.parametrize("offset", [-1, (1 << 63) - 1, -(1 << 63)])
def test_an_impossible_device_offset_fails_at_the_device(session, file, offset):
    completion = file.send_read(4, offset).completion(WAIT)
    assert completion.hresult.is_failure
    assert completion.information == 0


@pytest.mark.parametrize("part", [(5, 0), (0, 5), (4, 1), ((1 << 64) - 1, 2)])
def test_a_part_beyond_its_memory_is_refused_by_format(session, file, part):
    with pytest.raises(lowerdeck.SendRefused) as refused_send:
        file.send_read(4, 0, part=part).result(WAIT)
    assert refused_send.value.hresult == HResult.STATUS_INTEGER_OVERFLOW


@pytest.mark.parametrize("ticks", [-(1 << 63), (1 << 63) - 1])
def test_the_longest_timeouts_do_not_overflow(session, file, ticks):
    raw = Raw(session.client.channel, session.uuid)
    options = request_pb2.SendOptions(flags=SendFlags.TIMEOUT | SendFlags.SYNCHRONOUS, timeout_ticks=ticks)
    pending = session.begin(902, file.id)
    reply = raw.device.FormatAndSend(read_of(file, 902, options=options), timeout=WAIT, metadata=raw.metadata)
    session.answered(pending, reply.hresult)
    assert pending.result(WAIT).information == 4


@pytest.mark.parametrize("flags", [0x40, 0x80000000, 0x8 | 0x2])
def test_illegal_send_flags_are_umdf_s_to_refuse(session, file, flags):
    with pytest.raises(lowerdeck.SendRefused) as refused_send:
        file.send_read(4, 0, flags=flags).result(WAIT)
    assert refused_send.value.hresult == HResult.STATUS_INVALID_PARAMETER


def test_a_null_file_is_refused_by_format(session):
    request = session.create_request()
    assert request.format_for_read(None, 4) == HResult.E_INVALIDARG
    assert request.delete() == HResult.S_OK


# --- sessions ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("metadata", "code", "reason"),
    [
        ([], grpc.StatusCode.UNAUTHENTICATED, "SESSION_METADATA_MISSING"),
        ([("lowerdeck-session", "nonsense")], grpc.StatusCode.UNAUTHENTICATED, "SESSION_METADATA_MALFORMED"),
        ([("lowerdeck-session", str(uuid.UUID(int=0)))], grpc.StatusCode.UNAUTHENTICATED, "SESSION_METADATA_MALFORMED"),
        ([("lowerdeck-session", str(uuid.uuid1()))], grpc.StatusCode.UNAUTHENTICATED, "SESSION_METADATA_MALFORMED"),
        (
            [("lowerdeck-session", str(uuid.uuid4()))] * 2,
            grpc.StatusCode.UNAUTHENTICATED,
            "SESSION_METADATA_MALFORMED",
        ),
        ([("lowerdeck-session", str(uuid.uuid4()))], grpc.StatusCode.NOT_FOUND, "SESSION_UNKNOWN"),
    ],
)
def test_a_call_that_does_not_name_a_living_session_is_refused(client, metadata, code, reason):
    raw = Raw(client.channel, None)
    for method, message in (
        (raw.session.GetSession, session_pb2.GetSessionRequest()),
        (raw.session.CloseSession, session_pb2.CloseSessionRequest()),
        (raw.device.GetRequest, request_pb2.GetRequestRequest(request_id=1)),
    ):
        error = refused(method, message, metadata=metadata)
        assert (error.code, error.reason) == (code, reason)


def test_an_ended_session_is_told_why(client):
    with client.open_session("disk") as session:
        pass
    error = refused(session.run, calls.create_wdf_file(1, "late"))
    assert isinstance(error, lowerdeck.SessionEnded)
    assert (error.reason, error.metadata["end_reason"]) == ("SESSION_ENDED", "SESSION_END_REASON_CLOSED")


def test_a_session_opened_again_in_the_same_way_is_the_same(client):
    raw = Raw(client.channel, str(uuid.uuid4()))
    message = session_pb2.OpenSessionRequest(stack="disk")
    first = raw.session.OpenSession(message, metadata=raw.metadata)
    again = raw.session.OpenSession(message, metadata=raw.metadata)
    assert first.session.stack == again.session.stack
    other = session_pb2.OpenSessionRequest(stack="echo")
    error = refused(raw.session.OpenSession, other, metadata=raw.metadata)
    assert (error.code, error.reason) == (grpc.StatusCode.ALREADY_EXISTS, "SESSION_ID_IN_USE")
    raw.session.CloseSession(session_pb2.CloseSessionRequest(), metadata=raw.metadata)


# --- the lab ----------------------------------------------------------------------------------------------------------


def test_the_lab_tells_what_it_does_not_know(client, scripted):
    lab, stack = client.lab, scripted.stack
    for question, kind, reason in (
        (lambda: lab.describe("no-such-stack"), lowerdeck.NotFound, "STACK_UNKNOWN"),
        (lambda: lab.trace("disk"), lowerdeck.FailedPrecondition, "STACK_IS_TEMPLATE"),
        (lambda: lab.control(stack, 9, "kept"), lowerdeck.NotFound, "LAYER_UNKNOWN"),
        (lambda: lab.control(stack, 1, "dance"), lowerdeck.InvalidArgument, "CONTROL_COMMAND_INVALID"),
        (lambda: lab.control(stack, 1, "x" * 5000), lowerdeck.InvalidArgument, "FIELD_TOO_LONG"),
        (lambda: lab.advance_clock(stack, 1.0), lowerdeck.FailedPrecondition, "CLOCK_NOT_MANUAL"),
    ):
        with pytest.raises(kind) as caught:
            question()
        assert caught.value.reason == reason
    assert_alive(scripted)


def test_a_page_token_of_one_s_own_making_is_refused(client):
    with pytest.raises(lowerdeck.InvalidArgument) as caught:
        client.lab._wire.run(calls.list_stacks("made up"))
    assert caught.value.reason == "PAGE_TOKEN_INVALID"


def test_a_stack_name_in_use_for_something_else_is_refused(client, template):
    name = template("ram(size=1MiB)")
    client.lab.plug(name, "ram(size=1MiB)")  # the same again gives the same answer
    with pytest.raises(lowerdeck.AlreadyExists) as caught:
        client.lab.plug(name, "echo")
    assert caught.value.reason == "STACK_NAME_IN_USE"
