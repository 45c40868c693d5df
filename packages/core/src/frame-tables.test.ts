import { expect, test } from 'vitest';
import { z } from 'zod';
import { frameTables, mergeFrameTables, wholeTable } from './frame-tables.ts';
import type { Clip, Frame } from './items.ts';
import { jsonText } from './json-pieces.ts';
import { memoryStore } from './memory-store.ts';
import { definePipeline, use } from './pipeline.ts';
import { readManifest } from './read-manifest.ts';
import { run } from './run.ts';
import { spec } from './specs.ts';
import { defineSink, defineSource } from './stage.ts';

async function gathered<T>(items: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const item of items) all.push(item);
  return all;
}

const frame = (number: number, more: Partial<Frame> & { uri?: string; page?: number } = {}): Frame => {
  const { uri = `scene/${number}.png`, page, sequence = 'scene', ...rest } = more;
  return {
    kind: 'frame',
    id: `${sequence}/frame-${number}`,
    key: String(number),
    sequence,
    number,
    width: 2,
    height: 2,
    locator: { source: 'source/frames', uri, ...(page !== undefined && { page }) },
    read: () => Promise.reject(new Error('not read')),
    ...rest,
  };
};

test('has one table for each sequence of each source, with the columns that frames fill', () => {
  const frames = frameTables();
  frames.see('a', frame(616, { at: '2024-02-22T10:15:00Z', seconds: 0 }));
  frames.see('b', frame(0, { uri: 'rain.mp4', sequence: 'rain' }));
  frames.see('a', frame(617));
  frames.see('b', frame(1, { uri: 'rain.mp4', sequence: 'rain' }));
  frames.see('a', frame(0, { sequence: 'stack', uri: 'stack.tif', page: 0 }));
  frames.see('a', frame(1, { sequence: 'stack', uri: 'other.tif' }));
  expect(frames.tables().map(wholeTable)).toEqual([
    {
      stage: 'a',
      sequence: 'scene',
      count: 2,
      numbers: [616, 617],
      files: ['scene/616.png', 'scene/617.png'],
      at: ['2024-02-22T10:15:00Z', null],
      seconds: [0, null],
    },
    { stage: 'a', sequence: 'stack', count: 2, numbers: [0, 1], files: ['stack.tif', 'other.tif'], pages: [0, null] },
    { stage: 'b', sequence: 'rain', count: 2, numbers: [0, 1], files: 'rain.mp4' },
  ]);
});

test('takes each frame of stored tokens once, though clips overlap and repeat their last frame', () => {
  const frames = frameTables();
  const clip = (numbers: readonly number[]) => ({
    kind: 'tokens',
    id: '',
    key: '',
    clip: { frames: numbers.map((number) => frame(number)) } as unknown as Clip,
  });
  frames.see('tokens', clip([0, 1, 2, 3]));
  frames.see('tokens', clip([2, 3, 4, 4]));
  expect([...frames.tables()[0]!.numbers]).toEqual([0, 1, 2, 3, 4]);
});

test('parts of a run share frames at their ends, the merged table has them once', () => {
  const part = (numbers: readonly number[]) => {
    const frames = frameTables();
    for (const number of numbers) frames.see('a', frame(number, { seconds: number }));
    return frames.tables().map(wholeTable);
  };
  expect(mergeFrameTables([part([0, 1, 2, 3]), part([2, 3, 4])])).toEqual(part([0, 1, 2, 3, 4]));
});

test('100,000 frames are some megabytes of text, in pieces, and JSON', async () => {
  const frames = frameTables();
  for (let number = 0; number < 100_000; number++)
    frames.see('a', frame(number, { at: new Date(number * 60_000).toISOString(), seconds: number * 60 }));
  const manifest = { format: 2, frames: frames.tables(), warnings: [] };
  const pieces: string[] = [];
  for await (const piece of jsonText(manifest)) pieces.push(piece);
  expect(Math.max(...pieces.map(({ length }) => length))).toBeLessThan(10_000);
  const text = pieces.join('');
  expect(JSON.parse(text)).toEqual({ ...manifest, frames: manifest.frames.map(wholeTable) });
  expect(text.length).toBeLessThan(7e6);
});

test('a manifest has the frames of a run, and a stage sees those that lead to it once they have come', async () => {
  const source = (name: string) =>
    defineSource({
      type: name,
      summary: 'Frames.',
      options: z.strictObject({}),
      examples: [],
      describe: () => ({ output: spec('frame', { height: 2, width: 2, channels: 3 }, 'uint8', 2) }),
      async *process(_, context) {
        context.recordInput({ path: `${name}.txt`, bytes: 1, sha256: 'ab' });
        context.recordFinding('seen', name);
        context.log.warn(`${name} warns`);
        yield frame(0, { sequence: name });
        yield frame(1, { sequence: name });
      },
    });
  const seen: unknown[] = [];
  const sink = defineSink({
    type: 'look',
    summary: 'Looks at the manifest.',
    options: z.strictObject({}),
    examples: [],
    joins: 'merged',
    describe: () => ({ output: spec('artifact', {}, null) }),
    async *process(items, context) {
      for await (const _ of items);
      const { inputs, outputs, ...rest } = context.manifest();
      seen.push({ ...rest, inputs: await gathered(inputs), outputs: await gathered(outputs) });
    },
  });
  const store = memoryStore();
  const { manifest } = await run(
    definePipeline([
      use(source('one')),
      use(source('two')),
      use(source('other')),
      use(sink, {}, { id: 'look', from: ['two', 'one'] }),
      use(sink, {}, { id: 'rest', from: ['other'] }),
    ]),
    { store },
  ).result;
  expect(manifest.frames?.map(({ stage, sequence, numbers }) => [stage, sequence, numbers])).toEqual([
    ['one', 'one', [0, 1]],
    ['two', 'two', [0, 1]],
    ['other', 'other', [0, 1]],
  ]);
  expect(await readManifest(store)).toEqual(manifest);
  const look = seen.find((each) => (each as { message: string }).message.startsWith('Written by look')) as object;
  expect(look).toMatchObject({
    status: 'unfinished',
    inputs: [{ path: 'one.txt' }, { path: 'two.txt' }],
    frames: [{ stage: 'one' }, { stage: 'two' }],
    outputs: [],
    stages: [
      { id: 'one', in: 0, out: 2, skipped: 0, findings: { seen: 'one' } },
      { id: 'two', in: 0, out: 2, skipped: 0, findings: { seen: 'two' } },
    ],
    warnings: [
      { stage: 'one', message: 'one warns' },
      { stage: 'two', message: 'two warns' },
    ],
  });
  expect(look).not.toHaveProperty('times');
});
