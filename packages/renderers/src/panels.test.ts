import { mkdtemp, open, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readableFrame, tensor, type Frame, type Item, type Picture } from '@deepearth/core';
import { folderStore } from '@deepearth/runtime';
import { runStage } from '@deepearth/runtime/run-stage';
import { describeStage, given, makeFrames, makePictures } from '@deepearth/testing';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { captionStrip } from './caption.ts';
import { panelsRenderer } from './panels.ts';
import { pictureQueue, type Panel } from './picture-queue.ts';

describeStage(panelsRenderer, {
  otherOptions: { direction: 'column', gapPixels: 0 },
  inputs: () => [
    given(makeFrames(4)),
    given(makePictures(4, { layer: 'pca' })),
    given(makePictures(4, { layer: 'umap', seed: 3, width: 16, height: 12 })),
  ],
  ahead: 6,
});

async function draw(
  inputs: readonly (readonly Item[] | AsyncIterable<Item>)[],
  options: object = {},
): Promise<Picture[]> {
  const found: Picture[] = [];
  const given_ = inputs.map((items) => ({
    items,
    spec: { kind: 'picture', axes: [], dtype: 'uint8' as const, count: null },
  }));
  for await (const picture of runStage(panelsRenderer, { options, inputs: given_ })) found.push(picture);
  return found;
}

const solid = (value: number, number: number, width = 4, height = 2, channels = 3): Picture => ({
  ...makePictures(1, { first: number })[0]!,
  pixels: tensor('uint8', [height, width, channels], new Uint8Array(width * height * channels).fill(value)),
});

describe('panels', () => {
  test('stand side by side in the order of the inputs, with a gap', async () => {
    const [picture] = await draw([[solid(10, 0)], [solid(20, 0, 2)]], { gapPixels: 1 });
    expect(picture!.pixels.shape).toEqual([2, 7, 3]);
    expect([...picture!.pixels.data].filter((_, i) => i % 3 === 0).slice(0, 7)).toEqual([10, 10, 10, 10, 0, 20, 20]);
  });

  test('stand below one another when asked', async () => {
    const [picture] = await draw([[solid(10, 0)], [solid(20, 0)]], { direction: 'column', gapPixels: 1 });
    expect(picture!.pixels.shape).toEqual([5, 4, 3]);
  });

  test('are brought to the height of the tallest, squares kept sharp', async () => {
    const small: Picture = {
      ...solid(0, 0, 2, 1),
      pixels: tensor('uint8', [1, 2, 3], Uint8Array.from([0, 0, 0, 200, 200, 200])),
    };
    const [picture] = await draw([[small], [solid(9, 0, 3, 4)]], { gapPixels: 0 });
    expect(picture!.pixels.shape).toEqual([4, 11, 3]);
    expect([...picture!.pixels.data].filter((_, i) => i % 3 === 0).slice(0, 11)).toEqual([
      0, 0, 0, 0, 200, 200, 200, 200, 9, 9, 9,
    ]);
    expect((await draw([[solid(1, 0)]], { panelPixels: 8 }))[0]!.pixels.shape).toEqual([8, 16, 3]);
  });

  test('may be frames, and pictures with opacity over black', async () => {
    const [frame] = makeFrames(1, { width: 4, height: 2 });
    const half: Picture = { ...solid(200, 0, 4, 2, 4) };
    half.pixels.data.forEach((_, i) => i % 4 === 3 && (half.pixels.data[i] = 128));
    const [picture] = await draw([[frame!], [half]], { gapPixels: 0 });
    const row = [...picture!.pixels.data].slice(0, 24);
    expect(row.slice(0, 12)).toEqual([...(await frame!.read()).values.data].slice(0, 12));
    expect(row.slice(12)).toEqual(Array(12).fill(100));
  });
});

test('go on in the next row after so many columns, with black beside a row that is shorter', async () => {
  const inputs = [10, 20, 30].map((value) => [solid(value, 0)]);
  const row = (await draw(inputs, { gapPixels: 1 }))[0]!.pixels;
  const [height, width] = (await draw([inputs[0]!], {}))[0]!.pixels.shape as [number, number];
  expect(row.shape).toEqual([height, 3 * width + 2, 3]);
  const { shape, data } = (await draw(inputs, { gapPixels: 1, columns: 2 }))[0]!.pixels;
  expect(shape).toEqual([2 * height + 1, 2 * width + 1, 3]);
  const at = (x: number, y: number): number => data[(y * shape[1]! + x) * 3]!;
  expect([at(0, 0), at(width, 0), at(width + 1, 0)]).toEqual([10, 0, 20]);
  expect([at(0, height), at(0, height + 1), at(width + 1, height + 1)]).toEqual([0, 30, 0]);
});

describe('frames that not every input shows', () => {
  test('have the latest picture of the others, so that one picture per time step goes with one per frame', async () => {
    const pictures = await draw([[0, 1, 2, 3].map((n) => solid(n, n)), [0, 2].map((n) => solid(100 + n, n))], {
      gapPixels: 0,
    });
    expect(pictures.map(({ pixels: { data } }) => [data[0], data[12]])).toEqual([
      [0, 100],
      [1, 100],
      [2, 102],
      [3, 102],
    ]);
  });

  test('are black where an input has shown nothing yet', async () => {
    const pictures = await draw([[solid(5, 0), solid(6, 1)], [solid(7, 1)]], { gapPixels: 0 });
    expect(pictures.map(({ frame, pixels: { shape } }) => [frame.number, shape[0]])).toEqual([
      [0, 2],
      [1, 2],
    ]);
    expect(pictures[0]!.pixels.data[12]).toBe(0);
  });
});

describe('captions and legends of panels', () => {
  const drawn = (layer: string, seed: number): Picture[] =>
    makePictures(2, { layer, seed, width: 300, height: 60 }).map((picture, i) => ({
      ...picture,
      legends: [
        {
          reducer: layer,
          meaning: 'label',
          limits: [[0, 3 * seed]],
          colors: new Uint8Array((3 * seed + 1) * 3).fill(40 * seed),
        },
      ],
      key: `${layer}-${i}`,
    }));
  const inputs = () => [makeFrames(2, { width: 300, height: 60 }), drawn('pca', 1), drawn('kmeans', 9)];

  test.each(['row', 'column'] as const)('leave the panels of a %s as they are', async (direction) => {
    const plain = await draw(inputs(), { direction });
    const said = await draw(inputs(), { direction, caption: true, legend: true });
    expect(new Set(said.map(({ pixels: { shape } }) => shape.join())).size).toBe(1);
    const [, width] = plain[0]!.pixels.shape as [number, number];
    expect(said[0]!.pixels.shape[1]).toBe(width);
    /** The bytes of a panel's row, of the picture with or without words. */
    const row = (picture: Picture, top: number, left: number): Uint8Array =>
      picture.pixels.data.subarray((top * width + left) * 3, (top * width + left + 300) * 3);
    // A name takes 14 rows; the legend of 4 groups one line, that of 28 groups several.
    const tops = direction === 'row' ? [14, 14, 14] : [14, 14 + 60 + 4 + 14, 14 + 60 + 4 + 14 + 60 + 14 + 4 + 14];
    said.forEach((picture, i) => {
      for (const panel of [0, 1, 2])
        for (let y = 0; y < 60; y++) {
          const [top, left] = direction === 'row' ? [y, panel * 304] : [panel * 64 + y, 0];
          expect(row(picture, tops[panel]! + y, left)).toEqual(row(plain[i]!, top, left));
        }
    });
  });

  test('are the names of layers, and of the stage that frames come from', async () => {
    const named = await draw(inputs(), { caption: ['layer'] });
    const strip = captionStrip([{ field: 'layer', text: 'kmeans' }], 300, 1);
    const [height, width] = named[0]!.pixels.shape as [number, number];
    expect(height).toBe(60 + 14);
    for (let y = 0; y < 14; y++)
      expect(named[0]!.pixels.data.subarray((y * width + 608) * 3, (y + 1) * width * 3)).toEqual(
        strip.data.subarray(y * 900, (y + 1) * 900),
      );
    const [first] = makeFrames(1);
    expect((await draw([[first!]], { caption: ['layer'] }))[0]!.key).not.toBe((await draw([[first!]]))[0]!.key);
  });

  test('go on to what is made of the picture', async () => {
    expect((await draw(inputs()))[0]!.legends!.map(({ reducer }) => reducer)).toEqual(['pca', 'kmeans']);
  });
});

test('an input that only returns when another has ended does not stop the run', async () => {
  // A reducer that fits on everything, behind the same source: it needs the other branch to be read on.
  let othersRead = 0;
  const early = (async function* () {
    for (let n = 0; n < 30; n++) {
      othersRead++;
      yield solid(n, n);
    }
  })();
  const late = (async function* () {
    while (othersRead < 30) await new Promise((resolve) => setTimeout(resolve, 5));
    for (let n = 0; n < 30; n++) yield solid(100 + n, n);
  })();
  const pictures = await draw([early, late], { gapPixels: 0 });
  expect(pictures.map(({ pixels: { data } }) => [data[0], data[12]])).toEqual(
    Array.from({ length: 30 }, (_, n) => [n, 100 + n]),
  );
});

describe('the queue', () => {
  let folder = '';
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'queue-'));
  });
  afterAll(() => rm(folder, { recursive: true, force: true }));

  test('gives back what it was given, in order, and its scratch does not grow for ever', async () => {
    const scratch = await folderStore(join(folder, 'whole')).scratch('a');
    const queue = pictureQueue(async () => scratch, 2);
    const frames = makeFrames(3) as Frame[];
    const panels: Panel[] = [...makePictures(5), ...frames, ...makePictures(2, { seed: 8 })];
    for (let round = 0; round < 3; round++) {
      for (const panel of panels) await queue.push(panel);
      expect(queue.length).toBe(panels.length);
      for (const panel of panels) {
        const back = await queue.shift('made');
        expect(back!.id).toBe(panel.id);
        if (panel.kind === 'picture') expect((back as Picture).pixels).toEqual(panel.pixels);
        else expect(back).toBe(panel);
      }
      expect(await queue.shift('made')).toBeUndefined();
      expect(scratch.length).toBe(0);
    }
    await scratch.close();
  });

  test('puts frames down, and they are read as before', async () => {
    const scratch = await folderStore(join(folder, 'frames')).scratch('a');
    const queue = pictureQueue(async () => scratch, 1);
    const own = makeFrames(200) as Frame[];
    const frames = own.map((frame, index) => {
      const { read, ...record } = frame;
      return index % 2 ? readableFrame(record, (_, options) => read(options)) : frame;
    });
    for (const frame of frames) await queue.push(frame);
    expect(queue.length).toBe(200);
    expect(scratch.length).toBeGreaterThan(0);
    for (const [index, frame] of frames.entries()) {
      const back = (await queue.shift('made')) as Frame;
      if (index < 64) expect(back).toBe(frame);
      else expect({ ...back, read: 0 }).toEqual({ ...frame, read: 0 });
      if (index % 2 === 0) expect(back.read).toBe(frame.read);
      expect(await back.read()).toEqual(await own[index]!.read());
    }
    expect([queue.length, scratch.length]).toEqual([0, 0]);
    await scratch.close();
  });

  test('loses no pixel where the disk takes and gives fewer bytes than it is asked for', async () => {
    const scratch = await folderStore(join(folder, 'short')).scratch('a');
    const probe = await open(join(folder, 'probe'), 'w+');
    const handles = Object.getPrototypeOf(probe) as Record<'read' | 'write', (...args: unknown[]) => Promise<unknown>>;
    await probe.close();
    let short = 0;
    const few = (method: 'read' | 'write') => {
      const whole = handles[method];
      return vi.spyOn(handles, method).mockImplementation(function (this: unknown, ...[bytes, at, length, position]) {
        const part = Math.min(length as number, 7);
        if (part < (length as number)) short++;
        return whole.call(this, bytes, at, part, position);
      });
    };
    const spies = [few('read'), few('write')];
    try {
      const queue = pictureQueue(async () => scratch, 1);
      const panels = makePictures(4);
      for (const panel of panels) await queue.push(panel);
      for (const panel of panels) expect(((await queue.shift('made')) as Picture).pixels).toEqual(panel.pixels);
      expect(short).toBeGreaterThan(100);
    } finally {
      for (const spy of spies) spy.mockRestore();
      await scratch.close();
    }
  });

  test('loses no pixel of a picture that comes while the scratch is cleared', async () => {
    const scratch = await folderStore(join(folder, 'raced')).scratch('a');
    const queue = pictureQueue(async () => scratch, 1);
    const [first, second, third, ...rest] = makePictures(6);
    await queue.push(first!);
    await queue.push(second!);
    expect((await queue.shift('made'))!.id).toBe(first!.id);
    // The last stored picture is fetched, which clears the scratch, while more come.
    await queue.push(third!);
    const pending = [
      queue.shift('made'),
      queue.push(rest[0]!),
      queue.shift('made'),
      queue.push(rest[1]!),
      queue.push(rest[2]!),
    ];
    await Promise.all(pending);
    expect(((await pending[0]) as Picture).pixels).toEqual(second!.pixels);
    expect(((await pending[2]) as Picture).pixels).toEqual(third!.pixels);
    for (const picture of rest) expect(((await queue.shift('made')) as Picture).pixels).toEqual(picture.pixels);
    await scratch.close();
  });
});

test('is not refused by the plan where one input fits on everything and another does not', () => {
  expect(panelsRenderer.readsAhead).toBe(true);
});
