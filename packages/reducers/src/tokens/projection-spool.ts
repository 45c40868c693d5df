// Projections of a whole run on disk, until their colour limits are known.

import { workFile, type RecordPlace } from './work-file.ts';

export interface ProjectionSpool {
  /** Puts down the components of one grid's valid tokens, `[rows, components]`. */
  append(values: Float32Array): Promise<void>;
  read(index: number): Promise<Float32Array>;
  /** All of them in order; may be called again for another pass. */
  passes(): AsyncIterable<Float32Array>;
  close(): Promise<void>;
}

export async function projectionSpool(folder: string, signal: AbortSignal): Promise<ProjectionSpool> {
  const file = await workFile(folder, 'projections.spool');
  const places: RecordPlace[] = [];
  const read = async (index: number): Promise<Float32Array> => {
    signal.throwIfAborted();
    return new Float32Array((await file.read(places[index]!)).buffer);
  };
  return {
    append: async (values) => {
      places.push(await file.append(new Uint8Array(values.buffer, values.byteOffset, values.byteLength)));
    },
    read,
    async *passes() {
      for (let index = 0; index < places.length; index++) yield await read(index);
    },
    close: () => file.close(),
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
