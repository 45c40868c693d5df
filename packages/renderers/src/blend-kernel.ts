// The WebAssembly kernel that blends: compiled at first use, one memory that callers lay out anew for every call.

import { growTo, wasmExports } from '@deepearth/core/wasm-module';
import { kernel } from './blend-kernel.generated.ts';

/** What `wasm/assembly/blend.ts` exports; all positions are bytes in `memory`. */
export interface BlendKernel {
  readonly memory: ArrayBuffer;
  readonly squares: (at: number, length: number, terms: number, factor: number) => void;
  readonly smooth: (at: number, pixels: number, upper: number, up: number, lower: number, down: number) => void;
}

/** Bits of the fraction of `factor` and `terms`. */
export const fractionBits = 22;

let loaded: (Omit<BlendKernel, 'memory'> & { readonly memory: WebAssembly.Memory }) | undefined;

/** The kernel with at least so many bytes of memory. Plain 128-bit SIMD: the same results on every machine. */
export function blendKernel(bytes: number): BlendKernel {
  loaded ??= wasmExports<NonNullable<typeof loaded>>(kernel);
  const { memory, squares, smooth } = loaded;
  growTo(memory, bytes);
  return { memory: memory.buffer as ArrayBuffer, squares, smooth };
}
