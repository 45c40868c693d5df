import type { TokenGrid } from '@deepearth/core/items';
import { memoryStore } from '@deepearth/core/memory-store';
import { definePipeline, use, type StageUse } from '@deepearth/core/pipeline';
import { plan } from '@deepearth/core/plan';
import { run } from '@deepearth/core/run';
import { defineSource, type StageDefinition } from '@deepearth/core/stage';
import { specOf, makeTokens } from '@deepearth/testing';
import { expect, test } from 'vitest';
import { z } from 'zod';
import { kmeansStage } from '../kmeans/kmeans-stage.ts';
import { pcaStage } from '../pca/pca-stage.ts';
import { umapStage } from '../umap/umap-stage.ts';

const grids = makeTokens({ count: 6, time: 2, height: 4, width: 5, channels: 16 });
const tokenBytes = grids.length * 2 * 4 * 5 * 16;

const tokens = defineSource({
  type: 'tokens',
  summary: 'Tokens at hand.',
  options: z.strictObject({}),
  examples: [],
  describe: () => ({ output: specOf(grids) }),
  async *process() {
    yield* grids as never[];
  },
});

/** Runs reducers on one stream; returns their projections, and the bytes that were put down under each name. */
async function reduce(reducers: readonly (readonly [StageDefinition<any, any, any>, object])[]) {
  const written = new Map<string, number>();
  const store = memoryStore();
  const counting: typeof store = {
    ...store,
    async scratch(name) {
      const scratch = await store.scratch(name);
      return {
        get length() {
          return scratch.length;
        },
        append(bytes) {
          written.set(name, (written.get(name) ?? 0) + bytes.byteLength);
          return scratch.append(bytes);
        },
        read: (offset, length) => scratch.read(offset, length),
        clear: () => scratch.clear(),
        close: () => scratch.close(),
      };
    },
  };
  const stages: StageUse[] = [
    use(tokens as unknown as StageDefinition, {}, { id: 'tokens' }),
    ...reducers.map(([stage, options], index) => ({ ...use(stage, options), id: `r${index}`, from: ['tokens'] })),
  ];
  const pipeline = definePipeline(stages, { name: 'shared' });
  const planned = await plan(pipeline);
  const running = run(pipeline, { store: counting });
  const streams = reducers.map(async (_, index) => {
    const found: TokenGrid[] = [];
    for await (const item of running.items(`r${index}`)) found.push(item as TokenGrid);
    return found;
  });
  const projections = await Promise.all(streams);
  await running.result;
  return { projections, written, planned };
}

const spools = (written: ReadonlyMap<string, number>): number[] =>
  [...written].filter(([name]) => name.endsWith('/tokens')).map(([, bytes]) => bytes);

test('reducers of one stream put its tokens down once, and make what each makes alone', async () => {
  const reducers = [
    [pcaStage, {}],
    [umapStage, { epochs: 10 }],
    [kmeansStage, { clusters: 3 }],
  ] as const;
  const { projections, written } = await reduce(reducers);
  expect(spools(written)).toEqual([tokenBytes * 2]);
  for (const [index, one] of reducers.entries()) {
    const alone = await reduce([one]);
    expect(spools(alone.written)).toEqual([tokenBytes * 2]);
    expect(projections[index]!.map(({ values }) => values)).toEqual(alone.projections[0]!.map(({ values }) => values));
  }
});

test('a plan counts the numbers that a run puts on disk: the tokens once, the projections of each', async () => {
  const reducers = [
    [pcaStage, {}],
    [umapStage, { epochs: 10, components: 2 }],
    [pcaStage, { spool: 'float32' }],
  ] as const;
  const { written, planned } = await reduce(reducers);
  const count = grids.length * 2 * 4 * 5;
  expect(planned.stages.map(({ stage, description }) => [stage.id, description.diskBytes ?? 0])).toEqual([
    ['tokens', 0],
    ['r0', tokenBytes * 2 + count * 3 * 4],
    ['r1', count * 2 * 4],
    ['r2', tokenBytes * 4 + count * 3 * 4],
  ]);
  const numbers = [...written].filter(([name]) => !name.endsWith('/grids')).map(([, bytes]) => bytes);
  expect(planned.diskBytes).toBe(numbers.reduce((sum, bytes) => sum + bytes, 0));
});

test('those that want another precision have their own', async () => {
  const { projections, written } = await reduce([
    [pcaStage, {}],
    [pcaStage, { spool: 'float32' }],
    [pcaStage, { components: 2 }],
  ]);
  expect(spools(written).sort((a, b) => a - b)).toEqual([tokenBytes * 2, tokenBytes * 4]);
  expect(projections.map((found) => found.length)).toEqual([6, 6, 6]);
});
