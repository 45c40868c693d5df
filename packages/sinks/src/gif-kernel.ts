// The WebAssembly kernel for pixels of GIFs: compiled at first use, with one memory for all files and frames.

import { growTo, wasmExports } from '@deepearth/core/wasm-module';
import { kernel } from './gif-kernel.generated.ts';

/** What `wasm/assembly/gif.ts` exports; all positions are bytes in `memory`. */
export interface GifKernel {
  readonly memory: Uint8Array<ArrayBuffer>;
  /** Where the table of nearest colours is, the colours themselves, and the shifts of the dither; see `layout.ts`. */
  readonly places: { readonly nearest: number; readonly colours: number; readonly shifts: number };
  readonly nearest: (key: number) => number;
  readonly map: (
    source: number,
    channels: number,
    width: number,
    rows: number,
    y: number,
    transparent: number,
    out: number,
  ) => void;
  readonly begin: (out: number) => void;
  readonly add: (at: number, count: number) => void;
  readonly end: () => number;
}

/** Bytes the kernel may read or write past the end of a piece. */
const slack = 64;

type Exports = Pick<GifKernel, 'nearest' | 'map' | 'begin' | 'add' | 'end'> &
  Readonly<Record<'NEAREST' | 'COLOURS' | 'SHIFTS' | 'FREE', WebAssembly.Global>> & {
    readonly memory: WebAssembly.Memory;
  };
let loaded: Exports | undefined;

/**
 * The kernel with room for pieces of these sizes, and where each begins. Plain 128-bit SIMD: the same results on every
 * machine.
 */
export function gifKernel(...sizes: readonly number[]): { readonly kernel: GifKernel; readonly at: number[] } {
  loaded ??= wasmExports<Exports>(kernel);
  const { memory, nearest, map, begin, add, end } = loaded;
  const at: number[] = [];
  let free = loaded.FREE.value as number;
  for (const size of sizes) {
    at.push(free);
    free += Math.ceil((size + slack) / 16) * 16;
  }
  growTo(memory, free);
  const places = {
    nearest: loaded.NEAREST.value as number,
    colours: loaded.COLOURS.value as number,
    shifts: loaded.SHIFTS.value as number,
  };
  return {
    kernel: { memory: new Uint8Array(memory.buffer as ArrayBuffer), places, nearest, map, begin, add, end },
    at,
  };
}
