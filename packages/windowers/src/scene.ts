// Cuts each sequence where its pictures change at once, and makes clips of what lies between.

import { defineWindower, readingBytes, releaseRaster, type Clip, type Frame, type StageContext } from '@deepearth/core';
import { z } from 'zod';
import { bySequence } from './by-sequence.ts';
import { clipOf, fill } from './clip.ts';
import { colourHistogram, histogramDifference } from './colour-histogram.ts';
import { allFrames, clipSpec, wantFrames } from './spec.ts';
import { uniformIndices } from './uniform.ts';

/** Options of `windower/scene`. */
export const sceneOptions = z.strictObject({
  size: z.number().int().positive().default(16).describe('Frames in a clip.'),
  clips: z
    .enum(['one', 'all'])
    .default('one')
    .describe(
      '`one`: a clip of each scene, of frames evenly spread over it; `all`: clips side by side, the last one filled by repeating its last frame.',
    ),
  threshold: z
    .number()
    .min(0)
    .max(1)
    .default(0.4)
    .describe(
      'How different the colours of two frames are where a scene ends: 0 for the same, 1 where they share nothing. Lower finds more cuts.',
    ),
  minFrames: z
    .number()
    .int()
    .positive()
    .default(8)
    .describe('A scene has at least so many frames: a flash of light is no cut.'),
});

/** The stage `windower/scene`. */
export const scene = defineWindower({
  type: 'scene',
  summary: 'Finds the cuts of each sequence by the colours of its frames, and makes a clip of each scene.',
  options: sceneOptions,
  examples: ['- type: windower/scene', '- type: windower/scene\n  with: { clips: all, threshold: 0.2, minFrames: 24 }'],

  joins: 'merged',

  describe(_, { options: { size }, inputs }) {
    const refusal = wantFrames(inputs);
    if (refusal) return refusal;
    const { stream } = allFrames(inputs);
    return {
      output: clipSpec(stream, size, null),
      memoryBytes: readingBytes(stream),
      notes: ['how many scenes there are shows when the frames have been looked at'],
    };
  },

  async *process(frames, context) {
    const looks = new WeakMap<Frame, Float64Array>();
    const look = async function* (): AsyncGenerator<Frame> {
      for await (const frame of frames) {
        const found = await context.attempt(frame, () => histogramOf(frame, context.signal));
        // What cannot be read is in no clip; with `onError: skip` it is listed.
        if (!found) continue;
        looks.set(frame, found);
        yield frame;
      }
    };
    yield* bySequence(look(), context, () => scenes(context, (frame) => looks.get(frame)!));
  },
});

type Context = StageContext<z.output<typeof sceneOptions>>;

/** Pixels along the shorter edge that are enough to tell one scene from another. */
const enough = 64;

const histogramOf = async (frame: Frame, signal: AbortSignal): Promise<Float64Array> => {
  const overview = Math.max(1, Math.floor(Math.min(frame.width, frame.height) / enough));
  const raster = await frame.read({ overview, signal });
  const wide = { uint8: 255, uint16: 65_535, int16: 32_767, float32: 1 } as const;
  const histogram = colourHistogram(raster, frame.range ?? [0, wide[raster.values.dtype]]);
  releaseRaster(raster);
  return histogram;
};

/** The clips of the scenes of one sequence. */
function scenes({ options, severalSequences }: Context, histogram: (frame: Frame) => Float64Array) {
  const { size, clips, threshold, minFrames } = options;
  let index = 0;
  let last: Float64Array | undefined;
  /** Frames of the scene that are in no clip yet. */
  let waiting: Frame[] = [];
  let length = 0;

  function* finish(): Generator<Clip> {
    if (waiting.length === 0) return;
    const frames =
      clips === 'one' ? uniformIndices(waiting.length, size, 'start').map((i) => waiting[i]!) : fill(waiting, size);
    yield clipOf(index++, frames, clips === 'one' ? 0 : size - waiting.length, severalSequences);
    waiting = [];
  }

  return {
    *push(frame: Frame): Generator<Clip> {
      const colours = histogram(frame);
      if (last && length >= minFrames && histogramDifference(last, colours) > threshold) {
        yield* finish();
        length = 0;
      }
      last = colours;
      length++;
      waiting.push(frame);
      if (clips === 'all' && waiting.length === size) yield* finish();
    },
    end: finish,
  };
}
