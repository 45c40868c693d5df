// The encoder stage: clips in, V-JEPA 2 token grids out.

import {
  axisSize,
  defineEncoder,
  isRefusal,
  lineage,
  oneStream,
  refuse,
  sourceName,
  spec,
  type Clip,
  type StageContext,
  type TokenGrid,
} from '@deepearth/core';
import { closeModel, encoderOptions, encodeStream, openModel, type OpenModel } from '@deepearth/onnx/encode-stage';
import { estimate } from '@deepearth/onnx/estimate';
import { surveyModel, type ModelSurvey } from '@deepearth/onnx/survey-model';
import { fits, layout } from '@deepearth/vision/geometry';
import { inputOptions } from '@deepearth/vision/input-options';
import type { PreparedClip } from '@deepearth/vision/preprocess';
import { z } from 'zod';
import { tokenGrid, type Architecture } from './architecture.ts';
import { vjepa2Family } from './family.ts';
import { vjepa2PatchSize, vjepa2Processing } from './processing.ts';
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
  batchSize: z.number().int().positive().default(1).describe('Clips in one call (tiles, with `fit: tile`).'),
  ...inputOptions({
    fit: z.enum(fits).default('crop'),
    crop: 'as the checkpoints were trained',
    edge: z.number().int().positive().multipleOf(vjepa2PatchSize),
    multiple: ['16', '16'],
    published: '256 or 384',
  }),
});

type Options = z.output<typeof vjepa2Options>;

type Context = StageContext<Options, OpenModel<Architecture>, ModelSurvey<Architecture>>;

const clipOptions = ({ fit, cropSize, scale, range }: Options): ClipOptions => ({ fit, cropSize, scale, range });

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

  survey: ({ model, weights }): Promise<ModelSurvey<Architecture>> => surveyModel(vjepa2Family, model, weights),

  joins: 'merged',

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
    const architecture = survey?.architecture;
    if (!architecture)
      return {
        output: spec(
          'tokens',
          { time: frames && Math.max(Math.floor(frames / 2), 1), height: null, width: null, channels: null },
          'float32',
          input.count,
        ),
      };
    if (frames !== null && frames > 1 && frames % architecture.tubelet)
      return refuse(`a token spans ${architecture.tubelet} frames, and a clip has ${frames}`, {
        remedy: `Give the windower a \`size\` that is a multiple of ${architecture.tubelet}.`,
      });
    const height = axisSize(input, 'height');
    const width = axisSize(input, 'width');
    const { fit, scale, cropSize = architecture.cropSize } = options;
    // Without the frames' size, only tiles leave the grid open.
    const known = height !== null && width !== null;
    if (!known && fit === 'tile')
      return {
        output: spec(
          'tokens',
          {
            time: frames && tokenGrid(architecture, frames, 16, 16).time,
            height: null,
            width: null,
            channels: architecture.hiddenSize,
          },
          'float32',
          input.count,
        ),
      };
    const { grid, tile, tiles } = layout(width ?? 1, height ?? 1, {
      cropSize,
      patchSize: architecture.patchSize,
      resize: vjepa2Processing.resize,
      fit: known ? fit : 'resize',
      scale,
    });
    const time = frames === null ? null : tokenGrid(architecture, frames, tile.height, tile.width).time;
    const cost =
      frames === null
        ? undefined
        : estimate(vjepa2Family, architecture, {
            frames: Math.max(frames, architecture.tubelet),
            height: tile.height,
            width: tile.width,
            batchSize: options.batchSize,
            precision: options.precision,
          });
    const teraflop = cost && (cost.flop * tiles.rows * tiles.columns) / 1e12;
    return {
      output: spec(
        'tokens',
        { time, height: grid.height, width: grid.width, channels: architecture.hiddenSize },
        'float32',
        input.count,
      ),
      ...(cost && { memoryBytes: cost.peakBytes }),
      notes: [
        ...(survey.name ? [`model ${survey.name}`] : []),
        ...(teraflop ? [`${teraflop.toPrecision(3)} TFLOP for each clip`] : []),
      ],
    };
  },

  open: (context): Promise<OpenModel<Architecture>> => openModel(vjepa2Family, context),

  process: (clips: AsyncIterable<Clip>, context: Context): AsyncIterable<TokenGrid> =>
    encodeStream(clips, context, {
      recipe: lineage('encoder/vjepa2', clipOptions(context.options), context.state.encoder.identity.fingerprint),
      prepare: async (clip) => [await prepare(clip, context)],
    }),

  close: closeModel,
});

async function prepare(clip: Clip, { options, state, signal }: Context): Promise<PreparedClip> {
  const { architecture } = state.encoder;
  checkFrameCount(clip.frames.length, architecture.tubelet, clip.id);
  const rasters = [];
  for (const frame of clip.frames) rasters.push(await frame.read({ signal }));
  return readyClip(architecture, rasters, {
    ...clipOptions(options),
    range: options.range ?? clip.frames[0]!.range,
    names: clip.frames.map(sourceName),
  });
}
