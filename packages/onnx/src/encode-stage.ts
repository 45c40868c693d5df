// What encoder stages share: options of the device, opening a model, and the way of clips through it in batches.

import type { ByteSource } from '@deepearth/core/byte-source';
import { geometryOf, type Clip, type Geometry, type PictureOrigin, type TokenGrid } from '@deepearth/core/items';
import { toFloat16 } from '@deepearth/core/half';
import { lineage } from '@deepearth/core/lineage';
import { totalCount } from '@deepearth/core/one-stream';
import { axisSize } from '@deepearth/core/specs';
import type { StageContext } from '@deepearth/core/stage';
import { readPythonTokens, type PythonTokens } from '@deepearth/formats/python-tokens';
import { readTokenFile, type StoredTokens } from '@deepearth/formats/token-file';
import { z } from 'zod';
import type { EncoderArchitecture } from './architecture.ts';
import { weightsInput } from './weights-input.ts';
import { clipProgress } from './clip-progress.ts';
import { openCheckpoint, type Checkpoint } from './checkpoint.ts';
import { deviceExpression, deviceKinds } from './devices.ts';
import { deviceUse, starvation, type DeviceUse } from './device-use.ts';
import {
  encodeFrames,
  joined,
  globalTokens,
  pixelsOf,
  type EncodedFrames,
  type PreparedFrames,
} from './encode-frames.ts';
import { openEncoder, type Encoder } from './encoder.ts';
import type { ModelFamily } from './family.ts';
import { inOrder } from './in-order.ts';
import { precisions } from './precision.ts';
import { resolveModel } from './resolve-model.ts';

const deviceOption = z
  .string()
  .regex(deviceExpression, `must be ${deviceKinds.join(', ')} or auto, or one of several as in cuda:1`);

/** Options of every encoder stage: which weights, and where and how they run. `model` is the stage's own. */
export const encoderOptions = {
  weights: z
    .string()
    .min(1)
    .optional()
    .describe(
      'Weights file inside the model folder, such as original.pt. Default: model.safetensors, else pytorch_model.bin.',
    ),
  device: z
    .union([deviceOption, z.array(deviceOption).min(1)])
    .default('auto')
    .describe(
      'cpu, cuda, cuda:1, webgpu, coreml, dml, or auto; a list runs several side by side, one process each ([cpu, cpu] divides the cores).',
    ),
  precision: z
    .enum(precisions)
    .default('fp32')
    .describe(
      'fp32 reads the checkpoint where it lies; fp16 and int8 are made once and kept in the cache. int8 is for the CPU.',
    ),
  tokens: z
    .enum(['float32', 'float16'])
    .default('float32')
    .describe(
      'Type of the tokens that are sent on. float16 halves them in memory and in files and rounds to about three digits.',
    ),
  minValid: z
    .number()
    .min(0)
    .max(1)
    .default(0)
    .describe(
      'A token with a smaller share of pixels that hold data (clouds, edges of a scene, padding do not) counts as empty: left out of fits, see-through in pictures, nodata in rasters. 0: one pixel is enough.',
    ),
  threads: z
    .number()
    .int()
    .positive()
    .optional()
    .describe('CPU threads of one process; never more than there are cores. Default: all.'),
};

/** The option `batchSize` of an encoder stage; `what` goes through one call. */
export const batchSizeOption = (what: string) =>
  z
    .union([z.number().int().positive(), z.literal('auto')])
    .default('auto')
    .describe(
      `${what} in one call (tiles, with \`fit: tile\`). auto: one on the CPU and in int8, on a GPU what a trial at the start finds quickest. What does not fit into a device's memory is halved. In int8 it is always one.`,
    );

/** The number of a batch for estimates: what a trial finds on a GPU is not in the computer's own memory. */
export const plannedBatch = ({ batchSize }: Pick<EncoderStageOptions, 'batchSize'>): number =>
  batchSize === 'auto' ? 1 : batchSize;

/** Those that decide only where, and how fast, clips are encoded. */
export const encoderPlacement = ['device', 'threads', 'batchSize'] as const;

/** The options above, read, with what every encoder stage has besides. */
export interface EncoderStageOptions {
  readonly model: string;
  readonly weights?: string | undefined;
  readonly device: string | readonly string[];
  readonly precision: (typeof precisions)[number];
  readonly batchSize: number | 'auto';
  readonly tokens: 'float32' | 'float16';
  readonly minValid: number;
  readonly threads?: number | undefined;
}

/** What is open while an encoder stage runs. */
export interface OpenModel<A extends EncoderArchitecture> {
  readonly checkpoint: Checkpoint<A>;
  readonly encoder: Encoder<A>;
  /** How its devices are used. */
  readonly use: DeviceUse;
  /** Calls `begin` when a device begins to work on so many sequences, and what it returns when it has ended. */
  readonly calls: { begin?: (sequences: number) => () => void };
}

/** Finds and opens the model of a stage and records its files as inputs of the run. */
export async function openModel<A extends EncoderArchitecture>(
  family: ModelFamily<A>,
  {
    options,
    signal,
    log,
    progress,
    working,
    recordInput,
    recordFinding,
  }: StageContext<EncoderStageOptions, undefined, unknown>,
): Promise<OpenModel<A>> {
  const { model, weights, device, precision, threads } = options;
  const { path, name } = await resolveModel([family], model, { signal, log: log.warn, progress });
  const checkpoint = await openCheckpoint(family, path, { weights, name });
  try {
    for (const note of checkpoint.notes) log.warn(note);
    for (const file of checkpoint.files) recordInput(await weightsInput(file, signal));
    const use = deviceUse([device].flat().length);
    const calls: OpenModel<A>['calls'] = {};
    const encoder = await openEncoder(checkpoint, {
      devices: [device].flat(),
      working: (name, sequences) => {
        const ends = [working(name), use.working(), calls.begin?.(sequences)];
        return () => ends.forEach((end) => end?.());
      },
      precision,
      threads,
      signal,
      log: log.info,
      progress,
    });
    recordFinding('model', { ...encoder.identity, precision });
    return { checkpoint, encoder, use, calls };
  } catch (error) {
    await checkpoint.close();
    throw error;
  }
}

/** Ends the sessions of a stage's encoder and closes its checkpoint. */
export async function closeModel({ checkpoint, encoder }: OpenModel<EncoderArchitecture>): Promise<void> {
  await encoder.close();
  await checkpoint.close();
}

/** A clip on its way through a batch. */
interface Job {
  readonly clip: Clip;
  readonly key: string;
  readonly parts: readonly PreparedFrames[];
}

/** How a stage encodes its clips. */
export interface Encoding {
  /** Digest of everything that decides values; where and in which batches they are computed does not. */
  readonly recipe: string;
  /**
   * Reads a clip's frames and makes them ready; several parts follow one another in time and have one geometry.
   * `reading` is called with each wait for pictures.
   */
  prepare(clip: Clip, reading: <T>(wait: Promise<T>) => Promise<T>): Promise<readonly PreparedFrames[]>;
  /** What a plan says of the way in which frames of one size are placed: how much of them is not seen. */
  warnings(placed: { readonly geometry: Geometry }): readonly string[];
}

/**
 * Says of each size of frames what the plan could not, where it did not know the size or there are several: cameras
 * that meet in one encoder, folders with `sizes: any`.
 */
function sizeWarnings({ inputs, log }: EncodeContext, warnings: Encoding['warnings']): (grid: TokenGrid) => void {
  const planned = new Set(inputs.map(({ spec }) => [axisSize(spec, 'width'), axisSize(spec, 'height')].join(' x ')));
  if (planned.size === 1 && !inputs.some(({ spec }) => !axisSize(spec, 'width') || !axisSize(spec, 'height')))
    return () => undefined;
  const seen = new Set<string>();
  return (grid) => {
    const geometry = geometryOf(grid);
    const size = geometry && `${geometry.frameWidth} x ${geometry.frameHeight}`;
    if (!geometry || !size || seen.has(size)) return;
    seen.add(size);
    for (const message of warnings({ geometry })) log.warn(message);
  };
}

/** The context of an encoder stage, as far as `encodeStream` uses it. */
export type EncodeContext = StageContext<EncoderStageOptions, OpenModel<EncoderArchitecture>, any>;

/** Clips that are encoded in one call, or what a former run left of one. */
type Step = { readonly batch: readonly Job[] } | { readonly stored: TokenGrid };

/**
 * Clips in, token grids out, `batchSize` parts in a call, in order; what a former run left is taken from there. While
 * some clips are encoded the next are read and prepared and the last are written, so that a device does not wait; where
 * one did, a line says for what.
 */
export async function* encodeStream(
  clips: AsyncIterable<Clip>,
  context: EncodeContext,
  { recipe, prepare, warnings }: Encoding,
): AsyncGenerator<TokenGrid> {
  const warnOfSize = sizeWarnings(context, warnings);
  const { options, state, former } = context;
  const { encoder, use, calls } = state;
  const total = totalCount(context.inputs);
  const watch = clipProgress(context, total);
  /** Sequences of a clip. */
  let each = 1;
  calls.begin = (sequences) => watch.begin(sequences / each);
  let size = options.batchSize === 'auto' ? undefined : options.batchSize;
  const rules = [
    recipe,
    ...(options.tokens === 'float16' ? ['float16'] : []),
    ...(options.minValid > 0 ? [`valid from ${options.minValid}`] : []),
  ] as const;

  const gridOf = ({ clip, key }: Job, { values, globals, geometry, valid }: EncodedFrames): TokenGrid => ({
    kind: 'tokens',
    id: clip.id,
    key,
    values: options.tokens === 'float16' ? toFloat16(values, clip.id, { remedy: 'Give `tokens: float32`.' }) : values,
    axes: ['time', 'height', 'width', 'channels'],
    ...(valid && { valid: valid.map((share) => (share < 255 * options.minValid ? 0 : share)) }),
    ...(globals && { globals: globalTokens(encoder.globals, globals) }),
    origin: { kind: 'picture', geometry } satisfies PictureOrigin,
    clip,
    encoder: encoder.identity,
  });

  async function* steps(): AsyncGenerator<Step> {
    let batch: Job[] = [];
    const send = function* (step: Step): Generator<Step> {
      const resume = use.phase('sending');
      yield step;
      resume();
    };
    for await (const clip of clips) {
      const resume = use.phase('preparing');
      const key = lineage(...rules, clip.key);
      const file = await former.find(key);
      const stored = file && (await readStored(file, key));
      if (stored?.key === key) {
        if (batch.length > 0) yield* send({ batch });
        batch = [];
        yield* send({ stored: { ...stored, kind: 'tokens', id: clip.id, clip, encoder: encoder.identity } });
        resume();
        continue;
      }
      const parts = await context.attempt(clip, () => prepare(clip, use.reading));
      if (parts) batch.push({ clip, key, parts });
      if (parts) size ??= await batchFor(parts[0]!);
      if (batch.reduce((sum, job) => sum + job.parts.length, 0) >= (size ?? 1)) {
        yield* send({ batch });
        batch = [];
      }
      resume();
    }
    if (batch.length > 0) yield* send({ batch });
    use.phase('ended');
  }

  /** By a trial that takes no more than about an eighth of the work. */
  const batchFor = (source: PreparedFrames): Promise<number> =>
    encoder.batchSizeFor(
      () => pixelsOf([{ source, row: 0, column: 0 }]),
      total === null ? Infinity : Math.floor((total * source.tiles.rows * source.tiles.columns) / 16),
      context.signal,
    );

  const encoded = async (step: Step): Promise<Step & { readonly grids?: readonly (EncodedFrames | undefined)[] }> => {
    if ('stored' in step) return step;
    each = step.batch[0]!.parts.reduce((sum, { tiles }) => sum + tiles.rows * tiles.columns, 0);
    return { ...step, grids: await encodeAll(step.batch, size!, context) };
  };

  try {
    for await (const step of inOrder(steps(), encoded, encoder.devices.length)) {
      if ('stored' in step) {
        warnOfSize(step.stored);
        yield step.stored;
        continue;
      }
      for (const [index, grid] of step.grids!.entries()) {
        watch.done();
        if (!grid) continue;
        const resume = use.writing();
        const sent = gridOf(step.batch[index]!, grid);
        warnOfSize(sent);
        yield sent;
        resume();
      }
    }
    const starved = starvation(
      use.times(),
      encoder.devices,
      context.inputs.map(({ id }) => id),
    );
    if (starved) context.log.info(starved);
  } finally {
    delete calls.begin;
    watch.close();
  }
}

/** What a file holds of a key: a safetensors file of one grid, a .pt file of one or several. */
async function readStored(source: ByteSource, key: string): Promise<StoredTokens | PythonTokens | undefined> {
  try {
    const [first, second] = await source.read(0, Math.min(2, source.size));
    return first === 0x50 && second === 0x4b ? await readPythonTokens(source, key) : await readTokenFile(source);
  } finally {
    await source.close();
  }
}

/** Encodes a batch; when that fails, clip by clip, so that `onError` decides about the one at fault alone. */
async function encodeAll(
  batch: readonly Job[],
  batchSize: number,
  { state, signal, attempt }: EncodeContext,
): Promise<(EncodedFrames | undefined)[]> {
  const encode = async (jobs: readonly Job[]): Promise<EncodedFrames[]> => {
    const encoded = await encodeFrames(
      state.encoder,
      jobs.flatMap(({ parts }) => parts),
      batchSize,
      signal,
    );
    let at = 0;
    return jobs.map(({ parts }) => joined(encoded.slice(at, (at += parts.length))));
  };
  if (batch.length > 1) {
    try {
      return await encode(batch);
    } catch (error) {
      if (signal.aborted) throw error;
    }
  }
  const grids: (EncodedFrames | undefined)[] = [];
  for (const job of batch) grids.push(await attempt(job.clip, async () => (await encode([job]))[0]!));
  return grids;
}
