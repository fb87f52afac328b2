"""How operations through a target end, in short words for tests."""

import pytest

from lowerdeck import CreateFailed, IoFailed, SendRefused
from tests.conftest import WAIT


def failure(operation, *arguments):
    """The HRESULT with which an operation fails."""
    with pytest.raises(IoFailed) as failed:
        operation(*arguments)
    return failed.value.hresult


def pended_read(target, length=16):
    """A read of an empty pipe, which the host has."""
    pending = target.send_read(length)
    pending.wait_accepted(WAIT)
    return pending


def refused(pending):
    """The HRESULT with which Format or Send refused."""
    error = pending.exception(WAIT)
    assert isinstance(error, SendRefused)
    return error.hresult


def open_failure(opening, *arguments, **options):
    """The name of the HRESULT with which an open fails."""
    with pytest.raises(CreateFailed) as failed:
        opening(*arguments, **options)
    return failed.value.hresult.name
