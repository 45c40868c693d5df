import { setTimeout as pause } from 'node:timers/promises';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { postgresPath, startPostgres, withoutPostgres } from '../../../tools/postgres.mjs';
import { redisPath, startRedis, withoutRedis } from '../../../tools/redis.mjs';
import {
  addPipeline,
  jobTitle,
  prometheusText,
  queueBackend,
  queueStatus,
  removeWaiting,
  retryFailed,
  waitForPipeline,
  work,
  type JobData,
  type QueueBackend,
  type QueuedPipeline,
  type WorkEvent,
  type Working,
  type WorkOptions,
} from './index.ts';

const pipeline: QueuedPipeline = {
  pipeline: '/work/pipeline.yaml',
  sha256: 'a'.repeat(64),
  output: '/work/out',
  set: [],
  work: 'w',
};
const partOf = ({ shard, again }: JobData): string => (shard ? `${shard.index}${again ? ' again' : ''}` : 'merge');

let queues = 0;
const open = (url: string): Promise<QueueBackend> => queueBackend({ url, name: `test-${process.pid}-${queues++}` });

/** Workers of one test, stopped at its end. */
const working: Working[] = [];
async function start(backend: QueueBackend, options: WorkOptions): Promise<WorkEvent[]> {
  const events: WorkEvent[] = [];
  working.push(await work(backend, { lockMilliseconds: 1000, ...options, onEvent: (event) => events.push(event) }));
  return events;
}
beforeEach(() => async () => {
  await Promise.all(working.splice(0).map((each) => each.stop()));
});
const until = async (met: () => Promise<boolean> | boolean): Promise<void> => {
  await expect.poll(met, { timeout: 30_000, interval: 25 }).toBe(true);
};
const counts = async (backend: QueueBackend) => (await queueStatus(backend)).counts;
const isDone = (backend: QueueBackend, jobs: number) => async () => (await counts(backend)).completed === jobs;

interface Server {
  readonly url: string;
  end(): Promise<void> | void;
}

/** What holds on every database. */
function testQueue(startServer: () => Promise<Server>): void {
  let server: Server;
  let backend: QueueBackend;
  beforeAll(async () => void (server = await startServer()));
  afterAll(() => server.end());
  beforeEach(async () => void (backend = await open(server.url)));

  test('has the merge done once, after all parts', async () => {
    const added = await addPipeline(backend, pipeline, { shards: 5 });
    expect(added).toMatchObject({ added: 6, jobs: 6 });
    const done: string[] = [];
    await start(backend, {
      concurrency: 3,
      async perform(data) {
        await pause(5);
        done.push(partOf(data));
      },
    });
    await until(isDone(backend, 6));
    expect(done.at(-1)).toBe('merge');
    expect([...done].sort()).toEqual(['1', '2', '3', '4', '5', 'merge']);
  });

  test('has parts that fit together run again: the first when all are there, the others after it, the merge last', async () => {
    expect(await addPipeline(backend, pipeline, { shards: 3, fits: true })).toMatchObject({ added: 4, jobs: 4 });
    const [done, titles]: string[][] = [[], []];
    const broken = new Set(['2 again']);
    const perform = async (data: JobData): Promise<void> => {
      await pause(5);
      const part = partOf(data);
      if (broken.has(part)) {
        // A merge that fails once does not begin the fit again.
        if (part === 'merge') broken.clear();
        throw new Error('no');
      }
      done!.push(part);
      titles!.push(jobTitle(data));
    };
    const events = await start(backend, { concurrency: 3, perform });
    await until(() => events.some(({ type }) => type === 'set-aside'));
    expect(done!.slice(0, 3).sort()).toEqual(['1', '2', '3']);
    expect(done!.slice(3)).toEqual(['1 again', '3 again']);
    expect((await counts(backend)).waitingForParts).toBe(1);
    expect((await queueStatus(backend)).failed).toMatchObject([{ title: 'pipeline.yaml place 2/3' }]);
    expect(await addPipeline(backend, pipeline, { shards: 3, fits: true })).toMatchObject({ added: 0 });
    broken.delete('2 again');
    broken.add('merge');
    expect(await retryFailed(backend)).toBe(1);
    await until(isDone(backend, 7));
    expect(done!.slice(5)).toEqual(['2 again', 'merge']);
    expect(titles!.slice(3)).toEqual(
      ['fit', 'place 3/3', 'place 2/3', 'merge'].map((title) => `pipeline.yaml ${title}`),
    );
    // Where results are gone, all of it is done again.
    const again = { shards: 3, fits: true, resultsGone: true };
    expect(await addPipeline(backend, pipeline, again)).toMatchObject({ added: 4 });
    await until(() => done!.length === 14);
    expect([done!.slice(7, 10).sort(), done![10], done!.slice(11, 13).sort(), done![13]]).toEqual([
      ['1', '2', '3'],
      '1 again',
      ['2 again', '3 again'],
      'merge',
    ]);
  });

  test('takes the same pipeline once, waiting or done, and another one beside it', async () => {
    await addPipeline(backend, pipeline, { shards: 2 });
    expect(await addPipeline(backend, pipeline, { shards: 2 })).toMatchObject({ added: 0 });
    const done: string[] = [];
    await start(backend, { perform: (data) => Promise.resolve(void done.push(`${data.output} ${partOf(data)}`)) });
    await until(isDone(backend, 3));
    expect(await addPipeline(backend, pipeline, { shards: 2 })).toMatchObject({ added: 0 });
    expect(await addPipeline(backend, { ...pipeline, output: '/other' }, { shards: 1 })).toMatchObject({ added: 2 });
    await until(isDone(backend, 5));
    expect(done).toHaveLength(5);
  });

  test('does a pipeline again that is done and whose results are gone', async () => {
    const add = (resultsGone: boolean) => addPipeline(backend, pipeline, { shards: 2, resultsGone });
    expect(await add(true)).toMatchObject({ added: 3, done: false });
    expect(await add(true)).toMatchObject({ added: 0, done: false });
    const done: string[] = [];
    await start(backend, { perform: (data) => Promise.resolve(void done.push(partOf(data))) });
    await until(isDone(backend, 3));
    expect(await add(false)).toMatchObject({ added: 0, done: true, setAside: 0 });
    expect(await add(true)).toMatchObject({ added: 3, jobs: 3, done: false });
    await until(() => done.length === 6);
    expect([done.slice(3, 5).sort(), done[5]]).toEqual([['1', '2'], 'merge']);
  });

  test('sets a part aside after three tries on two workers, with the reasons; it goes on when it is tried again', async () => {
    await addPipeline(backend, pipeline, { shards: 3 });
    let broken = true;
    const done: string[] = [];
    const perform = (data: JobData): Promise<void> => {
      if (broken && data.shard?.index === 2) return Promise.reject(new Error('a frame that kills'));
      done.push(partOf(data));
      return Promise.resolve();
    };
    const events = await start(backend, { perform, name: 'first' });
    await start(backend, { perform, name: 'second' });
    await until(async () => (await counts(backend)).failed === 1);
    const { failed, counts: then, workers } = await queueStatus(backend);
    expect(failed).toMatchObject([{ title: 'pipeline.yaml 2/3', pipeline: '/work/pipeline.yaml' }]);
    expect(failed[0]!.failures.map(({ reason }) => reason)).toEqual(Array(3).fill('a frame that kills'));
    expect(new Set(failed[0]!.failures.map(({ worker }) => worker))).toEqual(new Set(['first', 'second']));
    expect(then).toMatchObject({ waitingForParts: 1, completed: 2, active: 0 });
    expect(workers).toBe(2);
    expect(done).not.toContain('merge');
    expect(events.filter(({ type }) => type === 'started').length).toBeGreaterThan(0);

    broken = false;
    expect(await retryFailed(backend)).toBe(1);
    await until(isDone(backend, 4));
    expect(done.at(-1)).toBe('merge');
    expect(await retryFailed(backend)).toBe(0);
  });

  test('tries a part three times where there is one worker only', async () => {
    await addPipeline(backend, pipeline, { shards: 1 });
    const events = await start(backend, { perform: () => Promise.reject(new Error('no')) });
    await until(() => events.some(({ type }) => type === 'set-aside'));
    expect(events.flatMap((event) => ('attempt' in event ? [[event.type, event.attempt]] : []))).toEqual([
      ['failed', 1],
      ['failed', 2],
      ['set-aside', 3],
    ]);
  });

  test('a worker that is stopped gives its part back, and the attempt does not count', async () => {
    await addPipeline(backend, pipeline, { shards: 1 });
    const seen: number[] = [];
    const first = await work(backend, {
      name: 'first',
      perform: (_, { signal }) => {
        seen.push(1);
        return new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason as Error)));
      },
    });
    await until(() => seen.length === 1);
    await first.stop();
    expect(await counts(backend)).toMatchObject({ active: 0, failed: 0 });
    await start(backend, { perform: () => Promise.resolve(void seen.push(2)) });
    await until(isDone(backend, 2));
    expect(seen).toEqual([1, 2, 2]);
  });

  test('a worker that drains ends its part and takes no other', async () => {
    await addPipeline(backend, pipeline, { shards: 4 });
    let [begun, ended] = [0, 0];
    const one = await work(backend, {
      async perform() {
        begun++;
        await pause(300);
        ended++;
      },
    });
    await until(() => begun === 1);
    await one.drain();
    expect([begun, ended]).toEqual([1, 1]);
    expect(await counts(backend)).toMatchObject({ completed: 1, active: 0, waiting: 3 });
  });

  test('a part that another worker is still at waits, and is not counted as failed', async () => {
    await addPipeline(backend, pipeline, { shards: 1 });
    const events = await start(backend, {
      perform: () => Promise.reject(Object.assign(new Error('is writing here'), { code: 'E_OUTPUT_BUSY' })),
    });
    await until(async () => (await counts(backend)).delayed === 1);
    expect(events.map(({ type }) => type)).toEqual(['started']);
  });

  test('jobs with a priority come in its order, and removing what waits leaves no merge that begins', async () => {
    await addPipeline(backend, { ...pipeline, output: '/late' }, { shards: 1, priority: 9 });
    await addPipeline(backend, { ...pipeline, output: '/early' }, { shards: 1, priority: 1 });
    await addPipeline(backend, { ...pipeline, output: '/never' }, { shards: 3 });
    expect(await removeWaiting(backend)).toBe(8);
    expect(Object.values(await counts(backend)).every((count) => count === 0)).toBe(true);
    await addPipeline(backend, { ...pipeline, output: '/late' }, { shards: 1, priority: 9 });
    await addPipeline(backend, { ...pipeline, output: '/early' }, { shards: 1, priority: 1 });
    const done: string[] = [];
    await start(backend, { perform: ({ output, shard }) => Promise.resolve(void (shard && done.push(output))) });
    await until(isDone(backend, 4));
    expect(done).toEqual(['/early', '/late']);
  });

  test('that is full takes nothing more until there is room', async () => {
    await addPipeline(backend, pipeline, { shards: 3 });
    let full = 0;
    const adding = addPipeline(
      backend,
      { ...pipeline, output: '/second' },
      { shards: 1, maxWaiting: 2, onFull: (waiting) => void (full = waiting) },
    );
    await until(() => full === 3);
    expect((await counts(backend)).waiting).toBe(3);
    await start(backend, { perform: () => Promise.resolve() });
    expect(await adding).toMatchObject({ added: 2 });
    const controller = new AbortController();
    controller.abort(new Error('enough'));
    await expect(addPipeline(backend, pipeline, { shards: 1, signal: controller.signal })).rejects.toThrow('enough');
  });

  test('shows its counts as Prometheus reads them', async () => {
    await addPipeline(backend, pipeline, { shards: 2 });
    const text = prometheusText(await queueStatus(backend));
    expect(text).toContain('# TYPE deepearth_queue_jobs gauge\n');
    expect(text).toMatch(/^deepearth_queue_jobs\{queue="test-\d+-\d+",state="waiting"\} 2$/m);
    expect(text).toMatch(/^deepearth_queue_workers\{queue="test-\d+-\d+"\} 0$/m);
    for (const line of text.trimEnd().split('\n')) expect(line).toMatch(/^(# (HELP|TYPE) \w+ .+|\w+\{[^}]*\} \d+)$/);
  });
}

describe.skipIf(!redisPath)(`a queue on Redis${withoutRedis}`, () => testQueue(startRedis));
describe.skipIf(!postgresPath)(`a queue on PostgreSQL${withoutPostgres}`, () => testQueue(startPostgres));

describe.skipIf(!redisPath)(`a server that goes away${withoutRedis}`, () => {
  test('and comes back with what it knew: no job is lost', async () => {
    const server = await startRedis({ persistent: true });
    try {
      const backend = await open(server.url);
      await addPipeline(backend, pipeline, { shards: 8 });
      const done: string[] = [];
      const events = await start(backend, {
        async perform(data) {
          await pause(50);
          done.push(partOf(data));
        },
      });
      await until(() => done.length >= 3);
      await server.stop();
      await pause(200);
      await server.start();
      await until(isDone(backend, 9));
      expect(new Set(done)).toEqual(new Set(['1', '2', '3', '4', '5', '6', '7', '8', 'merge']));
      expect(events.some(({ type }) => type === 'trouble')).toBe(true);
      await Promise.all(working.splice(0).map((each) => each.stop()));
    } finally {
      await server.end();
    }
  });

  test('and comes back with nothing: what is added again is done', async () => {
    const server = await startRedis();
    try {
      const backend = await open(server.url);
      await addPipeline(backend, pipeline, { shards: 6 });
      const done: string[] = [];
      await start(backend, {
        async perform(data) {
          await pause(50);
          done.push(partOf(data));
        },
      });
      await until(() => done.length >= 2);
      await server.stop();
      await server.start();
      expect((await counts(backend)).completed).toBeLessThanOrEqual(1);
      expect((await addPipeline(backend, pipeline, { shards: 6 })).jobs).toBe(7);
      await until(isDone(backend, 7));
      expect(new Set(done)).toEqual(new Set(['1', '2', '3', '4', '5', '6', 'merge']));
      // Where the result is there by then, whoever waits for it puts nothing back.
      await server.stop();
      await server.start();
      const lost: number[] = [];
      const waited = { shards: 6, everyMilliseconds: 10, onLost: (added: number) => void lost.push(added) };
      expect(await waitForPipeline(backend, pipeline, { ...waited, isMade: () => Promise.resolve(true) })).toEqual([]);
      expect([lost, (await counts(backend)).completed]).toEqual([[], 0]);
      let looks = 0;
      const later = { ...waited, isMade: () => Promise.resolve(looks++ > 0) };
      expect(await waitForPipeline(backend, pipeline, later)).toEqual([]);
      expect([lost, (await counts(backend)).completed]).toEqual([[7], 7]);
      await Promise.all(working.splice(0).map((each) => each.stop()));
    } finally {
      await server.end();
    }
  });
});

test('a URL that is none of a queue is refused without its password', async () => {
  await expect(open('http://me:secret@host/0')).rejects.toThrow(
    expect.objectContaining({ code: 'E_QUEUE_URL', message: 'http://host/0 is not the URL of a queue.' }) as Error,
  );
  await expect(open('here')).rejects.toThrow(/"here" is not the URL of a queue/);
  await expect(open('redis:6379')).rejects.toThrow(/"redis:6379" is not the URL of a queue/);
  await expect(open('redis:me:secret@host')).rejects.toThrow(/^"…@host" is not the URL of a queue/);
});
