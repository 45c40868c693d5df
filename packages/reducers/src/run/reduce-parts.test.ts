import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { tensor } from '@deepearth/core/tensor';
import { encodeNpy } from '@deepearth/formats/npy';
import { encodeSafetensors } from '@deepearth/formats/safetensors';
import { scaledHalf } from '@deepearth/formats/scaled-half';
import { readTensorFile } from '@deepearth/formats/tensor-file-node';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { seededNormal } from '../shared/seeded.ts';
import { openTokenFiles } from '../tokens/token-files-node.ts';
import { openTokens } from '../tokens/token-source-node.ts';
import { reduceFile } from './reduce.ts';
import { makePartFile, mergePartFiles, saveLimits } from './reduce-parts.ts';

let folder: string;
const at = (name: string): string => join(folder, name);
const channels = 6;
const shape = [2, 3, 5];
const size = 30;
const encoder = (fingerprint: string) => ({ encoder: JSON.stringify({ name: 'tiny', fingerprint }) });

/** Files of 30 tokens each; the second says that some saw little or nothing, the fourth that none saw anything. */
const files = ['t0', 't1', 't2', 't3', 't4'].map((name) => `${name}.safetensors`);
const normal = seededNormal(11);
const grids = files.map((_, file) => ({
  features: Float32Array.from({ length: size * channels }, (_, i) => normal() * (1 + (i % channels)) + file),
  valid: Uint8Array.from({ length: size }, (_, token) =>
    file === 3 ? 0 : file === 1 && token % 4 < 2 ? (token % 4) * 100 : 255,
  ),
}));
const joined = <T extends Float32Array | Uint8Array>(type: { from(values: Iterable<number>): T }, arrays: T[]): T =>
  type.from(arrays.flatMap((array) => [...array]));

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'reduce-parts-'));
  for (const [file, name] of files.entries()) {
    const { features, valid } = grids[file]!;
    const mask = file % 2 ? { valid: tensor('uint8', shape, valid) } : {};
    await writeFile(
      at(name),
      await encodeSafetensors({ features: tensor('float32', [...shape, channels], features), ...mask }, encoder('f0')),
    );
  }
  await writeFile(
    at('all.safetensors'),
    await encodeSafetensors(
      {
        features: tensor(
          'float32',
          [5, ...shape, channels],
          joined(
            Float32Array,
            grids.map(({ features }) => features),
          ),
        ),
        valid: tensor(
          'uint8',
          [5, ...shape],
          joined(
            Uint8Array,
            grids.map(({ valid }) => valid),
          ),
        ),
      },
      encoder('f0'),
    ),
  );
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const methods = [
  ['pca', {}],
  ['umap', { epochs: 8 }],
  ['umap', { epochs: 8, maxFitTokens: 60, sampleTokens: 50 }],
  ['kmeans', { clusters: 3, maxFitTokens: 40 }],
  ['random-projection', {}],
] as const;
const divisions = [[1], [3], [1, 2, 4], [1, 2, 3, 4]];

test.each(methods)('%s %j: files one after the other are reduced as one file of all', async (method, options) => {
  const request = { with: method, options };
  const one = await reduceFile({
    ...request,
    tokens: at('all.safetensors'),
    output: at('1.safetensors'),
    modelOut: at('1.model'),
  });
  const several = await reduceFile({
    ...request,
    tokens: files.map(at),
    output: at('5.safetensors'),
    modelOut: at('5.model'),
  });
  expect(several).toMatchObject({ shape: one.shape, limits: one.limits, tokens: one.tokens });
  expect(several.output.sha256).toBe(one.output.sha256);
  expect(several.modelOut!.sha256).toBe(one.modelOut!.sha256);
});

test.each(methods)(
  '%s %j: parts of any division, merged, applied and given limits, are the bytes of one fit to all',
  async (method, options) => {
    const whole = await reduceFile({
      tokens: files.map(at),
      with: method,
      options,
      output: at('whole.safetensors'),
      modelOut: at('whole.model'),
    });
    for (const cuts of divisions) {
      const ranges = [0, ...cuts].map((start, part) => files.slice(start, cuts[part]).map(at));
      const parts: string[] = [];
      let from = 0;
      for (const [part, tokens] of ranges.entries()) {
        parts.unshift(at(`part-${part}.safetensors`));
        const made = await makePartFile({ tokens, with: method, options, from, output: parts[0]! });
        expect(made).toMatchObject({ method, from, to: from + tokens.length * size, channels });
        from = made.to;
      }
      // What shaped the parts is known from them; the rest of the options is given again.
      const { maxFitTokens: _, sampleTokens: __, ...rest } = options as Record<string, unknown>;
      const merged = await mergePartFiles({ parts, options: rest, output: at('m.model') });
      expect(merged).toMatchObject({ method, parts: parts.length, tokens: whole.tokens, channels });
      const results = ranges.map((_, part) => at(`result-${part}.safetensors`));
      for (const [part, tokens] of ranges.entries())
        await reduceFile({ tokens, model: at('m.model'), output: results[part]! });
      const finished = await saveLimits({ model: at('m.model'), projections: results, output: at('m.model') });
      expect(finished).toMatchObject({ method, limits: whole.limits });
      expect(await readFile(at('m.model'))).toEqual(await readFile(at('whole.model')));
      const values = await Promise.all(results.map(valuesIn));
      expect(joined(Float32Array, values)).toEqual(await valuesIn(at('whole.safetensors')));
    }
  },
);

async function valuesIn(path: string): Promise<Float32Array> {
  const file = await readTensorFile(path);
  const { data } = await file.tensor('projection').read();
  await file.close();
  return data as Float32Array;
}

describe('tokens of several files', () => {
  test('are read in order, picked by their numbers, and joined to one axis where shapes differ', async () => {
    await writeFile(
      at('small.npy'),
      encodeNpy(tensor('float32', [2, channels], new Float32Array(2 * channels).fill(1))),
    );
    const source = await openTokenFiles([files[1]!, 'small.npy', files[0]!].map(at));
    expect(source).toMatchObject({ shape: [62], channels, count: 15 + 7 + 2 + 30 });
    const own = await openTokens(at(files[1]!));
    const rows = await source.rows([0, 21, 22, 24]);
    expect(rows.subarray(0, 2 * channels)).toEqual(await own.rows([0, 21]));
    expect(rows.subarray(2 * channels)).toEqual(
      Float32Array.from([...new Float32Array(channels).fill(1), ...grids[0]!.features.subarray(0, channels)]),
    );
    await own.close();
    await source.close();
  });

  test('of other widths or encoders are refused, and both files named', async () => {
    await writeFile(at('wide.npy'), encodeNpy(tensor('float32', [2, 7], new Float32Array(14))));
    await expect(openTokenFiles([at(files[0]!), at('wide.npy')])).rejects.toThrow(
      /wide\.npy: has tokens of 7 numbers, .*t0\.safetensors of 6/,
    );
    const features = tensor('float32', [2, channels], new Float32Array(2 * channels));
    await writeFile(at('other.safetensors'), await encodeSafetensors({ features }, encoder('f1')));
    await expect(openTokenFiles([at(files[0]!), at('other.safetensors')])).rejects.toThrow(
      /other\.safetensors: was made by tiny \(f1\), .*t0\.safetensors by tiny \(f0\)/,
    );
    await expect(openTokenFiles([])).rejects.toThrow('no file was named');
  });
});

describe('parts that cannot be', () => {
  test('say what is missing, and write nothing', async () => {
    const part = async (name: string, from: number, tokens: readonly string[], options = {}) =>
      makePartFile({ tokens: tokens.map(at), with: 'kmeans', options, from, output: at(name) });
    await part('a.part', 0, files.slice(0, 2));
    await part('b.part', 90, files.slice(3));
    await part('c.part', 60, files.slice(2), { seed: 5 });
    const bad = (parts: readonly string[], more: object = {}) =>
      expect(mergePartFiles({ parts: parts.map(at), output: at('never'), ...more })).rejects;
    await bad(['a.part', 'b.part']).toThrow('tokens 90 to 150: do not follow tokens 0 to 60: 30 tokens between them');
    await bad(['b.part']).toThrow('90 tokens before them are missing');
    await bad(['a.part', 'a.part']).toThrow('overlap');
    await bad(['a.part', 'c.part']).toThrow(/were seen with .*"seed":5/);
    await bad(['a.part'], { with: 'pca' }).toThrow(/a\.part: is a part of kmeans, and pca was asked for/);
    await bad(['a.part'], { options: { cluster: 2 } }).toThrow('Its options are clusters');
    await bad(['a.part'], { maxMemoryBytes: 10 }).toThrow('would need');
    await bad([files[0]!]).toThrow(/t0\.safetensors: is no part of a fit/);
    await bad(['gone.part']).toThrow(/gone\.part/);
    await bad([]).toThrow('There are no parts');
    await expect(part('never', -1, files)).rejects.toThrow('A part begins at a whole number');
    await expect(
      makePartFile({ tokens: at(files[0]!), with: 'pca', options: { components: 7 }, from: 0, output: at('never') }),
    ).rejects.toThrow('7 components cannot be made of 6 channels');
    await expect(readFile(at('never'))).rejects.toThrow('ENOENT');
  });

  test('limits are of what the model made', async () => {
    await makePartFile({ tokens: at(files[0]!), with: 'pca', from: 0, output: at('p.part') });
    await mergePartFiles({ parts: [at('p.part')], output: at('p.model') });
    await expect(
      saveLimits({ model: at('p.model'), projections: [at(files[0]!)], output: at('never') }),
    ).rejects.toThrow(/t0\.safetensors: holds float32 of shape \[2, 3, 5, 6\].* makes 3 numbers of a token/);
    await reduceFile({ tokens: at(files[1]!), model: at('p.model'), output: at('p.npy') });
    const { limits } = await saveLimits({ model: at('p.model'), projections: [at('p.npy')], output: at('q.model') });
    // Masked tokens are NaN in a .npy file, and no part of the limits.
    expect(limits.flat().every(Number.isFinite)).toBe(true);
  });
});

test('tokens that were divided by a factor are read with it', async () => {
  const features = tensor(
    'float32',
    [size, channels],
    grids[0]!.features.map((value) => value * 2 ** 30),
  );
  const { values, scale } = scaledHalf(features);
  await writeFile(at('scaled.safetensors'), await encodeSafetensors({ features: values, 'features.scale': scale }));
  const source = await openTokens(at('scaled.safetensors'));
  let row = 0;
  for await (const chunk of source.chunks())
    for (const value of chunk) {
      const right = features.data[row++]!;
      expect(Math.abs(value - right)).toBeLessThanOrEqual(Math.abs(right) / 2048 + 2 ** 4);
    }
  await source.close();
  expect(row).toBe(size * channels);
});
