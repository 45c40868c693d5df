// The law of merging: what a stage gets of several inputs is all of the first, then all of the second, whatever comes
// when.

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { aside } from './aside.ts';
import type { Frame, FrameRecord, Item } from './items.ts';
import { memoryScratch } from './memory-store.ts';
import { oneAfterAnother } from './one-after-another.ts';
import { definePipeline, use, type StageUse } from './pipeline.ts';
import { readableFrame } from './readable-frame.ts';
import { run } from './run.ts';
import { spec } from './specs.ts';
import type { StageContext, StageDefinition, StageKind } from './stage.ts';
import { tensor } from './tensor.ts';

const pause = (milliseconds: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, milliseconds));

let state = 1;
/** Waits now and then, as long as chance has it. */
const maybe = async (): Promise<void> => {
  state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
  const chance = state / 2 ** 32;
  if (chance < 0.2) await pause(chance * 10);
  else if (chance < 0.5) await Promise.resolve();
};

/** A number of its own, and numbers enough that it is kept on disk when it has to wait. */
const itemOf = (id: string): Item & { readonly values: Float32Array } => ({
  kind: 'thing',
  id,
  key: id,
  values: new Float32Array(256).fill(id.length),
});

type Body = (lists: readonly (readonly string[])[]) => string[];
type Flow = (inputs: readonly AsyncIterable<Item>[]) => AsyncIterable<Item>;

async function* each(items: AsyncIterable<Item>, make: (item: Item, index: number) => Item[]): AsyncGenerator<Item> {
  let index = 0;
  for await (const item of items) {
    await maybe();
    for (const made of make(item, index++)) {
      yield made;
      await maybe();
    }
  }
}
const all = async (items: AsyncIterable<Item>): Promise<Item[]> => {
  const found: Item[] = [];
  for await (const item of items) {
    await maybe();
    found.push(item);
  }
  return found;
};

/** What each kind of stage does, and what it should send, as plain lists. */
const bodies: Record<string, { joins?: StageDefinition['joins']; flow: Flow; expected: Body }> = {
  source: {
    flow: () =>
      (async function* () {
        for (let n = 0; n < 12; n++) {
          await maybe();
          yield itemOf(String(n));
        }
      })(),
    expected: () => Array.from({ length: 12 }, (_, n) => String(n)),
  },
  pass: { flow: ([a]) => each(a!, (item) => [item]), expected: ([a]) => [...a!] },
  twice: {
    flow: ([a]) => each(a!, ({ id }) => [itemOf(`${id}x`), itemOf(`${id}y`)]),
    expected: ([a]) => a!.flatMap((id) => [`${id}x`, `${id}y`]),
  },
  some: {
    flow: ([a]) => each(a!, (item, index) => (index % 3 ? [] : [item])),
    expected: ([a]) => a!.filter((_, index) => index % 3 === 0),
  },
  fit: {
    flow: ([a]) =>
      (async function* () {
        yield* await all(a!);
      })(),
    expected: ([a]) => [...a!],
  },
  first: {
    flow: ([a]) =>
      (async function* () {
        let left = 3;
        for await (const item of a!) {
          yield item;
          if (--left === 0) return;
        }
      })(),
    expected: ([a]) => a!.slice(0, 3),
  },
  merged: { joins: 'merged', flow: ([a]) => each(a!, (item) => [item]), expected: (lists) => lists.flat() },
  parallel: {
    joins: 'parallel',
    flow: ([a]) => each(a!, (item, index) => (index % 2 ? [] : [item])),
    expected: (lists) => lists.flatMap((list) => list.filter((_, index) => index % 2 === 0)),
  },
  ahead: {
    joins: 'separate',
    flow: (inputs) =>
      (async function* () {
        yield* (await Promise.all(inputs.map(all))).flat();
      })(),
    expected: (lists) => lists.flat(),
  },
};

const stageOf = (name: string): StageDefinition => {
  const { joins, flow } = bodies[name]!;
  const kind: StageKind = name === 'source' ? 'source' : 'transform';
  return {
    kind,
    type: `${kind}/${name}`,
    summary: 'A stage of a random graph.',
    options: z.strictObject({}),
    examples: [],
    ...(joins && { joins, ...(joins === 'separate' && { readsAhead: true as const }) }),
    describe: () => ({ output: spec('thing', {}, null) }),
    process: (items: AsyncIterable<Item>, { inputs }: StageContext) =>
      flow(joins === 'separate' ? inputs.map((input) => input.items) : [items]),
  };
};

/** A graph: of each stage what it does, and which of those before it it takes. */
const graphs = fc
  .array(
    fc.record({
      name: fc.constantFrom('pass', 'twice', 'some', 'fit', 'first', 'merged', 'merged', 'parallel', 'ahead', 'source'),
      picks: fc.array(fc.nat(), { minLength: 3, maxLength: 3 }),
    }),
    { minLength: 2, maxLength: 9 },
  )
  .map((nodes) => {
    const stages: { id: string; name: string; from: string[] }[] = [{ id: 's0', name: 'source', from: [] }];
    for (const { name, picks } of nodes) {
      const several = bodies[name]!.joins !== undefined;
      const from =
        name === 'source'
          ? []
          : [...new Set(picks.slice(0, several ? 3 : 1).map((n) => stages[n % stages.length]!.id))];
      stages.push({ id: `s${stages.length}`, name, from });
    }
    return stages;
  });

describe('several inputs', () => {
  test('come one after the other, in any graph and whatever waits', { timeout: 120_000 }, async () => {
    await fc.assert(
      fc.asyncProperty(graphs, fc.nat(), async (graph, seed) => {
        state = seed;
        const expected = new Map<string, string[]>();
        for (const { id, name, from } of graph)
          expected.set(id, bodies[name]!.expected(from.map((source) => expected.get(source)!)));
        const uses = graph.map(({ id, name, from }): StageUse =>
          use(stageOf(name), {}, { id, ...(from.length && { from }) }),
        );
        const running = run(definePipeline(uses));
        const sent = new Map(graph.map(({ id }): [string, string[]] => [id, []]));
        for (const { id } of graph)
          running.items$(id).subscribe({ next: (item) => sent.get(id)!.push(item.id), error: () => undefined });
        const stuck = pause(5_000).then(() => 'stuck');
        expect(await Promise.race([running.result.then(({ manifest }) => manifest.status), stuck])).toBe('done');
        // A stage that all its readers have left may end before it has sent everything.
        for (const { id } of graph) {
          const own = sent.get(id)!;
          const read = graph.some(({ name, from }) => from.includes(id) && name === 'first');
          expect(own).toEqual(read ? expected.get(id)!.slice(0, own.length) : expected.get(id));
        }
      }),
      { numRuns: 100 },
    );
  });

  test('are kept aside without loss: numbers, handles and what holds neither', async () => {
    const scratch = memoryScratch();
    const queue = aside<Record<string, unknown>>(async () => scratch, 2048);
    const read = (): void => undefined;
    const items = Array.from({ length: 5 }, (_, n) => ({
      n,
      values: { dtype: 'float32', data: new Float32Array(1000).fill(n + 0.5) },
      list: [{ data: new BigInt64Array(200).fill(BigInt(n)) }, Buffer.alloc(2000, n)],
      small: Uint8Array.of(n),
      frame: { read },
    }));
    for (const item of items) await queue.push(item);
    await queue.push({ ...items[0]!, values: { dtype: 'float32', data: new Float32Array(2 ** 15) } });
    expect(scratch.length).toBeGreaterThan(5 * (4000 + 1600 + 2000) + 2 ** 17);
    for (const item of items) {
      const back = (await queue.shift())!;
      expect({ ...back, list: [(back.list as unknown[])[0], Buffer.from((back.list as Uint8Array[])[1]!)] }).toEqual(
        item,
      );
      expect((back.frame as typeof item.frame).read).toBe(read);
    }
    expect(await queue.shift()).toMatchObject({ n: 0, values: { data: new Float32Array(2 ** 15) } });
    expect(await queue.shift()).toBeUndefined();
    expect(scratch.length).toBe(0);
  });

  test('are kept aside as records where they are plain data or frames that a source reads', async () => {
    const scratch = memoryScratch();
    const raster = { values: tensor('uint8', [1, 1, 1], Uint8Array.of(1)), channels: ['grey'] };
    const record: FrameRecord = {
      ...{ kind: 'frame', id: 'f', key: 'f', sequence: 's', number: 1, width: 1, height: 1 },
      locator: { source: 'source/made', uri: 'made:1' },
    };
    const own: Frame = { ...record, read: async () => raster };
    const values = fc.oneof(
      fc.constant(readableFrame(record, async () => raster)),
      fc.constant(own),
      fc.constant({ ...own, read: undefined }),
      fc.constant(new Float32Array(300).fill(0.5)),
      fc.constant(undefined),
      fc.constant(new Map([[1, 2]])),
      fc.double(),
      fc.array(fc.double()),
      fc.jsonValue(),
    );
    const items = fc.array(fc.dictionary(fc.string(), values, { noNullPrototype: true }), { maxLength: 12 });
    await fc.assert(
      fc.asyncProperty(items, fc.nat(3), fc.array(fc.boolean(), { maxLength: 24 }), async (all, few, order) => {
        const queue = aside<Record<string, unknown>>(async () => scratch, 2048, few);
        const back: Record<string, unknown>[] = [];
        let next = 0;
        for (const pushes of [...order, ...all.map(() => true)])
          if (!pushes) back.push(...[(await queue.shift())!].filter(Boolean));
          else if (next < all.length) await queue.push(all[next++]!);
        for (let item = await queue.shift(); item; item = await queue.shift()) back.push(item);
        const plain = ({ ...item }: Record<string, unknown>) =>
          Object.fromEntries(
            Object.entries(item).map(([name, value]) => {
              const frame = value as Frame | undefined;
              return [name, frame?.kind === 'frame' ? { ...frame, read: typeof frame.read } : value];
            }),
          );
        expect(back.map(plain)).toStrictEqual(all.map(plain));
        for (const item of back)
          for (const value of Object.values(item) as (Frame | undefined)[])
            if (value?.kind === 'frame' && value.read) expect(await value.read()).toBe(raster);
        expect(scratch.length).toBe(0);
      }),
    );
  });

  test('that fail while they are read ahead end those that wait for them', async () => {
    const never: AsyncIterable<string> = {
      [Symbol.asyncIterator]: () => ({ next: () => new Promise(() => undefined) }),
    };
    const broken = (async function* (): AsyncGenerator<string> {
      throw new Error('broken');
    })();
    const lanes = [never, broken].map((items) => ({ items, waits: false }));
    await expect(oneAfterAnother(lanes, async () => memoryScratch()).next()).rejects.toThrow('broken');
  });
});
