"""Files and sockets of the server's host through file-handle targets: offsets, ends, sharing, names that want out."""

import socket
import struct
import uuid

import pytest

import lowerdeck
from lowerdeck import CreationDisposition, DesiredAccess, FileFlags, HResult, IoFailed, ShareMode
from tests.conftest import WAIT
from tests.outcomes import failure, open_failure

IOCTL_DISK_GET_LENGTH_INFO = 0x0007405C
FSCTL_SET_END_OF_FILE = 0x0009A004
FILE_END_OF_FILE_INFORMATION = 20
NEW = CreationDisposition.CREATE_NEW
READ, WRITE = DesiredAccess.GENERIC_READ, DesiredAccess.GENERIC_WRITE


@pytest.fixture
def root(lowerdeck_server):
    """A folder below the server's root that no other test has."""
    if lowerdeck_server.files_root is None:
        pytest.skip("the root of a server that runs already is not known")
    root = lowerdeck_server.files_root / uuid.uuid4().hex[:8]
    root.mkdir()
    return root


@pytest.fixture
def file(handles, root):
    """A target on a new file."""
    handle = handles.create_file(f"{root.name}\\file", creation_disposition=NEW)
    with handle, handle.create_target() as target:
        yield target


# --- reading and writing ----------------------------------------------------------------------------------------------


def test_bytes_are_written_and_read_where_the_offset_says(file, root):
    assert file.write(b"0123456789", 0) == 10
    assert file.write(b"ab", 4) == 2
    assert file.read(4, 3) == b"3ab6"
    assert file.read(100, 8) == b"89"
    assert file.read(3) == b"012"
    assert (root / "file").read_bytes() == b"0123ab6789"


def test_at_the_end_of_a_file_there_is_nothing_more(file):
    file.write(b"end", 0)
    for offset in (3, 1 << 40):
        completion = file.send_read(4, offset).completion(WAIT)
        assert (completion.hresult, completion.information) == (HResult.ERROR_HANDLE_EOF, 0)
    assert file.read(4, 2) == b"d"


def test_many_reads_are_in_flight_at_once(file, root):
    content = bytes(range(256)) * 1024
    (root / "file").write_bytes(content)
    reads = [file.send_read(4096, place) for place in range(0, len(content), 4096)]
    assert b"".join(read.result(WAIT).data for read in reads) == content


def test_a_control_tells_the_size_and_another_sets_it(file):
    file.write(b"0123456789", 0)
    file.device_io_control(FSCTL_SET_END_OF_FILE, struct.pack("<q", 4))
    assert struct.unpack("<q", file.device_io_control(IOCTL_DISK_GET_LENGTH_INFO, None, 8)) == (4,)
    assert file.read(10, 0) == b"0123"


def test_a_flush_and_an_end_of_file_have_formats_of_their_own(file, root):
    file.write(b"0123456789", 0)
    file.flush()
    file.set_information(FILE_END_OF_FILE_INFORMATION, struct.pack("<q", 4))
    assert (root / "file").read_bytes() == b"0123"
    with pytest.raises(IoFailed):
        file.query_information(FILE_END_OF_FILE_INFORMATION, 8)


def test_a_handle_has_the_rights_it_asked_for_and_no_others(handles, root):
    (root / "plain").write_bytes(b"plain")
    with handles.create_file(f"{root.name}/plain", READ) as handle, handle.create_target() as target:
        assert target.read(5) == b"plain"
        assert failure(target.write, b"x") == HResult.ERROR_ACCESS_DENIED
    append = DesiredAccess.FILE_APPEND_DATA
    with handles.create_file(f"{root.name}/plain", append) as handle, handle.create_target() as target:
        target.write(b"!", 0)
    assert (root / "plain").read_bytes() == b"plain!"


# --- opening ----------------------------------------------------------------------------------------------------------


def test_each_disposition_does_what_its_name_says(handles, root):
    def opened(disposition):
        with handles.create_file(f"{root.name}/made", creation_disposition=disposition):
            return (root / "made").read_bytes()

    assert open_failure(opened, CreationDisposition.OPEN_EXISTING) == "ERROR_FILE_NOT_FOUND"
    assert open_failure(opened, CreationDisposition.TRUNCATE_EXISTING) == "ERROR_FILE_NOT_FOUND"
    assert opened(CreationDisposition.CREATE_NEW) == b""
    assert open_failure(opened, CreationDisposition.CREATE_NEW) == "ERROR_FILE_EXISTS"
    for disposition, left in (("OPEN_EXISTING", b"x"), ("OPEN_ALWAYS", b"x"), ("CREATE_ALWAYS", b"")):
        (root / "made").write_bytes(b"x")
        assert opened(CreationDisposition[disposition]) == left
    (root / "made").write_bytes(b"x")
    assert opened(CreationDisposition.TRUNCATE_EXISTING) == b""
    assert open_failure(opened, 77) == "E_INVALIDARG"


def test_what_one_session_does_not_share_another_does_not_get(handles, client, root):
    (root / "shared").write_bytes(b"shared")
    name, share_read = f"{root.name}/shared", ShareMode.FILE_SHARE_READ
    with client.open_session("handles") as other:
        with handles.create_file(name, READ, ShareMode.NONE):
            assert open_failure(other.create_file, name, READ, share_read) == "ERROR_SHARING_VIOLATION"
        with handles.create_file(name, READ, share_read):
            assert open_failure(other.create_file, name, READ | WRITE, share_read) == "ERROR_SHARING_VIOLATION"
            with other.create_file(name, READ, share_read) as handle, handle.create_target() as target:
                assert target.read(6) == b"shared"
        other.create_file(name, READ | WRITE).close(WAIT)


def test_a_flag_that_is_not_offered_is_refused(handles, root):
    arguments = (f"{root.name}/f", READ, ShareMode.NONE, NEW, FileFlags.FILE_FLAG_DELETE_ON_CLOSE)
    assert open_failure(handles.create_file, *arguments) == "ERROR_NOT_SUPPORTED"
    assert list(root.iterdir()) == []


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("../secret", "ERROR_ACCESS_DENIED"),
        ("{root}\\..\\..\\secret", "ERROR_ACCESS_DENIED"),
        ("/etc/passwd", "ERROR_ACCESS_DENIED"),
        ("C:\\secret", "ERROR_ACCESS_DENIED"),
        ("\\\\?\\UNC\\server\\share\\secret", "ERROR_ACCESS_DENIED"),
        ("{root}/link", "ERROR_ACCESS_DENIED ERROR_FILE_EXISTS"),  # for CREATE_NEW something is there
        ("{root}/up/secret", "ERROR_ACCESS_DENIED"),
        ("{root}/nul.txt", "ERROR_INVALID_NAME"),
        ("{root}/stream:secret", "ERROR_INVALID_NAME"),
        ("{root}/trailing.", "ERROR_INVALID_NAME"),
        ("{root}/nu\0l", "ERROR_INVALID_NAME"),
        ("{root}/" + "a" * 256, "ERROR_FILENAME_EXCED_RANGE"),
        ("", "ERROR_PATH_NOT_FOUND"),
    ],
)
def test_a_hostile_name_reaches_nothing_outside_the_root(handles, lowerdeck_server, root, name, expected):
    secret = lowerdeck_server.files_root.parent / "secret"
    secret.write_bytes(b"secret")
    (root / "link").symlink_to(secret)
    (root / "up").symlink_to(secret.parent)
    before = sorted(root.iterdir())
    for disposition in CreationDisposition:
        opening = name.replace("{root}", root.name)
        refused = open_failure(handles.create_file, opening, creation_disposition=disposition)
        assert refused in expected.split()
    assert secret.read_bytes() == b"secret"
    assert sorted(root.iterdir()) == before


# --- sockets ----------------------------------------------------------------------------------------------------------


def test_a_socket_is_a_target_like_any_other(handles):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(WAIT)
        peer = f"127.0.0.1:{listener.getsockname()[1]}"
        with handles.open_socket("tcp", peer) as handle, handle.create_target() as target:
            connection, _ = listener.accept()
            with connection:
                assert target.write(b"hello") == 5
                assert connection.recv(16) == b"hello"
                connection.sendall(b"world")
                assert target.read(16) == b"world"
            assert target.read(16) == b""  # the end of a stream, as on Win32
    assert open_failure(handles.open_socket, "tcp", peer) == "ERROR_CONNECTION_REFUSED"


def test_a_socket_leads_where_the_server_lets_it(handles):
    assert open_failure(handles.open_socket, "tcp", "192.0.2.1:80") == "ERROR_ACCESS_DENIED"
    with pytest.raises(lowerdeck.InvalidArgument):
        handles.open_socket("udp", "nowhere")
