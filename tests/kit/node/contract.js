// The wire contract as this runner sees it: methods by name, messages as JSON, and refusals. Stubs are made from the
// .proto files when the program starts. Knows nothing of cases, sessions and roads.

import path from 'node:path';
import { fileURLToPath } from 'node:url';

import grpc from '@grpc/grpc-js';
import protoLoader from '@grpc/proto-loader';

const KIT = path.dirname(path.dirname(fileURLToPath(import.meta.url)));
const CONTRACT = path.resolve(KIT, '..', '..', 'proto');
const SERVICES = ['SessionService', 'DeviceService', 'LabService'];
const FILES = ['session', 'device', 'lab'].map((name) => `lowerdeck/v1/${name}.proto`);

// Messages come out as the JSON in which cases are written: names as in the .proto files, enums by name, 64-bit
// numbers as texts (above 2^53 they are no numbers of JavaScript), bytes in base64, nothing for a default value.
const OPTIONS = { keepCase: true, longs: String, enums: String, bytes: String };

const definition = protoLoader.loadSync([...FILES, 'google/rpc/status.proto'], {
  ...OPTIONS,
  includeDirs: [CONTRACT, KIT],
});
const v1 = grpc.loadPackageDefinition(definition).lowerdeck.v1;
const Status = definition['google.rpc.Status'];
const ErrorInfo = definition['google.rpc.ErrorInfo'];

/** The metadata entry that names the session on every call. */
export const SESSION_KEY = 'lowerdeck-session';

/** The flag of a Send that waits for the completion; a queue pair refuses it. */
const SYNCHRONOUS = 0x2;

/** Methods that need no session. */
export const LAB_METHODS = Object.keys(v1.LabService.service);

/** Methods that can travel on a queue pair, and what a Submission calls them. */
export const SUBMISSIONS = Object.fromEntries(
  definition['lowerdeck.v1.Submission'].type.field.map((field) => [field.typeName.replace(/Request$/, ''), field.name]),
);

const DURATION = 'google.protobuf.Duration';

/** The message of a call, from protobuf's JSON. Throws for a field that the contract does not have. */
export function request(method, fields) {
  const service = SERVICES.find((name) => method in v1[name].service);
  if (!service) throw new Error(`the contract has no method ${method}`);
  return message(v1[service].service[method].requestType.type.name, fields);
}

function message(type, fields) {
  const known = definition[`lowerdeck.v1.${type}`].type.field;
  const entries = Object.entries(fields).map(([key, value]) => {
    const field = known.find(({ name }) => name === key);
    if (!field) throw new Error(`${type} has no field ${key}`);
    if (field.typeName.endsWith(DURATION)) return [key, duration(value)];
    if (field.type !== 'TYPE_MESSAGE') return [key, value];
    const inner = (one) => message(field.typeName.split('.').at(-1), one);
    return [key, Array.isArray(value) ? value.map(inner) : inner(value)];
  });
  return Object.fromEntries(entries);
}

/** A duration such as "1.500s": the one kind of message here that protobuf's JSON writes as a text. */
function duration(text) {
  const seconds = Number.parseFloat(text);
  return { seconds: Math.trunc(seconds), nanos: Math.round((seconds % 1) * 1e9) };
}

const DURATIONS = new Set(
  Object.values(definition)
    .flatMap(({ type }) => type?.field ?? [])
    .filter(({ typeName }) => typeName?.endsWith(DURATION))
    .map(({ name }) => name),
);

/** A reply in protobuf's JSON, from what the stubs give. */
export function asJson(value, key) {
  if (Array.isArray(value)) return value.map((inner) => asJson(inner));
  if (typeof value !== 'object' || value === null) return value;
  if (DURATIONS.has(key)) {
    const fraction = value.nanos
      ? `.${String(value.nanos)
          .padStart(9, '0')
          .replace(/(000){1,2}$/, '')}`
      : '';
    return `${value.seconds ?? 0}${fraction}s`;
  }
  return Object.fromEntries(Object.entries(value).map(([inner, found]) => [inner, asJson(found, inner)]));
}

/** Whether a call can travel on a queue pair. */
export function isSubmission(method, request) {
  const waits = request.options && Number(request.options.flags ?? 0) & SYNCHRONOUS;
  return method in SUBMISSIONS && !waits;
}

/** The question was refused: a gRPC status with google.rpc.ErrorInfo, or a SubmissionRefused; both say the same. */
export class Refused extends Error {
  /** `reason` is what programs decide by; `message` is for people. */
  constructor(code, reason, message, metadata) {
    super(`${grpc.status[code]} ${reason}: ${message}`);
    this.code = grpc.status[code];
    this.reason = reason;
    this.metadata = metadata;
  }

  /** What a failed call says, from the status details that every error of Lowerdeck carries. */
  static fromError(error) {
    for (const bytes of error.metadata?.get('grpc-status-details-bin') ?? []) {
      for (const detail of Status.deserialize(bytes).details ?? []) {
        if (detail.type_url.endsWith('/google.rpc.ErrorInfo')) {
          const info = ErrorInfo.deserialize(Buffer.from(detail.value, 'base64'));
          return new Refused(error.code, info.reason, error.details, info.metadata ?? {});
        }
      }
    }
    return new Refused(error.code, '', error.details, {});
  }

  /** The same from a queue pair. */
  static fromSubmission(refused) {
    return new Refused(refused.code, refused.reason, refused.message, refused.metadata ?? {});
  }

  /** As a case expects it. */
  asJson() {
    return { code: this.code, reason: this.reason, metadata: this.metadata };
  }
}

/** A connection of its own to the server, and every method of the contract by its name, which no two services share. */
export function stubs(endpoint) {
  const clients = SERVICES.map((name) => {
    const options = { 'grpc.use_local_subchannel_pool': 1 };
    return [name, new v1[name](endpoint, grpc.credentials.createInsecure(), options)];
  });
  const methods = {};
  for (const [name, client] of clients) {
    for (const method of Object.keys(v1[name].service)) {
      methods[method] = client[method].bind(client);
    }
  }
  // Not client.close(): that is the RPC Close of DeviceService.
  const close = () => clients.forEach(([, client]) => client.getChannel().close());
  return { methods, close };
}

/** Metadata that names a session; with more than one, the malformed kind. */
export function metadataOf(sessions) {
  const metadata = new grpc.Metadata();
  for (const session of sessions) metadata.add(SESSION_KEY, session);
  return metadata;
}
