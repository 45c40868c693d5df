// The stage keeps the laws of a stage and says what is wrong with a clip before any weight is read.
import { cpSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { geometryOf, spec, type FormerRun, type TokenGrid } from '@deepearth/core';
import { openFile } from '@deepearth/formats/file-source-node';
import { describeAlone, runStage } from '@deepearth/runtime/run-stage';
import { describeStage, given, makeClips } from '@deepearth/testing';
import { encodeSafetensors } from '@deepearth/formats/safetensors';
import { describeTokenFile } from '@deepearth/formats/token-file';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { vjepa2 } from './vjepa2.ts';

const cache = mkdtempSync(join(tmpdir(), 'deepearth-cache-'));
beforeAll(() => void (process.env['DEEPEARTH_CACHE'] = cache));
afterAll(() => rmSync(cache, { recursive: true, force: true }));

const options = { device: 'cpu', cropSize: 64 } as const;

describeStage(vjepa2, {
  options,
  inputs: () => [given(makeClips(4, { time: 4, width: 96, height: 80 }))],
  otherOptions: { ...options, fit: 'resize' },
  patienceSeconds: 60,
  output: (items) => (items as TokenGrid[]).forEach(({ values }) => expect(values.shape).toEqual([2, 4, 4, 256])),
});

const clipStream = (time: number, channels = 3) =>
  spec('clip', { time, height: 480, width: 640, channels }, 'uint8', 5);

test('the output is known before anything runs: 16 frames at 384 pixels through ViT-g', async () => {
  const answer = await describeAlone(vjepa2, {
    options: { model: 'facebook/vjepa2-vitg-fpc64-384' },
    inputs: [clipStream(16)],
  });
  expect(answer).toMatchObject({
    output: spec('tokens', { time: 8, height: 24, width: 24, channels: 1408 }, 'float32', 5),
  });
  expect((answer as { memoryBytes: number }).memoryBytes).toBeGreaterThan(4e9);
});

test('tiles make one larger grid', async () => {
  expect(
    await describeAlone(vjepa2, { options: { fit: 'tile', cropSize: 256 }, inputs: [clipStream(16)] }),
  ).toMatchObject({ output: spec('tokens', { time: 8, height: 32, width: 48, channels: 256 }, 'float32', 5) });
});

test('an odd clip, a stream of frames and five channels are refused with what to do', async () => {
  expect(await describeAlone(vjepa2, { inputs: [clipStream(15)] })).toMatchObject({
    refused: expect.stringContaining('15'),
    remedy: expect.stringContaining('multiple of 2'),
  });
  expect(await describeAlone(vjepa2, { inputs: [spec('frame', {}, 'uint8')] })).toMatchObject({
    remedy: expect.stringContaining('windower'),
  });
  expect(await describeAlone(vjepa2, { inputs: [clipStream(16, 5)] })).toMatchObject({
    refused: expect.stringContaining('5'),
  });
});

test('batches give what single clips give, and tiles what their crops give', async () => {
  const run = async (more: object, width = 96): Promise<TokenGrid[]> => {
    const items: TokenGrid[] = [];
    for await (const item of runStage(vjepa2, {
      options: { ...options, ...more },
      inputs: [given(makeClips(3, { time: 2, width, height: 64 }))],
    }))
      items.push(item as TokenGrid);
    return items;
  };
  const [single, batched] = [await run({}), await run({ batchSize: 2 })];
  expect(batched.map(({ key }) => key)).toEqual(single.map(({ key }) => key));
  batched.forEach(({ values }, i) =>
    values.data.forEach((value, at) =>
      expect(Math.abs((value as number) - (single[i]!.values.data[at] as number))).toBeLessThan(1e-4),
    ),
  );
  // In int8 a scale is that of a whole call, so clips that shared one would change one another.
  const [alone, together] = [await run({ precision: 'int8' }), await run({ precision: 'int8', batchSize: 3 })];
  expect(together.map(({ values }) => values.data)).toEqual(alone.map(({ values }) => values.data));
  const [tiled] = await run({ fit: 'tile', cropSize: 64, batchSize: 4 }, 128);
  expect(tiled!.values.shape).toEqual([1, 4, 8, 256]);
  expect(geometryOf(tiled!)).toMatchObject({ x: 0, y: 0, width: 128, height: 64 });
});

test('tokens that a former run left are read instead of encoded, under the same key whatever the batches', async () => {
  const clips = makeClips(2, { time: 2, width: 64, height: 64 });
  const run = async (more: object, find: FormerRun['find']): Promise<TokenGrid[]> => {
    const items: TokenGrid[] = [];
    for await (const item of runStage(vjepa2, {
      options: { ...options, ...more },
      inputs: [given(clips)],
      former: { find },
    }))
      items.push(item as TokenGrid);
    return items;
  };
  const made = await run({}, async () => undefined);
  // A mark in the file shows that the second run took it from there.
  const marked = {
    ...made[0]!,
    values: { ...made[0]!.values, data: made[0]!.values.data.map(() => 7) as Float32Array<ArrayBuffer> },
  };
  const { tensors, metadata } = describeTokenFile(marked as TokenGrid);
  const path = join(cache, 'former.safetensors');
  writeFileSync(path, await encodeSafetensors(tensors, metadata));
  const again = await run({ batchSize: 2, threads: 1 }, async (key) =>
    key === made[0]!.key ? openFile(path) : undefined,
  );
  expect(again.map(({ key }) => key)).toEqual(made.map(({ key }) => key));
  expect(again[0]!.values.data.every((value) => value === 7)).toBe(true);
  expect(again[1]!.values.data).toEqual(made[1]!.values.data);
  expect(again[0]!.clip).toBe(clips[0]);
});

test('a model that is not there says what to give', async () => {
  const run = async (): Promise<void> => {
    for await (const _ of runStage(vjepa2, { options: { model: './no-such-folder' }, inputs: [given(makeClips(1))] }))
      void _;
  };
  await expect(run()).rejects.toThrow(/no-such-folder: is no folder, no file and no name of a model.*builtin/s);
});

test('what a checkpoint’s video_preprocessor_config.json declares is done, said in the plan and part of the keys', async () => {
  const clips = makeClips(1, { time: 2, width: 96, height: 80 });
  const model = (name: string, file?: object): string => {
    const folder = join(cache, name);
    cpSync(fileURLToPath(new URL('../fixtures/v2', import.meta.url)), folder, { recursive: true });
    if (file) writeFileSync(join(folder, 'video_preprocessor_config.json'), JSON.stringify(file));
    return folder;
  };
  const run = async (folder: string, more: object = {}): Promise<TokenGrid> => {
    const items: TokenGrid[] = [];
    for await (const item of runStage(vjepa2, {
      options: { model: folder, device: 'cpu', ...more },
      inputs: [given(clips)],
    }))
      items.push(item as TokenGrid);
    return items[0]!;
  };
  const statistics = { image_mean: [0.485, 0.456, 0.406], image_std: [0.229, 0.224, 0.225] };
  const plain = await run(model('plain'));
  const same = await run(model('same', { video_processor_type: 'VJEPA2VideoProcessor', crop_size: 48, ...statistics }));
  expect([same.key, same.values]).toEqual([plain.key, plain.values]);

  const half = model('half', { crop_size: 32, image_mean: 0.5, image_std: 0.5 });
  const other = await run(half);
  expect(other.values.shape).toEqual([1, 2, 2, 32]);
  expect(other.key).not.toBe((await run(model('plain'), { cropSize: 32 })).key);
  // The same pixels by another way: a mean and deviation of 0.5 take 0 … 1 to -1 … 1.
  const bytes = { crop_size: 32, rescale_factor: 1 / 127.5, image_mean: 1, image_std: 1 };
  const again = await run(model('bytes', bytes));
  other.values.data.forEach((value, i) => expect(again.values.data[i] as number).toBeCloseTo(value as number, 4));
  const wrong = await run(model('plain'), { cropSize: 32 });
  expect(
    Math.max(...Array.from(other.values.data, (value, i) => Math.abs(Number(value) - Number(wrong.values.data[i])))),
  ).toBeGreaterThan(0.05);

  expect(await describeAlone(vjepa2, { options: { model: half }, inputs: [clipStream(2)] })).toMatchObject({
    output: spec('tokens', { time: 1, height: 2, width: 2, channels: 32 }, 'float32', 5),
    notes: expect.arrayContaining([expect.stringContaining('as video_preprocessor_config.json says')]),
  });
  expect(
    await describeAlone(vjepa2, { options: { model: model('odd', { crop_size: 50 }) }, inputs: [clipStream(2)] }),
  ).toMatchObject({ refused: expect.stringContaining('50 pixels is no multiple of the patch'), remedy: 'Give 48.' });
  await expect(
    describeAlone(vjepa2, { options: { model: model('still', { do_resize: false }) }, inputs: [clipStream(2)] }),
  ).rejects.toThrow(/video_preprocessor_config\.json: do_resize is false/);
});

test('frames of the next clip are read while one is encoded, and of no other', async () => {
  const reads = [0, 0, 0, 0, 0];
  const clips = makeClips(5, { time: 4, width: 96, height: 80 }).map((clip, index) => ({
    ...clip,
    frames: clip.frames.map((frame) => ({
      ...frame,
      read: (...args: Parameters<typeof frame.read>) => {
        reads[index]! += 1;
        return frame.read(...args);
      },
    })),
  }));
  const seen: number[][] = [];
  for await (const _ of runStage(vjepa2, { options, inputs: [given(clips)] })) seen.push([...reads]);
  const [first, second] = seen as [number[], number[]];
  expect(first[0]).toBeGreaterThan(0);
  expect(first[1]).toBeGreaterThan(0);
  expect(first.slice(2)).toEqual([0, 0, 0]);
  expect(second[2]).toBeGreaterThan(0);
});

test('tokens with a smaller share of valid pixels than asked for count as empty, and have keys of their own', async () => {
  const [clip] = makeClips(1, { time: 4, width: 64, height: 64 });
  // Of 16 columns of pixels that the first column of tokens sees, 12 hold no data.
  const valid = Uint8Array.from({ length: 64 * 64 }, (_, i) => Number(i % 64 >= 12));
  const holed = {
    ...clip!,
    frames: clip!.frames.map((frame) => ({
      ...frame,
      read: async (...args: Parameters<typeof frame.read>) => ({ ...(await frame.read(...args)), valid }),
    })),
  };
  const encode = async (minValid: number) => {
    for await (const item of runStage(vjepa2, {
      options: { ...options, fit: 'resize', minValid },
      inputs: [given([holed])],
    }))
      return item as TokenGrid;
    throw new Error('no tokens came');
  };
  const [all, some] = [await encode(0), await encode(0.5)];
  expect([...all.valid!.slice(0, 4)]).toEqual([64, 255, 255, 255]);
  expect([...some.valid!.slice(0, 4)]).toEqual([0, 255, 255, 255]);
  expect((await encode(0.25)).valid).toEqual(all.valid);
  expect(some.values.data).toEqual(all.values.data);
  expect(some.key).not.toBe(all.key);
});
