import { existsSync, readdirSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { createRegistry, InputError, tensor, type Frame, type TokenGrid } from '@deepearth/core';
import { bytesSource } from '@deepearth/formats/bytes';
import { openPt } from '@deepearth/formats/pt';
import { float, tuple } from '@deepearth/formats/python-values';
import { writePt } from '@deepearth/formats/pt-writer';
import { describeAlone, runStage } from '@deepearth/runtime/run-stage';
import fc from 'fast-check';
import sharp from 'sharp';
import { afterAll, describe, expect, test } from 'vitest';
import { features } from './features.ts';
import { pythonGrids } from './python-grids.ts';
import { stages } from './stages.ts';
import { synthetic } from './synthetic.ts';

const root = await mkdtemp(join(tmpdir(), 'python-grids-'));
afterAll(() => rm(root, { recursive: true, force: true }));

const registry = createRegistry(stages);

async function read(name: string, value: Parameters<typeof writePt>[0]): Promise<TokenGrid[]> {
  const path = join(root, name);
  await writeFile(path, writePt(value));
  const found: TokenGrid[] = [];
  for await (const item of runStage(features, { options: { path, frames: root }, registry }))
    found.push(item as TokenGrid);
  return found;
}
const values = (tokens: number) =>
  tensor(
    'float32',
    [tokens, 3],
    Float32Array.from({ length: 3 * tokens }, (_, i) => i),
  );

test('a window of the old extractor becomes a grid over the centre crop of frames found by name', async () => {
  for (const number of [4, 5])
    await sharp({ create: { width: 360, height: 360, channels: 3, background: '#123456' } })
      .png()
      .toFile(join(root, `f${number}.png`));
  const [grid] = await read('features_frames_0004_0005.pt', {
    features: values(576),
    model_info: { model_name: 'some/model', num_output_temporal: 1, spatial_grid_size: 24 },
    metadata: { window_idx: 2, frame_numbers: [4, 5], frame_files: ['f4.png', 'f5.png'] },
  });
  expect(grid!.values.shape).toEqual([1, 24, 24, 3]);
  expect(grid!.clip).toMatchObject({ id: 'clip-000002', index: 2, padded: 0 });
  expect(grid!.clip!.frames.map(({ number, width, locator }) => [number, width, locator.uri])).toEqual([
    [4, 360, join(root, 'f4.png')],
    [5, 360, join(root, 'f5.png')],
  ]);
  // 384 of 438 pixels after the resize.
  expect(grid!.origin).toMatchObject({ geometry: { x: 27 * (360 / 438), width: 384 * (360 / 438) } });
});

test('a chunk of the old image extractor becomes one grid for each picture, also where the picture is gone', async () => {
  const grids = await read('features_chunk_0001.pt', {
    'gone/a.jpg': { features: values(8 * 4), metadata: {} },
    'gone/b.jpg': { features: values(8 * 4), metadata: {} },
  });
  expect(grids.map(({ values: { shape } }) => shape)).toEqual([
    [8, 2, 2, 3],
    [8, 2, 2, 3],
  ]);
  expect(new Set(grids.map(({ key }) => key)).size).toBe(2);
  expect(grids.map(({ clip }) => clip!.frames[0]!.locator.uri)).toEqual(['gone/a.jpg', 'gone/b.jpg']);
});

test('frames that a file keeps whole come back whole, and are read by the source that they name', async () => {
  const drawn: Frame[] = [];
  for await (const frame of runStage(synthetic, {
    options: { count: 2, width: 32, height: 16, first: 7, sequence: 'sky' },
  }))
    drawn.push(frame as Frame);
  const records = drawn.map(({ read: _, ...frame }) => frame);
  const clip = { kind: 'clip', id: 'clip-000003', key: 'abc', sequence: 'sky', index: 3, padded: 0, frames: records };
  const path = join(root, 'whole-frames.pt');
  await writeFile(path, writePt({ features: values(2), metadata: { clip: clip as never, frame_numbers: [1, 2] } }));
  for await (const item of runStage(features, { options: { path }, registry })) {
    const { clip: found } = item as TokenGrid;
    expect({ ...found, frames: found!.frames.map(({ read: _, ...frame }) => frame) }).toEqual(clip);
    expect(found!.frames.map(({ locator }) => locator.index)).toEqual([7, 8]);
    for (const [index, frame] of found!.frames.entries())
      expect((await frame.read()).values).toEqual((await drawn[index]!.read()).values);
  }
});

describe('what a file does not say', () => {
  const shapesOf = async (name: string, value: Parameters<typeof writePt>[0]) =>
    (await read(name, value)).map(({ axes, values: { shape }, origin }) => [axes.length, shape, origin.kind]);

  test('is taken for 8 steps of a square or a square; what is neither is a list of tokens', async () => {
    expect(await shapesOf('steps.pt', { features: values(8 * 9) })).toEqual([[4, [8, 3, 3, 3], 'unknown']]);
    expect(await shapesOf('square.pt', { features: values(9) })).toEqual([[4, [1, 3, 3, 3], 'unknown']]);
    expect(await shapesOf('list.pt', { features: values(12) })).toEqual([[2, [12, 3], 'unknown']]);
    expect(await shapesOf('alone.pt', values(12))).toEqual([[2, [12, 3], 'unknown']]);
    const edge = { features: values(36), model_info: { spatial_grid_size: tuple(2, 6) } };
    expect(await shapesOf('edge.pt', edge)).toEqual([[4, [3, 2, 6, 3], 'unknown']]);
  });

  test('is the same for all pictures of a chunk', async () => {
    const chunk = { 'a.png': { features: values(16) }, 'b.png': { features: values(12) } };
    expect(await shapesOf('features_chunk_0000.pt', chunk)).toEqual([
      [2, [16, 3], 'unknown'],
      [2, [12, 3], 'unknown'],
    ]);
  });
});

const whole = {
  features: values(12),
  model_info: { model_name: 'some/model', num_output_temporal: 2, spatial_grid_size: [2, 3] },
  metadata: {
    window_idx: 2,
    frame_numbers: [4, 5],
    frame_files: ['f4.png', 'f5.png'],
    frame_paths: ['gone/f4.png', 'gone/f5.png'],
    padded_frames: 0,
    geometry: { frameWidth: 8, frameHeight: 6, x: 0, y: 0, width: 8, height: 6 },
  },
  valid: tensor('uint8', [12], new Uint8Array(12).fill(200)),
  axes: ['time', 'height', 'width', 'channels'],
  grid_shape: [2, 2, 3, 3],
  globals: tensor('float32', [1, 3], Float32Array.of(1, 2, 3)),
  global_names: ['class'],
  global_axes: ['name', 'channels'],
};
type Field = readonly [path: string, value: unknown, reason: RegExp];

/** `whole` with the field at a path replaced; gone where the value is `undefined`. */
function changed(path: readonly string[], value: unknown, from: object = whole): object {
  const [name, ...rest] = path as [string, ...string[]];
  const inner = rest.length ? changed(rest, value, (from as Record<string, object>)[name]!) : value;
  const { [name]: _, ...others } = from as Record<string, unknown>;
  return inner === undefined ? others : { ...others, [name]: inner };
}

test('what was guessed is said in the plan and in the run', async () => {
  const path = join(root, 'guessed.pt');
  await writeFile(path, writePt({ features: values(8 * 9) }));
  const guess = `${path}: no axes are named; the tokens are taken for [time 8, height 3, width 3, channels 3].`;
  expect(await describeAlone(features, { options: { path } })).toMatchObject({ notes: [guess] });
  const said: string[] = [];
  for await (const _ of runStage(features, {
    options: { path },
    onEvent: (event) => void (event.type === 'info' && said.push(event.message)),
  }));
  expect(said).toEqual([guess]);
});

describe('a file that is wrong', () => {
  test('is right before anything is changed', async () => {
    const [grid] = await read('whole.pt', whole);
    expect(grid!.values.shape).toEqual([2, 2, 3, 3]);
    expect(grid!.valid).toEqual(new Uint8Array(12).fill(200));
    expect(grid!.globals!.names).toEqual(['class']);
    expect(grid!.clip!.frames.map(({ number }) => number)).toEqual([4, 5]);
    const yesNo = tensor(
      'bool',
      [12],
      Uint8Array.from({ length: 12 }, (_, token) => token % 2),
    );
    const [masked] = await read('mask.pt', changed(['valid'], yesNo) as never);
    expect([...masked!.valid!]).toEqual([0, 255, 0, 255, 0, 255, 0, 255, 0, 255, 0, 255]);
  });

  test.each<Field>([
    ['features', undefined, /it has no "features"/],
    ['features', 'none', /features is "none", expected a tensor/],
    ['features', [1, 2], /features is a list of 2, expected a tensor/],
    ['features', tensor('float32', [12], new Float32Array(12)), /features is float32 of shape \[12\], expected/],
    ['features', tensor('float64', [12, 3], new Float64Array(36)), /features is float64 of shape \[12, 3\]/],
    ['features', tensor('float32', [0, 3], new Float32Array(0)), /features is empty, its shape is \[0, 3\]/],
    ['features', tensor('float32', [12, 0], new Float32Array(0)), /features is empty/],
    ['features', values(11), /time 2, height 2, width 3, channels 3 does not fit 11 tokens of 3 channels/],
    ['grid_shape', [2, 2, 3], /does not fit 12 tokens of 3 channels/],
    ['grid_shape', [2, 2, 9, 1], /does not fit 12 tokens of 3 channels/],
    ['grid_shape', [-2, -2, 3, 3], /grid_shape\[0\] is -2, expected a whole number of at least 1/],
    ['grid_shape', [0.5, 8, 3, 3], /grid_shape\[0\] is 0.5, expected a whole number of at least 1/],
    ['grid_shape', 'large', /grid_shape is "large", expected a list/],
    ['axes', undefined, /axes is nothing, expected a list/],
    ['axes', 7, /axes is 7, expected a list/],
    ['axes', ['time', 'height', 'width', 'numbers'], /does not fit 12 tokens/],
    ['axes', ['time', 'width', 'width', 'channels'], /axes is a list of 4, expected names that differ/],
    ['axes', ['time', 2, 'width', 'channels'], /axes\[1\] is 2, expected text/],
    ['model_info', [1], /model_info is a list of 1, expected an object/],
    ['model_info.model_name', 5, /model_info\.model_name is 5, expected text/],
    ['metadata', 'none', /metadata is "none", expected an object/],
    ['metadata.frame_numbers', 4, /metadata\.frame_numbers is 4, expected a list/],
    ['metadata.frame_numbers', [4, 'x'], /metadata\.frame_numbers\[1\] is "x", expected a whole number/],
    ['metadata.frame_numbers', [4, float(0.5)], /metadata\.frame_numbers\[1\] is 0.5, expected a whole number/],
    ['metadata.frame_numbers', [4, NaN], /metadata\.frame_numbers\[1\] is NaN, expected a whole number/],
    ['metadata.frame_numbers', [4, 2n ** 70n], /metadata\.frame_numbers\[1\] is 1180591620717411303424, expected/],
    ['metadata.frame_paths', ['a.png'], /metadata\.frame_paths has 1 item, expected 2/],
    ['metadata.frame_files', ['a.png', 3], /metadata\.frame_files\[1\] is 3, expected text/],
    ['metadata.window_idx', -1, /metadata\.window_idx is -1, expected a whole number of at least 0/],
    ['metadata.window_idx', 'first', /metadata\.window_idx is "first"/],
    ['metadata.padded_frames', Infinity, /metadata\.padded_frames is Infinity/],
    ['metadata.geometry', [0, 0], /metadata\.geometry is a list of 2, expected an object/],
    ['metadata.geometry.width', 'wide', /metadata\.geometry\.width is "wide", expected a number/],
    ['metadata.clip', { id: 'x' }, /metadata\.clip\.key is missing/],
    [
      'metadata.clip',
      { id: 'x', key: 'k', index: 0, padded: 0, sequence: 's', frames: [{}] },
      /metadata\.clip\.frames\[0\]\.id is missing/,
    ],
    ['valid', 'all', /valid is "all", expected a tensor/],
    [
      'valid',
      tensor('float32', [12], new Float32Array(12)),
      /valid is float32 of shape \[12\], expected uint8 of \[12\]/,
    ],
    ['valid', tensor('uint8', [11], new Uint8Array(11)), /valid is uint8 of shape \[11\]/],
    ['globals', [1], /globals is a list of 1, expected a tensor/],
    [
      'globals',
      tensor('float32', [2, 3], new Float32Array(6)),
      /globals is float32 of shape \[2, 3\], expected float32 of \[1, 3\]/,
    ],
    ['global_names', undefined, /global_names is nothing, expected a list/],
    ['global_axes', ['name'], /global_axes has 1 item, expected 2/],
  ])('at %s (%#) is an InputError that names file and field', async (path, value, reason) => {
    const name = 'wrong.pt';
    await expect(read(name, changed(path.split('.'), value) as never)).rejects.toThrow(reason);
    await expect(read(name, changed(path.split('.'), value) as never)).rejects.toMatchObject({
      cause: { code: 'E_TOKEN_FILE', subject: join(root, name) },
    });
  });

  test.each<Field>([
    ['num_output_temporal', 5, /time 5, .* does not fit 12 tokens/],
    ['num_output_temporal', 0, /model_info\.num_output_temporal is 0, expected a whole number of at least 1/],
    ['num_output_temporal', 'two', /model_info\.num_output_temporal is "two"/],
    ['spatial_grid_size', 0.5, /model_info\.spatial_grid_size is 0.5, expected a whole number/],
    ['spatial_grid_size', [2], /model_info\.spatial_grid_size has 1 item, expected 2/],
    ['spatial_grid_size', [2, 'x'], /model_info\.spatial_grid_size\[1\] is "x"/],
    ['spatial_grid_size', undefined, /time 2, .* does not fit 12 tokens/],
  ])('model_info.%s (%#) that fits no grid is one, too', async (field, value, reason) => {
    const { axes: _, grid_shape: __, ...old } = whole;
    await expect(read('wrong.pt', changed(['model_info', field], value, old) as never)).rejects.toThrow(reason);
  });

  test('whatever stands in whatever field, there are grids or an InputError', async () => {
    const scalar = fc.oneof(
      fc.integer(),
      fc.double(),
      fc.string({ maxLength: 5 }),
      fc.boolean(),
      fc.constant(null),
      fc.bigInt({ min: 2n ** 53n, max: 2n ** 70n }),
      fc.constantFrom(tensor('float32', [2, 2], new Float32Array(4)), tensor('int64', [2], new BigInt64Array(2))),
    );
    const anything = fc.oneof(
      scalar,
      fc.array(scalar, { maxLength: 5 }),
      fc.array(scalar, { maxLength: 3 }).map((items) => tuple(...(items as never[]))),
      fc.dictionary(fc.constantFrom('id', 'frames', 'width', 'x', 'metadata', 'features'), scalar, {
        noNullPrototype: true,
      }),
      fc.uniqueArray(fc.integer(), { maxLength: 3 }).map((keys) => new Map(keys.map((key) => [key, key]))),
    );
    const paths = [
      ...Object.keys(whole),
      ...Object.keys(whole.metadata).map((name) => `metadata.${name}`),
      ...Object.keys(whole.metadata.geometry).map((name) => `metadata.geometry.${name}`),
      ...Object.keys(whole.model_info).map((name) => `model_info.${name}`),
      'metadata.clip',
    ];
    await fc.assert(
      fc.asyncProperty(fc.constantFrom(...paths), anything, fc.boolean(), async (path, value, inChunk) => {
        const file = changed(path.split('.'), value);
        const bytes = writePt((inChunk ? { 'a.png': file } : file) as never);
        const pieces: Uint8Array[] = [];
        for await (const piece of bytes) pieces.push(piece);
        const pt = await openPt(bytesSource(Buffer.concat(pieces), 'any.pt'));
        try {
          for (const grid of pythonGrids(pt, 'frames', 0)) {
            const { values: found, valid } = await grid.read();
            expect(found.data.length).toBe(grid.shape.reduce((product, size) => product * size, 1));
            expect(valid?.length ?? 12).toBe(found.data.length / grid.shape.at(-1)!);
          }
        } catch (error) {
          expect(error).toBeInstanceOf(InputError);
          expect(String(error)).toMatch(/any\.pt/);
        }
      }),
      { numRuns: 400 },
    );
  });
});

const references = fileURLToPath(new URL('../../../../shared/reference/pt', import.meta.url));
describe.skipIf(!existsSync(references))('files of PyTorch (needs ../shared/reference)', () => {
  const grids = async (file: string): Promise<TokenGrid[]> => {
    const found: TokenGrid[] = [];
    for await (const item of runStage(features, { options: { path: join(references, file) }, registry }))
      found.push(item as TokenGrid);
    return found;
  };

  test('a window of the extractor is a grid over its frames, a chunk a list of tokens for each picture', async () => {
    const [window] = await grids('extractor_window.pt');
    expect(window).toMatchObject({
      axes: ['time', 'height', 'width', 'channels'],
      values: { dtype: 'float16', shape: [8, 24, 24, 16] },
      encoder: { name: 'facebook/vjepa2-vitg-fpc64-384' },
      origin: { kind: 'picture' },
      clip: { index: 0, padded: 0 },
    });
    expect(window!.clip!.frames.map(({ locator: { uri } }) => uri).at(-1)).toBe('frame_000015.tif');
    const chunk = await grids('extractor_chunk.pt');
    expect(chunk.map(({ values: { shape } }) => shape)).toEqual([
      [12, 16],
      [16, 16],
      [20, 16],
    ]);
    expect(chunk[1]!.clip!.frames[0]!.locator.uri).toBe('frames/seq_1/frame_0001.tif');
    expect((await grids('bare_tensor.pt')).map(({ axes, values: { shape } }) => [axes, shape])).toEqual([
      [
        ['token', 'channels'],
        [5, 7],
      ],
    ]);
  });

  const files = existsSync(references)
    ? readdirSync(references, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.pt'))
    : [];
  test('any other is refused by name, or holds tokens', async () => {
    expect(files.length).toBeGreaterThan(60);
    for (const file of files)
      await grids(file).catch((error: unknown) => {
        expect((error as Error).cause).toBeInstanceOf(InputError);
        expect(String(error)).toContain(file);
      });
  });
});
