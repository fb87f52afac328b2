// A client of one session: calls, events, acknowledgements, on either road. This is what a client author copies: one
// stream brings events, everything else is a call. It does not know what a case is.

import { randomUUID } from 'node:crypto';

import { Arrivals, Books, Submissions } from './books.js';
import { Refused, isSubmission, metadataOf, stubs } from './contract.js';

/** A connection to the server. `patience` in milliseconds is the deadline of every call. */
export class Connection {
  #stubs;
  #patience;
  #open = new Set();

  constructor(endpoint, patience) {
    this.#stubs = stubs(endpoint);
    this.#patience = patience;
  }

  /** Asks and waits for the reply. Rejects with `Refused`. */
  call(method, request, sessions = []) {
    return this.start(method, request, sessions).answer;
  }

  /** Asks. Every call names its session by metadata; the lab's calls need none. */
  start(method, request, sessions) {
    let call;
    const answer = new Promise((resolve, reject) => {
      const options = { deadline: Date.now() + this.#patience };
      call = this.#stubs.methods[method](request, metadataOf(sessions), options, (error, reply) => {
        this.#open.delete(call);
        if (error) reject(Refused.fromError(error));
        else resolve(reply);
      });
    });
    this.#open.add(call);
    return { answer: observed(answer), cancel: () => call.cancel() };
  }

  /** Opens StreamEvents or a QueuePair. It has no deadline: heartbeats tell that it is alive. */
  stream(method, session, ...request) {
    const stream = this.#stubs.methods[method](...request, metadataOf([session]));
    this.#open.add(stream);
    return stream;
  }

  /** Ends everything on this connection, as a lost one does. */
  close() {
    for (const call of this.#open) call.cancel();
    this.#open.clear();
    this.#stubs.close();
  }
}

/** One session of one client; `road` is `unary` or `queue-pair`. Nothing is asked until a call is made. */
export class Session {
  uuid = randomUUID();
  books = new Books();
  #reader;

  constructor(endpoint, road, patience) {
    Object.assign(this, { endpoint, road, patience });
    this.connection = new Connection(endpoint, patience);
  }

  // --- calls ---

  /** Makes a call and gives the reply. Rejects with `Refused`. */
  call(method, request, unary = false) {
    return this.start(method, request, unary).answer;
  }

  /** Makes a call: the promise of its `answer`, and `cancel`, which stops waiting. That cancels no I/O (MAP-5). */
  start(method, request, unary = false) {
    this.books.asks(method, request);
    const submits = this.#hasQueuePair() && !unary && isSubmission(method, request);
    const started = submits
      ? this.#reader.submit([[method, request]])[0]
      : this.connection.start(method, request, [this.uuid]);
    return this.#entered(method, started);
  }

  /** Makes several calls: in one message on a queue pair, else each after the reply of the one before it. */
  async batch(calls) {
    for (const [method, request] of calls) this.books.asks(method, request);
    if (this.#hasQueuePair()) {
      return this.#reader.submit(calls).map((started, place) => this.#entered(calls[place][0], started));
    }
    const started = [];
    for (const [method, request] of calls) {
      const call = this.#entered(method, this.connection.start(method, request, [this.uuid]));
      await call.answer.catch(() => {}); // whoever looks at the answer sees what came of it
      started.push(call);
    }
    return started;
  }

  #entered(method, { answer, cancel }) {
    const entered = within(this.patience, `answer to ${method}`, answer).then((reply) => {
      this.books.answered(method, reply);
      return reply;
    });
    return { answer: observed(entered), cancel };
  }

  // --- events ---

  /**
   * Opens the stream of events behind the last one that was processed, or behind a given one. It takes over from an
   * older one, whose end is given back.
   */
  async listen(after = this.books.processed) {
    const old = this.#reader;
    this.#reader = new Reader(this.connection, this.road, this.uuid, this.books, Number(after));
    await within(this.patience, 'sign of life on the stream', this.#reader.registered);
    return old && within(this.patience, 'end of the old stream', old.over);
  }

  /** Waits for the next event. Rejects with `Ended` when there is none left. */
  nextEvent() {
    return this.#reader.events.take(this.patience, 'event');
  }

  /** The event has been dealt with, and the server need not keep it. */
  async processed(event, acknowledge = true) {
    this.books.process(event);
    if (acknowledge) await this.acknowledge(event.sequence);
  }

  /** Tells the server that events up to this number were processed. Rejects with `Refused`. */
  async acknowledge(sequence) {
    this.books.acknowledge(sequence);
    if (this.#hasQueuePair() && (await this.#reader.acknowledge(sequence))) return;
    await this.connection.call('AcknowledgeEvents', { through_sequence: sequence }, [this.uuid]);
  }

  /** Waits for the next heartbeat after this call. */
  heartbeat() {
    this.#reader.heartbeats.clear();
    return this.#reader.heartbeats.take(this.patience, 'heartbeat');
  }

  // --- the connection ---

  /** Loses the connection, and with it what had arrived and was not processed. */
  async drop() {
    this.connection.close();
    await this.#reader?.over;
    this.#reader = undefined;
  }

  /** Connects again. The session is as it was for as long as its lease. */
  reconnect() {
    this.connection = new Connection(this.endpoint, this.patience);
  }

  /** Once the stream is over, every call is a unary one. */
  #hasQueuePair() {
    return this.road === 'queue-pair' && this.#reader?.isOpen;
  }
}

/** The stream of events is over; `refused` says why, undefined when it ended in order. */
export class Ended extends Error {
  constructor(refused) {
    super(refused ? `the stream ended: ${refused.message}` : 'the stream ended in order');
    this.refused = refused;
  }
}

/** Something that must happen did not, while patience lasted. */
export class TimedOut extends Error {}

/**
 * What reads StreamEvents or a QueuePair. `registered` settles when the server has answered on it, `over` with its end:
 * `Ended`, or what broke the contract.
 */
class Reader {
  events = new Mailbox();
  heartbeats = new Mailbox();
  isOpen = true;
  #arrivals;
  #submissions = new Submissions();
  #stream;

  constructor(connection, road, session, books, after) {
    this.#arrivals = new Arrivals(books, after);
    if (road === 'queue-pair') {
      this.#stream = connection.stream('QueuePair', session);
      this.#stream.write({ after_sequence: after });
    } else {
      this.#stream = connection.stream('StreamEvents', session, { after_sequence: after });
    }
    this.registered = new Promise((resolve) => {
      this.#stream.once('data', resolve);
      this.over = this.#read();
      this.over.then(resolve);
    });
  }

  /** Puts calls on the stream, in one message; each answer comes by itself. */
  submit(calls) {
    if (!this.isOpen) throw new Ended();
    const answers = [];
    const submissions = calls.map(([method, request]) => {
      const answer = new Promise((resolve, reject) => {
        answers.push({ resolve, reject });
      });
      answers.at(-1).answer = observed(answer);
      return this.#submissions.submit(method, request, answers.at(-1));
    });
    this.#stream.write({ submissions });
    return answers.map(({ answer, reject }) => ({ answer, cancel: () => reject(new Error('abandoned')) }));
  }

  /**
   * Puts an acknowledgement on the stream, ahead of every later submission and call; false if the stream is over.
   * Without waiting for the write a unary call made later could overtake it, CloseSession for one.
   */
  async acknowledge(sequence) {
    if (!this.isOpen) return false;
    const written = new Promise((resolve) => this.#stream.write({ acknowledged_sequence: sequence }, resolve));
    await Promise.race([written, this.over]);
    return this.isOpen;
  }

  async #read() {
    const end = await new Promise((resolve) => {
      this.#stream.on('data', (message) => {
        try {
          this.#take(message);
        } catch (error) {
          resolve(error); // a broken contract must not leave anybody waiting
          this.#stream.cancel();
        }
      });
      this.#stream.on('error', (error) => resolve(new Ended(Refused.fromError(error))));
      this.#stream.on('end', () => resolve(new Ended()));
    });
    this.isOpen = false;
    this.#submissions.lost(end);
    this.events.end(end);
    this.heartbeats.end(end);
    return end;
  }

  #take(message) {
    this.#submissions.take(message);
    for (const event of this.#arrivals.take(message)) this.events.put(event);
    if (message.heartbeat) this.heartbeats.put(message.heartbeat);
  }
}

/** What arrived and nobody has taken yet: bounded by what the server keeps unacknowledged. */
class Mailbox {
  #arrived = [];
  #end;
  #taker;

  put(item) {
    this.#arrived.push(item);
    this.#taker?.();
  }

  /** Nothing will arrive any more; what is here can still be taken. */
  end(error) {
    this.#end = error;
    this.#taker?.();
  }

  clear() {
    this.#arrived.length = 0;
  }

  /** Waits for the next one, for `patience` milliseconds. */
  async take(patience, what) {
    if (!this.#arrived.length && !this.#end) {
      await within(patience, what, new Promise((resolve) => (this.#taker = resolve)));
    }
    if (this.#arrived.length) return this.#arrived.shift();
    throw this.#end;
  }
}

/** What a promise gives, unless patience (in milliseconds) ends first. */
async function within(patience, what, promise) {
  let timer;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new TimedOut(`no ${what} came within ${patience / 1000} s`)), patience);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}

/** A promise whose rejection is no fault of the program when nobody ever looks at it. */
function observed(promise) {
  promise.catch(() => {});
  return promise;
}
