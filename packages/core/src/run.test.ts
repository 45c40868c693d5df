import { lastValueFrom, toArray } from 'rxjs';
import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import type { Artifact, Frame, Item, Raster } from './items.ts';
import { memoryStore } from './memory-store.ts';
import { entriesIn, readBooks } from './former-run.ts';
import { mergeRuns } from './merge-runs.ts';
import { definePipeline, use } from './pipeline.ts';
import { readManifest } from './read-manifest.ts';
import { run } from './run.ts';
import { spec } from './specs.ts';
import { defineSink, defineSource, defineTransform, defineWindower, type StageContext } from './stage.ts';
import type { RunStore } from './store.ts';
import { tensor } from './tensor.ts';

const later = (milliseconds = 0): Promise<void> => new Promise((resolve) => setTimeout(resolve, milliseconds));
const raster = (value: number): Raster => ({
  values: tensor('uint8', [1, 1, 3], Uint8Array.of(value, value, value)),
  channels: ['red', 'green', 'blue'],
});

const frameOf = (sequence: string, number: number, read: Frame['read']): Frame => ({
  kind: 'frame',
  id: `${sequence}-${number}`,
  key: `${sequence} ${number}`,
  sequence,
  number,
  width: 1,
  height: 1,
  locator: { source: 'source/plain', uri: `plain:${sequence}`, index: number },
  read,
});

/** Frames of one sequence each, `count` of them; it counts what it makes and knows how to read a frame again. */
const plain = (watch: { made: number } = { made: 0 }) =>
  defineSource({
    type: 'plain',
    summary: 'Frames.',
    options: z.strictObject({ count: z.int().default(10), sequence: z.string().default('plain') }),
    examples: [],
    describe: (_, { options: { count, sequence } }) => ({
      output: { ...spec('frame', { height: 1, width: 1, channels: 3 }, 'uint8', count), sequences: [sequence] },
    }),
    async *process(_, { options: { count, sequence }, frameRange }) {
      const { first, end } = frameRange(sequence);
      for (let number = first; number < Math.min(end, count); number++) {
        watch.made++;
        yield frameOf(sequence, number, async () => raster(number));
      }
    },
    reopen: async ({ index }) => raster(index!),
  });

const pairs = defineWindower({
  type: 'pairs',
  summary: 'Pairs.',
  options: z.strictObject({}),
  examples: [],
  describe: (input) => ({ output: { ...input!, kind: 'clip', count: null } }),
  framesOf: ({ first, end }) => ({ first: 2 * first, end: 2 * end }),
  async *process(frames, { clipRange }) {
    let held: Frame[] = [];
    let index: number | undefined;
    for await (const frame of frames) {
      index ??= clipRange(frame.sequence).first;
      held.push(frame);
      if (held.length < 2) continue;
      const { sequence } = frame;
      const key = held.map(({ key }) => key).join('+');
      yield { kind: 'clip', id: `${sequence}-${index}`, key, sequence, index: index++, frames: held, padded: 0 };
      held = [];
    }
  },
});

const files = defineSink({
  type: 'files',
  summary: 'Writes a file per item.',
  options: z.strictObject({}),
  examples: [],
  joins: 'merged',
  describe: () => ({ output: spec('artifact', {}, null) }),
  each: (item: Item, { output }): Promise<Artifact> =>
    output.write(
      { path: `${item.id}.txt`, mediaType: 'text/plain', key: item.key, about: { kind: item.kind } },
      new TextEncoder().encode(item.key),
    ),
});

/** A stage that does what a test wants with its context, and hands its items on. */
const probe = (act: (context: StageContext, item: Item) => Promise<void> | void) =>
  defineTransform({
    type: 'probe',
    summary: 'Looks.',
    options: z.strictObject({}),
    examples: [],
    describe: (input) => ({ output: input! }),
    each: async (item, context) => {
      await act(context as unknown as StageContext, item);
      return item;
    },
  });

describe('what a stage sends', () => {
  test('is pushed to who subscribes in the same turn, whole, without holding the run', async () => {
    const running = run(definePipeline([use(plain(), { count: 50 }), use(files)]));
    const seen = await lastValueFrom(running.items$('plain').pipe(toArray()));
    expect(seen.map(({ id }) => id)).toEqual(Array.from({ length: 50 }, (_, n) => `plain-${n}`));
    expect((await running.result).manifest.status).toBe('done');
  });

  test('is pulled by a slow program, which the source waits for', async () => {
    const watch = { made: 0 };
    const running = run(definePipeline([use(plain(watch), { count: 100 }), use(files)]));
    let [seen, ahead] = [0, 0];
    for await (const _ of running.items('plain')) {
      ahead = Math.max(ahead, watch.made - ++seen);
      if (seen % 10 === 0) await later(3);
    }
    expect(seen).toBe(100);
    expect(ahead).toBeLessThanOrEqual(3);
    await running.result;
  });

  test('goes on when a program leaves early', async () => {
    const running = run(definePipeline([use(plain(), { count: 30 }), use(files)]));
    for await (const _ of running.items('plain')) break;
    expect((await running.result).manifest.outputs).toHaveLength(30);
  });

  test('is an error for a stage that is not there, and when the run fails', async () => {
    const broken = probe((_, item) => {
      if (item.id === 'plain-3') throw new Error('no such pixel');
    });
    const running = run(definePipeline([use(plain()), use(broken)]));
    await expect(lastValueFrom(running.items$('nowhere'))).rejects.toThrow('The stages are plain, probe.');
    await expect(lastValueFrom(running.items$('probe').pipe(toArray()))).rejects.toThrow('no such pixel');
    await expect(running.result).rejects.toThrow('no such pixel');
  });
});

/** A source of frames that read from one handle, which the run is to close. */
function overOneHandle(log: string[], count = 4) {
  let open = false;
  const handle = defineSource({
    type: 'handle',
    summary: 'Frames over one handle.',
    options: z.strictObject({}),
    examples: [],
    describe: () => ({ output: spec('frame', { height: 1, width: 1, channels: 3 }, 'uint8', count) }),
    async *process(_, { keep }) {
      await keep(
        () => void (open = true),
        () => void ((open = false), log.push('closed')),
      );
      for (let n = 0; n < count; n++)
        yield frameOf('handle', n, async () => {
          if (!open) throw new Error('read after close');
          return raster(n);
        });
      log.push('source ended');
    },
  });
  return { handle, isOpen: () => open };
}

describe('what outlives a stage', () => {
  test.each(['done', 'failed', 'cancelled'])(
    'is open while items need it and closed when the run is %s',
    async (end) => {
      const log: string[] = [];
      const stop = new AbortController();
      const { handle, isOpen } = overOneHandle(log);
      // Everything first, then the pixels: as a renderer behind a fit does.
      const fit = defineTransform({
        type: 'fit',
        summary: 'Waits for all.',
        options: z.strictObject({}),
        examples: [],
        describe: (input) => ({ output: input!, drains: true }),
        async *process(frames: AsyncIterable<Frame>) {
          const all: Frame[] = [];
          for await (const frame of frames) all.push(frame);
          for (const frame of all) {
            log.push(`read ${(await frame.read()).values.data[0]}`);
            if (frame.number === 2 && end === 'failed') throw new Error('broken');
            if (frame.number === 2 && end === 'cancelled') stop.abort();
            yield frame;
          }
        },
      });
      const running = run(definePipeline([use(handle), use(fit), use(files)]), { signal: stop.signal });
      const outcome = await running.result.then(
        ({ manifest }) => manifest.status,
        () => end,
      );
      expect(outcome).toBe(end);
      expect(log.slice(0, 4)).toEqual(['source ended', 'read 0', 'read 1', 'read 2']);
      expect(log.at(-1)).toBe('closed');
      expect(log.filter((line) => line === 'closed')).toHaveLength(1);
      expect(isOpen()).toBe(false);
    },
  );

  test('is open until a program has come to the end of what it pulls, or left', async () => {
    for (const leaves of [false, true]) {
      const log: string[] = [];
      const { handle, isOpen } = overOneHandle(log);
      const running = run(definePipeline([use(handle), use(files)]));
      for await (const frame of running.items('handle')) {
        await later(5);
        log.push(`read ${(await (frame as Frame).read()).values.data[0]}`);
        if (leaves && (frame as Frame).number === 2) break;
      }
      expect((await running.result).manifest).toMatchObject({ status: 'done' });
      expect(log.filter((line) => line !== 'source ended')).toEqual(
        [0, 1, 2, ...(leaves ? [] : [3])].map((n) => `read ${n}`).concat('closed'),
      );
      expect(isOpen()).toBe(false);
    }
  });

  test('fails the run when the process has nothing left to do and a program has not read its items', async () => {
    const running = run(definePipeline([use(overOneHandle([], 1).handle), use(files)]));
    const items = running.items('handle');
    expect(await items.next()).toMatchObject({ value: { id: 'handle-0' } });
    const ended = expect(running.result).rejects.toMatchObject({
      code: 'E_STALLED',
      message: expect.stringContaining('handle') as string,
    });
    await later(20);
    process.emit('beforeExit', 0);
    await ended;
    expect(await items.next()).toMatchObject({ done: true });
  });

  test('is opened once where several stages share it, and closed last first', async () => {
    const log: string[] = [];
    const sharing = probe(async ({ share, id }) => {
      await share(
        'one',
        () => void log.push(`open by ${id}`),
        () => void log.push('close one'),
      );
      await share(
        'two',
        () => void log.push('open two'),
        () => void log.push('close two'),
      );
    });
    const pipeline = definePipeline([
      use(plain(), { count: 3 }),
      use(sharing, {}, { id: 'a', from: 'plain' }),
      use(sharing, {}, { id: 'b', from: 'plain' }),
    ]);
    await run(pipeline).result;
    expect(log).toEqual([expect.stringMatching(/^open by [ab]$/), 'open two', 'close two', 'close one']);
  });

  test('reads a frame again from its locator, or says which source is missing', async () => {
    const seen: number[] = [];
    const again = probe(async ({ reopen }, item) => {
      const { locator } = JSON.parse(JSON.stringify(item)) as Frame;
      seen.push((await reopen(locator)).values.data[0]!);
      await expect(reopen({ ...locator, source: 'source/elsewhere' })).rejects.toThrow(/no source\/elsewhere/);
    });
    await run(definePipeline([use(plain(), { count: 3 }), use(again)])).result;
    expect(seen).toEqual([0, 1, 2]);
  });
});

const pairFiles = definePipeline([use(plain(), { count: 10 }), use(pairs), use(files)]);
const digests = async (store: RunStore): Promise<string[]> => {
  const found: string[] = [];
  for await (const { path } of store.list()) if (path !== 'manifest.json') found.push(path);
  return found;
};

describe('parts of a run', () => {
  const part = async (first: number, end: number): Promise<RunStore> => {
    const store = memoryStore(`part ${first}`);
    await run(pairFiles, { store, range: { first, end } }).result;
    return store;
  };

  test.each([[[0, 2, 5]], [[0, 1, 2, 3, 4, 5]], [[0, 5]]])(
    'cut at %j and merged in any order make the whole',
    async (cuts) => {
      const whole = (await run(pairFiles).result).manifest;
      const parts = await Promise.all(cuts.slice(1).map((end, i) => part(cuts[i]!, end)));
      const into = memoryStore();
      const merged = await mergeRuns(parts.reverse(), into);
      expect(merged.outputs).toEqual(whole.outputs);
      expect(merged.range).toEqual({ first: 0, end: 5 });
      expect(await digests(into)).toEqual(whole.outputs.map(({ path }) => path));
      expect(merged.stages.map(({ id, out }) => [id, out])).toEqual(whole.stages.map(({ id, out }) => [id, out]));
    },
  );

  test('with a gap, of another pipeline, or changed since are refused', async () => {
    await expect(mergeRuns([await part(0, 1), await part(3, 5)], memoryStore())).rejects.toThrow('begins at 3');
    const other = memoryStore('other');
    await run(definePipeline([use(plain(), { count: 3 }), use(files)]), { store: other }).result;
    await expect(mergeRuns([await part(0, 1), other], memoryStore())).rejects.toThrow('another pipeline');
    const changed = await part(0, 1);
    await changed.put('plain-0.txt', new TextEncoder().encode('mine'));
    await expect(mergeRuns([changed], memoryStore())).rejects.toThrow('has changed since its run');
    await expect(mergeRuns([], memoryStore())).rejects.toThrow('no runs to merge');
  });

  test.each([
    [3, 3],
    [-1, 2],
    [0.5, 2],
    [NaN, 2],
  ])('from %d to %d are none', async (first, end) => {
    await expect(run(pairFiles, { range: { first, end } }).result).rejects.toThrow('a range runs from');
  });

  test('need windowers that know which frames a clip needs', async () => {
    const { framesOf: _, ...all } = pairs;
    const pipeline = definePipeline([use(plain()), use(all as typeof pairs), use(files)]);
    await expect(run(pipeline, { range: { first: 0, end: 1 } }).result).rejects.toThrow(
      'windower/pairs makes clips of whole',
    );
  });
});

test('a run is told whether there are several sequences, and the manifest says what files are of and what edges carry', async () => {
  const told: boolean[] = [];
  const look = probe(({ severalSequences }) => void told.push(severalSequences));
  const two = definePipeline([
    use(plain(), { sequence: 'north', count: 1 }, { id: 'north' }),
    use(look, {}, { id: 'look' }),
    use(plain(), { sequence: 'south', count: 1 }, { id: 'south' }),
    use(files, {}, { from: ['look', 'south'] }),
  ]);
  const { manifest } = await run(two).result;
  expect(told).toEqual([true]);
  expect(manifest.outputs.map(({ path, about }) => [path, about?.kind])).toEqual([
    ['north-0.txt', 'frame'],
    ['south-0.txt', 'frame'],
  ]);
  expect(manifest.stages.find(({ id }) => id === 'look')!.spec).toMatchObject({ kind: 'frame', sequences: ['north'] });
  await run(definePipeline([use(plain(), { count: 1 }), use(look)])).result;
  expect(told).toEqual([true, false]);
});

describe('the manifest', () => {
  /** Two ways from one source that skip items and warn, in an order that depends on timing. */
  const noisy = () => {
    const slow = (name: string, wait: () => number) =>
      defineTransform({
        type: name,
        summary: 'Skips and warns.',
        options: z.strictObject({}),
        examples: [],
        describe: (input) => ({ output: input! }),
        each: async (item: Item, { log }) => {
          await later(wait());
          log.warn(`saw ${item.id}`);
          if (/[13]$/.test(item.id)) throw new Error('odd');
          return { ...item, id: `${name}-${item.id}` } as Frame;
        },
      });
    return definePipeline([
      use(plain(), { count: 4 }),
      use(
        slow('left', () => 4),
        {},
        { from: 'plain', onError: 'skip' },
      ),
      use(
        slow('right', () => turns.shift() ?? 0),
        {},
        { from: 'plain', onError: 'skip' },
      ),
      use(files, {}, { from: ['left', 'right'] }),
    ]);
  };
  let turns: number[] = [];

  test('of two runs is the same but for its times', async () => {
    const manifests = [];
    for (const waits of [[], [20, 0, 20, 0], [0, 0, 0, 30]]) {
      turns = waits;
      const { manifest } = await run(noisy()).result;
      manifests.push(manifest);
    }
    const [first, ...others] = manifests.map(({ times, ...rest }) => {
      expect(Object.keys(times)).toEqual(['startedAt', 'finishedAt', 'seconds', 'busySeconds']);
      return JSON.stringify(rest);
    });
    expect(manifests[0]!.skipped).toHaveLength(4);
    expect(others).toEqual([first, first]);
  });

  test('of format 1 is read as one of format 2, and its files are resumed from', async () => {
    const store = memoryStore();
    const { manifest } = await run(definePipeline([use(plain(), { count: 2 }), use(files)]), { store }).result;
    const { times, stages, ...rest } = manifest;
    const { busySeconds, ...runTimes } = times;
    const old = {
      ...rest,
      ...runTimes,
      format: 1,
      stages: stages.map((stage) => ({ ...stage, busySeconds: busySeconds[stage.id] })),
    };
    await store.put('manifest.json', new TextEncoder().encode(JSON.stringify(old)));
    expect(await readManifest(store)).toEqual(manifest);
    expect([...entriesIn(await readBooks(store)).keys()]).toEqual(['plain-0.txt', 'plain-1.txt']);
  });
});

test('a run whose plan needs more memory than there is ends before anything is read, with the number', async () => {
  let read = 0;
  const greedy = defineTransform({
    type: 'greedy',
    summary: 'Holds much.',
    options: z.strictObject({}),
    examples: [],
    describe: (input) => ({ output: input!, memoryBytes: 3 * 2 ** 30 }),
    each: (item) => (read++, item),
  });
  const pipeline = definePipeline([use(plain(), { count: 1 }), use(greedy, {})]);
  const store = memoryStore();
  await expect(run(pipeline, { store, maxMemoryBytes: 2 ** 31 }).result).rejects.toMatchObject({
    code: 'E_MEMORY',
    message: expect.stringMatching(/3\.00 GiB.*greedy.*2\.00 GiB/) as string,
  });
  expect([read, await store.has('manifest.json')]).toEqual([0, false]);
  await run(pipeline, { store, maxMemoryBytes: 4 * 2 ** 30 }).result;
  expect(read).toBe(1);
});
