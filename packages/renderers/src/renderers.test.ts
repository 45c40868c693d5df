import {
  axisSize,
  geometryOf,
  InputError,
  lineage,
  spec,
  tensor,
  type Clip,
  type Description,
  type Picture,
  type Projection,
  type StageDefinition,
  type StreamSpec,
} from '@deepearth/core';
import { describeAlone } from '@deepearth/core/run-stage';
import { runStage } from '@deepearth/runtime/run-stage';
import { describeStage, given, makeFrames, makeProjections } from '@deepearth/testing';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { shots } from './each-frame.ts';
import { framesRenderer } from './frames.ts';
import { overlay } from './overlay.ts';
import { sideBySide } from './side-by-side.ts';
import { stacked } from './stacked.ts';
import { tokens } from './tokens.ts';

const projections = () => makeProjections({ time: 2, height: 3, width: 4, count: 4 });
/** The third frame of the second clip cannot be read. */
const damaged = (): Projection[] =>
  projections().map((projection, index) => {
    const frames = projection.clip!.frames.map((frame, at) =>
      index === 1 && at === 2
        ? { ...frame, read: () => Promise.reject(new InputError('frame 6', 'is damaged.')) }
        : frame,
    );
    return { ...projection, clip: { ...projection.clip!, frames } };
  });

describeStage(tokens, {
  options: { cellPixels: 3 },
  otherOptions: { cellPixels: 3, colorMap: 'magma', background: '#ff0000' },
  inputs: () => [given(projections())],
});
describeStage(tokens, {
  title: 'per frame and transparent',
  options: { per: 'frame', cellPixels: 2, background: 'transparent' },
  inputs: () => [given(projections())],
});
describeStage(tokens, {
  title: 'with captions, over no background',
  options: { caption: ['layer', 'number', 'file'], background: 'transparent' },
  otherOptions: { caption: true, legend: true },
  inputs: () => [given(projections())],
});
describeStage(tokens, {
  title: 'blending in space and time',
  options: { per: 'frame', interpolation: 'bicubic', time: 'linear' },
  inputs: () => [given(projections())],
});
describeStage(overlay, {
  otherOptions: { opacity: 0.9, interpolation: 'bicubic' },
  inputs: () => [given(projections())],
  broken: { inputs: () => [given(damaged())], says: /frame 6: is damaged/, left: 15 },
});
describeStage(overlay, {
  title: 'per step of every clip, at another width',
  options: { per: 'step', overlap: 'every', framePixels: 8 },
  inputs: () => [given(projections())],
});
describeStage(framesRenderer, {
  otherOptions: { caption: true, layer: 'original' },
  inputs: () => [given(projections())],
  broken: { inputs: () => [given(damaged())], says: /frame 6: is damaged/, left: 15 },
});
describeStage(stacked, {
  otherOptions: { gapPixels: 2 },
  inputs: () => [given(projections())],
  broken: { inputs: () => [given(damaged())], says: /frame 6: is damaged/, left: 15 },
});

async function draw(stage: unknown, items: readonly Projection[], options: object = {}): Promise<Picture[]> {
  const found: Picture[] = [];
  for await (const picture of runStage(stage as StageDefinition, { options, inputs: [given(items)] }))
    found.push(picture as Picture);
  return found;
}

test('projections whose axes are known only when they come are drawn, or refused by name', async () => {
  const [projection] = projections();
  const unknown = (item: Projection) => ({ inputs: [{ items: [item], spec: spec('projection', {}, null) }] });
  for (const stage of [overlay, stacked, tokens] as unknown as StageDefinition[]) {
    const found: Picture[] = [];
    for await (const picture of runStage(stage, unknown(projection!))) found.push(picture as Picture);
    expect(found).toEqual(
      await draw(stage, [projection!]).then((all) => all.map((one) => expect.objectContaining({ pixels: one.pixels }))),
    );
    const words = {
      ...projection!,
      axes: ['token', 'components'],
      values: tensor('float32', [24, 3], new Float32Array(72)),
    };
    await expect(runStage(stage, unknown(words)).next()).rejects.toThrow(
      'this renderer draws projections of [time, height, width, components], not of [token, components]',
    );
  }
});

const numbersOf = (pictures: readonly Picture[]): number[] => pictures.map(({ frame }) => frame.number);

/** A projection over a clip of these frame numbers. */
function over(numbers: readonly number[], base = projections()[0]!): Projection {
  const frames = numbers.map((number) => makeFrames(1, { first: number, width: 32, height: 24 })[0]!);
  const clip: Clip = { ...base.clip!, frames, padded: 0 };
  return { ...base, clip, key: `${base.key}${numbers.join('')}`.slice(0, 32).replace(/[^0-9a-f]/g, '0') };
}

describe('which pictures are drawn', () => {
  test('one per frame for overlays, one per time step for tokens unless asked otherwise', async () => {
    const two = projections().slice(0, 2);
    expect(numbersOf(await draw(overlay, two))).toEqual([0, 1, 2, 3, 4, 5, 6, 7]);
    expect(numbersOf(await draw(tokens, two))).toEqual([0, 2, 4, 6]);
    expect(numbersOf(await draw(tokens, two, { per: 'frame' }))).toEqual([0, 1, 2, 3, 4, 5, 6, 7]);
  });

  test('each frame once, by the first clip that holds it', async () => {
    const overlapping = [over([0, 1, 2, 3]), over([2, 3, 4, 5]), over([3, 4, 5, 6])];
    expect(numbersOf(await draw(overlay, overlapping))).toEqual([0, 1, 2, 3, 4, 5, 6]);
    expect(numbersOf(await draw(tokens, overlapping))).toEqual([0, 2, 4, 6]);
    expect(
      numbersOf(await draw(tokens, [over([0, 1, 2, 3]), over([1, 2, 3, 4])])),
      'a step of which one frame is new is shown with that frame',
    ).toEqual([0, 2, 4]);
  });

  describe('where clips overlap', () => {
    /** Which clip, by its place, shows which frames. */
    const shownBy = async (clips: readonly number[][], per: 'frame' | 'step' = 'frame', interleaved = false) => {
      const items = clips.map((numbers) => over(numbers));
      const shows: number[][] = clips.map(() => []);
      const stream = async function* () {
        await Promise.resolve();
        yield* items;
      };
      for await (const { projection, frame } of shots(stream(), per, { overlapping: true, interleaved }))
        shows[items.indexOf(projection)]!.push(frame.number);
      return shows;
    };
    const range = (first: number, end: number) => Array.from({ length: end - first }, (_, i) => first + i);

    test('a frame is shown by the clip whose middle is nearest, the first and the last clip show their ends', async () => {
      expect(await shownBy([range(0, 16), range(8, 24), range(16, 32)])).toEqual([
        range(0, 12),
        range(12, 20),
        range(20, 32),
      ]);
      expect(await shownBy([range(0, 4), range(1, 5), range(2, 6), range(3, 7)])).toEqual([
        [0, 1, 2],
        [3],
        [4],
        [5, 6],
      ]);
    });
    test('a time step is shown whole', async () => {
      expect(await shownBy([range(0, 16), range(8, 24)], 'step')).toEqual([[0, 8], [16]]);
    });
    test('every frame is shown once and in order, whatever size and stride', async () => {
      await fc.assert(
        fc.asyncProperty(
          fc.integer({ min: 1, max: 9 }),
          fc.integer({ min: 1, max: 9 }),
          fc.integer({ min: 1, max: 6 }),
          fc.boolean(),
          async (size, stride, count, interleaved) => {
            const clips = Array.from({ length: count }, (_, k) =>
              range(k * Math.min(stride, size), k * Math.min(stride, size) + size),
            );
            const shows = await shownBy(clips, 'frame', interleaved);
            expect(shows.flat()).toEqual(range(0, clips.at(-1)!.at(-1)! + 1));
          },
        ),
      );
    });
  });

  test('a frame that is repeated to fill its clip once', async () => {
    expect(numbersOf(await draw(overlay, [over([8, 9, 9, 9])]))).toEqual([8, 9]);
    expect(numbersOf(await draw(overlay, [over([8, 8, 8, 8]), over([9, 9, 9, 9])]))).toEqual([8, 9]);
  });
});

test('the token picture has one square per token, enlarged without blending', async () => {
  const base = projections()[0]!;
  const values = tensor('float32', [1, 1, 2, 3], Float32Array.from([1, -1, -1, -1, -1, 1]));
  const [picture] = await draw(tokens, [{ ...base, values }], { cellPixels: 2 });
  expect(picture!.pixels.shape).toEqual([2, 4, 3]);
  const row = [255, 0, 0, 255, 0, 0, 0, 0, 255, 0, 0, 255];
  expect([...picture!.pixels.data]).toEqual([...row, ...row]);
});

test('tokens without data have the background, or none', async () => {
  const base = projections()[0]!;
  const blind = { ...base, values: tensor('float32', [1, 1, 1, 3], new Float32Array(3)), valid: Uint8Array.from([0]) };
  expect([...(await draw(tokens, [blind], { cellPixels: 1, background: '#0a0b0c' }))[0]!.pixels.data]).toEqual([
    10, 11, 12,
  ]);
  expect([...(await draw(tokens, [blind], { cellPixels: 1, background: 'transparent' }))[0]!.pixels.data]).toEqual([
    0, 0, 0, 0,
  ]);
});

test('stacked shows the frame above and its overlay below', async () => {
  const [projection] = projections();
  const [[top], [below]] = [await draw(stacked, [projection!], { gapPixels: 1 }), await draw(overlay, [projection!])];
  const { frame, pixels } = top!;
  const plain = (await frame.read()).values.data as Uint8Array;
  const half = frame.width * frame.height * 3;
  expect(pixels.shape).toEqual([2 * frame.height + 1, frame.width, 3]);
  expect(pixels.data.subarray(0, half)).toEqual(plain);
  expect([...pixels.data.subarray(half, half + frame.width * 3)].every((v) => v === 0)).toBe(true);
  expect(pixels.data.subarray(half + frame.width * 3)).toEqual(below!.pixels.data);
});

test('an overlay of no opacity is the frame', async () => {
  const [picture] = await draw(overlay, projections().slice(0, 1), { opacity: 0 });
  expect(picture!.pixels.data).toEqual((await picture!.frame.read()).values.data);
});

test('layers are named by reducer and renderer, or as asked', async () => {
  const one = projections().slice(0, 1);
  expect((await draw(overlay, one))[0]!.layer).toBe('made-overlay');
  expect((await draw(stacked, one, { layer: 'both' }))[0]!.layer).toBe('both');
});

test('a frame of another size than the tokens were made from is an error with both sizes', async () => {
  const [projection] = projections();
  const geometry = { ...geometryOf(projection!)!, frameWidth: 99 };
  await expect(draw(overlay, [{ ...projection!, origin: { kind: 'picture', geometry } }])).rejects.toThrow(
    /is 32 x 24 pixels, but the tokens of clip-000000 were made from 99 x 24/,
  );
});

describe('a caption and a legend', () => {
  const stages: readonly [name: string, stage: unknown, options: object][] = [
    ['tokens', tokens, {}],
    ['tokens over no background', tokens, { background: 'transparent' }],
    ['overlay', overlay, {}],
    ['stacked', stacked, { gapPixels: 2 }],
    ['side-by-side', sideBySide, {}],
    ['frames', framesRenderer, {}],
  ];

  test.each(stages)('of %s stand below it and change no pixel of it', async (_, stage, options) => {
    const [plain] = await draw(stage, projections().slice(0, 1), options);
    for (const asked of [{ caption: true }, { legend: true }, { caption: ['time'], legend: true }]) {
      const [said] = await draw(stage, projections().slice(0, 1), { ...options, ...asked });
      expect(said!.pixels.shape[0]).toBeGreaterThan(plain!.pixels.shape[0]!);
      expect(said!.pixels.data.subarray(0, plain!.pixels.data.length)).toEqual(plain!.pixels.data);
      expect(said!.layer).toBe(plain!.layer);
    }
  });

  test.each(stages)(
    'of %s are part of the size that is described, as far as it is known before',
    async (_, stage, options) => {
      const input: StreamSpec = {
        ...spec('projection', { time: 2, height: 3, width: 4, components: 3 }, 'float32', 4),
        frames: { height: 24, width: 32, count: 16 },
      };
      for (const asked of [
        {},
        { caption: true },
        { caption: ['file', 'layer'] },
        { legend: true },
        { caption: true, legend: true },
      ]) {
        const said = { ...options, ...asked };
        const { output } = (await describeAlone(stage as StageDefinition, {
          options: said,
          inputs: [input],
        })) as Description;
        const [drawn] = await draw(stage, projections().slice(0, 1), said);
        const [height, width] = drawn!.pixels.shape;
        expect(axisSize(output, 'height')).toBe('legend' in asked ? null : height);
        expect(axisSize(output, 'width')).toBe(width);
      }
    },
  );

  test('give all pictures of a run one size', async () => {
    const all = await draw(overlay, projections(), { caption: true, legend: true });
    expect(all).toHaveLength(16);
    expect(new Set(all.map(({ pixels: { shape } }) => shape.join())).size).toBe(1);
  });

  test('that are not asked for are no part of the key; another file name is another key where it is shown', async () => {
    const [projection] = projections();
    const renamed: Projection = {
      ...projection!,
      clip: {
        ...projection!.clip!,
        frames: projection!.clip!.frames.map((frame) => ({
          ...frame,
          locator: { ...frame.locator, uri: 'other.tif' },
        })),
      },
    };
    const keyOf = async (item: Projection, options: object = {}): Promise<string> =>
      (await draw(overlay, [item], options))[0]!.key;
    const { key: frameKey } = projection!.clip!.frames[0]!;
    const options = { colorMap: 'viridis', reverse: false, opacity: 0.5, interpolation: 'nearest' };
    expect(await keyOf(projection!)).toBe(lineage('renderer/overlay', options, projection!.key, frameKey, '0'));
    expect(await keyOf(renamed)).toBe(await keyOf(projection!));
    expect(await keyOf(renamed, { caption: ['number'] })).toBe(await keyOf(projection!, { caption: ['number'] }));
    expect(await keyOf(renamed, { caption: ['file'] })).not.toBe(await keyOf(projection!, { caption: ['file'] }));
  });

  test('are counted in the size that tokens are described with, as far as it is known before', async () => {
    const input = spec('projection', { time: 8, height: 24, width: 24, components: 3 }, 'float32', 2);
    const edges = async (options: object): Promise<unknown> =>
      (
        (await describeAlone(tokens as unknown as StageDefinition, { options, inputs: [input] })) as Description
      ).output.axes
        .slice(0, 2)
        .map(({ size }) => size);
    expect(await edges({})).toEqual([480, 480]);
    expect(await edges({ caption: ['number', 'time'] })).toEqual([480 + 28, 480]);
    expect(await edges({ caption: true })).toEqual([480 + 50, 480]);
    expect(await edges({ legend: true })).toEqual([null, 480]);
  });

  test('of a field that there is not is refused with the fields that there are', async () => {
    await expect(draw(overlay, projections(), { caption: ['name'] })).rejects.toThrow(/caption.*number.*time.*file/s);
  });
});

describe('clips that overlap', () => {
  /** Two clips of four frames, the second of which begins with the last two of the first. */
  const overlapping = (): Projection[] =>
    makeProjections({ time: 2, height: 3, width: 4, count: 2 }).map((projection, index) => ({
      ...projection,
      clip: { ...projection.clip!, frames: makeFrames(4, { first: 2 * index }) },
    }));
  const shown = async (definition: StageDefinition, options: object): Promise<string[]> => {
    const found: string[] = [];
    for await (const picture of runStage(definition, { options, inputs: [given(overlapping())] })) {
      const { frame, place } = picture as Picture;
      found.push(`${place!.first}-${place!.last} t${place!.step} #${place!.position} ${frame.number}`);
      expect([place!.stepFirst, place!.stepLast]).toEqual([
        place!.first + 2 * place!.step,
        place!.first + 2 * place!.step + 1,
      ]);
    }
    return found;
  };

  test('show each frame once, with its place in the first clip that holds it', async () => {
    expect(await shown(framesRenderer, {})).toEqual([
      '0-3 t0 #0 0',
      '0-3 t0 #1 1',
      '0-3 t1 #2 2',
      '0-3 t1 #3 3',
      '2-5 t1 #2 4',
      '2-5 t1 #3 5',
    ]);
  });

  test('show all of every clip where that is asked for', async () => {
    const steps = ['0-3 t0 #0 0', '0-3 t1 #2 2', '2-5 t0 #0 2', '2-5 t1 #2 4'];
    expect(await shown(tokens, { overlap: 'every' })).toEqual(steps);
    expect(await shown(overlay, { overlap: 'every', per: 'step' })).toEqual(steps);
    expect(await shown(framesRenderer, { overlap: 'every' })).toHaveLength(8);
  });
});

test('frames are shown at the width that is asked for, colours over the same part of them', async () => {
  const [projection] = makeProjections({ time: 2, height: 3, width: 4, count: 1 });
  const draw = async (options: object): Promise<Picture['pixels']> => {
    for await (const picture of runStage(overlay, { options, inputs: [given([projection!])] }))
      return (picture as Picture).pixels;
    throw new Error('nothing was drawn');
  };
  const own = await draw({ opacity: 1 });
  const [height, width] = own.shape as [number, number];
  const double = await draw({ opacity: 1, framePixels: 2 * width });
  expect(double.shape).toEqual([2 * height, 2 * width, 3]);
  const { x, y, width: across, height: down } = geometryOf(projection!)!;
  for (let row = Math.ceil(y); row < Math.min(height, y + down) - 1; row++)
    for (let column = Math.ceil(x); column < Math.min(width, x + across) - 1; column++)
      expect([...double.data.subarray((2 * row * 2 * width + 2 * column) * 3).subarray(0, 3)]).toEqual([
        ...own.data.subarray((row * width + column) * 3).subarray(0, 3),
      ]);
});

test('tokens blend from step to step where that is asked for, and groups never do', async () => {
  const [made] = makeProjections({ time: 2, height: 1, width: 1, components: 1, count: 1 });
  const projection: Projection = {
    ...made!,
    clip: { ...made!.clip!, frames: makeFrames(4) },
    values: { ...made!.values, data: Float32Array.from([0, 1]) },
    limits: [[0, 1]],
    meaning: 'scalar',
  };
  const reds = async (options: object, item = projection): Promise<number[]> => {
    const found: number[] = [];
    const chosen = { per: 'frame', colorMap: 'gray', cellPixels: 1, ...options } as const;
    for await (const picture of runStage(tokens, { options: chosen, inputs: [given([item])] }))
      found.push((picture as Picture).pixels.data[0]!);
    return found;
  };
  expect(await reds({})).toEqual([0, 0, 255, 255]);
  expect(await reds({ time: 'linear' })).toEqual([0, 64, 191, 255]);
  const groups: Projection = { ...projection, meaning: 'label' };
  expect(await reds({ time: 'linear', interpolation: 'linear' }, groups)).toEqual(await reds({}, groups));
});
