"""The books of a client, without a server: what must hold in whatever language they are written again."""

from __future__ import annotations

import unittest
from typing import Any

from books import Arrivals, Books, ProtocolError, Submissions
from contract import Refused
from lowerdeck.v1 import event_pb2, file_pb2, queue_pair_pb2, request_pb2

READ = request_pb2.Format(
    file_id="f", read=request_pb2.ReadFormat(device_offset=8, output_memory=request_pb2.OutputMemory(size=4))
)


def sent(books: Books) -> request_pb2.FormatAndSendRequest:
    """A read that is on its way."""
    message = request_pb2.FormatAndSendRequest(request_id=books.new_request_id(), format=READ)
    books.asks("FormatAndSend", message)
    return message


def gone(sequence: int) -> event_pb2.Event:
    """A FileGone with this number."""
    return event_pb2.Event(sequence=sequence, file_gone=event_pb2.FileGone(file_id="f"))


def events(*numbers: int) -> event_pb2.StreamEventsResponse:
    """A message with events of these numbers."""
    return event_pb2.StreamEventsResponse(events=[gone(number) for number in numbers])


def completion(first: int, request_id: int) -> queue_pair_pb2.QueuePairResponse:
    """A message of a queue pair with one completion."""
    entry = queue_pair_pb2.QueueEntry(
        completion=queue_pair_pb2.QueueCompletion(request_id=request_id, information=4, data=b"data")
    )
    return queue_pair_pb2.QueuePairResponse(first_sequence=first, entries=[entry])


class TheBooks(unittest.TestCase):
    """Request ids, events, files."""

    def test_a_request_id_is_never_drawn_twice(self) -> None:
        books = Books()
        drawn = [books.new_request_id() for _ in range(100)]
        self.assertEqual(len(set(drawn)), 100)
        self.assertNotIn(0, drawn)

    def test_events_come_without_gaps(self) -> None:
        arrivals = Arrivals(Books(), after=4)
        self.assertEqual([event.sequence for event in arrivals.take(events(5, 6))], [5, 6])
        for wrong in (6, 8):
            with self.assertRaises(ProtocolError):
                arrivals.take(events(wrong))

    def test_who_asks_for_all_that_is_kept_begins_anywhere(self) -> None:
        arrivals = Arrivals(Books(), after=0)
        arrivals.take(events(7))
        with self.assertRaises(ProtocolError):
            arrivals.take(events(9))

    def test_a_file_is_in_the_books_until_it_is_gone(self) -> None:
        books = Books()
        books.answered("CreateWdfFile", file_pb2.CreateWdfFileResponse(hresult=0x80070005))
        self.assertEqual(books.files, set())
        books.answered("CreateWdfFile", file_pb2.CreateWdfFileResponse(file_id="f"))
        self.assertEqual(books.files, {"f"})
        books.process(gone(1))
        self.assertEqual((books.files, books.processed), (set(), 1))

    def test_a_completion_of_a_queue_pair_is_completed_from_the_submission(self) -> None:
        books = Books()
        (event,) = Arrivals(books, 0).take(completion(9, sent(books).request_id))
        done = event.request_completed
        self.assertEqual((event.sequence, done.file_id, done.device_offset, done.data), (9, "f", 8, b"data"))

    def test_what_was_sent_is_forgotten_when_it_is_acknowledged_and_not_before(self) -> None:
        books = Books()
        request_id = sent(books).request_id
        for _ in range(2):  # told again, because it was not acknowledged
            (event,) = Arrivals(books, 0).take(completion(1, request_id))
            books.process(event)
        self.assertEqual(books.completions, 1)
        books.acknowledge(1)
        with self.assertRaises(ProtocolError):
            Arrivals(books, 0).take(completion(1, request_id))


class TheSubmissions(unittest.TestCase):
    """Who gets which result."""

    def setUp(self) -> None:
        self.submissions = Submissions()
        self.answers: dict[str, Any] = {}

    def submit(self, name: str, method: str, message: Any) -> None:
        self.submissions.submit(method, message, lambda reply, error: self.answers.update({name: reply or error}))

    def test_of_an_accepted_send_nothing_is_said(self) -> None:
        self.submit("send", "FormatAndSend", request_pb2.FormatAndSendRequest(request_id=1))
        self.submit("close", "Close", file_pb2.CloseRequest(file_id="f"))
        self.submit("later", "FormatAndSend", request_pb2.FormatAndSendRequest(request_id=2))
        self.submissions.take(queue_pair_pb2.QueuePairResponse(submissions_taken=2))
        self.assertEqual(self.answers["send"].hresult, 0)
        self.assertEqual(set(self.answers), {"send"}, "a Close has its own result, and the third is not taken yet")

    def test_a_result_belongs_to_its_number(self) -> None:
        self.submit("one", "FormatAndSend", request_pb2.FormatAndSendRequest(request_id=1))
        self.submit("two", "FormatAndSend", request_pb2.FormatAndSendRequest(request_id=2))
        refused = queue_pair_pb2.SubmissionRefused(code=5, reason="FILE_GONE")
        result = queue_pair_pb2.SubmissionResult(submission=2, refused=refused)
        self.submissions.take(queue_pair_pb2.QueuePairResponse(submissions_taken=2, results=[result]))
        self.assertEqual(self.answers["one"].hresult, 0)
        self.assertIsInstance(self.answers["two"], Refused)
        self.assertEqual(self.answers["two"].as_json()["code"], "NOT_FOUND")

    def test_who_waits_is_told_when_the_stream_is_lost(self) -> None:
        self.submit("one", "Close", file_pb2.CloseRequest(file_id="f"))
        error = ConnectionError()
        self.submissions.lost(error)
        self.assertIs(self.answers["one"], error)


if __name__ == "__main__":
    unittest.main()
