import { expect, test } from 'vitest';
import { kmeans } from './kmeans.ts';
import { seededNormal } from '../shared/seeded.ts';

/** Blobs of 100, 60 and 30 tokens around three far points. */
function blobs(): Float32Array {
  const normal = seededNormal(5);
  const sizes = [100, 60, 30];
  return Float32Array.from(
    sizes.flatMap((size, k) =>
      Array.from({ length: size }, () =>
        [k === 0 ? 20 : 0, k === 1 ? 20 : 0, k === 2 ? 20 : 0, 1].map((value) => value + 0.3 * normal()),
      ).flat(),
    ),
  );
}

test.each(['cosine', 'euclidean'] as const)(
  'groups that are apart are found, the largest first (%s)',
  async (metric) => {
    const model = await kmeans(blobs(), { channels: 4, clusters: 3, metric });
    const labels = await model.transform(blobs());
    expect([...labels]).toEqual([
      ...Array<number>(100).fill(0),
      ...Array<number>(60).fill(1),
      ...Array<number>(30).fill(2),
    ]);
  },
);

test('the same seed gives the same bytes; more groups are tighter', async () => {
  const [one, same, more] = await Promise.all(
    [2, 2, 6].map((clusters) => kmeans(blobs(), { channels: 4, clusters, metric: 'euclidean' })),
  );
  expect(same!.centers).toEqual(one!.centers);
  expect(more!.inertia).toBeLessThan(one!.inertia);
});

test('equal tokens, a single token, fewer tokens than groups and zero vectors have labels too', async () => {
  for (const tokens of [
    new Float32Array(40).fill(2),
    Float32Array.of(1, 2, 3, 4),
    Float32Array.of(1, 0, 0, 0, 0, 1, 0, 0),
    new Float32Array(20),
  ]) {
    const labels = await (await kmeans(tokens, { channels: 4, clusters: 5 })).transform(tokens);
    expect([...labels].every((label) => Number.isInteger(label) && label >= 0 && label < 5)).toBe(true);
  }
});

test('what cannot be grouped is named', async () => {
  await expect(kmeans(new Float32Array(0), { channels: 4 })).rejects.toThrow('there are none to group');
  await expect(kmeans(Float32Array.of(1, NaN), { channels: 2 })).rejects.toThrow('row 0, channel 1 is NaN');
  await expect((await kmeans(blobs(), { channels: 4 })).transform(new Float32Array(3))).rejects.toThrow(
    'no whole number of rows',
  );
});
