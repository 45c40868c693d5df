import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Projection, TokenGrid } from '@deepearth/core/items';
import { runStage } from '@deepearth/runtime/run-stage';
import { tensor } from '@deepearth/core/tensor';
import { describeStage, given, makeProjections, makeTokens } from '@deepearth/testing';
import { afterAll, describe, expect, it } from 'vitest';
import { encodeModel } from '../models/model-file.ts';
import { kmeans } from '../kmeans/kmeans.ts';
import { pca } from '../pca/pca.ts';
import { inverseStage } from './inverse-stage.ts';
import { pcaStage } from '../pca/pca-stage.ts';

const channels = 16;
const grids = makeTokens({ count: 5, channels });
const folder = await mkdtemp(join(tmpdir(), 'inverse-stage-'));
afterAll(() => rm(folder, { recursive: true, force: true }));

const rows = Float32Array.from(grids.flatMap(({ values }) => [...values.data]));
const save = async (name: string, state: Parameters<typeof encodeModel>[0]['state']): Promise<string> => {
  const path = join(folder, name);
  await writeFile(
    path,
    await encodeModel({
      state,
      limits: [
        [-1, 1],
        [-1, 1],
        [-1, 1],
      ],
    }),
  );
  return path;
};
const model = await save('three.safetensors', (await pca(rows, { channels, components: 3 })).state());
const other = await save(
  'other.safetensors',
  (
    await pca(
      rows.map((value) => value * 2),
      { channels, components: 3 },
    )
  ).state(),
);
const groups = await save(
  'groups.safetensors',
  (await kmeans(rows, { channels, clusters: 3, metric: 'cosine', iterations: 10, batchSize: 64, seed: 1 })).state(),
);

const places = (): Projection[] =>
  makeProjections({ count: 5 }).map((projection) => ({ ...projection, reducer: 'pca' }));

describeStage(inverseStage, {
  inputs: () => [given(places())],
  options: { model },
  otherOptions: { model: other },
  broken: { inputs: () => [given(makeProjections({ count: 5 }))], says: /was made by made/ },
  output: (tokens) => expect(tokens[0]!.values.shape).toEqual([2, 3, 4, channels]),
});

async function gather<T>(items: AsyncIterable<T>): Promise<T[]> {
  const out: T[] = [];
  for await (const item of items) out.push(item);
  return out;
}
const back = (items: readonly Projection[], path: string): Promise<TokenGrid[]> =>
  gather(runStage(inverseStage, { options: { model: path }, inputs: [given(items)], output: join(folder, 'out') }));

describe('reducer/inverse', () => {
  it('undoes a pca of all components, masked tokens staying out', async () => {
    const all = await save('all.safetensors', (await pca(rows, { channels, components: channels })).state());
    const masked = grids.map((grid, i) =>
      i === 1 ? { ...grid, valid: new Uint8Array(24).fill(1).fill(0, 3, 5) } : grid,
    );
    const items = await gather(
      runStage(pcaStage, { options: { model: all }, inputs: [given(masked)], output: join(folder, 'forth') }),
    );
    const tokens = await back(items, all);
    tokens.forEach(({ values, valid }, g) =>
      values.data.forEach((value, at) => {
        const token = Math.floor(at / channels);
        if (g === 1 && (token === 3 || token === 4)) expect([value, valid![token]]).toEqual([NaN, 0]);
        else expect(value).toBeCloseTo(grids[g]!.values.data[at] as number, 4);
      }),
    );
  });

  it('refuses models without a way back, other widths, and colours', async () => {
    await expect(back(places(), groups)).rejects.toThrow(/saved kmeans, which has no way back/);
    await expect(back(makeProjections({ components: 2 }), model)).rejects.toThrow(
      /makes projections of 3 numbers, and these have 2/,
    );
    await expect(
      back(
        places().map((one) => ({ ...one, limits: one.limits.map(() => [0, 1] as const) })),
        model,
      ),
    ).rejects.toThrow(/lightness: keep/);
    await expect(
      back(
        places().map((one) => ({
          ...one,
          values: tensor(
            'float32',
            one.values.shape,
            one.values.data.map(() => NaN),
          ),
        })),
        model,
      ),
    ).rejects.toThrow(/is NaN/);
  });
});
