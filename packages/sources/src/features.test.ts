import { mkdtemp, mkdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createRegistry, sha256, tensor, type Description, type RunEvent, type TokenGrid } from '@deepearth/core';
import { describeAlone } from '@deepearth/core/run-stage';
import { encodePt } from '@deepearth/formats';
import { encodeSafetensors } from '@deepearth/formats/safetensors';
import { scaledHalf } from '@deepearth/formats/scaled-half';
import { describeTokenFile } from '@deepearth/formats/token-file';
import { runStage } from '@deepearth/runtime/run-stage';
import { describeStage, makeTokens } from '@deepearth/testing';
import sharp from 'sharp';
import { afterAll, expect, test } from 'vitest';
import { features } from './features.ts';
import { stages } from './stages.ts';

const root = await mkdtemp(join(tmpdir(), 'features-source-'));
afterAll(() => rm(root, { recursive: true, force: true }));

async function store(folder: string, tokens: readonly TokenGrid[]): Promise<string> {
  await mkdir(folder, { recursive: true });
  for (const [index, grid] of tokens.entries()) {
    const { tensors, metadata } = describeTokenFile(grid);
    await writeFile(join(folder, `tokens_${9 - index}.safetensors`), await encodeSafetensors(tensors, metadata));
  }
  return folder;
}
const made = makeTokens({ count: 4 });
const good = await store(join(root, 'good'), made);
const other = await store(join(root, 'other'), makeTokens({ count: 4, seed: 2 }));
const bad = await store(join(root, 'bad'), made);
await writeFile(join(bad, 'tokens_8.safetensors'), new Uint8Array(5));

describeStage(features, {
  options: { path: good },
  otherOptions: { path: other },
  broken: { options: { path: bad }, says: /tokens_8\.safetensors/, left: 3 },
  output(found) {
    // In order of clips, although the names run the other way.
    expect(found.map(({ clip }) => clip!.index)).toEqual([0, 1, 2, 3]);
    found.forEach((tokens, index) => {
      const { clip, values, axes, origin, encoder } = made[index]!;
      expect(tokens).toMatchObject({ id: clip!.id, axes, origin, encoder });
      expect(tokens.values).toEqual(values);
      expect(tokens.clip!.frames.map(({ key }) => key)).toEqual(clip!.frames.map(({ key }) => key));
    });
  },
});

test('frames that have moved are found by their file name and are proven by their digest', async () => {
  const [tokens] = makeTokens({ count: 1 });
  const { width, height } = tokens!.clip!.frames[0]!;
  const picture = await sharp({ create: { width, height, channels: 3, background: '#204060' } })
    .png()
    .toBuffer();
  const moved = join(root, 'moved');
  await mkdir(moved);
  const frames = tokens!.clip!.frames.map((frame) => ({
    ...frame,
    locator: { source: 'source/frames', uri: `/gone/f${frame.number}.png`, sha256: sha256(picture) },
  }));
  for (const { number } of frames) await writeFile(join(moved, `f${number}.png`), picture);
  const path = await store(join(root, 'of-moved'), [{ ...tokens!, clip: { ...tokens!.clip!, frames } }]);
  const registry = createRegistry(stages);
  for await (const grid of runStage(features, { options: { path, frames: moved }, registry })) {
    const raster = await (grid as TokenGrid).clip!.frames[1]!.read();
    expect([...raster.values.data.slice(0, 3)]).toEqual([0x20, 0x40, 0x60]);
    await writeFile(join(moved, 'f0.png'), new Uint8Array([...picture, 0]));
    // A frame of its own key that has not been read yet.
    await expect((grid as TokenGrid).clip!.frames[0]!.read()).rejects.toMatchObject({
      code: 'E_OTHER_FRAME',
      message: expect.stringMatching(/f0\.png: is not the file that the tokens were made of/) as string,
    });
  }
  const warnings: string[] = [];
  const onEvent = (event: RunEvent): void => void (event.type === 'warning' && warnings.push(event.message));
  for (const [lost, remedy] of [
    [{ path }, 'Name the folder'],
    [{ path, frames: good }, `${good} has no file of that name`],
  ] as const)
    for await (const grid of runStage(features, { options: lost, registry, onEvent }))
      await expect((grid as TokenGrid).clip!.frames[0]!.read()).rejects.toMatchObject({
        code: 'E_FRAME_UNREADABLE',
        message: expect.stringContaining(`/gone/f0.png: there is no such file (any more). ${remedy}`) as string,
      });
  // Said before anything waits for the frames, and once.
  expect(warnings).toEqual(Array(2).fill(expect.stringContaining('/gone/f0.png is not there')));
});

test('files of several runs come in order of time under numbers of their own, and no clip comes twice', async () => {
  const day = (date: string, seed: number) =>
    makeTokens({ count: 2, seed }).map((grid) => ({
      ...grid,
      clip: {
        ...grid.clip!,
        frames: grid.clip!.frames.map((frame, i) => ({
          ...frame,
          at: `${date}T10:00:${String(30 * grid.clip!.index + i).padStart(2, '0')}Z`,
          locator: { ...frame.locator, uri: `${date}/${frame.number}.png` },
        })),
      },
    }));
  const [path, later, earlier] = [join(root, 'days'), day('2024-02-10', 1), day('2024-02-09', 2)];
  await store(join(path, 'a'), later);
  await store(join(path, 'b'), earlier);
  const found: TokenGrid[] = [];
  for await (const grid of runStage(features, { options: { path } })) found.push(grid as TokenGrid);
  expect(found.map(({ values }) => values)).toEqual([...earlier, ...later].map(({ values }) => values));
  expect(found.map(({ id, clip }) => [id, clip!.index])).toEqual([0, 1, 2, 3].map((n) => [`clip-00000${n}`, n]));

  await store(join(path, 'c'), later.slice(0, 1));
  await expect(async () => {
    for await (const _ of runStage(features, { options: { path } }));
  }).rejects.toMatchObject({
    code: 'E_DUPLICATE_CLIP',
    message: expect.stringMatching(
      /c.tokens_9\.safetensors: holds the same clip as .*a.tokens_9\.safetensors/,
    ) as string,
  });
});

test('numbers that were divided by a factor are read with it, as float32', async () => {
  const [tokens] = makeTokens({ count: 1, time: 2, height: 2, width: 2, channels: 4 });
  const data = Float32Array.from(tokens!.values.data as Float32Array, (value) => value * 2 ** 20);
  const { values, scale } = scaledHalf(tensor('float32', tokens!.values.shape, data));
  const folder = join(root, 'scaled');
  await mkdir(folder);
  const { tensors, metadata } = describeTokenFile({ ...tokens!, values });
  await writeFile(
    join(folder, 'a.safetensors'),
    await encodeSafetensors({ ...tensors, 'features.scale': scale }, metadata),
  );
  const python = { features: { ...values, shape: [8, 4] }, 'features.scale': scale };
  await writeFile(join(folder, 'b.pt'), await encodePt({ ...python, axes: tokens!.axes, grid_shape: values.shape }));
  const options = { path: folder };
  expect(await describeAlone(features, { options })).toMatchObject({ output: { dtype: 'float32', count: 2 } });
  let files = 0;
  for await (const grid of runStage(features, { options })) {
    files++;
    const back = (grid as TokenGrid).values;
    expect(back.dtype).toBe('float32');
    for (const [i, value] of data.entries())
      expect(Math.abs((back.data[i] as number) - value)).toBeLessThanOrEqual(Math.abs(value) / 2048 + 2 ** -5);
  }
  expect(files).toBe(2);
});

test('the plan knows the frames that files name: their size, and how many there are', async () => {
  const planned = async (path: string) =>
    ((await describeAlone(features, { options: { path } })) as Description).output.frames;
  const { width, height } = made[0]!.clip!.frames[0]!;
  const count = new Set(made.flatMap(({ clip }) => clip!.frames.map(({ number }) => number))).size;
  expect(await planned(good)).toEqual({ height, width, count });

  // Clips that share frames, and one whose frames are of another size.
  const [first] = made;
  const rest = first!.clip!.frames.slice(1);
  const next = { ...first!, clip: { ...first!.clip!, index: 1, frames: rest } };
  const shared = await store(join(root, 'shared'), [first!, next]);
  expect(await planned(shared)).toEqual({ height, width, count: first!.clip!.frames.length });
  const frames = first!.clip!.frames.map((frame) => ({ ...frame, number: frame.number + 1000, width: width + 1 }));
  const wider = await store(join(root, 'wider'), [first!, { ...first!, clip: { ...first!.clip!, index: 1, frames } }]);
  expect(await planned(wider)).toEqual({ height: null, width: null, count: 2 * frames.length });

  const { clip: _, ...alone } = first!;
  expect(await planned(await store(join(root, 'alone'), [alone as TokenGrid]))).toBeUndefined();
  expect(await planned(await store(join(root, 'some'), [first!, alone as TokenGrid]))).toEqual({
    height,
    width,
    count: null,
  });
});
