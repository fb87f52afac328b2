"""A session touches what it created, and nothing else; foreign and unknown are one answer (design 3, decision 3)."""

import uuid

import grpc
import pytest

import lowerdeck
from lowerdeck import calls, formats
from tests.conftest import WAIT, assert_alive, refusal

FILE_QUESTIONS = {
    "read": lambda file_id: calls.format_and_send(
        77, formats.read(file_id, 4, None, None, ""), formats.send_options(None, 0), False
    ),
    "close": calls.close,
    "cancel sent requests": lambda file_id: calls.cancel_sent_requests_for_file(file_id, ""),
}


@pytest.mark.parametrize("question", FILE_QUESTIONS)
def test_a_foreign_file_is_refused_exactly_like_an_unknown_one(client, question):
    ask = FILE_QUESTIONS[question]
    with client.open_session("disk") as owner, client.open_session("disk") as other:
        with owner.create_wdf_file("mine") as file:
            unknown = str(uuid.uuid4())
            foreign_answer = refusal(other, ask(file.id), file.id)
            assert foreign_answer == refusal(other, ask(unknown), unknown)
            assert foreign_answer[0] == "FILE_NOT_OWNED_OR_UNKNOWN"
            assert file.write(b"untouched", offset=0) == 9
        assert_alive(other)


@pytest.mark.parametrize("file_id", ["not-a-uuid", "", "00000000-0000-0000-0000-000000000000", "x" * 5000])
def test_a_malformed_file_id_is_refused_like_an_unknown_one(client, file_id):
    with client.open_session("disk") as session:
        assert refusal(session, calls.close(file_id), file_id or "\0")[0] == "FILE_NOT_OWNED_OR_UNKNOWN"
        assert_alive(session)


def test_sessions_on_one_shared_stack_do_not_share_files(client):
    name = f"shared-{uuid.uuid4().hex[:8]}"
    client.lab.plug(name, "ram(size=1MiB)", sharing=lowerdeck.StackSharing.SHARED)
    with client.open_session(name) as owner, client.open_session(name) as other:
        assert owner.stack == other.stack
        with owner.create_wdf_file() as file:
            assert refusal(other, calls.close(file.id), file.id)[0] == "FILE_NOT_OWNED_OR_UNKNOWN"
    client.lab.unplug(name, WAIT)


def test_a_foreign_request_id_is_refused_like_an_unknown_one(client):
    with client.open_session("disk") as owner, client.open_session("disk") as other:
        for _ in range(5):
            request = owner.create_request()
        for question in (calls.cancel, calls.get_request, calls.delete_request):
            reason = refusal(other, question(request.id), str(request.id))[0]
            assert reason == "REQUEST_NOT_OWNED_OR_UNKNOWN"
        assert request.get().state is lowerdeck.RequestState.UNFORMATTED
        assert_alive(other)


def test_an_own_file_that_is_gone_has_its_own_answer(client):
    with client.open_session("disk") as session:
        with session.create_wdf_file() as file:
            pass
        file.wait_gone(WAIT)
        with pytest.raises(lowerdeck.ObjectGone) as gone:
            session.run(calls.close(file.id))
        assert (gone.value.code, gone.value.reason) == (grpc.StatusCode.NOT_FOUND, "FILE_GONE")
        assert_alive(session)
