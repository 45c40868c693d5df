// The WebAssembly functions of the engine, bound to a memory.

import { plainModule, sharedModule } from './wasm.generated.ts';

type Pointer = number;

/**
 * A `WebAssembly.Memory`, as far as it is used. Declaration files name this instead, because Node's own types have no
 * `WebAssembly`: programs without the DOM library could not be type-checked with them.
 */
export interface KernelMemory {
  readonly buffer: ArrayBuffer;
  /** Adds pages of 64 KiB and returns how many there were. */
  grow(pages: number): number;
}

/** What wasm/assembly exports; pointers are byte offsets into `memory`. */
export interface Kernel {
  readonly memory: KernelMemory;
  prepareRow(row: Pointer, channels: number, kind: number, length: Pointer, mean: Pointer): number;
  meanRow(rows: Pointer, stride: number, indices: Pointer, count: number, sums: Pointer, out: Pointer): void;
  quantizeRow(
    row: Pointer,
    mean: Pointer,
    stride: number,
    kind: number,
    out: Pointer,
    scale: Pointer,
    bias: Pointer,
  ): void;
  centreRows(rows: Pointer, mean: Pointer, stride: number, count: number): void;
  projectRow(row: Pointer, axes: Pointer, stride: number, count: number, offsets: Pointer, out: Pointer): void;
  spreadRow(row: Pointer, y: Pointer, stride: number, count: number, out: Pointer): void;
  orthonormalize(rows: Pointer, stride: number, from: number, to: number): void;
  mixRows(rows: Pointer, stride: number, count: number): void;
  narrowRow(
    products: Pointer,
    axisScales: Pointer,
    count: number,
    rowScale: number,
    out: Pointer,
    scale: Pointer,
  ): void;
  raiseLimits(from: Pointer, to: Pointer, count: number): void;
  clearLists(scores: Pointer, indices: Pointer, limits: Pointer, rows: number, size: number): void;
  widen(from: Pointer, to: Pointer, values: number): void;
  lift(at: Pointer, values: number): void;
  transposeBytes(from: Pointer, to: Pointer, rows: number, width: number): void;
  multiplyInt(
    a: Pointer,
    b: Pointer,
    out: Pointer,
    rowsA: number,
    rowsB: number,
    width: number,
    from: number,
    to: number,
  ): void;
  multiplyFloat(
    a: Pointer,
    b: Pointer,
    out: Pointer,
    rowsA: number,
    rowsB: number,
    width: number,
    from: number,
    to: number,
  ): void;
  multiplyManhattan(
    a: Pointer,
    b: Pointer,
    out: Pointer,
    rowsA: number,
    rowsB: number,
    width: number,
    from: number,
    to: number,
  ): void;
  scanTile(
    tile: Pointer,
    line: number,
    rows: number,
    columns: number,
    whole: boolean,
    both: boolean,
    diagonal: boolean,
    scaleI: Pointer,
    biasI: Pointer,
    baseI: number,
    scoresI: Pointer,
    indicesI: Pointer,
    limitsI: Pointer,
    scaleJ: Pointer,
    biasJ: Pointer,
    baseJ: number,
    scoresJ: Pointer,
    indicesJ: Pointer,
    limitsJ: Pointer,
    size: number,
  ): void;
  distance(a: Pointer, b: Pointer, stride: number, kind: number): number;
  joinLists(scores: Pointer, indices: Pointer, size: number, lists: number, pitch: number): void;
  rankRow(
    row: Pointer,
    rows: Pointer,
    stride: number,
    kind: number,
    scores: Pointer,
    indices: Pointer,
    size: number,
    self: number,
    count: number,
    outIndices: Pointer,
    outDistances: Pointer,
  ): void;
  offerExact(
    row: Pointer,
    rows: Pointer,
    stride: number,
    kind: number,
    from: number,
    to: number,
    self: number,
    scores: Pointer,
    indices: Pointer,
    size: number,
  ): void;
  meanDistance(distances: Pointer, values: number): number;
  smoothRow(
    distances: Pointer,
    indices: Pointer,
    k: number,
    target: number,
    connectivity: number,
    meanOfAll: number,
    self: number,
    rho: Pointer,
    sigma: Pointer,
    weights: Pointer,
  ): void;
  unite(
    indices: Pointer,
    weights: Pointer,
    rows: number,
    k: number,
    mixRatio: number,
    incoming: Pointer,
    from: Pointer,
    strength: Pointer,
    starts: Pointer,
    columns: Pointer,
    values: Pointer,
  ): number;
  schedule(starts: Pointer, columns: Pointer, values: Pointer, rows: number, epochs: number): number;
  fillForces(table: Pointer, a: number, b: number, repulsion: number): void;
  moveNarrow(
    source: Pointer,
    target: Pointer,
    starts: Pointer,
    columns: Pointer,
    rates: Pointer,
    from: number,
    to: number,
    points: number,
    epoch: number,
    alpha: number,
    negatives: number,
    seed: number,
    table: Pointer,
    due: Pointer,
  ): void;
  moveWide(
    source: Pointer,
    target: Pointer,
    starts: Pointer,
    columns: Pointer,
    rates: Pointer,
    from: number,
    to: number,
    points: number,
    epoch: number,
    alpha: number,
    negatives: number,
    seed: number,
    table: Pointer,
    lanes: number,
  ): void;
  placeRow(
    own: Pointer,
    embedding: Pointer,
    lanes: number,
    indices: Pointer,
    weights: Pointer,
    k: number,
    points: number,
    epochs: number,
    alpha: number,
    negatives: number,
    seed: number,
    table: Pointer,
  ): void;
  nearestPlaces(
    place: Pointer,
    embedding: Pointer,
    lanes: number,
    points: number,
    k: number,
    indices: Pointer,
    distances: Pointer,
  ): void;
  exp(x: number): number;
  log(x: number): number;
}

export const pageBytes = 65536;
/** The first page is left to the module itself. */
export const firstFree = pageBytes;

const decode = (base64: string): Uint8Array<ArrayBuffer> =>
  Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));

/** A memory that holds `bytes`; `shared` between threads. Throws a `RangeError` beyond 4 GiB. */
export function memoryOf(bytes: number, shared: boolean): KernelMemory {
  const pages = Math.ceil(bytes / pageBytes);
  return new WebAssembly.Memory(shared ? { initial: pages, maximum: pages, shared } : { initial: pages });
}

const compiled: Partial<Record<'shared' | 'plain', Promise<WebAssembly.Module>>> = {};

/** Compiled once a thread: the engine binds it to several memories, and code that has run is quick from the start. */
function moduleFor(kind: 'shared' | 'plain'): Promise<WebAssembly.Module> {
  return (compiled[kind] ??= WebAssembly.compile(decode(kind === 'shared' ? sharedModule : plainModule)));
}

/** Binds the functions to `memory`, which tells by its buffer whether it is shared. */
export async function startKernel(memory: KernelMemory): Promise<Kernel> {
  const shared = typeof SharedArrayBuffer !== 'undefined' && memory.buffer instanceof SharedArrayBuffer;
  const instance = await WebAssembly.instantiate(await moduleFor(shared ? 'shared' : 'plain'), {
    env: { memory: memory as WebAssembly.Memory, abort: refuse },
  });
  return { ...(instance.exports as unknown as Omit<Kernel, 'memory'>), memory };
}

function refuse(): never {
  throw new Error('the WebAssembly module stopped; this is a bug of the engine');
}
