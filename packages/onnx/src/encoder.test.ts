// What encoders share, with a tiny family of its own: nothing here knows a published model.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { tensor, type Tensor } from '@deepearth/core/tensor';
import { encodeSafetensors } from '@deepearth/formats/safetensors';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { checkModel, formatCheck } from './check.ts';
import { openCheckpoint, type Checkpoint } from './checkpoint.ts';
import { familyOf } from './choose-family.ts';
import { compareTokens } from './compare.ts';
import { encodeFrames, joined, globalTokens, type PreparedFrames } from './encode-frames.ts';
import { openEncoder, type Encoder } from './encoder.ts';
import { countEncoder, estimate } from './estimate.ts';
import { modelInfo, renderModelInfo } from './model-info.ts';
import { listModels, renderModels } from './model-list.ts';
import { resolveModel } from './resolve-model.ts';
import { surveyModel } from './survey-model.ts';
import { toy, toyFamily, toyWeights, waves } from './testing/toy-family.ts';

const home = mkdtempSync(join(tmpdir(), 'deepearth-toy-'));
const folder = join(home, 'model');
let checkpoint: Checkpoint;
let encoder: Encoder;
beforeAll(async () => {
  process.env['DEEPEARTH_CACHE'] = join(home, 'cache');
  mkdirSync(folder);
  writeFileSync(join(folder, 'config.json'), '{"model_type":"toy"}');
  writeFileSync(join(folder, 'model.safetensors'), await toyWeights());
  checkpoint = await openCheckpoint(toyFamily, folder);
  encoder = await openEncoder(checkpoint, { threads: 1 });
});
afterAll(async () => {
  await encoder.close();
  await checkpoint.close();
  rmSync(home, { recursive: true, force: true });
});

const noise = (...shape: number[]): Tensor<'float32'> =>
  tensor(
    'float32',
    shape,
    waves(
      shape.reduce((a, b) => a * b, 1),
      0.7,
    ),
  );

/** Prepared frames whose pixels are waves; different for each tile. */
const prepared = (seed: number, frames: number, rows = 1, columns = 1): PreparedFrames => ({
  frames,
  height: 8,
  width: 6,
  tiles: { rows, columns },
  geometry: { frameWidth: 6, frameHeight: 8, x: 0, y: 0, width: 6, height: 8 },
  pixels(row, column, out) {
    out.set(waves(out.length, seed + row * 0.37 + column * 0.11));
    return out;
  },
  assemble(time, channels) {
    const shape = [time, 4 * rows, 3 * columns, channels];
    const whole = tensor('float32', shape, new Float32Array(shape.reduce((a, b) => a * b, 1)));
    return {
      add(row, column, values) {
        for (let step = 0; step < time; step++)
          for (let y = 0; y < 4; y++) {
            const from = (step * 4 + y) * 3 * channels;
            const to = ((step * 4 * rows + row * 4 + y) * 3 * columns + column * 3) * channels;
            whole.data.set(values.subarray(from, from + 3 * channels), to);
          }
      },
      finish: () => whole,
    };
  },
});

test('every frame is a sequence of its own, and its global comes beside the grid', async () => {
  const { tokens, globals, grid } = await encoder.encode(noise(2, 3, 3, 8, 6));
  expect(tokens.shape).toEqual([2, 3, 4, 3, 32]);
  expect(globals!.shape).toEqual([2, 3, 1, 32]);
  expect(grid).toEqual({ time: 3, height: 4, width: 3 });
  expect(encoder.globals).toEqual(['first']);
  const step = 12 * 32;
  for (let frame = 0; frame < 6; frame++)
    expect(globals!.data.slice(frame * 32, frame * 32 + 32)).toEqual(
      tokens.data.slice(frame * step, frame * step + 32),
    );
});

test('decomposed attention, half precision and int8 return what fp32 does, nearly', async () => {
  const pixels = noise(1, 2, 3, 20, 20);
  const expected = (await encoder.encode(pixels)).tokens;
  const cases = [
    [{ attention: 'decomposed' }, 2e-6],
    [{ precision: 'fp16' }, 2e-3],
    [{ precision: 'int8' }, 5e-2],
  ] as const;
  for (const [options, limit] of cases) {
    const other = await openEncoder(checkpoint, { ...options, threads: 1 });
    try {
      expect(compareTokens((await other.encode(pixels)).tokens, expected).relativeError).toBeLessThan(limit);
    } finally {
      await other.close();
    }
  }
});

test('the fingerprint tells precision, depth, architecture and weights apart, and nothing else', async () => {
  const fingerprintOf = async (options: object): Promise<string> => {
    const other = await openEncoder(checkpoint, { threads: 1, ...options });
    await other.close();
    return other.identity.fingerprint;
  };
  expect(await fingerprintOf({ attention: 'decomposed' })).toBe(encoder.identity.fingerprint);
  const others = [await fingerprintOf({ precision: 'fp16' }), await fingerprintOf({ layers: 1 })];
  expect(new Set([encoder.identity.fingerprint, ...others]).size).toBe(3);
});

test('batches of any size give the grids of one by one, tiles in their places, globals by tile', async () => {
  const sources = [prepared(1, 1), prepared(2, 1), prepared(3, 1, 2, 2), prepared(4, 2)];
  const alone = await encodeFrames(encoder, sources, 1);
  for (const batchSize of [2, 3, 8]) {
    const together = await encodeFrames(encoder, sources, batchSize);
    together.forEach(({ values, globals }, i) => {
      expect(values.shape).toEqual(alone[i]!.values.shape);
      expect(compareTokens(values, alone[i]!.values).relativeError).toBeLessThan(1e-6);
      expect(compareTokens(globals!, alone[i]!.globals!).relativeError).toBeLessThan(1e-6);
    });
  }
  const tiled = alone[2]!;
  expect(tiled.values.shape).toEqual([1, 8, 6, 32]);
  expect(tiled.globals!.shape).toEqual([1, 4, 1, 32]);
  // The global is the first token of its tile: row 4, column 3 of the whole for the last one.
  const at = (4 * 6 + 3) * 32;
  expect(tiled.globals!.data.slice(3 * 32, 4 * 32)).toEqual(tiled.values.data.slice(at, at + 32));
});

test('a batch is one call, of as many clips as were asked for', async () => {
  const sizes: number[] = [];
  const counted: typeof encoder = {
    ...encoder,
    encode(given, signal) {
      const pixels = typeof given === 'function' ? given() : given;
      sizes.push(pixels.shape[0]!);
      return encoder.encode(pixels, signal);
    },
  };
  const sources = Array.from({ length: 5 }, (_, i) => prepared(i, 1));
  await encodeFrames(counted, sources, 2);
  expect(sizes).toEqual([2, 2, 1]);
});

test('the same frames given several times are prepared and encoded once', async () => {
  let made = 0;
  const source = prepared(1, 1);
  const counted: PreparedFrames = {
    ...source,
    pixels(row, column, out) {
      made++;
      return source.pixels(row, column, out);
    },
  };
  const encoded = await encodeFrames(encoder, [counted, prepared(2, 1), counted, counted], 1);
  expect(made).toBe(1);
  expect(encoded[3]!.values).toEqual(encoded[0]!.values);
  expect(encoded[1]!.values).not.toEqual(encoded[0]!.values);
});

test('parts joined are the grids one after the other; where one has no mask, all its tokens are valid', async () => {
  const [a, b] = await encodeFrames(encoder, [prepared(1, 1), prepared(2, 1)], 1);
  const whole = joined([{ ...a!, valid: new Uint8Array(12) }, b!]);
  expect(whole.values.shape).toEqual([2, 4, 3, 32]);
  expect(whole.values.data.slice(12 * 32)).toEqual(b!.values.data);
  expect(whole.globals!.shape).toEqual([2, 1, 1, 32]);
  expect(Array.from(whole.valid!)).toEqual([...Array<number>(12).fill(0), ...Array<number>(12).fill(255)]);
  expect(joined([a!])).toBe(a);
  expect(joined([a!, b!]).valid).toBeUndefined();
  const other = { ...b!, geometry: { ...b!.geometry, frameWidth: 7 } };
  expect(() => joined([a!, b!, other])).toThrow(/frame 3 of 3: it gives 4 x 3 tokens of a frame of 7 x 8/);
});

test('tokens of no place keep their time steps, and their tiles where there are several', () => {
  const of = (steps: number, tiles: number) => globalTokens(['class', 'register'], noise(steps, tiles, 2, 32));
  expect(of(3, 1)).toMatchObject({ axes: ['time', 'name', 'channels'], values: { shape: [3, 2, 32] } });
  expect(of(1, 4)).toMatchObject({ axes: ['time', 'tile', 'name', 'channels'], values: { shape: [1, 4, 2, 32] } });
});

test('a model is checked with its own outputs, and fails with others', async () => {
  const input = noise(1, 1, 3, 8, 6);
  const { tokens } = await encoder.encode(input);
  const expected = tensor('float32', [1, 12, 32], Float32Array.from(tokens.data));
  writeFileSync(join(folder, 'input.safetensors'), await encodeSafetensors({ a: input }));
  writeFileSync(join(folder, 'expected.safetensors'), await encodeSafetensors({ a: expected }));
  const report = await checkModel(toyFamily, folder, { threads: 1 });
  expect(report).toMatchObject({ passed: true, cases: [{ input: 'a', expected: 'a', relativeError: 0 }] });
  expected.data[5]! += 0.1;
  writeFileSync(join(folder, 'expected.safetensors'), await encodeSafetensors({ a: expected }));
  const failed = await checkModel(toyFamily, folder, { threads: 1 });
  expect(formatCheck(failed)).toMatch(/FAIL a .*1 of 1 differ/s);
  writeFileSync(join(folder, 'expected.safetensors'), await encodeSafetensors({ b: expected }));
  await expect(checkModel(toyFamily, folder)).rejects.toThrow(/"b" is nothing that this model returns: an input's key/);
});

test('a family is found by the config, or the one that needs none, or the error lists what there is', async () => {
  const other = { ...toyFamily, title: 'Other', modelType: /^other/, inferArchitecture: () => toy };
  expect((await familyOf([other, toyFamily], folder)).title).toBe('Toy');
  const bare = join(home, 'bare');
  mkdirSync(bare);
  expect((await familyOf([toyFamily, other], bare)).title).toBe('Other');
  writeFileSync(join(bare, 'config.json'), '{"model_type":"vit"}');
  await expect(familyOf([toyFamily, other], bare)).rejects.toThrow(/a "vit" model; what is known is Toy, Other/);
  await expect(familyOf([toyFamily], join(home, 'nowhere'))).rejects.toThrow(/config\.json: cannot be read/);
});

test('a family without inference refuses weights without a config', async () => {
  const alone = join(home, 'alone.safetensors');
  writeFileSync(alone, await toyWeights());
  await expect(openCheckpoint(toyFamily, alone)).rejects.toThrow(/has no config\.json beside it/);
});

test('models are resolved, surveyed, listed and described by the families that are given', async () => {
  expect(await resolveModel([toyFamily], folder)).toEqual({ path: folder, name: folder });
  await expect(resolveModel([toyFamily], './nowhere')).rejects.toThrow(/Give a folder .* a name like someone\/toy/);
  expect((await surveyModel(toyFamily, 'Someone-Else/Toy')).architecture).toEqual(toy);
  expect(await surveyModel(toyFamily, 'someone/unknown')).toMatchObject({
    name: 'someone/unknown',
    notes: [expect.stringContaining('is not among the known models')],
  });
  await expect(surveyModel(toyFamily, './nowhere')).rejects.toThrow(/is no folder, no file and no name of a model/);
  const variables = { HF_HOME: join(home, 'hf') };
  expect(renderModels(await listModels([toyFamily], variables))).toMatch(/someone\/toy +Toy, 8 px, terms to accept/);
  const info = await modelInfo([toyFamily], folder, { frames: 2, height: 8, width: 8 });
  const counts = countEncoder(toyFamily, toy);
  expect(info).toMatchObject({ source: 'folder', parameters: counts.parameters, tensors: counts.tensors });
  expect(counts.parameters).toBe(checkpoint.parameters);
  expect(renderModelInfo(info)).toContain('2 x 4 x 4 = 32 tokens');
  expect((await modelInfo([toyFamily], 'someone/toy', { variables })).source).toBe('catalogue');
});

test('frames by themselves cost what one costs, as often as there are frames', () => {
  const of = (frames: number) => estimate(toyFamily, toy, { frames, height: 8, width: 8 });
  expect(of(6).flop).toBe(6 * of(1).flop);
  expect(of(6).scoreBytes).toBe(of(1).scoreBytes);
  expect(of(6).outputBytes).toBe(6 * of(1).outputBytes);
});
