// Products of two blocks of rows: through ONNX Runtime where it is installed, else in WebAssembly; int8 sums are the
// same numbers either way.

import { onnxModel } from '@deepearth/formats/onnx';
import { switchOffTelemetry } from '@deepearth/core/no-telemetry';
import { tensor } from '@deepearth/core/tensor';
import { discard } from '../shared/discard.ts';
import type { Kernel } from './kernel.ts';
import type { OnnxRuntime, OnnxSession, OnnxTensor } from './onnx-runtime.ts';

/**
 * What is multiplied: 8-bit integers (of all channels, or of the tokens' coordinates on some axes), float32, or sums of
 * absolute differences.
 */
export type Arithmetic = 'axes' | 'int8' | 'float32' | 'manhattan';

export const isWhole = (arithmetic: Arithmetic): boolean => arithmetic === 'axes' || arithmetic === 'int8';

/** Where a block's parts lie in a thread's own memory; `rows` and `columns` are multiples of 16. */
export interface Block {
  readonly rows: number;
  readonly columns: number;
  readonly width: number;
  /** `[rows, width]`; spoilt by a product. */
  readonly left: number;
  /** `[columns, width]`. */
  readonly right: number;
  /** Room for the right side in another form: twice its values in bytes for integers. */
  readonly work: number;
  /** The same for the left side. */
  readonly leftWork: number;
  /** `[rows, columns]` int32 or float32. */
  readonly out: number;
}

export interface Products {
  /** To be called when `right` has changed. */
  turn(block: Block): void;
  /** Fills `out`; yields between slices of some milliseconds. */
  multiply(block: Block): AsyncGenerator<void, void, void>;
}

/** Largest magnitude of an 8-bit value; see wasm/assembly/peak.ts. */
export const peak = 90;

const sessions = new Map<boolean, Promise<OnnxSession>>();

/** onnxruntime-node in this thread, or undefined where it is not installed (a browser, say). */
export async function onnxRuntime(): Promise<OnnxRuntime | undefined> {
  if (typeof process === 'undefined' || !process.versions?.node) return undefined;
  try {
    switchOffTelemetry();
    const name = 'onnxruntime-node'; // not a literal: bundlers for browsers would look for it
    const loaded = (await import(/* @vite-ignore */ name)) as OnnxRuntime & { default?: OnnxRuntime };
    return loaded.default ?? loaded;
  } catch {
    return undefined;
  }
}

function graph(whole: boolean): Uint8Array {
  const model = onnxModel({ name: 'products', opsets: { '': 13 } });
  if (whole) {
    const left = model.input('left', 'uint8', ['rows', 'width']);
    const right = model.input('right', 'int8', ['width', 'columns']);
    const zero = model.constant('zero', tensor('uint8', [], Uint8Array.of(peak)));
    model.output(model.op('MatMulInteger', [left, right, zero], {}, { name: 'product' }), 'int32', ['rows', 'columns']);
  } else {
    const left = model.input('left', 'float32', ['rows', 'width']);
    const right = model.input('right', 'float32', ['columns', 'width']);
    model.output(model.op('Gemm', [left, right], { transB: 1 }, { name: 'product' }), 'float32', ['rows', 'columns']);
  }
  return model.encode();
}

// One session of one thread each: several engine threads run their own products side by side.
const sessionOf = (runtime: OnnxRuntime, whole: boolean): Promise<OnnxSession> => {
  const made =
    sessions.get(whole) ??
    runtime.InferenceSession.create(graph(whole), {
      intraOpNumThreads: 1,
      interOpNumThreads: 1,
      executionMode: 'sequential',
      enableCpuMemArena: false,
    });
  sessions.set(whole, made);
  return made;
};

/**
 * Loads ONNX Runtime, where it is installed, and makes the session that most searches want, unless it is not needed any
 * more.
 */
export async function warmUp(stopped: () => boolean): Promise<void> {
  const runtime = stopped() ? undefined : await onnxRuntime();
  if (runtime && !stopped()) await sessionOf(runtime, true);
}

/**
 * Products through ONNX Runtime. Its tensors are views of ordinary WebAssembly memory, which it takes (shared memory it
 * refuses).
 */
export async function onnxProducts(runtime: OnnxRuntime, whole: boolean, kernel: Kernel): Promise<Products> {
  const session = await sessionOf(runtime, whole);
  return {
    turn: ({ right, work, columns, width }) => {
      if (whole) kernel.transposeBytes(right, work, columns, width);
    },
    async *multiply({ rows, columns, width, left, right, work, out }) {
      const buffer = kernel.memory.buffer as ArrayBuffer;
      if (whole) kernel.lift(left, rows * width);
      const feeds: Record<string, OnnxTensor> = whole
        ? {
            left: new runtime.Tensor('uint8', new Uint8Array(buffer, left, rows * width), [rows, width]),
            right: new runtime.Tensor('int8', new Int8Array(buffer, work, columns * width), [width, columns]),
          }
        : {
            left: new runtime.Tensor('float32', new Float32Array(buffer, left, rows * width), [rows, width]),
            right: new runtime.Tensor('float32', new Float32Array(buffer, right, columns * width), [columns, width]),
          };
      const result = whole
        ? new runtime.Tensor('int32', new Int32Array(buffer, out, rows * columns), [rows, columns])
        : new runtime.Tensor('float32', new Float32Array(buffer, out, rows * columns), [rows, columns]);
      const { 'product:out': copy } = await session.run(feeds, { 'product:out': result });
      // onnxruntime-node writes into our tensor and returns a copy: megabytes a block that would wait to be collected.
      discard((copy!.data as Int32Array<ArrayBuffer> | Float32Array<ArrayBuffer>).buffer);
      yield;
    },
  };
}

/** Columns of a slice: about 5 ms of work for 1,024 rows of 1,424 values. */
const sliceColumns = 32;

/** Products in WebAssembly SIMD. */
export function wasmProducts(arithmetic: Arithmetic, kernel: Kernel): Products {
  const whole = isWhole(arithmetic);
  const multiply = whole
    ? kernel.multiplyInt
    : arithmetic === 'float32'
      ? kernel.multiplyFloat
      : kernel.multiplyManhattan;
  return {
    turn: ({ right, work, columns, width }) => {
      if (whole) kernel.widen(right, work, columns * width);
    },
    async *multiply({ rows, columns, width, left, right, work, leftWork, out }) {
      if (whole) kernel.widen(left, leftWork, rows * width);
      for (let from = 0; from < columns; from += sliceColumns) {
        multiply(
          whole ? leftWork : left,
          whole ? work : right,
          out,
          rows,
          columns,
          width,
          from,
          Math.min(columns, from + sliceColumns),
        );
        yield;
      }
    },
  };
}

/**
 * Whether 8-bit products are exact here, even where sums of two neighbouring ones are largest. Works from `at` on, in
 * 32 KiB.
 */
export async function isExact(products: Products, kernel: Kernel, at: number): Promise<boolean> {
  const [rows, columns, width] = [16, 16, 64];
  const block: Block = {
    rows,
    columns,
    width,
    left: at,
    right: at + 2048,
    work: at + 4096,
    leftWork: at + 8192,
    out: at + 16384,
  };
  const left = new Int8Array(kernel.memory.buffer, block.left, rows * width);
  const right = new Int8Array(kernel.memory.buffer, block.right, columns * width);
  for (const [values, step] of [
    [left, 37],
    [right, 91],
  ] as const)
    values.forEach(
      (_, i) => (values[i] = i < width ? peak : i < 2 * width ? -peak : ((i * step) % (2 * peak + 1)) - peak),
    );
  const [a, b] = [left.slice(), right.slice()];
  products.turn(block);
  for await (const _ of products.multiply(block));
  const out = new Int32Array(kernel.memory.buffer, block.out, rows * columns);
  return out.every((value, at) => {
    const [i, j] = [Math.floor(at / columns), at % columns];
    let sum = 0;
    for (let k = 0; k < width; k++) sum += a[i * width + k]! * b[j * width + k]!;
    return sum === value;
  });
}
