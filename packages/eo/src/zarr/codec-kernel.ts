// The decoders that take the time, in WebAssembly: LZ4, BloscLZ, Zstandard, and shuffles.

import * as zlib from 'node:zlib';
import type { Room } from './buffer-pool.ts';

/** Functions of the kernel: they write what they make at `to`, and return its length, or -1 for damaged data. */
type Decoder = (to: number, room: number, from: number, size: number) => number;

interface Exports {
  readonly memory: WebAssembly.Memory;
  readonly __heap_base: WebAssembly.Global;
  readonly lz4: Decoder;
  readonly blosclz: Decoder;
  readonly zstd: Decoder;
  /** The last number is the size of one value. */
  readonly unshuffle: Decoder;
  readonly unshuffleBits: Decoder;
}

/** The kernel with memory of its own. */
export interface CodecKernel extends Omit<Exports, 'memory' | '__heap_base'> {
  /** Where memory may be used from. */
  readonly base: number;
  /** All memory, `bytes` of it from `base` on at least; a view is no longer good after the next call. */
  memory(bytes: number): Uint8Array;
}

let loading: Promise<CodecKernel> | undefined;

/** The kernel, compiled on first use. Its functions share one memory: whoever uses it does not wait in between. */
export const codecKernel = (): Promise<CodecKernel> => (loading ??= load());

async function load(): Promise<CodecKernel> {
  const { kernel } = await import('./codec-kernel.generated.ts');
  const { instance } = await WebAssembly.instantiate(Buffer.from(kernel, 'base64'));
  const { memory, __heap_base, ...decoders } = instance.exports as unknown as Exports;
  const base = (Number(__heap_base.value) + 63) & ~63;
  return {
    ...decoders,
    base,
    memory(bytes) {
      const missing = base + bytes - memory.buffer.byteLength;
      if (missing > 0) memory.grow(Math.ceil(missing / 65_536));
      return new Uint8Array(memory.buffer);
    },
  };
}

const align = (bytes: number): number => (bytes + 63) & ~63;

/** Decodes one run of bytes to at most `most`. Throws a `RangeError` for data that are damaged. */
export async function decodeWith(
  name: 'lz4' | 'blosclz' | 'zstd',
  data: Uint8Array,
  most: number,
  room: Room,
): Promise<Uint8Array> {
  if (name === 'zstd' && native) return native(data, most);
  const kernel = await codecKernel();
  const from = kernel.base + align(most);
  const memory = kernel.memory(align(most) + data.length);
  memory.set(data, from);
  const made = kernel[name](kernel.base, most, from, data.length);
  if (made < 0) throw new RangeError(`its ${titles[name]} data are damaged`);
  return copied(memory, kernel.base, made, room);
}

/** Bytes of the kernel's memory, which the next call overwrites. */
export function copied(memory: Uint8Array, from: number, bytes: number, room: Room): Uint8Array {
  const out = room(bytes);
  out.set(memory.subarray(from, from + bytes));
  return out;
}

/** Undoes a byte shuffle of values of `size` bytes. */
export async function unshuffled(data: Uint8Array, size: number, room: Room): Promise<Uint8Array> {
  const kernel = await codecKernel();
  const from = kernel.base + align(data.length);
  const memory = kernel.memory(align(data.length) + data.length);
  memory.set(data, from);
  kernel.unshuffle(kernel.base, from, data.length, size);
  return copied(memory, kernel.base, data.length, room);
}

export const titles = { lz4: 'LZ4', blosclz: 'BloscLZ', zstd: 'Zstandard' } as const;

type Callback = (error: Error | null, content: Uint8Array) => void;
const decompress = (zlib as { readonly zstdDecompress?: (data: Uint8Array, options: object, done: Callback) => void })
  .zstdDecompress;

/** Whether Node has a decoder of Zstandard of its own, as it has from 22.15 on. */
export const hasOwnZstd = decompress !== undefined;

/** Twice as quick, and in other threads. */
const native =
  decompress &&
  ((data: Uint8Array, most: number): Promise<Uint8Array> =>
    new Promise((resolve, reject) => {
      decompress(data, { maxOutputLength: Math.max(1, most) }, (cause, content) =>
        cause ? reject(new RangeError('its Zstandard data are damaged', { cause })) : resolve(content),
      );
    }));
