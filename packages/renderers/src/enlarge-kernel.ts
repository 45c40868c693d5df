// The WebAssembly kernel that enlarges pictures: compiled at first use, one memory that callers lay out anew for every
// call.

import { kernel } from './enlarge-kernel.generated.ts';

/** What `wasm/assembly/enlarge.ts` exports; all positions are bytes in `memory`. */
export interface EnlargeKernel {
  readonly memory: ArrayBuffer;
  readonly across: (from: number, columns: number, steps: number, to: number) => void;
  readonly down: (a: number, b: number, c: number, d: number, weights: number, length: number, to: number) => void;
}

let loaded: (Omit<EnlargeKernel, 'memory'> & { readonly memory: WebAssembly.Memory }) | undefined;

/** The kernel with at least so many bytes of memory. Plain 128-bit SIMD: the same results on every machine. */
export function enlargeKernel(bytes: number): EnlargeKernel {
  loaded ??= new WebAssembly.Instance(
    new WebAssembly.Module(Uint8Array.from(atob(kernel), (character) => character.charCodeAt(0))),
  ).exports as unknown as NonNullable<typeof loaded>;
  const { memory, across, down } = loaded;
  const missing = bytes - memory.buffer.byteLength;
  if (missing > 0) memory.grow(Math.ceil(missing / 65536));
  return { memory: memory.buffer as ArrayBuffer, across, down };
}
