import { tensor, type Embedding, type Projection } from '@deepearth/core';
import { describeAlone, runStage } from '@deepearth/runtime/run-stage';
import { given, makeEmbeddings } from '@deepearth/testing';
import { describe, expect, test } from 'vitest';
import { kmeansStage } from '../kmeans/kmeans-stage.ts';
import { pcaStage } from '../pca/pca-stage.ts';
import { similarityStage } from '../similarity/similarity-stage.ts';
import { umapStage } from '../umap/umap-stage.ts';

async function reduce(
  stage: typeof pcaStage,
  items: readonly Embedding[],
  options: Record<string, unknown> = {},
): Promise<Projection[]> {
  const found: Projection[] = [];
  for await (const item of runStage(stage, { options, inputs: [given(items)] })) found.push(item as Projection);
  return found;
}

describe('a reducer over embeddings', () => {
  const items = makeEmbeddings({ count: 12, channels: 6 });

  test.each([
    [pcaStage, { components: 2 }, 2],
    [umapStage, { components: 2, epochs: 20 }, 2],
    [kmeansStage, { clusters: 3 }, 1],
    [similarityStage, { to: { clip: 1 } }, 1],
  ])('$type returns one point for each', async (stage, chosen, components) => {
    const options: Record<string, unknown> = { ...chosen };
    const projections = await reduce(stage as typeof pcaStage, items, options);
    expect(projections.map(({ id }) => id)).toEqual(items.map(({ id }) => id));
    for (const { axes, values, clip } of projections) {
      expect(axes).toEqual(['components']);
      expect(values.shape).toEqual([components]);
      expect(values.data.every(Number.isFinite)).toBe(true);
      expect(clip).toBeDefined();
    }
    expect(await describeAlone(stage, { options, inputs: [given(items).spec] })).toMatchObject({
      output: { kind: 'projection', axes: [{ name: 'components', size: components }] },
    });
  });

  test('keeps further axes, and masks regions that saw no data', async () => {
    const regions = items.map((item, index): Embedding => ({
      ...item,
      axes: ['region', 'channels'],
      values: tensor(
        'float32',
        [2, 6],
        Float32Array.from([...item.values.data, ...(index ? item.values.data : item.values.data.map(() => NaN))]),
      ),
    }));
    const projections = await reduce(pcaStage, regions, { components: 2 });
    expect(projections[0]!.values.shape).toEqual([2, 2]);
    expect(projections[0]!.valid).toEqual(Uint8Array.of(255, 0));
    expect([...projections[0]!.values.data].map(Number.isNaN)).toEqual([false, false, true, true]);
    expect(projections[1]!.valid).toBeUndefined();
  });

  test('names an embedding that holds NaN in places', async () => {
    const [first, ...rest] = items as [Embedding, ...Embedding[]];
    const broken = {
      ...first,
      values: tensor(
        'float32',
        [6],
        first.values.data.map((value, at) => (at === 2 ? NaN : value)),
      ),
    };
    await expect(reduce(pcaStage, [broken, ...rest])).rejects.toThrow('clip-000000: the embedding, channel 2, is NaN');
  });
});
