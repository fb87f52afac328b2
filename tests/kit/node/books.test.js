// The books of a client, without a server: what must hold in whatever language they are written again. `node --test`.

import assert from 'node:assert/strict';
import { beforeEach, test } from 'node:test';

import { Arrivals, Books, ProtocolError, Submissions } from './books.js';

const READ = { file_id: 'f', read: { device_offset: '8', output_memory: { size: '4' } } };

function sent(books) {
  const request_id = String(books.newRequestId());
  books.asks('FormatAndSend', { request_id, format: READ });
  return request_id;
}

const gone = (sequence) => ({ sequence: String(sequence), file_gone: { file_id: 'f' } });
const events = (...numbers) => ({ events: numbers.map(gone) });
const completion = (first_sequence, request_id) => ({
  first_sequence: String(first_sequence),
  entries: [{ completion: { request_id, information: '4', data: 'ZGF0YQ==' } }],
});

let books;
beforeEach(() => {
  books = new Books();
});

test('a request id is never drawn twice', () => {
  const drawn = new Set(Array.from({ length: 100 }, () => books.newRequestId()));
  assert.equal(drawn.size, 100);
  assert.ok(!drawn.has(0));
});

test('events come without gaps', () => {
  for (const wrong of [6, 8]) {
    const arrivals = new Arrivals(books, 4);
    assert.deepEqual(arrivals.take(events(5, 6)), [gone(5), gone(6)]);
    assert.throws(() => arrivals.take(events(wrong)), ProtocolError);
  }
});

test('who asks for all that is kept begins anywhere', () => {
  const arrivals = new Arrivals(books, 0);
  arrivals.take(events(7));
  assert.throws(() => arrivals.take(events(9)), ProtocolError);
});

test('a file is in the books until it is gone', () => {
  books.answered('CreateWdfFile', { hresult: 0x80070005 });
  assert.deepEqual([...books.files], []);
  books.answered('CreateWdfFile', { file_id: 'f' });
  assert.deepEqual([...books.files], ['f']);
  books.process(gone(1));
  assert.deepEqual([[...books.files], books.processed], [[], 1]);
});

test('a completion of a queue pair is completed from the submission', () => {
  const [{ sequence, request_completed }] = new Arrivals(books, 0).take(completion(9, sent(books)));
  assert.equal(sequence, '9');
  const { file_id, io_kind, device_offset, data } = request_completed;
  assert.deepEqual([file_id, io_kind, device_offset, data], ['f', 'IO_KIND_READ', '8', 'ZGF0YQ==']);
});

test('what was sent is forgotten when it is acknowledged and not before', () => {
  const request_id = sent(books);
  for (let time = 0; time < 2; time += 1) {
    const [event] = new Arrivals(books, 0).take(completion(1, request_id)); // told again: it was not acknowledged
    books.process(event);
  }
  assert.equal(books.completions, 1);
  books.acknowledge(1);
  assert.throws(() => new Arrivals(books, 0).take(completion(1, request_id)), ProtocolError);
});

/** Submits calls, and gives what becomes of each. */
function submitted(submissions, ...methods) {
  return methods.map((method) => {
    const outcome = {};
    const answer = { resolve: (reply) => (outcome.reply = reply), reject: (error) => (outcome.error = error) };
    submissions.submit(method, {}, answer);
    return outcome;
  });
}

test('of an accepted send nothing is said', () => {
  const submissions = new Submissions();
  const outcomes = submitted(submissions, 'FormatAndSend', 'Close', 'FormatAndSend');
  submissions.take({ submissions_taken: '2' });
  assert.deepEqual(outcomes, [{ reply: {} }, {}, {}], 'a Close has its own result, and the third is not taken yet');
});

test('a result belongs to its number', () => {
  const submissions = new Submissions();
  const [one, two] = submitted(submissions, 'FormatAndSend', 'FormatAndSend');
  const refused = { code: 5, reason: 'FILE_GONE' };
  submissions.take({ submissions_taken: '2', results: [{ submission: '2', refused }] });
  assert.deepEqual(one, { reply: {} });
  assert.deepEqual([two.error.code, two.error.reason], ['NOT_FOUND', 'FILE_GONE']);
});

test('who waits is told when the stream is lost', () => {
  const submissions = new Submissions();
  const [one] = submitted(submissions, 'Close');
  const error = new Error('lost');
  submissions.lost(error);
  assert.equal(one.error, error);
});
