"""Create, write, read back, close: the main job on real bytes."""

import hashlib
import os

import pytest

import lowerdeck
from lowerdeck.enums import IoKind, TraceKind
from tests.conftest import WAIT, label, script

MIB = 1024 * 1024
FILE_BYTES = 64 * MIB
CHUNK_BYTES = 256 * 1024
IN_FLIGHT = 64


def in_chunks(send, chunks):
    """Sends every chunk, 64 in flight, and gives the results in order."""
    pending = [send(*chunk) for chunk in chunks]
    return [request.result(WAIT) for request in pending]


def test_64_mib_come_back_as_they_were_written_with_64_in_flight(client, tmp_path):
    source = tmp_path / "image.bin"
    with source.open("wb") as out:
        for _ in range(FILE_BYTES // MIB):
            out.write(os.urandom(MIB))
    written = hashlib.sha256(source.read_bytes()).hexdigest()

    with client.open_session("disk", in_flight_max=IN_FLIGHT) as session:
        with session.create_wdf_file() as file, source.open("rb") as data:
            chunks = ((data.read(CHUNK_BYTES), offset) for offset in range(0, FILE_BYTES, CHUNK_BYTES))
            results = in_chunks(file.send_write, chunks)
            assert sum(result.information for result in results) == FILE_BYTES

            places = ((CHUNK_BYTES, offset) for offset in range(0, FILE_BYTES, CHUNK_BYTES))
            digest = hashlib.sha256()
            for result in in_chunks(file.send_read, places):
                digest.update(result.data)
        file.wait_gone(WAIT)
    assert digest.hexdigest() == written
    assert session.balance.completed == 2 * FILE_BYTES // CHUNK_BYTES


def test_the_window_keeps_64_requests_in_flight(client, template):
    name = template("scripted")
    with client.open_session(name, in_flight_max=IN_FLIGHT) as session, session.create_wdf_file() as file:
        client.lab.control(session.stack, 1, "on read: arm")
        held = [file.send_read(1) for _ in range(IN_FLIGHT)]
        for pending in held:
            pending.wait_accepted(WAIT)
        assert len(client.lab.control(session.stack, 1, "kept").splitlines()) == IN_FLIGHT
        file.cancel_sent_requests()
        assert {type(pending.exception(WAIT)) for pending in held} == {lowerdeck.IoCancelled}


def test_an_ioctl_brings_its_output(client):
    with client.open_session("disk") as session, session.create_wdf_file() as file:
        length = file.device_io_control(0x0007405C, output_length=8)  # IOCTL_DISK_GET_LENGTH_INFO
        assert int.from_bytes(length, "little") == FILE_BYTES


def test_a_flush_and_information_reach_the_driver(client, scripted):
    with scripted.create_wdf_file() as file:
        file.flush()
        script(scripted, "on default code=5: complete(S_OK, data=told)")
        assert file.query_information(5, 8) == b"told"
        file.set_information(20, b"size")
        kinds = [IoKind(entry.io_kind) for entry in client.lab.trace(scripted.stack) if entry.kind == TraceKind.IO]
    assert kinds == [IoKind.FLUSH_BUFFERS, IoKind.QUERY_INFORMATION, IoKind.SET_INFORMATION]


def test_the_second_buffer_of_method_in_direct_is_input_too(scripted):
    with scripted.create_wdf_file() as file:
        script(scripted, "on ioctl: hold")
        pending = file.send_device_io_control(0x8000_2001, b"first", output_contents=b"second")
        pending.wait_accepted(WAIT)
        assert script(scripted, f"output-memory {label(pending)}") == b"second".hex()
        script(scripted, f"complete {label(pending)} S_OK")
        assert pending.result(WAIT).information == 0


def test_method_neither_is_delivered_by_a_stack_that_copies(client, template):
    name = template("scripted", method_neither=lowerdeck.MethodNeitherAction.COPY)
    with client.open_session(name) as session, session.create_wdf_file() as file:
        assert file.device_io_control(0x0022_2003, b"in", 4) == b""


def test_a_failing_request_raises_and_keeps_the_device_s_words(client):
    with client.open_session("disk") as session, session.create_wdf_file() as file:
        with pytest.raises(lowerdeck.IoFailed) as failed:
            file.read(16, offset=FILE_BYTES)
        assert failed.value.hresult == lowerdeck.HResult.ERROR_HANDLE_EOF
        assert failed.value.information == 0


def test_a_failed_create_hands_out_no_file(client, scripted):
    client.lab.control(scripted.stack, 1, "on create: complete(STATUS_ACCESS_DENIED)")
    with pytest.raises(lowerdeck.CreateFailed) as failed:
        scripted.create_wdf_file("chan")
    assert failed.value.hresult.name == "STATUS_ACCESS_DENIED"
    assert scripted.files == []


def test_a_device_opened_in_one_line_works(lowerdeck_server, monkeypatch):
    monkeypatch.setenv("LOWERDECK_ENDPOINT", lowerdeck_server.endpoint)
    with lowerdeck.open("disk") as device, device.create_wdf_file("chan") as file:
        assert file.write(b"hello", offset=4096) == 5
        assert file.read(5, offset=4096) == b"hello"


def test_a_file_left_open_is_warned_about(client):
    session = client.open_session("disk")
    session.create_wdf_file("forgotten")
    with pytest.warns(ResourceWarning, match="not closed"):
        session.close(WAIT)
    assert session.files_left_open == 1
