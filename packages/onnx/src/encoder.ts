// A checkpoint on one device or several: pixels in, tokens out.

import { availableParallelism } from 'node:os';
import { lineage } from '@deepearth/core/lineage';
import type { Tensor } from '@deepearth/core/tensor';
import type { EncoderIdentity } from '@deepearth/core/items';
import type { Checkpoint } from './checkpoint.ts';
import { weightsDigest } from './convert.ts';
import { chooseDevices, type ReadyDevice } from './device-test.ts';
import { computeType } from './devices.ts';
import type { EncoderArchitecture, Grid } from './architecture.ts';
import type { GraphInput, GraphRequest, Unpacked } from './family.ts';
import { openGraph } from './open-graph.ts';
import type { Session, Tensors } from './session.ts';
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
  /** Prefix of files for ONNX Runtime's profile. */
  readonly profile?: string | undefined;
}

/** Output of one call of `encode`. */
export interface Encoded extends Unpacked {
  /** Everything the graph returned, by name; `[batch, tokens, …]`. */
  readonly outputs: Tensors;
  readonly grid: Grid;
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
   * Encodes normalised pixels, `[batch, frames, 3, height, width]`; the family says how frames become tokens. Calls are
   * spread over the devices. Aborting `signal` ends the process that works on it.
   */
  encode(pixels: Tensor<'float32'>, signal?: AbortSignal): Promise<Encoded>;
  close(): Promise<void>;
}

/** One device with the session that is open on it. */
interface Slot {
  readonly device: ReadyDevice;
  session?: Session | undefined;
  variant?: string;
  busy: Promise<unknown>;
  waiting: number;
}

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
  const slots = ready.map((device): Slot => ({ device, busy: Promise.resolve(), waiting: 0 }));
  const fingerprint = await encoderFingerprint(checkpoint, precision, signal, layers);

  async function sessionFor(slot: Slot, { variant, size }: GraphInput, abort?: AbortSignal): Promise<Session> {
    const { plan, form } = slot.device;
    const fixed = form === 'decomposed' ? size : undefined;
    const key = JSON.stringify([variant, fixed]);
    if (slot.session?.alive && slot.variant === key) return slot.session;
    // One session at a time, so that two variants never hold the weights twice.
    await slot.session?.close();
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

  async function work(slot: Slot, pixels: Tensor<'float32'>, abort?: AbortSignal): Promise<Encoded> {
    const input = family.prepare(architecture, pixels);
    const session = await sessionFor(slot, input, abort);
    const outputs = await session.run(input.feeds, abort);
    return { ...family.unpack(architecture, outputs, input), outputs, grid: input.grid };
  }

  return {
    architecture,
    identity: { name: checkpoint.name, fingerprint },
    precision,
    devices: ready.map(({ plan }) => plan.name),
    globals: family.globals(architecture),
    async encode(pixels, abort) {
      const slot = slots.reduce((least, other) => (other.waiting < least.waiting ? other : least));
      slot.waiting++;
      const turn = slot.busy.then(() => work(slot, pixels, abort));
      slot.busy = turn.catch(() => undefined).then(() => void slot.waiting--);
      return turn;
    },
    close: async () => void (await Promise.all(slots.map(async ({ session }) => session?.close()))),
  };
}
