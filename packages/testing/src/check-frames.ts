// Laws about frames: any part of one can be read, and a source opens its frames again from their locators.

import type { Frame, FrameRecord, Item, Raster, ReadOptions, Rectangle } from '@deepearth/core/items';
import { isWithin, type Range } from '@deepearth/core/range';
import { partOfRaster, windowWithin } from '@deepearth/core/raster-part';
import { createRegistry } from '@deepearth/core/registry';
import { spec } from '@deepearth/core/specs';
import { defineTransform } from '@deepearth/core/stage';
import { runStage } from '@deepearth/runtime/run-stage';
import { z } from 'zod';
import { itemDigest } from './item-bytes.ts';
import { observe, textOf } from './observe.ts';
import type { AnyStage, Check, Subject } from './subject.ts';

const makesFrames = ({ kind }: AnyStage): boolean => kind === 'source' || kind === 'transform';

/** The middle of a picture, at least a pixel of it. */
const middle = ({ width, height }: { readonly width: number; readonly height: number }): Rectangle => ({
  x: width >> 2,
  y: height >> 2,
  width: Math.max(1, width >> 1),
  height: Math.max(1, height >> 1),
});

/** Parts of a frame, by how a problem calls them. */
const partsOf = (frame: FrameRecord | Rectangle): Readonly<Record<string, ReadOptions>> => ({
  'the whole': {},
  'a window': { window: middle(frame) },
  'an overview': { overview: 3 },
  'the overview of a window': { window: middle(frame), overview: 2 },
});

const same = async (one: Raster, other: Raster): Promise<boolean> => {
  const digest = ({ values, valid }: Raster): Promise<string> =>
    itemDigest({ kind: 'raster', id: '', key: '', values, valid } as Item);
  return (await digest(one)) === (await digest(other));
};

/** What is wrong with how a frame is read, given all its pixels. */
async function problemsOfReading(
  frame: FrameRecord | Rectangle,
  whole: Raster,
  read: (options: ReadOptions) => Promise<Raster>,
): Promise<string[]> {
  const problems: string[] = [];
  for (const [name, options] of Object.entries(partsOf(frame))) {
    const part = await read(options).catch((error: unknown) => error);
    if (part instanceof Error) problems.push(`${name} cannot be read: ${textOf(part)}`);
    else if (!(await same(part as Raster, partOfRaster(whole, options))))
      problems.push(`${name} has other pixels than the same part of all that was read`);
  }
  const beyond = { ...middle(frame), width: frame.width };
  if (beyond.x > 0) {
    const outside = await read({ window: beyond }).catch((error: unknown) => error);
    if (!(outside instanceof RangeError)) problems.push('a window that leaves the frame is read without a RangeError');
  }
  return problems;
}

/** Looks at the first frames that come out, while they can be read. */
async function eachFrame(stage: AnyStage, subject: Subject, look: (frame: Frame, whole: Raster) => Promise<unknown>) {
  let left = 3;
  const { error } = await observe(stage, subject, {
    async onItem(item) {
      if (item.kind !== 'frame' || left-- <= 0) return;
      await look(item as Frame, await (item as Frame).read());
    },
  });
  return error === undefined ? [] : [`it fails: ${textOf(error)}`];
}

/** Names and keys of the frames that come out, of the part of each sequence that is asked for. */
async function framesIn(stage: AnyStage, subject: Subject, range?: Range): Promise<readonly Frame[]> {
  const { items, error } = await observe(stage, subject, range ? { range: { frames: range } } : {});
  if (error !== undefined) throw error;
  return items.filter((item): item is Frame => item.kind === 'frame');
}

const named = (frames: readonly Frame[]): string[] => frames.map(({ id, key }) => `${id} ${key}`);

export const frameChecks: readonly Check[] = [
  {
    title: 'sends of each sequence the frames that it is asked for, as they are in the whole',
    applies: ({ kind }) => kind === 'source',
    async find(stage, subject) {
      const whole = await framesIn(stage, subject);
      const seen = new Map<string, number>();
      const positions = whole.map(({ sequence }) => {
        const position = seen.get(sequence) ?? 0;
        seen.set(sequence, position + 1);
        return position;
      });
      const problems: string[] = [];
      for (const range of [
        { first: 1, end: 3 },
        { first: 0, end: 0 },
      ]) {
        const sent = named(await framesIn(stage, subject, range)).join(', ');
        const wanted = named(whole.filter((_, index) => isWithin(positions[index]!, range))).join(', ');
        if (sent !== wanted)
          problems.push(
            `of the frames ${range.first} up to ${range.end} it sends ${sent || 'none'}, not ${wanted || 'none'}`,
          );
      }
      return problems;
    },
  },
  {
    title: 'reads of a frame the part that is asked for, and nothing beyond the frame',
    applies: makesFrames,
    async find(stage, subject) {
      const problems: string[] = [];
      const failed = await eachFrame(stage, subject, async (frame, whole) => {
        const found = await problemsOfReading(frame, whole, (options) => frame.read(options));
        problems.push(...found.map((problem) => `${frame.id}: ${problem}`));
      });
      return [...failed, ...problems];
    },
  },
  {
    title: 'opens its frames again in another run, from what a file keeps of them, whole and in part',
    applies: ({ kind, reopen }) => kind === 'source' && reopen !== undefined,
    async find(stage, subject) {
      const rasters: Raster[] = [];
      const records: FrameRecord[] = [];
      const problems: string[] = [];
      const failed = await eachFrame(stage, subject, async (frame, whole) => {
        rasters.push(whole);
        records.push(JSON.parse(JSON.stringify(frame)) as FrameRecord);
      });
      const reader = defineTransform({
        type: 'reader',
        summary: 'Opens frames again.',
        options: z.strictObject({}),
        examples: [],
        describe: (input) => ({ output: input! }),
        async each(frame, { reopen }) {
          const whole = rasters[records.findIndex(({ id }) => id === frame.id)]!;
          const { locator } = frame;
          const found = await problemsOfReading(frame, whole, (options) => reopen(locator, options));
          // A frame of another stage that is a part of this one.
          const window = middle(frame);
          const part = { ...locator, window: windowWithin(locator.window ?? { ...frame, x: 0, y: 0 }, window) };
          const ofPart = await problemsOfReading(window, partOfRaster(whole, { window }), (options) =>
            reopen(part, options),
          );
          problems.push(
            ...found.map((problem) => `${frame.id}, opened again: ${problem}`),
            ...ofPart.map((problem) => `a locator with a window of ${frame.id}: ${problem}`),
          );
          return [];
        },
      });
      const inputs = [{ items: records, spec: spec('frame', {}, null) }];
      const registry = createRegistry({ [stage.type]: () => Promise.resolve(stage) });
      for await (const _ of runStage(reader, { inputs, registry }));
      return [...failed, ...problems];
    },
  },
];
