import fc from 'fast-check';
import { halfFromFloat32, float32FromHalf } from '@deepearth/core/half';
import { afterAll, describe, expect, test } from 'vitest';
import { decodeModel, encodeModel } from '../models/model-file.ts';
import type { FittedReducer } from '../models/model.ts';
import { restoreReducer } from '../run/reductions.ts';
import { seededNormal } from '../shared/seeded.ts';
import { digestIndex, rowDigests } from '../tokens/row-digests.ts';
import { transformKnown } from './known-rows.ts';
import { umapJs } from './umap-js.ts';
import { umap } from './umap.ts';

const channels = 12;
const components = 2;
const normal = seededNormal(4);
const tokens = Float32Array.from({ length: 120 * channels }, (_, at) => normal() + (at % 5));
const strange = Float32Array.from({ length: 40 * channels }, () => normal() * 3);
const rowOf = (values: Float32Array, row: number, width: number): Float32Array =>
  values.subarray(row * width, (row + 1) * width);

describe('a fitted UMAP', () => {
  const made: FittedReducer[] = [];
  afterAll(async () => void (await Promise.all(made.map(async (model) => model.close?.()))));

  test.each([
    ['of all tokens', {}],
    ['of a sample', { maxFitTokens: 80, sampleTokens: 60 }],
    ['compared euclidean', { metric: 'euclidean' }],
    ['without workers', { workers: false }],
  ] as const)(
    '%s gives them the coordinates of the fit: at once, saved, in any order, among others',
    async (_, more) => {
      const { embedding, model } = await umap(tokens, { channels, components, epochs: 20, ...more });
      const bytes = await encodeModel({ state: model.state(), limits: [] });
      const again = await restoreReducer((await decodeModel(bytes, 'model')).state, 'model');
      made.push(model, again);
      expect(await encodeModel({ state: again.state(), limits: [] })).toEqual(bytes);
      const others = await model.transform(strange);
      for (const one of [model, again]) {
        expect(await one.transform(tokens)).toEqual(embedding);
        await fc.assert(
          fc.asyncProperty(fc.array(fc.nat(159), { minLength: 1, maxLength: 50 }), async (rows) => {
            const picked = Float32Array.from(
              rows.flatMap((row) => [
                ...(row < 120 ? rowOf(tokens, row, channels) : rowOf(strange, row - 120, channels)),
              ]),
            );
            const expected = rows.flatMap((row) => [
              ...(row < 120 ? rowOf(embedding, row, components) : rowOf(others, row - 120, components)),
            ]);
            expect(await one.transform(picked)).toEqual(Float32Array.from(expected));
          }),
          { numRuns: 10 },
        );
      }
    },
  );

  test('knows tokens as they came, too, where the fit saw them rounded; a neighbour in float32 is no fitted token', async () => {
    const half = halfFromFloat32(tokens);
    const rounded = float32FromHalf(half, new Float32Array(tokens.length));
    expect(rounded).not.toEqual(tokens);
    const { embedding, model } = await umap(
      {
        count: 120,
        async *chunks() {
          yield rounded;
        },
        origins: rowDigests(tokens, channels),
      },
      { channels, components, epochs: 20 },
    );
    const again = await restoreReducer(model.state(), 'model');
    made.push(model, again);
    for (const one of [model, again]) {
      expect(await one.transform(rounded)).toEqual(embedding);
      expect(await one.transform(tokens)).toEqual(embedding);
      const near = tokens.map((value, at) => (at % channels === 0 ? value + 0.25 : value));
      expect(await one.transform(near)).not.toEqual(embedding);
    }
  });

  test('gives equal tokens one place', async () => {
    const twice = Float32Array.from([...tokens, ...tokens.subarray(0, 30 * channels)]);
    const { embedding, model } = await umap(twice, { channels, components, epochs: 20 });
    made.push(model);
    expect(embedding.subarray(120 * components)).toEqual(embedding.subarray(0, 30 * components));
    expect(await model.transform(twice)).toEqual(embedding);
  });

  test('that was saved without digests still places tokens', async () => {
    const { model } = await umap(tokens, { channels, components, epochs: 20 });
    const { digests: _digests, ...old } = model.state().tensors;
    const again = await restoreReducer({ ...model.state(), tensors: old }, 'model');
    made.push(model, again);
    expect(again.state().tensors['digests']).toBeUndefined();
    expect(await again.transform(strange)).toEqual(await model.transform(strange));
    expect((await again.transform(tokens)).every(Number.isFinite)).toBe(true);
  });

  test('names the row of a bad token by its place in the call, whatever was known before it', async () => {
    const { model } = await umap(tokens, { channels, components, epochs: 20 });
    made.push(model);
    const bad = Float32Array.from([...tokens.subarray(0, 4 * channels), ...strange.subarray(0, channels)]);
    bad[4 * channels + 3] = NaN;
    await expect(model.transform(bad)).rejects.toThrow('token 4 holds NaN or infinity');
  });

  test('by umap-js gives them, too', async () => {
    const model = await umapJs(tokens, {
      channels,
      components,
      neighbors: 8,
      minDist: 0.1,
      spread: 1,
      metric: 'cosine',
      epochs: 10,
      localConnectivity: 1,
      negativeSampleRate: 5,
      repulsionStrength: 1,
      setOpMixRatio: 1,
      seed: 1,
    });
    made.push(model);
    const all = await model.transform(tokens);
    const reversed = Float32Array.from(
      [...Array(120).keys()].reverse().flatMap((row) => [...rowOf(tokens, row, channels)]),
    );
    const back = await model.transform(reversed);
    for (let row = 0; row < 120; row++) expect(rowOf(back, 119 - row, components)).toEqual(rowOf(all, row, components));
    // Placed by neighbours alone, no token would lie on its own coordinates.
    expect(new Set(all).size).toBeGreaterThan(200);
  });
});

test('a digest that is equal by chance is told from the token it stands for', async () => {
  const place = async (rows: Float32Array) => new Float32Array((rows.length / channels) * components).fill(7);
  const known = {
    digests: rowDigests(tokens, channels),
    embedding: new Float32Array(120 * components).fill(1),
  };
  const trusting = transformKnown({ channels, components }, known);
  const looking = transformKnown({ channels, components }, { ...known, same: (_token, index) => index !== 3 });
  expect(new Set(await trusting(tokens, place))).toEqual(new Set([1]));
  const found = await looking(tokens, place);
  expect(rowOf(found, 3, components)).toEqual(Float32Array.of(7, 7));
  expect(found.filter((value) => value === 7)).toHaveLength(components);
});

test('digests differ wherever a bit of a row does, and are found by the first row that has them', () => {
  fc.assert(
    fc.property(
      fc.uint8Array({ minLength: 24, maxLength: 24 }),
      fc.nat(23),
      fc.integer({ min: 1, max: 255 }),
      (bytes, at, change) => {
        const changed = bytes.map((byte, index) => (index === at ? byte ^ change : byte));
        const [one, other] = [bytes, changed].map((raw) => rowDigests(new Float32Array(raw.slice().buffer), 6));
        expect(one).not.toEqual(other);
        const index = digestIndex([Uint32Array.from([...one!, ...other!, ...one!])]);
        expect([index.find(one![0]!, one![1]!), index.find(other![0]!, other![1]!)]).toEqual([0, 1]);
        expect(index.find(one![0]!, (one![1]! + 1) >>> 0)).toBe(-1);
      },
    ),
  );
});
