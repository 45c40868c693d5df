// The encoder stage: clips in, V-JEPA 2 token grids out.

import {
  axisSize,
  defineEncoder,
  lineage,
  refuse,
  spec,
  type Clip,
  type StageContext,
  type TokenGrid,
} from '@deepearth/core';
import { openFile } from '@deepearth/formats/file-source-node';
import { readTokenFile } from '@deepearth/formats/token-file';
import { fits, layout } from '@deepearth/vision/geometry';
import type { PreparedClip } from '@deepearth/vision/preprocess';
import { z } from 'zod';
import { rememberedDigest } from '@deepearth/onnx/cache';
import { openCheckpoint, type Checkpoint } from './checkpoint.ts';
import { checkFrameCount, encodeClips, readyClip, type ClipOptions, type EncodedClip } from './encode-clip.ts';
import { openEncoder, type Encoder } from './encoder.ts';
import { vjepa2PatchSize, vjepa2Processing } from './processing.ts';
import { precisions } from '@deepearth/onnx/precision';
import { estimate } from './estimate.ts';
import { resolveModel } from './resolve-model.ts';
import { surveyModel, type ModelSurvey } from './survey-model.ts';
import { tokenGrid } from './architecture.ts';

const edge = z.number().int().positive().multipleOf(vjepa2PatchSize);

export const vjepa2Options = z.strictObject({
  model: z
    .string()
    .min(1)
    .default('builtin')
    .describe(
      '`builtin` (constructed, not trained), a folder with config.json and model.safetensors, a .pt or .safetensors file, or a name on the Hugging Face Hub such as facebook/vjepa2-vitg-fpc64-384.',
    ),
  weights: z
    .string()
    .min(1)
    .optional()
    .describe('Weights file inside the model folder, such as original.pt. Default: model.safetensors.'),
  device: z
    .union([z.string().min(1), z.array(z.string().min(1)).min(1)])
    .default('auto')
    .describe('cpu, cuda, cuda:1, webgpu, coreml, dml, or auto; a list runs several side by side, one process each.'),
  precision: z
    .enum(precisions)
    .default('fp32')
    .describe(
      'fp32 reads the checkpoint where it lies; fp16 and int8 are made once and kept in the cache. int8 is for the CPU.',
    ),
  batchSize: z.number().int().positive().default(1).describe('Clips in one call (tiles, with `fit: tile`).'),
  fit: z
    .enum(fits)
    .default('crop')
    .describe(
      'How a frame becomes the input: `crop` as the checkpoints were trained (edges are lost), `resize` squeezes, `pad` fills up, `tile` keeps the resolution and encodes crops side by side.',
    ),
  cropSize: z
    .union([
      edge,
      z.strictObject({
        height: edge.describe('Pixels, a multiple of 16.'),
        width: edge.describe('Pixels, a multiple of 16.'),
      }),
    ])
    .optional()
    .describe(
      'Pixels of the input, a multiple of 16 (or { height, width }). Default: the checkpoint’s own, 256 or 384.',
    ),
  scale: z
    .number()
    .positive()
    .optional()
    .describe('With `fit: tile`: pixels of the input per pixel of the frame. Default: 1.'),
  range: z
    .tuple([z.number(), z.number()])
    .optional()
    .describe('For frames that are not 8-bit: the values that become black and white.'),
  threads: z
    .number()
    .int()
    .positive()
    .optional()
    .describe('CPU threads of one process; never more than there are cores. Default: all.'),
});

type Options = z.output<typeof vjepa2Options>;

interface State {
  readonly checkpoint: Checkpoint;
  readonly encoder: Encoder;
}

/** A clip on its way through a batch. */
interface Job {
  readonly clip: Clip;
  readonly key: string;
  readonly prepared: PreparedClip;
}

const clipOptions = ({ fit, cropSize, scale, range }: Options): ClipOptions => ({ fit, cropSize, scale, range });

export const vjepa2 = defineEncoder({
  type: 'vjepa2',
  summary: 'Encodes clips with V-JEPA 2 or 2.1: one token for every 2 frames of 16 x 16 pixels.',
  options: vjepa2Options,
  examples: [
    '- type: encoder/vjepa2',
    '- type: encoder/vjepa2\n  with: { model: facebook/vjepa2-vitg-fpc64-384, precision: int8 }',
    '- type: encoder/vjepa2\n  with: { fit: tile, cropSize: 256, batchSize: 4 }',
  ],

  survey: ({ model, weights }): Promise<ModelSurvey> => surveyModel(model, weights),

  describe(input, { options, survey }) {
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
        : estimate(architecture, {
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

  async open({ options, signal, log, progress, recordInput }): Promise<State> {
    const { model, weights, device, precision, threads } = options;
    const { path, name } = await resolveModel(model, { signal, log: log.warn, progress });
    const checkpoint = await openCheckpoint(path, { weights, name });
    try {
      for (const file of checkpoint.files) recordInput({ path: file, ...(await rememberedDigest(file, signal)) });
      const encoder = await openEncoder(checkpoint, {
        devices: [device].flat(),
        precision,
        threads,
        signal,
        log: log.info,
        progress,
      });
      return { checkpoint, encoder };
    } catch (error) {
      await checkpoint.close();
      throw error;
    }
  },

  async *process(
    clips: AsyncIterable<Clip>,
    context: StageContext<Options, State, ModelSurvey>,
  ): AsyncGenerator<TokenGrid> {
    const { options, state, former } = context;
    const { encoder } = state;
    // Everything that decides the values; where and in which batches they are computed does not.
    const recipe = lineage('encoder/vjepa2', clipOptions(options), encoder.identity.fingerprint);
    const most = options.batchSize * encoder.devices.length;
    let jobs: Job[] = [];
    let done = 0;

    const tokensFor = (
      { clip, key }: Pick<Job, 'clip' | 'key'>,
      { values, geometry, valid }: EncodedClip,
    ): TokenGrid => ({
      kind: 'tokens',
      id: clip.id,
      key,
      values,
      ...(valid && { valid }),
      clip,
      geometry,
      encoder: encoder.identity,
    });

    async function* flush(): AsyncGenerator<TokenGrid> {
      const batch = jobs;
      jobs = [];
      for (const [index, encoded] of (await encodeAll(batch, context)).entries()) {
        context.progress('encode', ++done, context.inputs[0]?.spec.count ?? null);
        if (encoded) yield tokensFor(batch[index]!, encoded);
      }
    }

    for await (const clip of clips) {
      const key = lineage(recipe, clip.key);
      const file = await former.find(key);
      const stored = file === undefined ? undefined : await readStored(file);
      if (stored?.key === key) {
        yield* flush();
        yield tokensFor({ clip, key }, stored as EncodedClip);
        continue;
      }
      const prepared = await context.attempt(clip, () => prepare(clip, encoder, context));
      if (prepared) jobs.push({ clip, key, prepared });
      if (jobs.length >= most) yield* flush();
    }
    yield* flush();
  },

  async close({ checkpoint, encoder }) {
    await encoder.close();
    await checkpoint.close();
  },
});

async function readStored(path: string) {
  const source = await openFile(path);
  try {
    return await readTokenFile(source);
  } finally {
    await source.close();
  }
}

async function prepare(
  clip: Clip,
  encoder: Encoder,
  { options, signal }: StageContext<Options, State, ModelSurvey>,
): Promise<PreparedClip> {
  checkFrameCount(clip.frames.length, encoder.architecture.tubelet, clip.id);
  const rasters = [];
  for (const frame of clip.frames) rasters.push(await frame.read(signal));
  return readyClip(encoder, rasters, { ...clipOptions(options), names: clip.frames.map(({ origin }) => origin) });
}

/** Encodes a batch; when that fails, clip by clip, so that `onError` decides about the one at fault alone. */
async function encodeAll(
  batch: readonly Job[],
  { options, state, signal, attempt }: StageContext<Options, State, ModelSurvey>,
): Promise<(EncodedClip | undefined)[]> {
  if (batch.length === 0) return [];
  const encode = (jobs: readonly Job[]) =>
    encodeClips(
      state.encoder,
      jobs.map(({ prepared }) => prepared),
      options.batchSize,
      signal,
    );
  if (batch.length > 1) {
    try {
      return await encode(batch);
    } catch (error) {
      if (signal.aborted) throw error;
    }
  }
  const answers: (EncodedClip | undefined)[] = [];
  for (const job of batch) answers.push(await attempt(job.clip, async () => (await encode([job]))[0]!));
  return answers;
}
