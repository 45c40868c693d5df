import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DeepEarthError, InputError } from '@deepearth/core/errors';
import { tryMutants } from '@deepearth/testing/mutate';
import { encodeSafetensors } from '@deepearth/formats/safetensors';
import { tensor } from '@deepearth/core/tensor';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { kmeans } from '../kmeans/kmeans.ts';
import { loadModel, saveModel } from './model-file-node.ts';
import { decodeModel, encodeModel } from './model-file.ts';
import type { FittedReducer, SavedModel } from './model.ts';
import { pca } from '../pca/pca.ts';
import { randomProjection } from '../random-projection/random-projection.ts';
import { restoreReducer } from '../run/reductions.ts';
import { seededNormal, seededRandom } from '../shared/seeded.ts';
import { canonicalJson } from './canonical-json.ts';
import { umap } from '../umap/umap.ts';

let folder: string;
beforeAll(async () => void (folder = await mkdtemp(join(tmpdir(), 'models-'))));
afterAll(() => rm(folder, { recursive: true, force: true }));

const tokens = Float32Array.from({ length: 60 * 5 }, seededNormal(1));
const encoder = { name: 'tiny', fingerprint: 'f00d' };

const fits: Record<string, () => Promise<FittedReducer>> = {
  pca: () => pca(tokens, { channels: 5, whiten: true }),
  umap: async () => (await umap(tokens, { channels: 5, epochs: 10, threads: 1 })).model,
  kmeans: () => kmeans(tokens, { channels: 5, clusters: 4 }),
  'random-projection': async () => randomProjection({ channels: 5 }),
};

test.each(Object.keys(fits))(
  'a saved %s is the same when it is loaded, and its file too, to the byte',
  async (kind) => {
    const model = await fits[kind]!();
    const limits = Array.from({ length: model.components }, (_, k) => [-0.1 * k - 1e-17, 1 / 3] as const);
    const path = join(folder, `${kind}.safetensors`);
    await saveModel(path, { state: model.state(), encoder, limits });
    const loaded = await loadModel(path, { encoder });
    expect(loaded.limits).toEqual(limits);
    expect(loaded.encoder).toEqual(encoder);
    expect(await encodeModel(loaded)).toEqual(await encodeModel({ state: model.state(), encoder, limits }));
    const restored = await restoreReducer(loaded.state, path);
    expect(await encodeModel({ ...loaded, state: restored.state() })).toEqual(await encodeModel(loaded));
    expect(await restored.transform(tokens)).toEqual(await model.transform(tokens));
    await Promise.all([model.close?.(), restored.close?.()]);
  },
);

test('a model made for another encoder is refused, and both are named', async () => {
  const saved: SavedModel = { state: (await fits['pca']!()).state(), encoder, limits: [] };
  const bytes = await encodeModel(saved);
  await expect(
    decodeModel(bytes, 'm.safetensors', { encoder: { name: 'other', fingerprint: 'beef' } }),
  ).rejects.toThrow(/m.safetensors: was fitted to tokens of tiny \(f00d\), and these come from other \(beef\)/);
  await expect(decodeModel(bytes, 'm.safetensors')).resolves.toBeDefined();
  await expect(
    decodeModel(await encodeModel({ state: saved.state, limits: [] }), 'm.safetensors', { encoder }),
  ).resolves.toBeDefined();
});

test('what is no model says so', async () => {
  const values = { x: tensor('float32', [1], Float32Array.of(1)) };
  await expect(decodeModel(await encodeSafetensors(values), 'a')).rejects.toThrow('a: has no "format" in its metadata');
  await expect(decodeModel(await encodeSafetensors(values, { format: 'pt' }), 'a')).rejects.toThrow(
    'of the format "pt"',
  );
  const good = { format: 'deepearth-reducer', version: '1', kind: 'pca', options: '{}', limits: '[]' };
  await expect(decodeModel(await encodeSafetensors(values, { ...good, version: '3' }), 'a')).rejects.toThrow(
    'version 3, this program reads versions up to 2',
  );
  await expect(decodeModel(await encodeSafetensors(values, { ...good, kind: 'tsne' }), 'a')).rejects.toThrow(
    'is a saved "tsne"',
  );
  await expect(decodeModel(await encodeSafetensors(values, { ...good, limits: '[[0]]' }), 'a')).rejects.toThrow(
    'limits are no list of pairs',
  );
  await expect(decodeModel(await encodeSafetensors(values, { ...good, options: '[' }), 'a')).rejects.toThrow(
    'options are no JSON',
  );
  await expect(
    restoreReducer((await decodeModel(await encodeSafetensors(values, good), 'a')).state, 'a'),
  ).rejects.toMatchObject({
    code: 'E_REDUCER_FILE',
    message: expect.stringContaining('a: is no whole PCA model') as string,
  });
  await expect(loadModel(join(folder, 'none'))).rejects.toThrow('there is no such model file');
  await writeFile(join(folder, 'junk'), 'junk');
  await expect(loadModel(join(folder, 'junk'))).rejects.toThrow('no valid safetensors file');
});

test('every altered byte of a model is refused, wherever it lies', async () => {
  const bytes = await encodeModel({ state: (await fits['kmeans']!()).state(), encoder, limits: [[0, 3]] });
  const source = seededRandom(7);
  for (let at = 0; at < bytes.length; at++) {
    const altered = bytes.slice();
    altered[at]! ^= 1 + Math.floor(source() * 255);
    const error: unknown = await decodeModel(altered, 'm.safetensors').catch((caught: unknown) => caught);
    expect(error, `byte ${at}`).toBeInstanceOf(InputError);
    expect((error as InputError).code).toMatch(/^E_(REDUCER_FILE|REDUCER_VERSION|SAFETENSORS)$/);
  }
  const changed = bytes.slice();
  changed[bytes.length - 3]! ^= 1;
  await expect(decodeModel(changed, 'm')).rejects.toThrow(
    /m: is damaged: its contents have the digest [0-9a-f]{64}, and it says [0-9a-f]{64}\. Copy it again from where it was saved, or fit again\./,
  );
});

test('a model that was saved before there were digests is read, and every number of it has to be finite', async () => {
  for (const [kind, fit] of Object.entries(fits)) {
    const { state } = await decodeModel(await encodeModel({ state: (await fit()).state(), limits: [] }), kind);
    const former = (tensors: SavedModel['state']['tensors'], options = canonicalJson(state.metadata)) =>
      encodeSafetensors(tensors, { format: 'deepearth-reducer', version: '1', kind, options, limits: '[]' });
    const read = await decodeModel(await former(state.tensors), kind);
    expect(read.sealed).toBe(false);
    expect(read.state).toEqual(state);
    for (const [name, t] of Object.entries(state.tensors)) {
      if (!(t.data instanceof Float32Array || t.data instanceof Float64Array)) continue;
      const data = t.data.slice();
      data[data.length >> 1] = NaN;
      await expect(
        decodeModel(await former({ ...state.tensors, [name]: { ...t, data } as typeof t }), kind),
      ).rejects.toThrow(`is damaged: value ${data.length >> 1} of its ${name} is NaN`);
    }
    await expect(decodeModel(await former(state.tensors, '{"a":[{"b":1e999}]}'), kind)).rejects.toThrow(
      'its a.0.b is Infinity',
    );
  }
});

test.each(['pca', 'umap', 'kmeans', 'random-projection'])(
  'a damaged %s without a digest is read or refused, and never a fault',
  async (kind) => {
    const { state } = await decodeModel(await encodeModel({ state: (await fits[kind]!()).state(), limits: [] }), kind);
    const bytes = await encodeSafetensors(state.tensors, {
      format: 'deepearth-reducer',
      version: '1',
      kind,
      options: canonicalJson(state.metadata),
      limits: '[[0,1]]',
    });
    const read = async (mutant: Uint8Array): Promise<string> => {
      const loaded = await decodeModel(mutant, 'm');
      const model = await restoreReducer(loaded.state, 'm');
      const values = await model.transform(tokens.slice(0, 10 * model.channels)).finally(() => model.close?.());
      return [loaded.limits, ...values].join();
    };
    const isReported = (error: unknown): boolean => error instanceof DeepEarthError;
    const report = await tryMutants(bytes, read, isReported, { count: 60, seed: 3 });
    expect(report.faults).toEqual([]);
    expect(report.refused).toBeGreaterThan(10);
  },
);
