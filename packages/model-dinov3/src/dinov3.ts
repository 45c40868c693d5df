// The encoder stage: clips in, DINOv3 or DINOv2 token grids out, every frame by itself.

import {
  axisSize,
  defineEncoder,
  isRefusal,
  lineage,
  oneStream,
  readingBytes,
  refuse,
  releaseRaster,
  spec,
  type Clip,
  type Raster,
  type StageContext,
  type TokenGrid,
  type StreamSpec,
} from '@deepearth/core';
import { weightsInput } from '@deepearth/onnx/weights-input';
import type { PreparedFrames } from '@deepearth/onnx/encode-frames';
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
import { aheadBytes, pixelBytes, readAhead, readsAtOnce } from '@deepearth/onnx/read-ahead';
import { surveyModel, type ModelSurvey } from '@deepearth/onnx/survey-model';
import { findProcessor, processorNotes, type FoundProcessor } from '@deepearth/vision/find-processor';
import { edgeOffPatch, fits, layout, preparedBytes, unseenWarnings } from '@deepearth/vision/geometry';
import { inputOptions } from '@deepearth/vision/input-options';
import { clipPreparation, type PreprocessOptions } from '@deepearth/vision/preprocess';
import { z } from 'zod';
import type { Architecture } from './architecture.ts';
import { dinov3Family } from './family.ts';
import { processorFamily, publishedProcessor } from './processing.ts';

/** Options of `encoder/dinov3`. */
export const dinov3Options = z.strictObject({
  model: z
    .string()
    .min(1)
    .describe(
      'A folder with config.json and model.safetensors of DINOv3 or DINOv2, or a name on the Hugging Face Hub such as facebook/dinov2-base or facebook/dinov3-vitl16-pretrain-sat493m.',
    ),
  ...encoderOptions,
  batchSize: batchSizeOption('Frames'),
  ...inputOptions({
    fit: z.enum(fits).optional(),
    fitDefault: 'the checkpoint’s own, `resize` in DINOv3 and `crop` in DINOv2',
    crop: 'cuts out the centre',
    edge: z.number().int().positive(),
    multiple: ['the patch', 'the patch: 16 in DINOv3, 14 in DINOv2'],
    published: '224',
  }),
});

type Options = z.output<typeof dinov3Options>;

/** What is known of the model before it is opened. */
export interface Dinov3Survey extends ModelSurvey<Architecture> {
  /** Absent where the architecture is. */
  readonly processor?: FoundProcessor;
}

/** What is open while `encoder/dinov3` runs. */
export interface Dinov3State extends OpenModel<Architecture> {
  readonly processor: FoundProcessor;
}

type Context = StageContext<Options, Dinov3State, Dinov3Survey>;

/** What decides an encoder's input. */
const preparation = (
  { cropSize, fit, scale, range }: Options,
  { patchSize }: Architecture,
  { processing, crop }: FoundProcessor,
): PreprocessOptions => ({ cropSize: cropSize ?? crop, patchSize, processing, fit, scale, range, tubelet: 1 });

/**
 * The stage `encoder/dinov3`: a clip of `frames` frames gives `[frames, height / patch, width / patch, hiddenSize]` in
 * float32, and `globals` `[frames, 1 + registers, hiddenSize]`.
 */
export const dinov3 = defineEncoder({
  type: 'dinov3',
  summary:
    'Encodes every frame of a clip by itself with DINOv3 or DINOv2: one token for each patch of 16 x 16 or 14 x 14 pixels, the class token and the registers as globals.',
  options: dinov3Options,
  examples: [
    '- type: encoder/dinov3\n  with: { model: facebook/dinov2-base }',
    '- type: encoder/dinov3\n  with: { model: facebook/dinov3-vitl16-pretrain-sat493m, fit: tile, batchSize: 4 }',
    '- type: encoder/dinov3\n  with: { model: ./models/dinov3, cropSize: 512, precision: int8 }',
  ],

  async survey({ model, weights }): Promise<Dinov3Survey> {
    const found = await surveyModel(dinov3Family, model, weights);
    const { architecture, folder } = found;
    return architecture ? { ...found, processor: await findProcessor(folder, processorFamily(architecture)) } : found;
  },

  joins: 'merged',
  placement: encoderPlacement,

  describe(_, { options, survey, inputs }) {
    const input = oneStream(inputs);
    if (input && isRefusal(input)) return input;
    if (input?.kind !== 'clip')
      return refuse(`encoder/dinov3 takes clips, not ${input?.kind ?? 'nothing'}`, {
        remedy: 'Put a windower before it.',
      });
    const channels = axisSize(input, 'channels');
    if (channels !== null && ![1, 2, 3, 4].includes(channels))
      return refuse(`encoder/dinov3 takes pictures of 1 or 3 channels (and opacity), these have ${channels}`, {
        remedy: "Pick three with the source's `bands` option.",
      });
    const frames = axisSize(input, 'time');
    const architecture = survey?.architecture;
    const tokens = (height: number | null, width: number | null): StreamSpec => ({
      ...spec(
        'tokens',
        { time: frames, height, width, channels: architecture?.hiddenSize ?? null },
        options.tokens,
        input.count,
      ),
      ...(architecture && { globals: dinov3Family.globals(architecture) }),
    });
    if (!architecture) return { output: tokens(null, null), notes: survey?.notes ?? [] };
    const { patchSize } = architecture;
    const processor = survey.processor ?? { ...publishedProcessor(architecture), file: null };
    const plan = preparation(options, architecture, processor);
    const odd = edgeOffPatch(plan.cropSize, patchSize);
    if (odd !== undefined)
      return refuse(`an input of ${odd} pixels is no multiple of the patch of ${survey.name}, ${patchSize}`, {
        option: 'cropSize',
        remedy: `Give ${Math.max(Math.round(odd / patchSize), 1) * patchSize}.`,
      });
    const height = axisSize(input, 'height');
    const width = axisSize(input, 'width');
    // Without the frames' size, only tiles leave the grid open.
    const known = height !== null && width !== null;
    const notes = [
      `model ${survey.name}`,
      ...(survey.notes ?? []),
      ...processorNotes(processor, processorFamily(architecture), survey.folder),
    ];
    if (!known && plan.fit === 'tile') return { output: tokens(null, null), notes };
    const placed = layout(width ?? 1, height ?? 1, {
      ...plan,
      resize: plan.processing.resize,
      fit: known ? plan.fit : 'resize',
    });
    const { grid, tile, tiles } = placed;
    const cost = estimate(dinov3Family, architecture, {
      frames: frames ?? 1,
      height: tile.height,
      width: tile.width,
      batchSize: plannedBatch(options),
      precision: options.precision,
    });
    const teraflop = (cost.flop * tiles.rows * tiles.columns) / 1e12;
    return {
      output: tokens(grid.height, grid.width),
      memoryBytes:
        cost.peakBytes +
        readingBytes(input) +
        aheadBytes(input) +
        (known ? preparedBytes(placed, 3 * (frames ?? 1)) : 0),
      ...(known && { warnings: unseenWarnings(placed) }),
      notes: [...notes, ...(frames === null ? [] : [`${teraflop.toPrecision(3)} TFLOP for each clip`])],
    };
  },

  async open(context): Promise<Dinov3State> {
    const opened = await openModel(dinov3Family, context);
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

  process(clips: AsyncIterable<Clip>, context: Context): AsyncIterable<TokenGrid> {
    const { encoder, processor } = context.state;
    const plan = preparation(context.options, encoder.architecture, processor);
    return encodeStream(clips, context, {
      recipe: lineage('encoder/dinov3', plan, encoder.identity.fingerprint),
      prepare: (clip, reading) => prepare(clip, plan, context.signal, reading),
      warnings: unseenWarnings,
    });
  },

  close: closeModel,
});

/** The frames of a clip made ready; a frame that comes again (a still, a padded tail) is read once. */
async function prepare(
  clip: Clip,
  plan: PreprocessOptions,
  signal: AbortSignal,
  reading: <T>(wait: Promise<T>) => Promise<T>,
): Promise<PreparedFrames[]> {
  const once = [...new Map(clip.frames.map((frame) => [frame.key, frame])).values()];
  const known = new Map<string, PreparedFrames>();
  const rasters = readAhead(
    once.map((frame) => () => frame.read({ signal })),
    readsAtOnce(pixelBytes(clip.frames[0]!)),
  );
  for (const frame of once) {
    const preparation = clipPreparation({ ...plan, range: plan.range ?? frame.range, names: [frame.locator.uri] });
    const raster = (await reading(rasters.next())).value as Raster;
    if (!preparation.add(raster)) releaseRaster(raster);
    known.set(frame.key, preparation.finish());
  }
  return clip.frames.map(({ key }) => known.get(key)!);
}
