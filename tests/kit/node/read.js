// From nothing to a completed read: `node read.js [ADDRESS]` against a running lowerdeckd.

import { randomUUID } from 'node:crypto';
import { fileURLToPath } from 'node:url';

import grpc from '@grpc/grpc-js';
import protoLoader from '@grpc/proto-loader';

const contract = protoLoader.loadSync(['lowerdeck/v1/session.proto', 'lowerdeck/v1/device.proto'], {
  includeDirs: [fileURLToPath(new URL('../../../proto', import.meta.url))],
  ...{ keepCase: true, longs: String, enums: String, defaults: true, oneofs: true },
});
const { SessionService, DeviceService } = grpc.loadPackageDefinition(contract).lowerdeck.v1;

const address = process.argv[2] ?? '127.0.0.1:50051';
const sessions = new SessionService(address, grpc.credentials.createInsecure());
const device = new DeviceService(address, grpc.credentials.createInsecure());
const metadata = new grpc.Metadata();
metadata.set('lowerdeck-session', randomUUID()); // names the session, on every call

await call(sessions, 'OpenSession', { stack: 'scripted' });
const { file_id } = await call(device, 'CreateWdfFile', { request_id: 1 });
const read = { device_offset: 0, output_memory: { size: 4 } };
await call(device, 'FormatAndSend', { request_id: 2, format: { file_id, read } });
const events = device.StreamEvents({ after_sequence: 0 }, metadata);
const { sequence, request_completed } = await firstEvent(events, 'request_completed');
console.log(request_completed.data.toString('hex'));
await call(device, 'AcknowledgeEvents', { through_sequence: sequence });
await call(device, 'Close', { file_id });
await call(sessions, 'CloseSession', {});

for await (const _ of events); // the stream ends by itself after the session's last event
for (const client of [sessions, device]) client.getChannel().close(); // device.close() is the RPC Close

/** A unary call as a promise; none waits for ever. */
function call(client, method, request) {
  const options = { deadline: Date.now() + 10_000 };
  return new Promise((resolve, reject) => {
    client[method](request, metadata, options, (error, reply) => (error ? reject(error) : resolve(reply)));
  });
}

/** What was accepted completes with one event, which may come before the reply and among others. */
async function firstEvent(stream, kind) {
  for await (const { events: batch } of stream.iterator({ destroyOnReturn: false })) {
    const found = batch.find(({ body }) => body === kind);
    if (found) return found;
  }
  throw new Error(`the stream ended without ${kind}`);
}
