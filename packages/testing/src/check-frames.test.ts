import {
  defineSource,
  lineage,
  partOfRaster,
  spec,
  tensor,
  type Frame,
  type Raster,
  type ReadOptions,
} from '@deepearth/core';
import { expect, test } from 'vitest';
import { z } from 'zod';
import { frameChecks } from './check-frames.ts';
import { describeStage } from './describe-stage.ts';
import type { AnyStage } from './subject.ts';

const size = { height: 7, width: 10 };
const rasterOf = (number: number): Raster => ({
  values: tensor(
    'uint8',
    [size.height, size.width, 1],
    Uint8Array.from({ length: 70 }, (_, i) => (i * 37 + number) % 256),
  ),
  channels: ['grey'],
});

/** A source of frames that reads as it is told. */
const source = (read: Frame['read'] | undefined, reopen: AnyStage['reopen'], inParts = true): AnyStage =>
  defineSource({
    type: 'ramps',
    summary: 'Makes ramps.',
    options: z.strictObject({ first: z.int().default(0).describe('The first number.') }),
    examples: ['- type: source/ramps'],
    describe: () => ({ output: spec('frame', { ...size, channels: 1 }, 'uint8', 5) }),
    async *process(_, { options: { first }, signal, frameRange }) {
      const range = inParts ? frameRange('ramps') : { first: 0, end: 5 };
      for (let number = first + range.first; number < first + Math.min(5, range.end); number++) {
        signal.throwIfAborted();
        yield {
          kind: 'frame',
          id: `ramp-${number}`,
          key: lineage('ramp', number),
          sequence: 'ramps',
          number,
          ...size,
          locator: { source: 'source/ramps', uri: 'ramps:', index: number },
          read: read ?? (async (options) => partOfRaster(rasterOf(number), options)),
        };
      }
    },
    ...(reopen && { reopen }),
  });

const again: AnyStage['reopen'] = async ({ index }, options) => partOfRaster(rasterOf(index!), options);

describeStage(source(undefined, again), { otherOptions: { first: 3 } });

const clamped = ({ window, ...rest }: ReadOptions = {}): ReadOptions => ({
  ...rest,
  ...(window && { window: { ...window, width: Math.min(window.width, size.width - window.x) } }),
});

test.each<[string, AnyStage, RegExp]>([
  [
    'a frame that is always read whole',
    source(async () => rasterOf(0), again),
    /ramp-1: a window has other pixels.*ramp-1: an overview has other pixels/s,
  ],
  [
    'a frame that is read as far as it goes',
    source(async (options) => partOfRaster(rasterOf(0), clamped(options)), again),
    /ramp-0: a window that leaves the frame is read without a RangeError/,
  ],
  [
    'a source that opens another frame',
    source(undefined, async ({ index }, options) => partOfRaster(rasterOf(index! + 1), options)),
    /ramp-2, opened again: the whole has other pixels/,
  ],
  [
    'a source that opens the whole of a part',
    source(undefined, async ({ index }, { overview }) => partOfRaster(rasterOf(index!), overview ? { overview } : {})),
    /a locator with a window of ramp-0: the whole has other pixels/,
  ],
  [
    'a source that cannot open what it says',
    source(undefined, () => Promise.reject(new Error('gone'))),
    /ramp-0, opened again: the whole cannot be read: Error: gone/,
  ],
  [
    'a source that sends everything whatever part it is asked for',
    source(undefined, again, false),
    /of the frames 1 up to 3 it sends ramp-0 .*, not ramp-1 [0-9a-f]+, ramp-2 [0-9a-f]+\n.*of the frames 0 up to 0 it sends ramp-0 .*, not none/s,
  ],
])('the laws of frames find %s', async (_, stage, says) => {
  const problems = await Promise.all(frameChecks.map((law) => law.find(stage, {})));
  expect(problems.flat().join('\n')).toMatch(says);
});
