// What the queue itself costs: node benchmarks/queue.mjs [JOBS, 10000]
// Adds the parts of a pipeline and their merge as one flow, and has them done by two workers of 16 jobs at a time that
// do nothing, on a Redis of its own. Prints jobs a second, and the same with BullMQ alone. Needs redis-server.

import { FlowProducer, Worker } from 'bullmq';
import { addPipeline, queueBackend, queueStatus, work } from '@deepearth/queue';
import { startRedis } from '../tools/redis.mjs';

const jobs = Number(process.argv[2] ?? 10_000);
const server = await startRedis();
const concurrency = 16;

async function ours() {
  const backend = await queueBackend({ url: server.url, name: 'ours' });
  const pipeline = { pipeline: '/p.yaml', sha256: '0'.repeat(64), output: '/out', set: [], work: 'w' };
  let begun = performance.now();
  await addPipeline(backend, pipeline, { shards: jobs });
  const add = performance.now() - begun;
  begun = performance.now();
  let left = jobs + 1;
  const end = deferred();
  const onEvent = ({ type }) => type === 'done' && --left === 0 && end.resolve();
  const workers = await Promise.all(
    ['a', 'b'].map((name) => work(backend, { name, concurrency, perform: async () => undefined, onEvent })),
  );
  await end.promise;
  const done = performance.now() - begun;
  const { counts } = await queueStatus(backend);
  await Promise.all(workers.map((worker) => worker.drain()));
  if (counts.failed > 0) throw new Error(`${counts.failed} jobs failed`);
  return { add, done };
}

async function bare() {
  const { port } = new URL(server.url);
  const connection = { host: '127.0.0.1', port: Number(port) };
  const flows = new FlowProducer({ connection });
  let begun = performance.now();
  const children = Array.from({ length: jobs }, (_, i) => ({ name: 'shard', queueName: 'bare', data: { i } }));
  await flows.add({ name: 'merge', queueName: 'bare', children });
  const add = performance.now() - begun;
  begun = performance.now();
  let left = jobs + 1;
  const end = deferred();
  const perform = async () => undefined;
  const workers = ['a', 'b'].map(
    () => new Worker('bare', perform, { connection: { ...connection, maxRetriesPerRequest: null }, concurrency }),
  );
  for (const worker of workers) worker.on('completed', () => --left === 0 && end.resolve());
  await end.promise;
  const done = performance.now() - begun;
  await Promise.all([flows.close(), ...workers.map((worker) => worker.close())]);
  return { add, done };
}

function deferred() {
  let resolve;
  const promise = new Promise((settle) => (resolve = settle));
  return { promise, resolve };
}

try {
  console.log('| | added, jobs/s | done, jobs/s |\n| --- | --- | --- |');
  for (const [name, measure] of [
    ['this package', ours],
    ['BullMQ alone', bare],
  ]) {
    const { add, done } = await measure();
    const rate = (milliseconds) => Math.round((jobs + 1) / (milliseconds / 1000));
    console.log(`| ${name} | ${rate(add)} | ${rate(done)} |`);
  }
} finally {
  await server.end();
}
