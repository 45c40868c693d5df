import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Projection, TokenGrid } from '@deepearth/core/items';
import type { StageDefinition } from '@deepearth/core/stage';
import { tensor, type Tensor } from '@deepearth/core/tensor';
import { encodeSafetensors } from '@deepearth/formats/safetensors';
import { readTensorFile } from '@deepearth/formats/tensor-file-node';
import { runStage } from '@deepearth/runtime/run-stage';
import { given, makeTokens } from '@deepearth/testing';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { inverseStage } from '../inverse/inverse-stage.ts';
import { kmeansStage } from '../kmeans/kmeans-stage.ts';
import { modelKinds } from '../models/model.ts';
import { noneStage } from '../none/none-stage.ts';
import { pcaStage } from '../pca/pca-stage.ts';
import { randomProjectionStage } from '../random-projection/random-projection-stage.ts';
import { similarityStage } from '../similarity/similarity-stage.ts';
import { umapStage } from '../umap/umap-stage.ts';
import { reduceFile } from './reduce.ts';

let folder: string;
const at = (name: string): string => join(folder, name);
beforeAll(async () => void (folder = await mkdtemp(join(tmpdir(), 'shares-'))));
afterAll(() => rm(folder, { recursive: true, force: true }));

type Stage = StageDefinition<any, any, any>;
const tokens = 24;
const grids = makeTokens({ count: 3 });

async function run(stage: Stage, items: readonly (TokenGrid | Projection)[], options: object = {}) {
  const found: (TokenGrid | Projection)[] = [];
  for await (const item of runStage(stage, { options, inputs: [given(items)], output: folder }))
    found.push(item as Projection);
  return found;
}

/** What a share may be: a token of its own is never masked, so that there is something to fit to. */
const anyShare = fc.oneof(fc.constantFrom(0, 1, 128, 254, 255), fc.integer({ min: 0, max: 255 }));
const shares = fc
  .array(anyShare, { minLength: tokens, maxLength: tokens })
  .map((list) => Uint8Array.from(list, (share, token) => (token === 0 ? Math.max(1, share) : share)));
const noneMasked = shares.map((list) => list.map((share) => Math.max(1, share)));

const reducers: readonly (readonly [string, Stage, object])[] = [
  ['pca', pcaStage, {}],
  ['umap', umapStage, { epochs: 3 }],
  ['kmeans', kmeansStage, { clusters: 3 }],
  ['random-projection', randomProjectionStage, {}],
  ['similarity to a token', similarityStage, {}],
  ['similarity over time', similarityStage, { to: 'time' }],
  ['none', noneStage, {}],
];

describe('the share of pixels that a token saw', () => {
  test.each(reducers)(
    '%s: is in the projection what it was in the tokens; masked is 0 alone',
    async (_, stage, options) => {
      await fc.assert(
        fc.asyncProperty(shares, noneMasked, async (masked, partly) => {
          const given = [{ ...grids[0]!, valid: masked }, { ...grids[1]!, valid: partly }, grids[2]!];
          const found = await run(stage, given, options);
          expect(found.map(({ valid }) => valid)).toEqual([masked, partly, undefined]);
          found.forEach(({ values }, index) => {
            const valid = given[index]!.valid;
            const components = values.shape.at(-1)!;
            for (let token = 0; token < tokens; token++)
              expect(Number.isNaN(values.data[token * components])).toBe(valid?.[token] === 0);
          });
        }),
        { numRuns: 6 },
      );
    },
  );

  test.each(reducers)('%s: weighs no token; seen in part counts as seen', async (_, stage, options) => {
    const [valid] = fc.sample(noneMasked, { numRuns: 1, seed: 4 });
    const partly = await run(stage, [{ ...grids[0]!, valid: valid! }, grids[1]!], options);
    const whole = await run(stage, grids.slice(0, 2), options);
    expect(partly.map(({ values }) => values)).toEqual(whole.map(({ values }) => values));
  });

  test('passes through a saved model, and back through its inverse', async () => {
    await run(pcaStage, grids, { saveAs: 'pca.safetensors' });
    await fc.assert(
      fc.asyncProperty(shares, async (valid) => {
        const projections = await run(pcaStage, [{ ...grids[0]!, valid }], { model: at('pca.safetensors') });
        const back = await run(inverseStage as Stage, projections, { model: at('pca.safetensors') });
        expect([...projections, ...back].map((item) => item.valid)).toEqual([valid, valid]);
      }),
      { numRuns: 10 },
    );
  });
});

describe('a file of tokens with shares', () => {
  const read = async (name: string, of: string) => {
    const file = await readTensorFile(at(name));
    const found = file.tensors.has(of) ? await file.tensor(of).read() : undefined;
    await file.close();
    return found as Tensor<'float32' | 'uint8'> | undefined;
  };
  const store = async (name: string, valid: Tensor<'uint8' | 'bool'>) =>
    writeFile(at(name), await encodeSafetensors({ features: grids[0]!.values, valid }));

  test.each(modelKinds)('%s: keeps them, NaN where they are 0, and counts tokens', async (method) => {
    await fc.assert(
      fc.asyncProperty(shares, async (valid) => {
        await store('t.safetensors', tensor('uint8', [2, 3, 4], valid));
        const options = method === 'umap' ? { epochs: 3 } : {};
        const made = await reduceFile({
          tokens: at('t.safetensors'),
          with: method,
          options,
          output: at('y.safetensors'),
        });
        expect(made.tokens).toBe(valid.filter((share) => share > 0).length);
        const whole = valid.every((share) => share === 255);
        expect(await read('y.safetensors', 'valid')).toEqual(whole ? undefined : tensor('uint8', [2, 3, 4], valid));
        const { data, shape } = (await read('y.safetensors', 'projection'))!;
        const components = shape.at(-1)!;
        valid.forEach((share, token) => expect(Number.isNaN(data[token * components])).toBe(share === 0));
      }),
      { numRuns: 6 },
    );
  });

  test('also on the way back; a mask of yes and no becomes 255 and 0', async () => {
    const seen = Uint8Array.from({ length: tokens }, (_, token) => (token % 5 ? 1 : 0));
    await store('yes-no.safetensors', tensor('bool', [2, 3, 4], seen));
    await reduceFile({
      tokens: at('yes-no.safetensors'),
      with: 'pca',
      output: at('y.safetensors'),
      modelOut: at('m.safetensors'),
    });
    await reduceFile({
      tokens: at('y.safetensors'),
      model: at('m.safetensors'),
      inverse: true,
      output: at('b.safetensors'),
    });
    const expected = tensor(
      'uint8',
      [2, 3, 4],
      Uint8Array.from(seen, (one) => one * 255),
    );
    expect(await read('y.safetensors', 'valid')).toEqual(expected);
    expect(await read('b.safetensors', 'valid')).toEqual(expected);
    expect((await read('b.safetensors', 'tokens'))!.shape).toEqual([2, 3, 4, 16]);
  });
});
