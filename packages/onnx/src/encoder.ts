// A checkpoint on one device or several: pixels in, tokens out.

import { availableParallelism } from 'node:os';
import { DeepEarthError } from '@deepearth/core/errors';
import { lineage } from '@deepearth/core/lineage';
import type { Tensor } from '@deepearth/core/tensor';
import type { EncoderIdentity } from '@deepearth/core/items';
import { batchTrial } from './batch-trial.ts';
import { clipsOf, joinEncoded } from './clips-of-batch.ts';
import type { Checkpoint } from './checkpoint.ts';
import { weightsDigest } from './convert.ts';
import { chooseDevices, type ReadyDevice } from './device-test.ts';
import { computeType } from './devices.ts';
import type { EncoderArchitecture } from './architecture.ts';
import type { Encoded } from './encoded.ts';
import type { GraphInput, GraphRequest } from './family.ts';
import { openGraph } from './open-graph.ts';
import { isOutOfMemory } from './out-of-memory.ts';
import { poolOf } from './pool.ts';
import type { Session } from './session.ts';
import type { Precision } from './precision.ts';
import { placeWeights } from './weights.ts';

/** Where and how an encoder runs. */
export interface EncoderOptions {
  /** `cpu` by default; several run side by side, one process each. */
  readonly devices?: readonly string[];
  readonly precision?: Precision;
  /** CPU threads of one process; all cores by default. */
  readonly threads?: number | undefined;
  /** What the graph returns beside the tokens. */
  readonly outputs?: GraphRequest<unknown>['outputs'];
  /** Only the first layers; for measurements. */
  readonly layers?: number | undefined;
  readonly attention?: GraphRequest<unknown>['attention'];
  readonly signal?: AbortSignal | undefined;
  /** Called with what was chosen and why. */
  readonly log?: ((message: string) => void) | undefined;
  readonly progress?: ((step: string, done: number, total: number) => void) | undefined;
  /** Called when a device begins to work on so many sequences; what it returns is called when it has ended. */
  readonly working?: ((device: string, sequences: number) => () => void) | undefined;
  /** Prefix of files for ONNX Runtime's profile. */
  readonly profile?: string | undefined;
}

/** A checkpoint that is ready to run. Sessions start with the first call and stay open until `close`. */
export interface Encoder<A extends EncoderArchitecture = EncoderArchitecture> {
  readonly architecture: A;
  readonly identity: EncoderIdentity;
  readonly precision: Precision;
  /** The devices in use, by name. */
  readonly devices: readonly string[];
  /** Names of the tokens of no place, in the order of `Encoded.globals`. */
  readonly globals: readonly string[];
  /**
   * Encodes normalised pixels, `[batch, frames, 3, height, width]`; the family says how frames become tokens. The
   * device that is free first takes the call; pixels that are given as a function are made shortly before. A process
   * that dies is started again and its call made again, three times in all. A batch that does not fit into a device's
   * memory is divided. Aborting `signal` ends the process that works on it. Throws a `DeepEarthError`:
   * `E_SESSION_ENDED` where the process dies each time, `E_OUT_OF_MEMORY` where one sequence alone does not fit.
   */
  encode(pixels: Tensor<'float32'> | (() => Tensor<'float32'>), signal?: AbortSignal): Promise<Encoded>;
  /**
   * How many sequences like this one, `[1, frames, 3, height, width]`, are best encoded in one call, at most `most`: 1
   * on a CPU and in int8; found by trial on a GPU, and remembered in the cache.
   */
  batchSizeFor(pixels: () => Tensor<'float32'>, most: number, signal?: AbortSignal): Promise<number>;
  close(): Promise<void>;
}

/** One device with the session that is open on it. */
interface Slot {
  readonly device: ReadyDevice;
  /** What it is called: `cpu`, and `cpu (2)` for the second of that name. */
  readonly name: string;
  session?: Session | undefined;
  variant?: string;
  /** Whether a session has ever been open on it. */
  opened?: boolean;
  /** The most sequences of a shape that fitted into its memory, where a larger number did not. */
  readonly fitting: Map<string, number>;
}

/** What has the same input three times is not tried a fourth. */
const mostFailures = 3;

/** Digest of everything that decides an encoder's values: architecture, weights, precision, and the graph's version. */
export const encoderFingerprint = async <A extends EncoderArchitecture>(
  { family, architecture, tensors }: Checkpoint<A>,
  precision: Precision,
  signal?: AbortSignal,
  layers?: number,
): Promise<string> =>
  lineage(
    family.graphVersion,
    family.fingerprinted?.(architecture) ?? architecture,
    await weightsDigest({ tensors }, signal),
    precision,
    layers ?? null,
  );

/** Gets a checkpoint ready on its devices. Closing the encoder closes the sessions, not the checkpoint. */
export async function openEncoder<A extends EncoderArchitecture>(
  checkpoint: Checkpoint<A>,
  options: EncoderOptions = {},
): Promise<Encoder<A>> {
  const { devices = ['cpu'], precision = 'fp32', threads, signal, outputs = 'tokens', layers, progress } = options;
  const { family, architecture } = checkpoint;
  const placed = await placeWeights(checkpoint, precision, {
    signal,
    progress: progress && ((done, total) => progress('convert', done, total)),
  });
  const ready = await chooseDevices(checkpoint, placed, devices, { ...options, precision });
  // Processes that share the CPU share its cores.
  const onCpu = ready.filter(({ plan }) => plan.kind === 'cpu').length;
  const share = threads ?? (onCpu > 1 ? Math.max(1, Math.floor(availableParallelism() / onCpu)) : undefined);
  const slots = ready.map((device, index): Slot => {
    const { name } = device.plan;
    const before = ready.slice(0, index).filter(({ plan }) => plan.name === name).length;
    return { device, name: before > 0 ? `${name} (${before + 1})` : name, fitting: new Map() };
  });
  const pool = poolOf(slots);
  // One call more than devices has its pixels in memory: the next one of the device that is free first.
  const permits = poolOf(Array.from({ length: slots.length + 1 }, (_, index) => index));
  const fingerprint = await encoderFingerprint(checkpoint, precision, signal, layers);

  async function sessionFor(slot: Slot, { variant, size }: GraphInput, abort?: AbortSignal): Promise<Session> {
    const { plan, form } = slot.device;
    const fixed = form === 'decomposed' ? size : undefined;
    const key = JSON.stringify([variant, fixed]);
    if (slot.session?.alive && slot.variant === key) return slot.session;
    // One session at a time, so that two variants never hold the weights twice.
    await slot.session?.close();
    slot.session = undefined;
    slot.variant = key;
    const graph = {
      architecture,
      variant,
      outputs,
      attention: form,
      compute: computeType(plan.kind, precision),
      ...(fixed && { size: fixed }),
      ...(layers !== undefined && { layers }),
    };
    slot.session = await openGraph(family, placed, graph, {
      plan,
      threads: share,
      signal: abort,
      profile: options.profile,
    });
    return slot.session;
  }

  async function runOnce(slot: Slot, pixels: Tensor<'float32'>, abort?: AbortSignal): Promise<Encoded> {
    const input = family.prepare(architecture, pixels);
    const session = await sessionFor(slot, input, abort);
    slot.opened = true;
    const rest = options.working?.(slot.name, pixels.shape[0]!);
    try {
      const outputs = await session.run(input.feeds, abort);
      return { ...family.unpack(architecture, outputs, input), outputs, grid: input.grid };
    } finally {
      rest?.();
    }
  }

  /** Encodes on one device, at most `most` sequences in a call, fewer where they do not fit into its memory. */
  async function work(slot: Slot, pixels: Tensor<'float32'>, most: number, abort?: AbortSignal): Promise<Encoded> {
    const [batch] = pixels.shape as [number];
    const shape = pixels.shape.slice(1).join('x');
    const parts: Encoded[] = [];
    for (let at = 0; at < batch;) {
      const count = Math.min(batch - at, most, slot.fitting.get(shape) ?? Infinity);
      try {
        parts.push(await runOnce(slot, clipsOf(pixels, at, count), abort));
        at += count;
      } catch (error) {
        if (abort?.aborted || !isOutOfMemory(error)) throw error;
        // What an arena has taken only goes away with its process.
        await slot.session?.close();
        if (count === 1) throw tooLarge(slot.name, shape, error as DeepEarthError);
        const half = Math.floor(count / 2);
        slot.fitting.set(shape, half);
        options.log?.(`${slot.name}: ${count} in one call do not fit into its memory; from now on it is ${half}.`);
      }
    }
    return joinEncoded(parts);
  }

  /** Encodes on whichever device is free, again where its process dies. */
  async function encodeSomewhere(pixels: Tensor<'float32'>, abort?: AbortSignal): Promise<Encoded> {
    let most = Infinity;
    for (let failures = 0; ;) {
      const slot = await pool.take(failures > 0);
      const { name } = slot;
      const { kind } = slot.device.plan;
      const opened = slot.opened === true;
      let lost = false;
      try {
        return await work(slot, pixels, most, abort);
      } catch (error) {
        if (abort?.aborted || !(error instanceof DeepEarthError)) throw error;
        const died = error.code === 'E_SESSION_ENDED';
        // After an error of CUDA every later call of the process fails too.
        const broken = error.code === 'E_ONNX_RUNTIME' && kind !== 'cpu';
        if (!died && !broken) throw error;
        await slot.session?.close();
        if (broken && opened && slot.session === undefined && pool.size() > 1) {
          lost = true;
          pool.drop(slot, error);
          options.log?.(`${name}: cannot be used any more; the others go on. ${error.message}`);
          continue;
        }
        failures++;
        if (failures >= mostFailures) throw failedEachTime(name, failures, error);
        options.log?.(
          `${name}: ${error.message} It is started again, and encodes again what it was at (${failures + 1} of ${mostFailures} times).`,
        );
        // The second time, a batch may be what the process died of.
        if (failures > 1) most = Math.max(1, Math.floor(pixels.shape[0]! / 2));
      } finally {
        if (!lost) pool.give(slot);
      }
    }
  }

  return {
    architecture,
    identity: { name: checkpoint.name, fingerprint },
    precision,
    devices: slots.map(({ name }) => name),
    globals: family.globals(architecture),
    async encode(pixels, abort) {
      const permit = await permits.take();
      try {
        return await encodeSomewhere(typeof pixels === 'function' ? pixels() : pixels, abort);
      } finally {
        permits.give(permit);
      }
    },
    async batchSizeFor(pixels, most, abort) {
      if (most < 2 || precision === 'int8' || slots.some(({ device }) => device.plan.kind === 'cpu')) return 1;
      const slot = await pool.take();
      try {
        return await batchTrial({
          device: slot.name,
          fingerprint,
          pixels: pixels(),
          most,
          run: (batch) => runOnce(slot, batch, abort),
          restart: async () => void (await slot.session?.close()),
          log: options.log,
        });
      } finally {
        pool.give(slot);
      }
    },
    async close() {
      const closed = new DeepEarthError('the encoder was closed', { code: 'E_DISPOSED' });
      permits.close(closed);
      pool.close(closed);
      await Promise.all(slots.map(async ({ session }) => session?.close()));
    },
  };
}

const tooLarge = (device: string, shape: string, cause: DeepEarthError): DeepEarthError => {
  const [frames, , height, width] = shape.split('x');
  const remedy =
    'Give a smaller `cropSize`, fewer frames in a clip, `fit: tile`, another precision (fp16 on a GPU, int8 on a CPU), a smaller model, or `device: cpu`.';
  return new DeepEarthError(
    `device ${device} has not enough memory for ${frames} frames of ${width} x ${height} pixels by themselves. ${remedy}`,
    { code: 'E_OUT_OF_MEMORY', cause, remedy },
  );
};

const failedEachTime = (device: string, times: number, cause: DeepEarthError): DeepEarthError =>
  new DeepEarthError(`device ${device} failed ${times} times with the same input: ${cause.message}`, {
    code: cause.code,
    cause,
    ...(cause.remedy !== undefined && { remedy: cause.remedy }),
  });
