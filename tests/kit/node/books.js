// What a client remembers about one session. No I/O.
//
// Laws: request ids are never used twice; events are taken once, in order, without gaps; an event is acknowledged when
// it has been processed, not when it arrived; a file is in the books until its FileGone; a completion is paired with
// what was sent by its request id alone, because it may come before the reply of the Send.

import { Refused, SUBMISSIONS } from './contract.js';

const KINDS = {
  read: 'IO_KIND_READ',
  write: 'IO_KIND_WRITE',
  device_control: 'IO_KIND_DEVICE_CONTROL',
  flush: 'IO_KIND_FLUSH_BUFFERS',
  query_information: 'IO_KIND_QUERY_INFORMATION',
  set_information: 'IO_KIND_SET_INFORMATION',
};

const SENDS = ['FormatAndSend', 'SendRequest'];

/** The server broke the contract. */
export class ProtocolError extends Error {}

/** One session's books. */
export class Books {
  /** The number of the last event that was processed: from here on events are wanted after a lost connection. */
  processed = 0;
  /** Completions that were processed. */
  completions = 0;
  /** Files that were created and are not gone. */
  files = new Set();
  #nextRequestId = 1;
  #sent = new Map();
  #completed = new Map(); // numbers of events, and whose completions they are

  /** A number for a create or a request: never 0, never one of before. Counting up keeps the server's record short. */
  newRequestId() {
    return this.#nextRequestId++;
  }

  /** A call is about to be made: written down first, because its completion may overtake its reply. */
  asks(method, request) {
    if (method === 'FormatAndSend') this.#sent.set(String(request.request_id), request.format);
  }

  /** A call was answered. */
  answered(method, reply) {
    if (method === 'CreateWdfFile' && !reply.hresult) this.files.add(reply.file_id);
  }

  /** What a request was sent with. */
  sent(id) {
    if (!this.#sent.has(id)) throw new ProtocolError(`request ${id} completed, and was never sent`);
    return this.#sent.get(id);
  }

  /** An event has been dealt with; the server may be told. */
  process({ sequence, request_completed, file_gone }) {
    if (Number(sequence) <= this.processed) return; // told again, because it was not acknowledged
    this.processed = Number(sequence);
    if (request_completed) {
      this.completions += 1;
      this.#completed.set(this.processed, request_completed.request_id);
    }
    if (file_gone) this.files.delete(file_gone.file_id);
  }

  /** The server is being told, and these events will not come again: what was sent is forgotten now, not before. */
  acknowledge(through) {
    for (const [sequence, id] of this.#completed) {
      if (sequence > Number(through)) break;
      this.#completed.delete(sequence);
      this.#sent.delete(id);
    }
  }
}

/** The events of one stream, as they arrive: those behind the number `after`. */
export class Arrivals {
  #books;
  #last;

  constructor(books, after) {
    this.#books = books;
    this.#last = after;
  }

  /** The events in a message of StreamEvents or QueuePair. */
  take(message) {
    const events = message.events ?? (message.entries ?? []).map((entry, place) => this.#event(message, entry, place));
    for (const { sequence } of events) {
      // Who asks for all that is kept (after 0) gets what comes behind the last acknowledged one.
      if (this.#last && Number(sequence) !== this.#last + 1) {
        throw new ProtocolError(`event ${sequence} came after event ${this.#last}`);
      }
      this.#last = Number(sequence);
    }
    return events;
  }

  #event({ first_sequence }, { event, completion }, place) {
    const sequence = String(Number(first_sequence) + place);
    return event ?? { sequence, request_completed: completed(completion, this.#books.sent(completion.request_id)) };
  }
}

/** A completion together with what its own submission said, as StreamEvents has it. */
function completed(completion, format) {
  const kind = Object.keys(KINDS).find((name) => format[name] !== undefined);
  const io = format[kind];
  const said = {
    file_id: format.file_id,
    io_kind: KINDS[kind],
    ioctl_code: io.code,
    device_offset: io.device_offset,
    output_offset: io.output_memory?.offset,
    input_offset: io.input_memory?.offset,
  };
  return { ...Object.fromEntries(Object.entries(said).filter(([, value]) => value !== undefined)), ...completion };
}

/** The submission side of one queue pair: who waits for which result. Numbers begin at 1 on each stream. */
export class Submissions {
  #count = 0;
  #waiting = new Map(); // by number, in order

  /** Numbers a submission; `answer` gets the reply or the error. The caller puts it on the stream in this order. */
  submit(method, request, answer) {
    this.#count += 1;
    this.#waiting.set(this.#count, { method, answer });
    return { [SUBMISSIONS[method]]: request };
  }

  /** Passes results on. Of a Send that was taken and of which nothing is said, the result is S_OK. */
  take(message) {
    for (const { submission, refused, ...results } of message.results ?? []) {
      const [reply] = Object.values(results);
      this.#settle(Number(submission), refused ? Refused.fromSubmission(refused) : undefined, reply);
    }
    for (const [number, { method }] of this.#waiting) {
      if (number > Number(message.submissions_taken ?? 0)) break;
      if (SENDS.includes(method)) this.#settle(number, undefined, {});
    }
  }

  /** The stream is over: whoever waits is told. What was submitted may or may not have been taken. */
  lost(error) {
    for (const number of [...this.#waiting.keys()]) this.#settle(number, error);
  }

  #settle(number, error, reply) {
    const { answer } = this.#waiting.get(number);
    this.#waiting.delete(number);
    if (error) answer.reject(error);
    else answer.resolve(reply);
  }
}
