"""A test beside the server: the life of a file, seen from outside. Exit code 0 says that all of it held."""

import lowerdeck

WAIT = 20.0

with lowerdeck.open("echo") as device:
    feed = device.session.events()
    file = device.create_wdf_file("smoke")
    assert file.write(b"hello, stack", timeout=WAIT) == 12
    assert file.read(12, timeout=WAIT) == b"hello, stack"
    pending = file.send_read(12)  # nothing is left to read: it waits
    assert pending.cancel(WAIT) == lowerdeck.CancelAnswer.DELIVERED
    assert pending.completion(WAIT).hresult.name == "ERROR_OPERATION_ABORTED"
    file.close(WAIT)
    file.wait_gone(WAIT)
    events = feed.until(lambda event: isinstance(event, lowerdeck.events.FileGone), WAIT)
    assert [event.sequence for event in events] == [1, 2, 3, 4], "in order, without a gap"
print("the life of a file: created, written, read, cancelled, closed, gone")
