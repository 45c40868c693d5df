import { copyFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { geometryOf, spec, type Clip, type TokenGrid } from '@deepearth/core';
import { describeAlone, runStage } from '@deepearth/runtime/run-stage';
import { describeStage, given, makeClips } from '@deepearth/testing';
import { readProcessor } from '@deepearth/vision/processor-config';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { dinov3 } from './dinov3.ts';
import { publishedProcessor } from './processing.ts';

const root = mkdtempSync(join(tmpdir(), 'deepearth-dino-'));
beforeAll(() => void (process.env['DEEPEARTH_CACHE'] = join(root, 'cache')));
afterAll(() => rmSync(root, { recursive: true, force: true }));

const fixture = (name: string): string => fileURLToPath(new URL(`../fixtures/${name}`, import.meta.url));
const options = { model: fixture('v3'), device: 'cpu', threads: 1 } as const;

async function run(clips: readonly Clip[], more: object = {}): Promise<TokenGrid[]> {
  const items: TokenGrid[] = [];
  for await (const item of runStage(dinov3, { options: { ...options, ...more }, inputs: [given(clips)] }))
    items.push(item as TokenGrid);
  return items;
}

describeStage(dinov3, {
  options,
  inputs: () => [given(makeClips(4, { time: 3, width: 48, height: 40 }))],
  otherOptions: { ...options, fit: 'crop' },
  patienceSeconds: 60,
  output: (items) =>
    (items as TokenGrid[]).forEach(({ values, globals }) => {
      expect(values.shape).toEqual([3, 4, 4, 32]);
      expect(globals).toMatchObject({
        names: ['class', 'register-0', 'register-1'],
        axes: ['time', 'name', 'channels'],
        values: { shape: [3, 3, 32] },
      });
    }),
});

const clipStream = (time: number | null, channels = 3) =>
  spec('clip', { time, height: 480, width: 640, channels }, 'uint8', 5);

describe('what would leave', () => {
  test('is one time step per frame, in the grid of the checkpoint’s own size', async () => {
    const large = await describeAlone(dinov3, {
      options: { model: 'facebook/dinov3-vitl16-pretrain-sat493m' },
      inputs: [clipStream(5)],
    });
    expect(large).toMatchObject({
      output: spec('tokens', { time: 5, height: 14, width: 14, channels: 1024 }, 'float32', 5),
      notes: ['model facebook/dinov3-vitl16-pretrain-sat493m', expect.stringContaining('TFLOP for each clip')],
    });
    expect((large as { memoryBytes: number }).memoryBytes).toBeGreaterThan(1.2e9);
    const base = { model: 'facebook/dinov2-base' };
    expect(
      await describeAlone(dinov3, { options: { ...base, fit: 'tile', cropSize: 224 }, inputs: [clipStream(1)] }),
    ).toMatchObject({ output: spec('tokens', { time: 1, height: 48, width: 48, channels: 768 }, 'float32', 5) });
    expect(await describeAlone(dinov3, { options: base, inputs: [clipStream(null)] })).toMatchObject({
      output: spec('tokens', { time: null, height: 16, width: 16, channels: 768 }, 'float32', 5),
    });
  });

  test('is open for a model that is not known yet', async () => {
    expect(
      await describeAlone(dinov3, { options: { model: 'someone/dinov3-mine' }, inputs: [clipStream(5)] }),
    ).toMatchObject({ output: spec('tokens', { time: 5, height: null, width: null, channels: null }, 'float32', 5) });
  });

  test('says when a folder does not declare its preparation', async () => {
    const described = await describeAlone(dinov3, { options: { model: fixture('v2') }, inputs: [clipStream(5)] });
    expect(described).toMatchObject({ notes: expect.arrayContaining([expect.stringContaining('no preprocessor')]) });
    const declared = await describeAlone(dinov3, { options, inputs: [clipStream(5)] });
    expect((declared as { notes: readonly string[] }).notes.join()).not.toContain('preprocessor');
  });

  test('is refused for frames, five channels and an input that is no multiple of the patch', async () => {
    expect(await describeAlone(dinov3, { options, inputs: [spec('frame', {}, 'uint8')] })).toMatchObject({
      remedy: expect.stringContaining('windower'),
    });
    expect(await describeAlone(dinov3, { options, inputs: [clipStream(16, 5)] })).toMatchObject({
      refused: expect.stringContaining('5'),
    });
    expect(
      await describeAlone(dinov3, {
        options: { model: 'facebook/dinov2-base', cropSize: 256 },
        inputs: [clipStream(1)],
      }),
    ).toMatchObject({ option: 'cropSize', refused: expect.stringContaining('14'), remedy: 'Give 252.' });
  });
});

test('a frame’s tokens do not depend on the clip it stands in, nor on batches', async () => {
  const [clip] = makeClips(1, { time: 4, width: 48, height: 40 });
  const [whole] = await run([clip!]);
  const [batched] = await run([clip!], { batchSize: 3 });
  const step = whole!.values.data.length / 4;
  for (let frame = 0; frame < 4; frame++) {
    const [alone] = await run([{ ...clip!, frames: [clip!.frames[frame]!] }]);
    expect(alone!.values.data).toEqual(whole!.values.data.slice(frame * step, (frame + 1) * step));
  }
  batched!.values.data.forEach((value, i) =>
    expect(Math.abs((value as number) - (whole!.values.data[i] as number))).toBeLessThan(1e-4),
  );
});

test('a frame that is repeated is read and encoded once', async () => {
  const [clip] = makeClips(1, { time: 2, width: 48, height: 40 });
  let reads = 0;
  const first = clip!.frames[0]!;
  const counted = {
    ...first,
    read: (options?: Parameters<typeof first.read>[0]) => {
      reads++;
      return first.read(options);
    },
  };
  const [still] = await run([{ ...clip!, frames: [counted, counted, counted] }]);
  expect(reads).toBe(1);
  expect(still!.values.shape[0]).toBe(3);
  const step = still!.values.data.length / 3;
  expect(still!.values.data.slice(step, 2 * step)).toEqual(still!.values.data.slice(0, step));
  expect(still!.globals!.values.shape).toEqual([3, 3, 32]);
});

test('tiles make one grid, with globals of each', async () => {
  const [tokens] = await run(makeClips(1, { time: 2, width: 64, height: 32 }), { fit: 'tile', batchSize: 4 });
  expect(tokens!.values.shape).toEqual([2, 4, 8, 32]);
  expect(geometryOf(tokens!)).toMatchObject({ x: 0, y: 0, width: 64, height: 32 });
  expect(tokens!.globals).toMatchObject({
    axes: ['time', 'tile', 'name', 'channels'],
    values: { shape: [2, 2, 3, 32] },
  });
});

test('every kind encodes with learned positions at other sizes, its own processor unless told', async () => {
  const clips = makeClips(1, { time: 1, width: 60, height: 44 });
  const [registers] = await run(clips, { model: fixture('v2-registers') });
  expect(registers!.values.shape).toEqual([1, 4, 4, 32]);
  // The shortest edge becomes 32, the other 43; the middle 28 of both.
  expect(geometryOf(registers!)).toMatchObject({ width: (28 * 60) / 43, height: 38.5 });
  const [wide] = await run(clips, { model: fixture('v2'), cropSize: { height: 21, width: 35 }, fit: 'resize' });
  expect(wide!.values.shape).toEqual([1, 3, 5, 32]);
  expect(wide!.globals!.names).toEqual(['class']);
  expect(geometryOf(wide!)).toMatchObject({ x: 0, y: 0, width: 60, height: 44 });
});

test('the processor is part of the lineage, and one that cannot be followed is refused by name', async () => {
  const clips = makeClips(1, { time: 1, width: 48, height: 40 });
  const folder = join(root, 'other');
  mkdirSync(folder);
  for (const file of ['config.json', 'model.safetensors', 'preprocessor_config.json'])
    copyFileSync(join(fixture('v3'), file), join(folder, file));
  const [same] = await run(clips, { model: folder });
  const [known] = await run(clips);
  expect(same!.key).toBe(known!.key);
  const processor = { image_processor_type: 'DINOv3ViTImageProcessor', size: { height: 32, width: 32 } };
  writeFileSync(join(folder, 'preprocessor_config.json'), JSON.stringify({ ...processor, image_mean: [0, 0, 0] }));
  const [other] = await run(clips, { model: folder });
  expect(other!.key).not.toBe(known!.key);
  expect(other!.values.data).not.toEqual(known!.values.data);
  writeFileSync(join(folder, 'preprocessor_config.json'), JSON.stringify({ ...processor, resample: 7 }));
  await expect(run(clips, { model: folder })).rejects.toThrow(/resample is 7/);
  writeFileSync(join(folder, 'preprocessor_config.json'), '{');
  await expect(run(clips, { model: folder })).rejects.toThrow(/preprocessor_config\.json: is no JSON/);
});

test('without a file, frames are prepared as the published processors do', () => {
  const imageNet = { image_mean: [0.485, 0.456, 0.406], image_std: [0.229, 0.224, 0.225] };
  expect(publishedProcessor({ kind: 'dinov3' })).toEqual(
    readProcessor({ image_processor_type: 'DINOv3ViTImageProcessorFast', ...imageNet }, ''),
  );
  for (const kind of ['dinov2', 'dinov2-registers'] as const)
    expect(publishedProcessor({ kind })).toEqual(
      readProcessor({ image_processor_type: 'BitImageProcessor', size: { shortest_edge: 256 }, ...imageNet }, ''),
    );
});

test('a model that is not there, and one of another kind, say what to give', async () => {
  const clips = makeClips(1, { time: 1 });
  await expect(run(clips, { model: './no-such-folder' })).rejects.toThrow(
    /no-such-folder: is no folder.*facebook\/dino/s,
  );
  const folder = join(root, 'vit');
  mkdirSync(folder);
  writeFileSync(join(folder, 'config.json'), '{"model_type":"vit"}');
  await expect(run(clips, { model: folder })).rejects.toThrow(/a "vit" model, not of one of dinov3_vit/);
});
