// A checkpoint on one device or several: pixels in, tokens out.

import { lineage } from '@deepearth/core/lineage';
import { tensor, type Tensor } from '@deepearth/core/tensor';
import type { EncoderIdentity } from '@deepearth/core/items';
import type { Architecture } from './architecture.ts';
import type { Checkpoint } from './checkpoint.ts';
import { weightsDigest } from './convert.ts';
import { chooseDevices, type ReadyDevice } from './device-test.ts';
import { graphVersion, type GraphOptions } from './graph.ts';
import { openGraph, prepare, tablesFor } from './graph-session.ts';
import { computeType } from './devices.ts';
import type { Grid } from './rotary.ts';
import type { Session, Tensors } from './session.ts';
import { placeWeights, type Precision } from './weights.ts';

export interface EncoderOptions {
  /** `cpu` unless told; several run side by side, one process each. */
  readonly devices?: readonly string[];
  readonly precision?: Precision;
  /** CPU threads of one process; all cores unless told. */
  readonly threads?: number | undefined;
  /** What the graph returns beside the tokens. */
  readonly outputs?: GraphOptions['outputs'];
  /** Only the first layers; for measurements. */
  readonly layers?: number | undefined;
  readonly attention?: GraphOptions['attention'];
  readonly signal?: AbortSignal | undefined;
  /** Told what was chosen and why. */
  readonly log?: ((message: string) => void) | undefined;
  readonly progress?: ((step: string, done: number, total: number) => void) | undefined;
  /** Prefix of files for ONNX Runtime's profile. */
  readonly profile?: string | undefined;
}

export interface Encoded {
  /** `[batch, time, height, width, hiddenSize]`. */
  readonly tokens: Tensor<'float32'>;
  /** Everything the graph returned, by name; `[batch, tokens, …]`. */
  readonly outputs: Tensors;
  readonly grid: Grid;
}

export interface Encoder {
  readonly architecture: Architecture;
  readonly identity: EncoderIdentity;
  readonly precision: Precision;
  /** The devices in use, by name. */
  readonly devices: readonly string[];
  /**
   * Encodes normalised pixels, `[batch, frames, 3, height, width]`. One frame goes through the image embedding of
   * V-JEPA 2.1 and is repeated to a tubelet in 2.0; an odd last frame is dropped, as in the original. Calls are spread
   * over the devices. Aborting `signal` ends the process that works on it.
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
export const encoderFingerprint = async (
  { architecture: { labels: _, ...architecture }, ...checkpoint }: Checkpoint,
  precision: Precision,
  signal?: AbortSignal,
  layers?: number,
): Promise<string> =>
  lineage(graphVersion, architecture, await weightsDigest(checkpoint, signal), precision, layers ?? null);

/** Gets a checkpoint ready on its devices. Closing the encoder closes the sessions, not the checkpoint. */
export async function openEncoder(checkpoint: Checkpoint, options: EncoderOptions = {}): Promise<Encoder> {
  const { devices = ['cpu'], precision = 'fp32', threads, signal, outputs = 'tokens', layers, progress } = options;
  const { architecture } = checkpoint;
  const placed = await placeWeights(checkpoint, precision, {
    signal,
    progress: progress && ((done, total) => progress('convert', done, total)),
  });
  const ready = await chooseDevices(checkpoint, placed, devices, { ...options, precision });
  const slots = ready.map((device): Slot => ({ device, busy: Promise.resolve(), waiting: 0 }));
  const fingerprint = await encoderFingerprint(checkpoint, precision, signal, layers);

  async function sessionFor(
    slot: Slot,
    input: 'video' | 'image',
    batch: number,
    tokens: number,
    abort?: AbortSignal,
  ): Promise<Session> {
    const { plan, form } = slot.device;
    const size = form === 'decomposed' ? { batch, tokens } : undefined;
    const variant = JSON.stringify([input, size]);
    if (slot.session?.alive && slot.variant === variant) return slot.session;
    // One session at a time, so that two variants never hold the weights twice.
    await slot.session?.close();
    slot.variant = variant;
    const graph = {
      architecture,
      input,
      outputs,
      attention: form,
      compute: computeType(plan.kind, precision),
      ...(size && { size }),
      ...(layers !== undefined && { layers }),
    };
    slot.session = await openGraph(placed, graph, { plan, threads, signal: abort, profile: options.profile });
    return slot.session;
  }

  async function work(slot: Slot, pixels: Tensor<'float32'>, abort?: AbortSignal): Promise<Encoded> {
    const { input, patches, grid } = prepare(architecture, pixels);
    const [batch, tokens] = patches.shape as [number, number, number];
    const session = await sessionFor(slot, input, batch, tokens, abort);
    const answer = await session.run({ patches, ...tablesFor(architecture, grid) }, abort);
    const values = answer['tokens'] as Tensor<'float32'>;
    return {
      tokens: tensor('float32', [batch, grid.time, grid.height, grid.width, architecture.hiddenSize], values.data),
      outputs: answer,
      grid,
    };
  }

  return {
    architecture,
    identity: { name: checkpoint.name, fingerprint },
    precision,
    devices: ready.map(({ plan }) => plan.name),
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
