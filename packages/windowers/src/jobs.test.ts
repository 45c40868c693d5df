// Jobs that a pipeline is cut into make the clips of the whole, each once, from the frames that these need.

import {
  defineEncoder,
  defineSource,
  defineTransform,
  definePipeline,
  plan,
  run,
  spec,
  use,
  workList,
  type Clip,
  type ClipRange,
  type Frame,
  type Job,
  type Pipeline,
  type TokenGrid,
} from '@deepearth/core';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { scene } from './scene.ts';
import { sliding } from './sliding.ts';
import { still } from './still.ts';
import { uniform } from './uniform.ts';

const frameOf = (sequence: string, number: number): Frame => ({
  kind: 'frame',
  id: `${sequence}-${number}`,
  key: `${sequence}:${number}`,
  sequence,
  number,
  seconds: number,
  width: 1,
  height: 1,
  locator: { source: 'source/lengths', uri: sequence, index: number },
  read: async () => ({
    values: { dtype: 'uint8', shape: [1, 1, 3], data: Uint8Array.of(number % 7 < 3 ? 0 : 255, 0, 0) },
    channels: ['red', 'green', 'blue'],
  }),
});

/** Sequences of given lengths, one after the other; `known` says whether it tells how long they are. */
const lengths = defineSource({
  type: 'lengths',
  summary: 'Frames.',
  options: z.strictObject({
    lengths: z.array(z.int()),
    name: z.string().default('s'),
    known: z.enum(['counts', 'names', 'nothing']).default('counts'),
    cache: z.number().default(0),
  }),
  placement: ['cache'],
  examples: [],
  describe: (_, { options: { lengths: all, name, known } }) => ({
    output: {
      ...spec(
        'frame',
        { height: 1, width: 1, channels: 3 },
        'uint8',
        known === 'counts' ? all.reduce((a, b) => a + b, 0) : null,
      ),
      sequences: known === 'nothing' ? null : all.map((_, i) => `${name}${i}`),
      ...(known === 'counts' && { counts: all }),
    },
  }),
  known: (sequence, { first, end }) => [sequence, first, end],
  async *process(_, { options, frameRange }) {
    for (const [i, length] of options.lengths.entries()) {
      const sequence = `${options.name}${i}`;
      const { first, end } = frameRange(sequence);
      for (let number = first; number < Math.min(end, length); number++) yield frameOf(sequence, number);
    }
  },
});

/** Two halves of each frame, each a sequence of its own; they come in turns. */
const halves = defineTransform({
  type: 'halves',
  summary: 'Halves.',
  options: z.strictObject({}),
  examples: [],
  describe: (input) => ({
    output: {
      ...input!,
      count: input!.count! * 2,
      sequences: input!.sequences!.flatMap((name) => [`${name}/a`, `${name}/b`]),
      counts: input!.counts!.flatMap((count) => [count, count]),
      interleaved: true,
    },
  }),
  each: (frame) =>
    ['a', 'b'].map((half): Frame => ({
      ...frame,
      id: `${frame.id}-${half}`,
      key: `${frame.key}${half}`,
      sequence: `${frame.sequence}/${half}`,
    })),
});

const look = defineEncoder({
  type: 'look',
  summary: 'Looks.',
  options: z.strictObject({ depth: z.number().default(1) }),
  joins: 'merged',
  examples: [],
  describe: (input) => ({ output: { ...spec('tokens', {}, null, input?.count ?? null) } }),
  each: (clip: Clip): TokenGrid =>
    ({ kind: 'tokens', id: clip.id, key: clip.key, clip, origin: { kind: 'picture' }, axes: [] }) as never,
});

/** What a run of some clips, or of all, looks at, and how many frames its sources sent. */
async function seen(pipeline: Pipeline, job?: Pick<Job, 'clips'>): Promise<{ clips: string[]; frames: number }> {
  const running = run(pipeline, job?.clips ? { clips: job.clips } : {});
  const clips: string[] = [];
  let frames = 0;
  running.events$.subscribe((event) => {
    if (event.type === 'stage-closed' && event.stage.startsWith('lengths')) frames += event.out;
  });
  for await (const item of running.items('look')) clips.push(`${item.id} ${item.key}`);
  await running.end;
  return { clips, frames };
}

const cut = async (pipeline: Pipeline, count: number) => workList(await plan(pipeline), count);
const rangesOf = (jobs: readonly Job[]): ClipRange[] => jobs.flatMap(({ clips }) => clips ?? []);

const windows = fc.oneof(
  fc.record({
    size: fc.integer({ min: 1, max: 5 }),
    stride: fc.integer({ min: 1, max: 7 }),
    tail: fc.constantFrom('pad' as const, 'shift' as const, 'drop' as const),
  }),
  fc.constant('still' as const),
  fc.constant('uniform' as const),
);
const windower = (chosen: typeof windows extends fc.Arbitrary<infer T> ? T : never, from: string) =>
  chosen === 'still'
    ? use(still, { size: 2 }, { id: 'windows', from })
    : chosen === 'uniform'
      ? use(uniform, { size: 3 }, { id: 'windows', from })
      : use(sliding, chosen, { id: 'windows', from });

describe('the jobs of a pipeline', () => {
  test('make the clips of the whole, each once and in its order, and send no frame that no clip needs', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.integer({ min: 1, max: 30 }), { minLength: 1, maxLength: 4 }),
        windows,
        fc.integer({ min: 1, max: 9 }),
        async (all, chosen, count) => {
          const pipeline = definePipeline([use(lengths, { lengths: all }), windower(chosen, 'lengths'), use(look)]);
          const whole = await seen(pipeline);
          const { jobs, count: total } = await cut(pipeline, count);
          expect(jobs).toHaveLength(count);
          expect(total).toBe(whole.clips.length);
          const clips: string[] = [];
          for (const job of jobs) {
            const part = await seen(pipeline, job);
            expect(part.clips).toHaveLength(job.count!);
            if (job.clips?.length === 0) expect(part.frames).toBe(0);
            if (typeof chosen === 'object') {
              const needed = (job.clips ?? []).map(
                ({ first, end }) =>
                  (end - first - 1) * chosen.stride + chosen.size + (chosen.tail === 'shift' ? chosen.size : 0),
              );
              expect(part.frames).toBeLessThanOrEqual(needed.reduce((a, b) => a + b, 0));
            }
            clips.push(...part.clips);
          }
          expect(clips).toEqual(whole.clips);
          // A sequence with no more clips than a job has stays whole.
          for (const i of all.keys()) {
            const own = rangesOf(jobs).filter(({ sequence }) => sequence === `s${i}`);
            const size = own.reduce((sum, { first, end }) => sum + end - first, 0);
            if (size <= total! / count) expect(own.length).toBeLessThanOrEqual(1);
          }
        },
      ),
      { numRuns: 40 },
    );
  });

  test('make the clips of the whole of several sources, windowers and encoders, and of sequences that a transform makes', async () => {
    const pipeline = definePipeline([
      use(lengths, { lengths: [7, 12] }),
      use(halves),
      use(lengths, { lengths: [9], name: 't' }, { id: 'lengths-2' }),
      use(sliding, { size: 2 }, { id: 'pairs', from: ['halves', 'lengths-2'] }),
      use(still, { size: 1 }, { id: 'stills', from: 'lengths-2' }),
      use(look, {}, { from: ['pairs', 'stills'] }),
      use(look, { depth: 2 }, { id: 'deep', from: 'stills' }),
    ]);
    const whole = (await seen(pipeline)).clips.sort();
    for (const count of [1, 2, 3, 5, 50]) {
      const parts = await Promise.all((await cut(pipeline, count)).jobs.map((job) => seen(pipeline, job)));
      expect(parts.flatMap(({ clips }) => clips).sort()).toEqual(whole);
    }
  });

  test('are the same wherever they are cut, and named by what they need', async () => {
    const all = (options: object, size = 2, depth = 1): Pipeline =>
      definePipeline([use(lengths, { lengths: [10, 20], ...options }), use(sliding, { size }), use(look, { depth })]);
    const names = async (pipeline: Pipeline) => (await cut(pipeline, 3)).jobs.map(({ name }) => name);
    const first = await names(all({}));
    expect(new Set(first).size).toBe(3);
    expect(await names(all({}))).toEqual(first);
    // Where and how fast a process works is its own.
    expect(await names(all({ cache: 100 }))).toEqual(first);
    for (const other of [all({ name: 'other' }), all({}, 3), all({}, 2, 2)])
      expect((await names(other)).filter((name) => first.includes(name))).toEqual([]);
    expect((await cut(all({}), 3)).name).not.toBe((await cut(all({}), 4)).name);
  });

  test('keep sequences whole where their clips depend on all frames, or are not counted before', async () => {
    const pipeline = (
      windows: ReturnType<typeof use>,
      known: 'counts' | 'names' = 'counts',
      place: Parameters<typeof use>[2] = {},
    ) => definePipeline([use(lengths, { lengths: [4, 40, 4], known }, place), windows, use(look)]);
    for (const [whole, note] of [
      [pipeline(use(scene as never, { minFrames: 2 })), 'windower/scene makes clips of whole sequences'],
      [pipeline(use(sliding, { durationSeconds: 2 })), 'windower/sliding makes clips of whole sequences'],
      [pipeline(use(sliding, { size: 2 }), 'names'), 'how many clips sliding makes is known only'],
      [pipeline(use(sliding, { size: 2 }), 'counts', { onError: 'skip' }), 'lengths skips frames that fail'],
    ] as const) {
      const work = await cut(whole, 3);
      expect(work.notes.join()).toContain(note);
      expect(rangesOf(work.jobs).map(({ sequence }) => sequence)).toEqual(['s0', 's1', 's2']);
      expect(work.count).toBe(note.startsWith('lengths') ? 24 : null);
      const parts = await Promise.all(work.jobs.map((job) => seen(whole, job)));
      expect(parts.flatMap(({ clips }) => clips)).toEqual((await seen(whole)).clips);
    }
  });

  test('are one where sequences are not known, and have nothing to do without an encoder', async () => {
    const unknown = definePipeline([
      use(lengths, { lengths: [4], known: 'nothing' }),
      use(sliding, { size: 2 }),
      use(look),
    ]);
    const { jobs, notes, count } = await cut(unknown, 3);
    expect(jobs.map(({ clips }) => clips)).toEqual([null, [], []]);
    expect(count).toBeNull();
    expect(notes).toEqual([
      'which sequences sliding sends is known only when they have come: all of it is one job',
      '2 of 3 jobs have nothing to do',
    ]);
    const none = await cut(definePipeline([use(lengths, { lengths: [4] }), use(sliding, { size: 2 })]), 2);
    expect(none.jobs.map(({ clips }) => clips)).toEqual([[], []]);
    expect(none.notes[0]).toContain('there is no encoder');
  });
});
