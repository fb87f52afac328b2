// Cases as data: loading them, filling in names, and comparing what came with what was expected.
//
// Laws: see "The format" in ../README.md. It does no I/O with a server.

import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';

const NAME = /\$\{([a-z][a-z0-9_.]*)\}/g;
const HEXADECIMAL = /^0x[0-9A-Fa-f]{1,16}$/;

/** Something is not as the case expects it. */
export class Mismatch extends Error {}

/** The cases of a folder in the order of their names, or only those that are asked for. */
export function load(folder, names) {
  const files = readdirSync(folder).filter((file) => file.endsWith('.json'));
  const cases = files.sort().map((file) => JSON.parse(readFileSync(path.join(folder, file), 'utf8')));
  const unknown = names.filter((name) => !cases.some((one) => one.name === name));
  if (unknown.length) throw new Error(`no such case: ${unknown.join(', ')}`);
  return names.length ? cases.filter((one) => names.includes(one.name)) : cases;
}

/** What `${name}` stands for. Request ids and UUIDs that a case declares are drawn when they are first mentioned. */
export class Names {
  #draw;
  #values;

  constructor(draw, values = new Map()) {
    this.#draw = draw;
    this.#values = values;
  }

  static of({ request_ids = [], uuids = [] }, newRequestId, newUuid) {
    const ids = request_ids.map((name) => [name, newRequestId]);
    return new Names(new Map([...ids, ...uuids.map((name) => [name, newUuid])]));
  }

  /** Gives a name its value. */
  set(name, value) {
    this.#values.set(name, String(value));
  }

  /** Names for one round of a repetition: what is drawn or set there is forgotten after it. */
  scope() {
    return new Names(this.#draw, new Map(this.#values));
  }

  /** A piece of a case with names, hexadecimal numbers and bytes replaced by what they stand for. */
  fill(value) {
    if (Array.isArray(value)) return value.map((inner) => this.fill(inner));
    if (isObject(value)) {
      return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, this.fill(inner)]));
    }
    if (typeof value !== 'string') return value;
    const text = value.replaceAll(NAME, (_, name) => this.#value(name));
    if (text.startsWith('text:')) return Buffer.from(text.slice(5)).toString('base64');
    if (text.startsWith('hex:')) return Buffer.from(text.slice(4), 'hex').toString('base64');
    return HEXADECIMAL.test(text) ? String(BigInt(text)) : text;
  }

  #value(name) {
    if (!this.#values.has(name)) {
      if (!this.#draw.has(name)) {
        throw new Mismatch(`the case uses \${${name}} before anything has given it a value`);
      }
      this.set(name, this.#draw.get(name)());
    }
    return this.#values.get(name);
  }
}

/** Throws `Mismatch` unless `actual` has all that `expected` names. Fields that are not named may be anything. */
export function compare(expected, actual, where) {
  if (Array.isArray(expected)) {
    const found = actual ?? [];
    if (!Array.isArray(found) || found.length !== expected.length) {
      throw new Mismatch(`${where}: expected ${expected.length} elements ${shown(expected)}, got ${shown(actual)}`);
    }
    expected.forEach((inner, place) => compare(inner, found[place], `${where}.${place}`));
  } else if (isObject(expected) && Object.keys(expected).join() === 'one_of') {
    if (!expected.one_of.some((choice) => matches(choice, actual))) {
      throw new Mismatch(`${where}: expected one of ${shown(expected.one_of)}, got ${shown(actual)}`);
    }
  } else if (isObject(expected)) {
    if (!isObject(actual)) throw new Mismatch(`${where}: expected ${shown(expected)}, got ${shown(actual)}`);
    for (const [key, inner] of Object.entries(expected)) compare(inner, actual[key], `${where}.${key}`);
  } else if (expected === '*') {
    if (text(actual) === '') throw new Mismatch(`${where}: expected any value, got none`);
  } else if (text(expected) !== text(actual)) {
    throw new Mismatch(`${where}: expected ${shown(expected)}, got ${shown(actual)}`);
  }
}

/** Whether `compare` would be content. */
export function matches(expected, actual) {
  try {
    compare(expected, actual, '');
    return true;
  } catch (error) {
    if (error instanceof Mismatch) return false;
    throw error;
  }
}

/** What stands at a path such as `0.callback_invoked.callback_id`. */
export function pick(value, where) {
  const found = where.split('.').reduce((inner, key) => inner?.[key], value);
  if (found === undefined || found === null) throw new Mismatch(`there is nothing at ${where} to be saved`);
  return found;
}

function isObject(value) {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Numbers of 64 bits are texts in JSON, and a field with its default value is absent: all of that is equal. */
function text(value) {
  if (isObject(value)) return JSON.stringify(value);
  return [undefined, null, 0, '0', false].includes(value) ? '' : String(value);
}

/** For people: HRESULTs and control codes in hexadecimal. */
function shown(value) {
  const number = /^\d+$/.test(String(value)) ? BigInt(value) : 0n;
  return number > 0xffffn ? `0x${number.toString(16).toUpperCase()}` : (JSON.stringify(value) ?? 'nothing');
}
