"""Enums mirror the contract; HRESULTs know their names and classes; endpoints are understood or refused."""

import pytest

from lowerdeck import HResult, StatusClass, channel, enums
from lowerdeck.v1 import event_pb2, trace_pb2, types_pb2

MIRRORED = {
    enum.name: enum
    for module in (types_pb2, event_pb2, trace_pb2)
    for enum in module.DESCRIPTOR.enum_types_by_name.values()
}


@pytest.mark.parametrize("name", sorted(MIRRORED))
def test_an_enum_of_the_contract_has_the_same_names_and_numbers_here(name):
    contract = MIRRORED[name]
    prefix = "".join("_" + c if c.isupper() else c.upper() for c in name).lstrip("_") + "_"
    expected = {value.name[len(prefix) :]: value.number for value in contract.values}
    assert {member.name: member.value for member in getattr(enums, name)} == expected


def test_a_number_of_a_newer_contract_is_kept():
    assert enums.IoKind(77) == 77
    assert enums.IoKind(77).name == "UNKNOWN_77"


@pytest.mark.parametrize(
    ("value", "status_class", "failure"),
    [
        (0x00000000, StatusClass.SUCCESS, False),
        (0x90000005, StatusClass.WARNING, False),
        (0x800703E3, StatusClass.CANCELLED, True),
        (0xD0000120, StatusClass.CANCELLED, True),
        (0xD00000B5, StatusClass.TIMED_OUT, True),
        (0x80070079, StatusClass.TIMED_OUT, True),
        (0xD0000184, StatusClass.BAD_STATE, True),
        (0xD0000010, StatusClass.UNSUPPORTED, True),
        (0x80070057, StatusClass.BAD_ARGUMENT, True),
        (0x8007050B, StatusClass.DRIVER_STOPPED, True),
        (0x800704C7, StatusClass.OTHER, True),  # ERROR_CANCELLED is not of the cancelled class (REQ-25)
    ],
)
def test_an_hresult_is_compared_by_class(value, status_class, failure):
    assert HResult(value).status_class is status_class
    assert HResult(value).is_failure is failure


def test_an_hresult_is_its_number_however_it_was_made():
    assert HResult.from_win32(995) == HResult(-2147023901) == 0x800703E3
    assert HResult.from_nt(0xC0000120) == HResult.STATUS_CANCELLED == 0xD0000120
    assert HResult.from_nt(0) == HResult.from_win32(0) == HResult.S_OK
    assert str(HResult.ERROR_OPERATION_ABORTED) == "0x800703E3 ERROR_OPERATION_ABORTED"


def test_what_is_no_32_bit_number_is_no_hresult():
    with pytest.raises(ValueError, match="32-bit"):
        HResult(1 << 32)


@pytest.mark.parametrize("endpoint", ["http://127.0.0.1:7", "127.0.0.1:7"])
def test_an_endpoint_may_have_a_scheme(endpoint):
    assert channel.target_of(endpoint) == "127.0.0.1:7"


@pytest.mark.parametrize("endpoint", ["ftp://127.0.0.1:7", "http://", "https://lab:7"])
def test_an_endpoint_of_another_kind_is_refused(endpoint):
    with pytest.raises(ValueError, match="endpoint"):
        channel.target_of(endpoint)


def test_recovery_pauses_longer_and_longer_and_then_gives_up():
    recovery = channel.Recovery(seconds=1.0)
    pauses, now = [], 100.0
    while (pause := recovery.pause(now)) is not None:
        pauses.append(pause)
        now += pause
    assert pauses == sorted(pauses[:-1]) + pauses[-1:]
    assert sum(pauses) == pytest.approx(1.0)


def test_recovery_begins_anew_after_a_success():
    recovery = channel.Recovery(seconds=1.0)
    recovery.pause(0.0)
    recovery.succeeded()
    assert recovery.pause(50.0) == channel.RECONNECT_SECONDS_MIN
