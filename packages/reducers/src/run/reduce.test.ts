import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { readdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { tensor } from '@deepearth/core/tensor';
import { encodeNpy } from '@deepearth/formats/npy';
import { encodePt } from '@deepearth/formats/pt-writer';
import { encodeSafetensors } from '@deepearth/formats/safetensors';
import { readTensorFile } from '@deepearth/formats/tensor-file-node';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { compareFiles } from '../compare/compare-files.ts';
import { estimateReduce, reduceFile } from './reduce.ts';
import { seededNormal } from '../shared/seeded.ts';

let folder: string;
const at = (name: string): string => join(folder, name);
const normal = seededNormal(8);
const values = Float32Array.from({ length: 2 * 4 * 6 * 10 }, (_, i) => normal() * (1 + (i % 10)));
const grid = tensor('float32', [2, 4, 6, 10], values);

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'reduce-files-'));
  await writeFile(at('t.npy'), encodeNpy(grid));
  await writeFile(at('t.pt'), await encodePt(grid));
  await writeFile(
    at('t.safetensors'),
    await encodeSafetensors(
      { features: grid, other: tensor('float32', [1], Float32Array.of(1)) },
      { encoder: JSON.stringify({ name: 'tiny', fingerprint: 'f00d' }) },
    ),
  );
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const tensorIn = async (name: string) => {
  const file = await readTensorFile(at(name));
  const read = await file.tensor().read();
  await file.close();
  return read;
};

test('tokens of any format become the same projections in any format', async () => {
  for (const input of ['t.npy', 't.pt', 't.safetensors']) {
    for (const output of ['y.npy', 'y.pt', 'y.safetensors']) {
      const result = await reduceFile({
        tokens: at(input),
        with: 'pca',
        options: { components: 2 },
        output: at(`${input}-${output}`),
      });
      expect(result).toMatchObject({
        method: 'pca',
        tokens: 48,
        channels: 10,
        components: 2,
        shape: [2, 4, 6, 2],
        options: { components: 2, whiten: false },
      });
    }
  }
  const first = await tensorIn('t.npy-y.npy');
  expect(first.shape).toEqual([2, 4, 6, 2]);
  for (const name of ['t.pt-y.pt', 't.safetensors-y.safetensors', 't.npy-y.pt'])
    expect(await tensorIn(name)).toEqual(first);
});

test.each(['pca', 'umap', 'kmeans', 'random-projection'])(
  'a model of %s is saved and places the same tokens by itself',
  async (method) => {
    const fitted = await reduceFile({
      tokens: at('t.safetensors'),
      with: method,
      ...(method === 'umap' ? { options: { epochs: 10 } } : {}),
      output: at(`${method}.npy`),
      modelOut: at(`${method}.safetensors`),
    });
    const again = await reduceFile({
      tokens: at('t.safetensors'),
      model: at(`${method}.safetensors`),
      output: at(`${method}-again.npy`),
    });
    expect(again.limits).toEqual(fitted.limits);
    expect(again.shape).toEqual(fitted.shape);
    if (method !== 'umap')
      expect(await readFile(at(`${method}-again.npy`))).toEqual(await readFile(at(`${method}.npy`)));
  },
);

test('a pca of all components and a umap go back to the tokens, in any format', async () => {
  await reduceFile({
    tokens: at('t.npy'),
    with: 'pca',
    options: { components: 10 },
    output: at('all.safetensors'),
    modelOut: at('all-model.safetensors'),
  });
  const back = await reduceFile({
    tokens: at('all.safetensors'),
    model: at('all-model.safetensors'),
    inverse: true,
    output: at('back.safetensors'),
  });
  expect(back).toMatchObject({ method: 'pca', tokens: 48, channels: 10, components: 10, shape: [2, 4, 6, 10] });
  (await tensorIn('back.safetensors')).data.forEach((value, i) => expect(Number(value)).toBeCloseTo(values[i]!, 4));
  await reduceFile({
    tokens: at('t.npy'),
    with: 'umap',
    options: { epochs: 10, components: 2 },
    output: at('u.npy'),
    modelOut: at('u-model.safetensors'),
  });
  const steps = new Set<string>();
  expect(
    (
      await reduceFile({
        tokens: at('u.npy'),
        model: at('u-model.safetensors'),
        inverse: true,
        output: at('u-back.pt'),
        progress: (step) => steps.add(step),
      })
    ).shape,
  ).toEqual([2, 4, 6, 10]);
  expect(steps).toContain('inverse');
});

test('what cannot go back says why', async () => {
  await reduceFile({ tokens: at('t.npy'), with: 'kmeans', output: at('k.npy'), modelOut: at('k-model.safetensors') });
  await reduceFile({ tokens: at('t.npy'), with: 'pca', output: at('p.npy'), modelOut: at('p-model.safetensors') });
  const back = (tokens: string, model?: string) =>
    reduceFile({ tokens: at(tokens), model: model && at(model), inverse: true, output: at('never.npy') });
  await expect(back('k.npy', 'k-model.safetensors')).rejects.toThrow(/A kmeans has no way back/);
  await expect(back('p.npy')).rejects.toThrow(/needs the model/);
  await expect(back('t.npy', 'p-model.safetensors')).rejects.toThrow(/projections of 10 numbers, the model .* takes 3/);
  await expect(
    reduceFile({ tokens: at('p.npy'), model: at('p-model.safetensors'), output: at('never.npy') }),
  ).rejects.toThrow(/ask for the inverse/);
  expect(readdirSync(folder)).not.toContain('never.npy');
});

test('the same request gives the same bytes; progress is told', async () => {
  const steps = new Set<string>();
  const request = {
    tokens: at('t.npy'),
    with: 'umap',
    options: { epochs: 15, seed: 3 },
    progress: (step: string) => void steps.add(step),
  };
  const [one, two] = [
    await reduceFile({ ...request, output: at('one.npy') }),
    await reduceFile({ ...request, output: at('two.npy') }),
  ];
  expect(one.output.sha256).toBe(two.output.sha256);
  expect(steps).toContain('reading');
});

test('tokens that are not valid are left out, and NaN in the result', async () => {
  const mask = Uint8Array.from({ length: 48 }, (_, i) => (i % 4 ? 1 : 0));
  const holes = values.map((value, i) => (mask[Math.floor(i / 10)] ? value : NaN));
  await writeFile(
    at('holes.safetensors'),
    await encodeSafetensors({
      features: tensor('float32', [2, 4, 6, 10], holes),
      valid: tensor('bool', [2, 4, 6], mask),
    }),
  );
  const result = await reduceFile({ tokens: at('holes.safetensors'), with: 'pca', output: at('holes.npy') });
  expect(result.tokens).toBe(36);
  const written = await tensorIn('holes.npy');
  expect([...(written.data as Float32Array)].map(Number.isNaN)).toEqual(
    Array.from({ length: 144 }, (_, i) => !mask[Math.floor(i / 3)]),
  );
  const [compared] = await compareFiles({
    reductions: [at('holes.npy')],
    tokens: at('holes.safetensors'),
    neighbors: 5,
  });
  expect(compared).toMatchObject({ components: 3, tokens: 36, neighbors: 5 });
});

test('a reduction to all channels keeps every neighbourhood, a random one does not', async () => {
  await reduceFile({ tokens: at('t.npy'), with: 'pca', options: { components: 10 }, output: at('all.npy') });
  await reduceFile({
    tokens: at('t.npy'),
    with: 'random-projection',
    options: { components: 1 },
    output: at('random.npy'),
  });
  const [all, random] = await compareFiles({
    reductions: [at('all.npy'), at('random.npy')],
    tokens: at('t.npy'),
    metric: 'euclidean',
    neighbors: 5,
  });
  expect(all!.trustworthiness).toBeCloseTo(1, 6);
  expect(all!.distanceCorrelation).toBeCloseTo(1, 6);
  expect(random!.trustworthiness).toBeLessThan(all!.trustworthiness);
});

test('what it would take is known before anything starts', async () => {
  expect(await estimateReduce({ tokens: at('t.npy'), with: 'umap', output: 'y.npy' })).toMatchObject({
    method: 'umap',
    tokens: 48,
    channels: 10,
  });
  await expect(
    reduceFile({ tokens: at('t.npy'), with: 'umap', output: at('never.npy'), maxMemoryBytes: 1000 }),
  ).rejects.toThrow(/reducing 48 tokens of 10 channels would need .* GiB/);
});

test('what cannot be reduced is named, and nothing is left behind', async () => {
  const before = readdirSync(folder).sort();
  const bad = (request: object) =>
    expect(reduceFile({ tokens: at('t.npy'), with: 'pca', output: at('bad.npy'), ...request })).rejects;
  await bad({ with: 'tsne' }).toThrow('There is no reducer "tsne"; there are pca, umap');
  await bad({ with: undefined }).toThrow('No reducer was named');
  await bad({ output: at('bad.txt') }).toThrow('results are written as .npy, .safetensors, .pt');
  await bad({ options: { component: 2 } }).toThrow('Its options are components, whiten, engine');
  await bad({ options: { components: 11 } }).toThrow('11 components cannot be made of 10 channels');
  await bad({ tokens: at('t.safetensors'), tensor: 'nope' }).toThrow('has no tensor "nope"');
  await bad({ model: at('t.npy') }).toThrow();
  await bad({ with: 'umap', options: { engine: 'umap-js' }, modelOut: at('m') }).toThrow('umap-js cannot save a fit');
  await writeFile(at('nan.npy'), encodeNpy(tensor('float32', [3, 2], Float32Array.of(1, 2, 3, NaN, 5, 6))));
  await bad({ tokens: at('nan.npy'), options: { components: 1 } }).toThrow('the token at axis 0 1, channel 1, is NaN');
  await writeFile(at('flat.npy'), encodeNpy(tensor('float32', [3], new Float32Array(3))));
  await bad({ tokens: at('flat.npy') }).toThrow('tokens have two axes or more');
  await writeFile(at('whole.npy'), encodeNpy(tensor('int32', [3, 2], new Int32Array(6))));
  await bad({ tokens: at('whole.npy') }).toThrow('holds int32');
  await bad({ tokens: at('missing.npy') }).toThrow('missing.npy');
  expect(
    readdirSync(folder)
      .filter((name) => !['nan.npy', 'flat.npy', 'whole.npy'].includes(name))
      .sort(),
  ).toEqual(before);
});

test('a model of another encoder is refused', async () => {
  await reduceFile({ tokens: at('t.safetensors'), with: 'pca', output: at('a.npy'), modelOut: at('a.safetensors') });
  await writeFile(
    at('foreign.safetensors'),
    await encodeSafetensors({ features: grid }, { encoder: JSON.stringify({ name: 'other', fingerprint: 'beef' }) }),
  );
  await expect(
    reduceFile({ tokens: at('foreign.safetensors'), model: at('a.safetensors'), output: at('b.npy') }),
  ).rejects.toThrow(/fitted to tokens of tiny \(f00d\), and these come from other \(beef\)/);
});

test('stops when it is told to', async () => {
  const controller = new AbortController();
  const run = reduceFile({
    tokens: at('t.npy'),
    with: 'umap',
    options: { epochs: 100_000 },
    output: at('stopped.npy'),
    signal: controller.signal,
    progress: () => controller.abort(new Error('enough')),
  });
  await expect(run).rejects.toThrow('enough');
  expect(readdirSync(folder)).not.toContain('stopped.npy');
});
