// The encoder stage: clips in, V-JEPA 2 token grids out.

import {
  axisSize,
  defineEncoder,
  isRefusal,
  lineage,
  oneStream,
  readingBytes,
  refuse,
  sourceName,
  spec,
  type Clip,
  type StageContext,
  type TokenGrid,
  type StreamSpec,
} from '@deepearth/core';
import {
  batchSizeOption,
  closeModel,
  encoderOptions,
  encoderPlacement,
  encodeStream,
  openModel,
  plannedBatch,
  type OpenModel,
} from '@deepearth/onnx/encode-stage';
import { estimate } from '@deepearth/onnx/estimate';
import { aheadBytes, pixelBytes } from '@deepearth/onnx/read-ahead';
import { weightsInput } from '@deepearth/onnx/weights-input';
import { knownArchitecture, surveyModel, type ModelSurvey } from '@deepearth/onnx/survey-model';
import { findProcessor, processorNotes, type FoundProcessor } from '@deepearth/vision/find-processor';
import { edgeOffPatch, fits, layout, preparedBytes, unseenWarnings } from '@deepearth/vision/geometry';
import { inputOptions } from '@deepearth/vision/input-options';
import type { PreparedClip } from '@deepearth/vision/preprocess';
import { z } from 'zod';
import { tokenGrid, type Architecture } from './architecture.ts';
import { vjepa2Family } from './family.ts';
import { processorFamily, vjepa2PatchSize } from './processing.ts';
import { checkFrameCount, readyClip, type ClipOptions } from './ready-clip.ts';

/** Options of `encoder/vjepa2`. */
export const vjepa2Options = z.strictObject({
  model: z
    .string()
    .min(1)
    .default('builtin')
    .describe(
      '`builtin` (constructed, not trained), a folder with config.json and model.safetensors, a .pt or .safetensors file, or a name on the Hugging Face Hub such as facebook/vjepa2-vitg-fpc64-384.',
    ),
  ...encoderOptions,
  batchSize: batchSizeOption('Clips'),
  ...inputOptions({
    fit: z.enum(fits).default('crop'),
    crop: 'as the checkpoints were trained',
    edge: z.number().int().positive().multipleOf(vjepa2PatchSize),
    multiple: ['16', '16'],
    published: '256 or 384',
  }),
});

type Options = z.output<typeof vjepa2Options>;

/** What is known of the model before it is opened. */
export interface Vjepa2Survey extends ModelSurvey<Architecture> {
  /** Absent where the architecture is. */
  readonly processor?: FoundProcessor;
}

/** What is open while `encoder/vjepa2` runs. */
export interface Vjepa2State extends OpenModel<Architecture> {
  readonly processor: FoundProcessor;
}

type Context = StageContext<Options, Vjepa2State, Vjepa2Survey>;

const clipOptions = ({ fit, cropSize, scale, range }: Options): ClipOptions => ({ fit, cropSize, scale, range });

/** What a checkpoint's file declares beyond the rule of the published ones, for the lineage. */
function declared({ file, processing, crop }: FoundProcessor, architecture: Architecture): unknown[] {
  const { published } = processorFamily(architecture);
  const own = { processing, crop };
  return file === null || JSON.stringify(own) === JSON.stringify(published) ? [] : [own];
}

/**
 * The stage `encoder/vjepa2`: a clip of `frames` frames gives `[frames / 2, height / 16, width / 16, hiddenSize]` in
 * float32.
 */
export const vjepa2 = defineEncoder({
  type: 'vjepa2',
  summary: 'Encodes clips with V-JEPA 2 or 2.1: one token for every 2 frames of 16 x 16 pixels.',
  options: vjepa2Options,
  examples: [
    '- type: encoder/vjepa2',
    '- type: encoder/vjepa2\n  with: { model: facebook/vjepa2-vitg-fpc64-384, precision: int8 }',
    '- type: encoder/vjepa2\n  with: { fit: tile, cropSize: 256, batchSize: 4 }',
  ],

  async survey({ model, weights }): Promise<Vjepa2Survey> {
    const found = await surveyModel(vjepa2Family, model, weights);
    const { architecture, folder } = found;
    return architecture ? { ...found, processor: await findProcessor(folder, processorFamily(architecture)) } : found;
  },

  joins: 'merged',
  placement: encoderPlacement,

  describe(_, { options, survey, inputs }) {
    const input = oneStream(inputs);
    if (input && isRefusal(input)) return input;
    if (input?.kind !== 'clip')
      return refuse(`encoder/vjepa2 takes clips, not ${input?.kind ?? 'nothing'}`, {
        remedy: 'Put a windower before it.',
      });
    const channels = axisSize(input, 'channels');
    if (channels !== null && ![1, 2, 3, 4].includes(channels))
      return refuse(`encoder/vjepa2 takes pictures of 1 or 3 channels (and opacity), these have ${channels}`, {
        remedy: "Pick three with the source's `bands` option.",
      });
    const frames = axisSize(input, 'time');
    const tokens = (axes: Readonly<Record<string, number | null>>): StreamSpec => ({
      ...spec('tokens', axes, options.tokens, input.count),
      globals: [],
    });
    const architecture = survey?.architecture;
    // Where nothing outside may be looked at, a name may still say it.
    const { tubelet = 1 } = (survey ? architecture : knownArchitecture(vjepa2Family, options.model)) ?? {};
    if (frames !== null && frames > 1 && frames % tubelet)
      return refuse(`a token spans ${tubelet} frames, and a clip has ${frames}.`, {
        remedy: `Give the windower a \`size\` that is a multiple of ${tubelet}.`,
      });
    if (!architecture)
      return {
        output: tokens({
          time: frames && Math.max(Math.floor(frames / 2), 1),
          height: null,
          width: null,
          channels: null,
        }),
        notes: survey?.notes ?? [],
      };
    const height = axisSize(input, 'height');
    const width = axisSize(input, 'width');
    const family = processorFamily(architecture);
    const processor = survey.processor ?? { ...family.published, file: null };
    const { fit, scale, cropSize = processor.crop } = options;
    const odd = edgeOffPatch(cropSize, architecture.patchSize);
    if (odd !== undefined)
      return refuse(
        `an input of ${odd} pixels is no multiple of the patch of ${survey.name}, ${architecture.patchSize}`,
        {
          option: 'cropSize',
          remedy: `Give ${Math.max(Math.round(odd / architecture.patchSize), 1) * architecture.patchSize}.`,
        },
      );
    const notes = [
      ...(survey.name ? [`model ${survey.name}`] : []),
      ...(survey.notes ?? []),
      ...processorNotes(processor, family, survey.folder),
    ];
    // Without the frames' size, only tiles leave the grid open.
    const known = height !== null && width !== null;
    if (!known && fit === 'tile')
      return {
        output: tokens({
          time: frames && tokenGrid(architecture, frames, 16, 16).time,
          height: null,
          width: null,
          channels: architecture.hiddenSize,
        }),
        notes,
      };
    const placed = layout(width ?? 1, height ?? 1, {
      cropSize,
      patchSize: architecture.patchSize,
      resize: processor.processing.resize,
      fit: known ? fit : 'resize',
      scale,
    });
    const { grid, tile, tiles } = placed;
    const time = frames === null ? null : tokenGrid(architecture, frames, tile.height, tile.width).time;
    const cost =
      frames === null
        ? undefined
        : estimate(vjepa2Family, architecture, {
            frames: Math.max(frames, architecture.tubelet),
            height: tile.height,
            width: tile.width,
            batchSize: plannedBatch(options),
            precision: options.precision,
          });
    const teraflop = cost && (cost.flop * tiles.rows * tiles.columns) / 1e12;
    return {
      output: tokens({ time, height: grid.height, width: grid.width, channels: architecture.hiddenSize }),
      memoryBytes:
        (cost?.peakBytes ?? 0) +
        readingBytes(input) +
        aheadBytes(input) +
        (known ? preparedBytes(placed, 3 * (frames ?? 1) * plannedBatch(options)) : 0),
      ...(known && { warnings: unseenWarnings(placed) }),
      notes: [...notes, ...(teraflop ? [`${teraflop.toPrecision(3)} TFLOP for each clip`] : [])],
    };
  },

  async open(context): Promise<Vjepa2State> {
    const opened = await openModel(vjepa2Family, context);
    try {
      const { architecture, folder } = opened.checkpoint;
      const processor = await findProcessor(folder, processorFamily(architecture));
      const { file } = processor;
      if (file) context.recordInput(await weightsInput(file, context.signal));
      return { ...opened, processor };
    } catch (error) {
      await closeModel(opened);
      throw error;
    }
  },

  process: (clips: AsyncIterable<Clip>, context: Context): AsyncIterable<TokenGrid> =>
    encodeStream(clips, context, {
      recipe: lineage(
        'encoder/vjepa2',
        clipOptions(context.options),
        context.state.encoder.identity.fingerprint,
        ...declared(context.state.processor, context.state.encoder.architecture),
      ),
      prepare: async (clip, reading) => [await prepare(clip, context, reading)],
      warnings: unseenWarnings,
    }),

  close: closeModel,
});

function prepare(
  clip: Clip,
  { options, state, signal }: Context,
  reading: ClipOptions['reading'],
): Promise<PreparedClip> {
  const { architecture } = state.encoder;
  checkFrameCount(clip.frames.length, architecture.tubelet, clip.id);
  const frames = clip.frames.map((frame) => ({
    key: frame.key,
    bytes: pixelBytes(frame),
    read: () => frame.read({ signal }),
  }));
  return readyClip(architecture, state.processor, frames, {
    ...clipOptions(options),
    range: options.range ?? clip.frames[0]!.range,
    names: clip.frames.map(sourceName),
    reading,
  });
}
