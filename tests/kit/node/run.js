// Plays the kit's cases with Node's own gRPC library, and reports in the Test Anything Protocol.
// The exit code is 0 when no case failed.

import { readFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

import { load } from './cases.js';
import { Connection, Session } from './client.js';
import { Player, isFailure } from './player.js';

const HERE = path.dirname(fileURLToPath(import.meta.url));
const OPTIONS = {
  endpoint: { type: 'string', default: '127.0.0.1:50051' }, // where the server listens
  road: { type: 'string', default: 'unary' }, // or queue-pair
  cases: { type: 'string', default: path.join(HERE, '..', 'cases') }, // the folder of the cases
  case: { type: 'string', multiple: true, default: [] }, // play only this one; may be repeated
  has: { type: 'string', multiple: true, default: [] }, // what the server has besides stacks: pipes
  patience: { type: 'string', default: '10' }, // seconds to wait for what must happen
};

async function main() {
  const { values: options } = parseArgs({ options: OPTIONS });
  if (!['unary', 'queue-pair'].includes(options.road)) throw new Error(`no such road: ${options.road}`);
  console.log('TAP version 13');
  console.log(`# Node ${process.versions.node}, @grpc/grpc-js ${versionOf('@grpc/grpc-js')}, road ${options.road}`);
  const cases = load(options.cases, options.case);
  console.log(`1..${cases.length}`);
  let failed = 0;
  for (const [place, play] of cases.entries()) {
    if (!(await report(place + 1, play, options))) failed += 1;
  }
  process.exitCode = failed ? 1 : 0;
}

/** Plays one case and prints its line; false when it failed. */
async function report(number, play, options) {
  const reason = skipped(play, options);
  if (reason) {
    console.log(`ok ${number} - ${play.name} # SKIP ${reason}`);
    return true;
  }
  const begun = performance.now();
  const patience = Number(options.patience) * 1000;
  const lab = new Connection(options.endpoint, patience);
  try {
    await new Player(play, lab, () => new Session(options.endpoint, options.road, patience), patience).play();
  } catch (error) {
    console.log(`not ok ${number} - ${play.name}\n  ---\n  failed: ${isFailure(error) ? error.message : error.stack}`);
    console.log(`  law: ${play.law}\n  rules: ${play.rules.join(', ')}\n  fix: ${play.fix}\n  ...`);
    return false;
  } finally {
    lab.close();
  }
  console.log(`ok ${number} - ${play.name} # ${Math.round(performance.now() - begun)} ms`);
  return true;
}

function skipped(play, options) {
  const missing = (play.needs ?? []).filter((need) => !options.has.includes(need));
  if (missing.length) return `the server has no ${missing.join(', ')}`;
  return play.roads && !play.roads.includes(options.road) ? 'this case is for the other road' : undefined;
}

function versionOf(name) {
  return JSON.parse(readFileSync(path.join(HERE, 'node_modules', name, 'package.json'), 'utf8')).version;
}

await main();
