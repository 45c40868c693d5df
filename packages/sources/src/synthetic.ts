// Draws a sequence of frames that looks like weather, from a seed.

import {
  defineSource,
  frameId,
  InputError,
  lineage,
  partOfRaster,
  readableFrame,
  spec,
  type LocatorReader,
} from '@deepearth/core';
import { z } from 'zod';
import { weather } from './weather.ts';

const pixels = z.number().int().min(16).max(8192);

/** Options of `source/synthetic`. */
export const syntheticOptions = z.strictObject({
  count: z.number().int().positive().default(32).describe('How many frames.'),
  width: pixels.default(384).describe('Pixels from left to right.'),
  height: pixels.default(384).describe('Pixels from top to bottom.'),
  seed: z
    .number()
    .int()
    .nonnegative()
    .max(2 ** 31 - 1)
    .default(7)
    .describe('Another seed gives other weather.'),
  fps: z.number().positive().default(12).describe('Frames per second; gives frames their time.'),
  speed: z
    .number()
    .nonnegative()
    .default(1)
    .describe('How fast the weather moves; 1 is about one and a half pixels a frame at 384 x 384.'),
  first: z
    .number()
    .int()
    .nonnegative()
    .default(0)
    .describe('Number of the first frame; the same number shows the same moment in every sequence of a seed.'),
  sequence: z.string().min(1).default('synthetic').describe('Name of the sequence that the frames belong to.'),
});

/** Another number where the pictures of a seed change. */
const version = 1;

/** How many frames are remembered, as long as memory allows, for those who read them again. */
const drawn = 1024;

/** The stage `source/synthetic`. */
export const synthetic = defineSource({
  type: 'synthetic',
  summary: 'Draws synthetic weather: cyclones and cloud bands drifting over land and sea.',
  options: syntheticOptions,
  examples: [
    '- type: source/synthetic',
    '- type: source/synthetic\n  with: { count: 64, width: 512, height: 256, seed: 42 }',
  ],

  describe: (_, { options: { count, width, height, sequence } }) => ({
    output: { ...spec('frame', { height, width, channels: 3 }, 'uint8', count), sequences: [sequence] },
    // Ground (3 floats), cloud density, and noise tiles.
    memoryBytes: width * height * 16 + 4 * 512 * 512 * 4,
  }),

  open: (context) => Promise.resolve(weather(context.options)),

  async *process(_, { options, signal, state, frameRange, severalSequences }) {
    const { count, width, height, seed, fps, speed, first, sequence } = options;
    const range = frameRange(sequence);
    const start = first + Math.min(count, range.first);
    const end = first + Math.min(count, range.end);
    const uri = `synthetic:weather?seed=${seed}`;
    const decode = { width, height, seed, speed };
    // The encoder and several renderers read the same frame soon after one another; nothing is kept when memory is
    // short.
    const recent = new Map<number, WeakRef<ReturnType<typeof state.draw>>>();
    const read: LocatorReader = async ({ index = 0 }, wanted) => {
      wanted.signal?.throwIfAborted();
      const values = recent.get(index)?.deref() ?? state.draw(index * speed);
      recent.delete(index);
      recent.set(index, new WeakRef(values));
      if (recent.size > drawn) recent.delete(recent.keys().next().value!);
      return partOfRaster({ values, channels: ['red', 'green', 'blue'] }, wanted);
    };
    for (let number = start; number < end; number++) {
      signal.throwIfAborted();
      yield readableFrame(
        {
          kind: 'frame',
          id: frameId(sequence, number, severalSequences),
          key: lineage('source/synthetic', version, width, height, seed, speed, number),
          sequence,
          number,
          width,
          height,
          seconds: (number - first) / fps,
          locator: { source: 'source/synthetic', uri, index: number, decode },
        },
        read,
      );
    }
  },

  async reopen({ uri, index, decode }, options, { share }) {
    const parsed = syntheticOptions.safeParse(decode ?? {});
    if (!parsed.success || index === undefined)
      throw new InputError(uri, 'says too little to draw it again.', { code: 'E_LOCATOR' });
    const world = await share(
      `synthetic weather ${JSON.stringify(decode)}`,
      () => weather(parsed.data),
      () => undefined,
    );
    options.signal?.throwIfAborted();
    const values = world.draw(index * parsed.data.speed);
    return partOfRaster({ values, channels: ['red', 'green', 'blue'] }, options);
  },
});
