// Plays one case on a client of `client.js`, and judges what comes back.
//
// Laws: the steps run one after the other; every wait is bounded by the patience of the client; a step or a key that is
// not known here fails the case; after the last step the books are balanced, whatever the case was about. It knows
// nothing of roads and connections.

import { randomUUID } from 'node:crypto';

import { ProtocolError } from './books.js';
import { Mismatch, Names, compare, matches, pick } from './cases.js';
import { Ended, TimedOut } from './client.js';
import { LAB_METHODS, Refused, asJson, request } from './contract.js';

/** What each step may say besides its own key. */
const CALL = ['message', 'reply', 'error', 'save', 'unary', 'metadata', 'session', 'eventually'];
const KEYS = {
  call: CALL,
  driver: ['layer', 'reply', 'error', 'session', 'eventually'],
  start: ['message', 'as', 'session', 'unary'],
  finish: ['reply', 'error', 'save'],
  abandon: [],
  batch: ['session'],
  expect: ['session', 'in_any_order', 'save', 'acknowledge'],
  acknowledge: ['session'],
  heartbeat: ['session'],
  stream_ends: ['session'],
  open_files: ['session'],
  drop: [],
  resume: ['after'],
  listen: ['session', 'after', 'old_stream_ends'],
  repeat: ['steps'],
};

/** What says that a case failed, and is no fault of this program. */
export function isFailure(error) {
  return [Mismatch, Refused, Ended, TimedOut, ProtocolError].some((kind) => error instanceof kind);
}

export class Player {
  #case;
  #lab;
  #connect;
  #patience;
  #sessions = new Map();
  #started = new Map();
  #balances = new Map();
  #plugged;
  #names;

  /** `lab` makes calls without a session; `connect` gives a new session, which has asked nothing yet. */
  constructor(play, lab, connect, patience) {
    this.#case = play;
    this.#lab = lab;
    this.#connect = connect;
    this.#patience = patience;
    this.#names = Names.of(play, () => [...this.#sessions.values()][0].books.newRequestId(), randomUUID);
  }

  /** Plays the case from beginning to end. */
  async play() {
    try {
      await this.#plug();
      for (const [name, terms] of Object.entries(this.#case.sessions ?? { main: {} })) await this.#open(name, terms);
      await this.#steps(this.#case.steps, this.#names);
      for (const name of this.#sessions.keys()) await this.#settle(name);
    } catch (error) {
      await this.#leave().catch(() => {}); // of interest is why it failed
      throw error;
    }
    await this.#leave();
  }

  /** Closes connections, and unplugs: the server ends a forgotten session, and keeps a template for ever. */
  async #leave() {
    for (const session of this.#sessions.values()) await session.drop();
    if (this.#plugged) await this.#lab.call('UnplugStack', { name: this.#plugged });
  }

  // --- before and after the steps ---

  async #plug() {
    const { stack } = this.#case;
    if (typeof stack === 'string') {
      this.#names.set('stack', stack);
      return;
    }
    const name = `kit-${randomUUID().slice(0, 13)}`;
    await this.#lab.call('PlugStack', request('PlugStack', { name, ...stack }));
    this.#plugged = name;
    this.#names.set('stack', name);
  }

  async #open(name, terms) {
    const session = this.#connect();
    this.#sessions.set(name, session);
    this.#names.set(name, session.uuid);
    const fields = this.#names.fill({ stack: '${stack}', client_name: 'kit', ...terms.open });
    const reply = await session.call('OpenSession', request('OpenSession', fields));
    this.#names.set(`${name}.stack`, reply.session.stack);
    for (const [limit, value] of Object.entries(this.#case.limits ?? {})) {
      compare(value, reply.session.limits[limit], `the server's limit ${limit}`);
    }
    if (terms.stream !== false) await session.listen();
  }

  /** What holds after every case: nothing unread, nothing outstanding, one completion for each accepted Send. */
  async #settle(name) {
    const session = this.#sessions.get(name);
    const terms = this.#case.sessions?.[name] ?? {};
    if (terms.ends === 'by itself') return;
    const { findings } = await this.#lab.call('ListFindings', this.#names.fill({ stack: `\${${name}.stack}` }));
    const rules = (findings ?? []).map((finding) => finding.rule);
    compare(terms.findings ?? [], rules, `findings about the stack of session ${name}`);
    if (!this.#balances.has(name)) this.#balances.set(name, await session.call('CloseSession', {}));
    const { files_left_open: left, balance } = this.#balances.get(name);
    compare(terms.files_left_open ?? 0, left, 'files that were not closed');
    if (terms.stream !== false) {
      await this.#readRest(session, ['session_ending', 'finding_recorded', ...(left ? ['file_gone'] : [])]);
    }
    compare(0, balance?.outstanding, 'outstanding requests in the final balance');
    const seen = session.books.completions + (terms.completions_not_read ?? 0);
    compare(seen, balance?.accepted, 'accepted requests in the final balance, and completions seen');
  }

  async #readRest(session, allowed) {
    const end = await this.#endOf(session, (event) => {
      if (!allowed.some((body) => body in event)) {
        throw new Mismatch(`an event came that the case does not know of: ${JSON.stringify(event)}`);
      }
    });
    if (end.refused) throw new Mismatch(`the stream of events must end in order: ${end.message}`);
  }

  /** Reads on to the end of the stream of events. */
  async #endOf(session, judge) {
    for (;;) {
      try {
        judge(await session.nextEvent());
      } catch (error) {
        if (error instanceof Ended) return error;
        throw error;
      }
    }
  }

  // --- steps ---

  async #steps(steps, names) {
    for (const [place, step] of steps.entries()) {
      const [verb, ...keys] = Object.keys(step);
      try {
        const unknown = verb in KEYS ? keys.find((key) => !KEYS[verb].includes(key)) : verb;
        if (unknown) throw new Mismatch(`this runner does not know \`${unknown}\``);
        await this.#perform[verb](step, names);
      } catch (error) {
        if (!isFailure(error)) throw error;
        const what = typeof step[verb] === 'string' ? ` ${step[verb]}` : '';
        throw new Mismatch(`step ${place + 1} (${verb}${what}): ${error.message}`, { cause: error });
      }
    }
  }

  #session({ session = 'main' }) {
    return this.#sessions.get(session);
  }

  #perform = {
    call: async (step, names) => {
      const deadline = Date.now() + this.#patience;
      for (;;) {
        try {
          return await this.#callOnce(step, names);
        } catch (error) {
          if (!step.eventually || !(error instanceof Mismatch) || Date.now() > deadline) throw error;
        }
      }
    },

    driver: async ({ driver, layer = 1, reply, ...step }, names) => {
      const message = { stack: `\${${step.session ?? 'main'}.stack}`, layer, command: driver };
      const expected = reply === undefined ? {} : { reply: { reply } };
      await this.#perform.call({ ...step, call: 'ControlDriver', message, ...expected }, names);
    },

    start: async (step, names) => {
      const message = request(step.start, names.fill(step.message ?? {}));
      this.#started.set(step.as, this.#session(step).start(step.start, message, step.unary));
    },

    finish: async (step, names) => {
      await this.#judge(step, names, this.#take(step.finish).answer);
    },

    abandon: async (step) => {
      const { answer, cancel } = this.#take(step.abandon);
      cancel();
      await answer.catch(() => {});
    },

    batch: async (step, names) => {
      const calls = step.batch.map(({ call, message }) => [call, request(call, names.fill(message ?? {}))]);
      const started = await this.#session(step).batch(calls);
      for (const [place, { answer }] of started.entries()) await this.#judge(step.batch[place], names, answer);
    },

    expect: async (step, names) => {
      const session = this.#session(step);
      const expected = [...step.expect];
      while (expected.length) {
        const event = await session.nextEvent().catch((error) => {
          if (!(error instanceof TimedOut)) throw error;
          throw new Mismatch(`${error.message}; expected ${JSON.stringify(names.fill(expected[0]))}`);
        });
        const found = step.in_any_order ? expected.findIndex((one) => matches(names.fill(one), event)) : 0;
        const [next] = expected.splice(Math.max(found, 0), 1);
        compare(names.fill(next), event, 'event');
        this.#save(step, names, event);
        await session.processed(event, step.acknowledge);
      }
    },

    acknowledge: async (step, names) => {
      await this.#session(step).acknowledge(names.fill(step.acknowledge));
    },

    heartbeat: async (step, names) => {
      compare(names.fill(step.heartbeat), await this.#session(step).heartbeat(), 'heartbeat');
    },

    stream_ends: async (step) => {
      const end = await this.#endOf(this.#session(step), (event) => {
        throw new Mismatch(`the stream goes on: ${JSON.stringify(event)}`);
      });
      compare(step.stream_ends, endAsJson(end), 'end of the stream');
    },

    open_files: async (step, names) => {
      const files = [...this.#session(step).books.files].sort();
      compare(names.fill(step.open_files).sort(), files, "files in the client's own books");
    },

    drop: async (step) => {
      await this.#sessions.get(step.drop).drop();
    },

    resume: async (step, names) => {
      const session = this.#sessions.get(step.resume);
      session.reconnect();
      await session.listen(names.fill(step.after));
    },

    listen: async (step, names) => {
      const old = await this.#session(step).listen(names.fill(step.after));
      if (step.old_stream_ends) compare(step.old_stream_ends, endAsJson(old), 'end of the old stream');
    },

    repeat: async (step, names) => {
      for (let round = 1; round <= step.repeat; round += 1) {
        const inner = names.scope();
        inner.set('round', round);
        await this.#steps(step.steps, inner);
      }
    },
  };

  async #callOnce(step, names) {
    const message = request(step.call, names.fill(step.message ?? {}));
    if (step.metadata || LAB_METHODS.includes(step.call)) {
      await this.#judge(step, names, this.#lab.call(step.call, message, names.fill(step.metadata ?? [])));
      return;
    }
    const reply = await this.#judge(step, names, this.#session(step).call(step.call, message, step.unary));
    if (step.call === 'CloseSession' && reply) this.#balances.set(step.session ?? 'main', reply);
  }

  #take(name) {
    const started = this.#started.get(name);
    if (!started) throw new Mismatch(`nothing was started as ${name}`);
    this.#started.delete(name);
    return started;
  }

  /** Awaits a reply or an error, compares it with what the step expects, and saves what it asks for. */
  async #judge(step, names, answer) {
    let reply;
    try {
      reply = asJson(await answer);
    } catch (error) {
      if (!(error instanceof Refused) || !step.error) throw error;
      compare(names.fill(step.error), error.asJson(), 'error');
      return undefined;
    }
    if (step.error)
      throw new Mismatch(`expected the error ${JSON.stringify(step.error)}, got ${JSON.stringify(reply)}`);
    compare({ hresult: 0, ...names.fill(step.reply ?? {}) }, reply, 'reply');
    this.#save(step, names, reply);
    return reply;
  }

  #save(step, names, found) {
    for (const [name, where] of Object.entries(step.save ?? {})) names.set(name, pick(found, where));
  }
}

function endAsJson(end) {
  if (!(end instanceof Ended)) throw end ?? new Mismatch('there was no stream');
  return end.refused?.asJson() ?? { code: 'OK' };
}
