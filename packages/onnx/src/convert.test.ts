// Converted weights are made once, found again, and made again when they are damaged.
import { mkdtempSync, readdirSync, readFileSync, realpathSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { float32FromHalf } from '@deepearth/core/half';
import { viewAs } from '@deepearth/core/tensor';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openCheckpoint, type Checkpoint } from './checkpoint.ts';
import { placeWeights } from './weights.ts';
import { convertWeights, readFloats } from './convert.ts';
import { toyFamily, toyWeights } from './testing/toy-family.ts';

const cache = mkdtempSync(join(tmpdir(), 'deepearth-cache-'));
const model = mkdtempSync(join(tmpdir(), 'deepearth-toy-'));
let checkpoint: Checkpoint;
beforeAll(async () => {
  process.env['DEEPEARTH_CACHE'] = cache;
  writeFileSync(join(model, 'config.json'), '{"model_type":"toy"}');
  writeFileSync(join(model, 'model.safetensors'), await toyWeights());
  checkpoint = await openCheckpoint(toyFamily, model);
});
afterAll(async () => {
  await checkpoint.close();
  for (const folder of [cache, model]) rmSync(folder, { recursive: true, force: true });
});

const bytesOf = ({ folder, weights }: Awaited<ReturnType<typeof placeWeights>>, name: string): Uint8Array => {
  const { file, offset, bytes } = weights.get(name)!;
  return readFileSync(join(folder, file)).subarray(offset, offset + bytes);
};

test('fp32 points into the checkpoint itself', async () => {
  const placed = await placeWeights(checkpoint, 'fp32');
  expect(placed.folder).toBe(realpathSync(model));
  expect(viewAs('float32', bytesOf(placed, 'layers.1.proj.weight'))).toEqual(
    await readFloats(checkpoint.tensors.get('layers.1.proj.weight')!),
  );
});

test.each([
  ['int8', 0],
  ['uint8', 128],
] as const)(
  'int8 as %s keeps every value to half a step of its channel, and the first layers’ attention as it is',
  async (bytes, zero) => {
    const placed = await convertWeights(checkpoint, 'int8', { bytes });
    const [out, inner] = [48, 32];
    const exact = await readFloats(checkpoint.tensors.get('layers.1.fc1.weight')!);
    expect(placed.weights.get('layers.1.fc1.weight.quantised')).toMatchObject({ dtype: bytes, shape: [inner, out] });
    const values = Array.from(viewAs(bytes, bytesOf(placed, 'layers.1.fc1.weight.quantised')), (value) => value - zero);
    const scales = viewAs('float32', bytesOf(placed, 'layers.1.fc1.weight.scale'));
    for (let row = 0; row < out; row++) {
      const channel = Array.from({ length: inner }, (_, column) => values[column * out + row]!);
      expect(Math.max(...channel.map(Math.abs))).toBe(127);
      channel.forEach((value, column) =>
        expect(Math.abs(value * scales[row]! - exact[row * inner + column]!)).toBeLessThanOrEqual(
          scales[row]! * 0.5001,
        ),
      );
    }
    expect(placed.weights.get('layers.1.query.weight')).toMatchObject({ dtype: 'float32', shape: [32, 32] });
  },
);

test('fp16 is found again, and made again when a byte of it changes', async () => {
  const first = await placeWeights(checkpoint, 'fp16');
  const path = join(first.folder, [...first.weights.values()][0]!.file);
  const written = statSync(path).mtimeMs;
  const good = readFileSync(path);
  let steps = 0;
  await placeWeights(checkpoint, 'fp16', { progress: () => steps++ });
  expect([steps, statSync(path).mtimeMs]).toEqual([0, written]);

  const bad = Uint8Array.from(good);
  bad[bad.length - 100]! ^= 1;
  writeFileSync(path, bad);
  await placeWeights(checkpoint, 'fp16', { progress: () => steps++ });
  expect(steps).toBe(checkpoint.tensors.size);
  expect(readFileSync(path).equals(good)).toBe(true);

  writeFileSync(path, good.subarray(0, 1000));
  await placeWeights(checkpoint, 'fp16');
  expect(readFileSync(path).equals(good)).toBe(true);
  const exact = await readFloats(checkpoint.tensors.get('patch.weight')!);
  const halves = float32FromHalf(viewAs('float16', bytesOf(first, 'patch.weight')));
  halves.forEach((value, i) =>
    expect(Math.abs(value - exact[i]!)).toBeLessThanOrEqual(Math.abs(exact[i]!) * 2 ** -11 + 2 ** -25),
  );
});

test('a conversion that is stopped leaves nothing under its name', async () => {
  rmSync(join(cache, 'weights'), { recursive: true });
  const controller = new AbortController();
  await expect(
    placeWeights(checkpoint, 'fp16', {
      signal: controller.signal,
      progress: () => controller.abort(new Error('stop')),
    }),
  ).rejects.toThrow('stop');
  expect(readdirSync(join(cache, 'weights'))).toEqual([]);
});

test('a cache that is no folder says what to set', async () => {
  const file = join(cache, 'file');
  writeFileSync(file, '');
  process.env['DEEPEARTH_CACHE'] = join(file, 'inside');
  try {
    await expect(placeWeights(checkpoint, 'int8')).rejects.toThrow(/the cache is no folder\..*DEEPEARTH_CACHE/);
  } finally {
    process.env['DEEPEARTH_CACHE'] = cache;
  }
});

test('weights that fp16 or int8 cannot hold are named; none becomes infinite or 0 without a word', async () => {
  const changed = (name: string, change: (values: Float32Array) => void): Pick<Checkpoint, 'name' | 'tensors'> => {
    const stored = checkpoint.tensors.get(name)!;
    const read = async () => {
      const t = await stored.read();
      const data = Float32Array.from(t.data as Float32Array);
      change(data);
      return { ...t, data } as Awaited<ReturnType<typeof stored.read>>;
    };
    return { name: `changed ${name}`, tensors: new Map([[name, { ...stored, read } as typeof stored]]) };
  };
  const fc1 = 'layers.2.fc1.weight';
  await expect(
    convertWeights(
      changed(fc1, (values) => (values[3] = 1e5)),
      'fp16',
    ),
  ).rejects.toThrow(/layers\.2\.fc1\.weight: the value 100000 \(number 3 of 1536\) would become infinite in float16/);
  await expect(
    convertWeights(
      changed(fc1, (values) => (values[40] = NaN)),
      'int8',
    ),
  ).rejects.toThrow(/layers\.2\.fc1\.weight: row 1 holds values that are not finite/);
});
