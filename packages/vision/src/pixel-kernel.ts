// The WebAssembly kernel for pixels: compiled at first use, one memory that callers lay out anew for every call.

import { growTo, wasmExports } from '@deepearth/core/wasm-module';
import { kernel } from './pixel-kernel.generated.ts';

/** What `wasm/assembly/pixels.ts` exports; all positions are bytes in `memory`. */
export interface PixelKernel {
  readonly memory: Uint8Array;
  readonly columns: (
    source: number,
    stride: number,
    rows: number,
    starts: number,
    sizes: number,
    weights: number,
    taps: number,
    count: number,
    precision: number,
    out: number,
  ) => void;
  readonly rows: (
    source: number,
    length: number,
    starts: number,
    sizes: number,
    weights: number,
    taps: number,
    count: number,
    precision: number,
    out: number,
  ) => void;
  readonly columnsFloat: (
    source: number,
    stride: number,
    rows: number,
    starts: number,
    sizes: number,
    weights: number,
    taps: number,
    count: number,
    out: number,
  ) => void;
  readonly rowsFloat: (
    source: number,
    length: number,
    starts: number,
    sizes: number,
    weights: number,
    taps: number,
    count: number,
    out: number,
  ) => void;
  readonly normalise: (source: number, pixels: number, shift: number, divisor: number, out: number) => void;
}

let loaded: (Omit<PixelKernel, 'memory'> & { readonly memory: WebAssembly.Memory }) | undefined;

/** The kernel with at least so many bytes of memory. Plain 128-bit SIMD: the same results on every machine. */
export function pixelKernel(bytes: number): PixelKernel {
  loaded ??= wasmExports<NonNullable<typeof loaded>>(kernel);
  const { memory, columns, rows, columnsFloat, rowsFloat, normalise } = loaded;
  growTo(memory, bytes);
  return { memory: new Uint8Array(memory.buffer), columns, rows, columnsFloat, rowsFloat, normalise };
}

/** Bytes the kernel may read or write past the end of a piece. */
export const slack = 16;

/** Where pieces of these sizes begin, each on 16 bytes, and where the last one ends. */
export function offsets(sizes: readonly number[]): number[] {
  const out = [slack];
  for (const size of sizes) out.push((out.at(-1)! + size + 15) & ~15);
  return out;
}
