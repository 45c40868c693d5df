// Projections of a whole run on disk, until their colour limits are known.

import type { Scratch } from '@deepearth/core/stage';

export interface ProjectionSpool {
  /** Puts down the components of one grid's valid tokens, `[rows, components]`. */
  append(values: Float32Array): Promise<void>;
  read(index: number): Promise<Float32Array>;
  /** All of them in order, each in the memory of the one before; may be called again for another pass. */
  passes(): AsyncIterable<Float32Array>;
}

export function projectionSpool(scratch: Scratch, signal: AbortSignal): ProjectionSpool {
  const places: { readonly offset: number; readonly bytes: number }[] = [];
  const read = async (index: number, into?: Uint8Array): Promise<Float32Array> => {
    signal.throwIfAborted();
    const { offset, bytes } = places[index]!;
    const stored = await scratch.read(offset, bytes, into);
    return new Float32Array(stored.buffer, stored.byteOffset, bytes / 4);
  };
  return {
    append: async ({ buffer, byteOffset, byteLength }) => {
      const offset = await scratch.append(new Uint8Array(buffer, byteOffset, byteLength));
      places.push({ offset, bytes: byteLength });
    },
    read: (index) => read(index),
    async *passes() {
      const room = new Uint8Array(places.reduce((most, { bytes }) => Math.max(most, bytes), 0));
      for (let index = 0; index < places.length; index++) yield await read(index, room);
    },
  };
}

/** Spreads the values of valid tokens, `[rows, components]`, over the whole grid; NaN where a token saw no data. */
export function spreadRows(values: Float32Array, valid: Uint8Array | undefined, components: number): Float32Array {
  if (!valid) return values;
  const out = new Float32Array(valid.length * components).fill(NaN);
  let row = 0;
  valid.forEach((good, token) => {
    if (good) out.set(values.subarray(row * components, ++row * components), token * components);
  });
  return out;
}

/** The other way round: the values of valid tokens alone. */
export function keptRows(values: Float32Array, valid: Uint8Array | undefined, components: number): Float32Array {
  if (!valid) return values;
  const out = new Float32Array(valid.reduce((sum, good) => sum + (good ? 1 : 0), 0) * components);
  let row = 0;
  valid.forEach((good, token) => {
    if (good) out.set(values.subarray(token * components, (token + 1) * components), row++ * components);
  });
  return out;
}
