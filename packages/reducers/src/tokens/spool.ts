// Token grids put down on disk, once for all reducers of a run, so that a fit over a whole run holds one grid at a
// time.

import { InputError } from '@deepearth/core/errors';
import { float32FromHalf, halfFromFloat32, toFloat32 } from '@deepearth/core/half';
import type { ItemShelf, Shelved } from '@deepearth/core/item-shelf';
import type { EncoderIdentity, TokenGrid } from '@deepearth/core/items';
import type { Scratch } from '@deepearth/core/stage';
import { elementCount } from '@deepearth/core/tensor';
import { runSliced, type Sliced } from '../shared/pace.ts';
import { firstNotFinite } from './finite.ts';
import type { GridRows } from './grid-rows.ts';
import { spareMemory, type SpareMemory } from './spare-memory.ts';

export const precisions = ['float16', 'float32'] as const;
export type Precision = (typeof precisions)[number];

/** A grid without its numbers. */
export type GridItem = Omit<TokenGrid, 'values' | 'valid' | 'globals'>;

/** What stays at hand of a grid that is on disk. */
export interface SpooledGrid {
  readonly id: string;
  readonly key: string;
  /** Names of the axes before the channels, and their sizes. */
  readonly axes: readonly string[];
  readonly shape: readonly number[];
  /** Tokens of the grid, and how many of them saw data. */
  readonly tokens: number;
  readonly rows: number;
}

/** Where values and mask of a grid lie in the scratch. */
interface GridRecord {
  readonly offset: number;
  readonly bytes: number;
  /** Of the mask, `tokens` bytes; absent where there is none. */
  readonly maskOffset: number | undefined;
  /** Values were multiplied by it before they became float16. */
  readonly scale: number;
}

/** Valid tokens of a grid, and the same numbers as float16, where they came as that. */
interface TakenRows extends GridRows {
  readonly halves?: Uint16Array | undefined;
}

/** The grids of one stream on disk, by their keys: whoever sees one first puts it down. */
export interface TokenStore {
  readonly precision: Precision;
  /** Puts the valid tokens of a grid down, unless its key is known; returns where they lie. */
  put(key: string, taken: TakenRows): Promise<GridRecord>;
  /** `memory.giveBack` takes what is returned. */
  rows(record: GridRecord, signal: AbortSignal): Promise<Float32Array>;
  /** Some rows of a grid, of so many channels, by their numbers; in memory of their own. */
  someRows(record: GridRecord, numbers: Uint32Array, channels: number, signal: AbortSignal): Promise<Float32Array>;
  mask(record: GridRecord, tokens: number): Promise<Uint8Array | undefined>;
  /** Where rows that were read, and those of grids that come in, have their memory from. */
  readonly memory: SpareMemory;
}

/**
 * Starts an empty store. With `float16` values keep 11 bits, each grid scaled by a power of two where they would not
 * fit; tokens that come as float16 are kept as they are.
 */
export function tokenStore(scratch: Scratch, precision: Precision): TokenStore {
  const known = new Map<string, GridRecord | Promise<GridRecord>>();
  const memory = spareMemory();
  const write = async ({ rows, valid, halves: own }: TakenRows): Promise<GridRecord> => {
    const made = precision === 'float16' && !own ? new Uint16Array(memory.take(rows.length * 2)) : undefined;
    const scale = made ? scaleOf(rows) : 1;
    if (made) await runSliced(toHalves(rows, scale, made));
    const stored = made ?? (precision === 'float16' ? own! : rows);
    const offset = await scratch.append(bytesView(stored));
    if (made) memory.giveBack(made);
    return {
      offset,
      bytes: stored.byteLength,
      maskOffset: valid && (await scratch.append(valid)),
      scale,
    };
  };
  const read = ({ offset, bytes }: GridRecord): Promise<Uint8Array> =>
    scratch.read(offset, bytes, new Uint8Array(memory.take(bytes)));
  return {
    precision,
    memory,
    put(key, taken) {
      const former = known.get(key);
      if (former) return Promise.resolve(former);
      const record = write(taken);
      known.set(key, record);
      // What could not be put down may be tried again.
      record.then(
        (written) => known.set(key, written),
        () => known.delete(key),
      );
      return record;
    },
    async rows(record, signal) {
      const stored = await read(record);
      if (precision === 'float32') return numbersIn(stored, Float32Array);
      const halves = numbersIn(stored, Uint16Array);
      const values = new Float32Array(memory.take(halves.length * 4));
      await runSliced(fromHalves(halves, record.scale, values), signal);
      memory.giveBack(stored);
      return values;
    },
    async someRows(record, numbers, channels, signal) {
      const stored = await read(record);
      signal.throwIfAborted();
      const out = new Float32Array(numbers.length * channels);
      const all = precision === 'float16' ? numbersIn(stored, Uint16Array) : numbersIn(stored, Float32Array);
      for (const [to, number] of numbers.entries()) {
        const row = all.subarray(number * channels, (number + 1) * channels);
        const place = out.subarray(to * channels, (to + 1) * channels);
        if (row instanceof Float32Array) place.set(row);
        else scaledBack(row, record.scale, place);
      }
      memory.giveBack(stored);
      return out;
    },
    mask: async ({ maskOffset }, tokens) => (maskOffset === undefined ? undefined : scratch.read(maskOffset, tokens)),
  };
}

/** The tokens of a run as one reducer took them. */
export interface Spool {
  readonly grids: readonly SpooledGrid[];
  /** What made the tokens; `undefined` before the first grid. */
  readonly encoder: EncoderIdentity | undefined;
  /** Numbers per token; 0 before the first grid. */
  readonly channels: number;
  /** Valid tokens of all grids. */
  readonly rows: number;
  /**
   * Takes a grid and returns its valid tokens, unrounded; they are put down, unless another reducer of the run did so.
   * Throws an `InputError` for NaN and infinity (the token named), another width or another encoder. With `again`,
   * which gets the same grid once more, the tokens are put down only if somebody asks for them. `release` takes them.
   */
  append(grid: TokenGrid, again?: () => Promise<TokenGrid>): Promise<GridRows>;
  /** The tokens of a grid as they came, of one that was taken with `again`. */
  unrounded(index: number): Promise<GridRows>;
  /** Reads a grid back, as precisely as the store keeps it. `release` takes it. */
  read(index: number): Promise<GridRows>;
  /** Says that nobody looks any more at tokens that `append` or `read` returned, whose memory is then used again. */
  release(tokens: GridRows): void;
  /** The mask of a grid; `undefined` where it has none. */
  mask(index: number): Promise<Uint8Array | undefined>;
  /** A grid without its numbers. */
  item(index: number): Promise<GridItem>;
  /** Some of the valid tokens of a grid, see `StoredTokens`. */
  pick(grid: number, numbers: Uint32Array, signal?: AbortSignal): AsyncIterable<Float32Array>;
}

/** Starts to take the grids of a stream into a store, and all but their numbers to a shelf. */
export function tokenSpool(store: TokenStore, shelf: ItemShelf, signal: AbortSignal): Spool {
  const grids: (SpooledGrid & {
    /** Of the mask; of the tokens too, unless there is `again`. */
    readonly record: GridRecord;
    readonly again: (() => Promise<TokenGrid>) | undefined;
    /** Of the tokens, once somebody has asked for them. */
    late?: Promise<GridRecord>;
    readonly shelved: Shelved<GridItem>;
  })[] = [];
  let rows = 0;
  let channels = 0;
  let first: Pick<GridItem, 'id' | 'encoder'> | undefined;
  const mask = (index: number): Promise<Uint8Array | undefined> => {
    const { record, tokens } = grids[index]!;
    return store.mask(record, tokens);
  };
  const unrounded = async (index: number): Promise<GridRows> => validRows(await grids[index]!.again!(), signal);
  const recordOf = async (index: number): Promise<GridRecord> => {
    const grid = grids[index]!;
    if (grid.again) grid.late ??= unrounded(index).then((taken) => store.put(grid.key, taken));
    return (await grid.late) ?? grid.record;
  };
  return {
    grids,
    get encoder() {
      return first?.encoder;
    },
    get channels() {
      return channels;
    },
    get rows() {
      return rows;
    },
    async append(grid, again) {
      signal.throwIfAborted();
      checkSame(grid, first, channels);
      const taken = await validRows(grid, signal, store.memory);
      const record = again
        ? await store.put(`mask of ${grid.key}`, { ...taken, rows: new Float32Array(0) })
        : await store.put(grid.key, { ...taken, halves: halvesOf(grid, taken) });
      channels = grid.values.shape.at(-1)!;
      const { values: _values, valid: _valid, globals: _globals, ...item } = grid;
      const shelved = await shelf.put<GridItem>(item);
      const count = taken.rows.length / channels;
      first ??= { id: grid.id, encoder: grid.encoder };
      // Grids of one run are alike: they share their lists.
      const axes = shared(grid.axes.slice(0, -1), grids.at(-1)?.axes);
      const shape = shared(grid.values.shape.slice(0, -1), grids.at(-1)?.shape);
      grids.push({
        id: grid.id,
        key: grid.key,
        axes,
        shape,
        tokens: elementCount(shape),
        rows: count,
        record,
        again,
        shelved,
      });
      rows += count;
      return taken;
    },
    async read(index) {
      signal.throwIfAborted();
      const values = await store.rows(await recordOf(index), signal);
      const valid = await mask(index);
      return valid ? { rows: values, valid } : { rows: values };
    },
    release: ({ rows }) => store.memory.giveBack(rows),
    unrounded,
    mask,
    item: (index) => shelf.take(grids[index]!.shelved),
    async *pick(grid, numbers) {
      const record = await recordOf(grid);
      if (numbers.length < grids[grid]!.rows) return yield store.someRows(record, numbers, channels, signal);
      const values = await store.rows(record, signal);
      yield values;
      store.memory.giveBack(values);
    },
  };
}

const shared = <T>(list: readonly T[], former: readonly T[] | undefined): readonly T[] =>
  former?.length === list.length && list.every((each, index) => each === former[index]) ? former : list;

const bytesView = (values: Uint16Array | Float32Array): Uint8Array =>
  new Uint8Array(values.buffer, values.byteOffset, values.byteLength);

/** A power of two that brings values into the range of float16; 1 where they fit. */
function scaleOf(values: Float32Array): number {
  let largest = 0;
  for (let i = 0; i < values.length; i++) if (Math.abs(values[i]!) > largest) largest = Math.abs(values[i]!);
  return largest === 0 || (largest < 65504 && largest > 0.03) ? 1 : 2 ** (14 - Math.floor(Math.log2(largest)));
}

const slice = 1 << 19;

function* toHalves(values: Float32Array, scale: number, bits: Uint16Array): Sliced<void> {
  for (let at = 0; at < values.length; at += slice) {
    const part = values.subarray(at, at + slice);
    halfFromFloat32(scale === 1 ? part : part.map((value) => value * scale), bits.subarray(at, at + part.length));
    yield;
  }
}

function* fromHalves(bits: Uint16Array, scale: number, values: Float32Array): Sliced<void> {
  for (let at = 0; at < bits.length; at += slice) {
    scaledBack(bits.subarray(at, at + slice), scale, values.subarray(at, at + slice));
    yield;
  }
}

function scaledBack(bits: Uint16Array, scale: number, values: Float32Array): void {
  float32FromHalf(bits, values);
  if (scale !== 1) for (let i = 0; i < values.length; i++) values[i]! /= scale;
}

const numbersIn = <T>(
  { buffer, byteOffset, byteLength }: Uint8Array,
  Numbers: { new (buffer: ArrayBufferLike, offset: number, length: number): T; readonly BYTES_PER_ELEMENT: number },
): T => new Numbers(buffer, byteOffset, byteLength / Numbers.BYTES_PER_ELEMENT);

/**
 * The tokens of a grid that saw data, checked; in memory of `memory`, where they are not those of the grid itself.
 * Throws an `InputError` that names the first token with NaN or infinity.
 */
export async function validRows(grid: TokenGrid, signal?: AbortSignal, memory?: SpareMemory): Promise<GridRows> {
  const { shape } = grid.values;
  const channels = shape.at(-1);
  if (channels === undefined || channels < 1) {
    throw new InputError(
      grid.id,
      `tokens of shape [${shape.join(', ')}] have no channels; the last axis holds them, after those of the tokens.`,
    );
  }
  const tokens = elementCount(shape.slice(0, -1));
  if (grid.valid && grid.valid.length !== tokens)
    throw new InputError(grid.id, `its mask has ${grid.valid.length} entries for ${tokens} tokens.`);
  const values = numbersOf(grid.values, memory);
  signal?.throwIfAborted();
  const { valid } = grid;
  if (!valid?.includes(0)) {
    refuseNotFinite(grid, values, channels, (row) => row);
    return { rows: values, ...(valid ? { valid } : {}) };
  }
  const kept = [...valid.keys()].filter((token) => valid[token]);
  const rows = new Float32Array(kept.length * channels);
  kept.forEach((token, row) => rows.set(values.subarray(token * channels, (token + 1) * channels), row * channels));
  memory?.giveBack(values);
  refuseNotFinite(grid, rows, channels, (row) => kept[row]!);
  return { rows, valid };
}

/** The values of a grid of float16 without masked tokens. */
const halvesOf = ({ values }: TokenGrid, { rows }: GridRows): Uint16Array | undefined =>
  values.dtype === 'float16' && rows.length === values.data.length ? (values.data as Uint16Array) : undefined;

/** Values as float32: those of the tensor where it is that, else of the memory. */
const numbersOf = (values: TokenGrid['values'], memory?: SpareMemory): Float32Array =>
  memory && values.dtype === 'float16'
    ? float32FromHalf(values.data as Uint16Array, new Float32Array(memory.take(values.data.length * 4)))
    : toFloat32(values).data;

function refuseNotFinite(
  grid: TokenGrid,
  rows: Float32Array,
  channels: number,
  tokenOf: (row: number) => number,
): void {
  const at = firstNotFinite(rows);
  if (at < 0) return;
  const token = tokenOf(Math.floor(at / channels));
  throw new InputError(
    grid.id,
    `${namedToken(token, grid.values.shape.slice(0, -1), grid.axes)}, channel ${at % channels}, is ${rows[at]}.`,
    {
      code: 'E_NOT_FINITE',
      remedy: grid.clip
        ? 'Look at the frames of this clip; onError: skip leaves it out.'
        : 'Look at what it was made of; onError: skip leaves it out.',
    },
  );
}

/** Words for the axes of pictures. */
const words: Readonly<Record<string, string>> = { height: 'row', width: 'column' };

/** For people: `the token at time 2, row 5, column 7`. */
export function namedToken(token: number, shape: readonly number[], axes?: readonly string[]): string {
  if (shape.length === 0) return 'the embedding';
  const names = axes ?? (shape.length === 3 ? ['time', 'height', 'width'] : shape.map((_, axis) => `axis ${axis}`));
  let rest = token;
  const place = shape.map(() => 0);
  for (let axis = shape.length - 1; axis >= 0; axis--) {
    place[axis] = rest % shape[axis]!;
    rest = Math.floor(rest / shape[axis]!);
  }
  return `the token at ${place.map((value, axis) => `${words[names[axis]!] ?? names[axis]} ${value}`).join(', ')}`;
}

function checkSame(grid: TokenGrid, first: Pick<GridItem, 'id' | 'encoder'> | undefined, channels: number): void {
  if (!first) return;
  const width = grid.values.shape.at(-1);
  if (width !== channels)
    throw new InputError(
      grid.id,
      `has tokens of ${width} numbers, the grids before it ${channels}; one fit takes one width.`,
    );
  if (grid.encoder.fingerprint !== first.encoder.fingerprint) {
    throw new InputError(
      grid.id,
      `was made by ${grid.encoder.name} (${grid.encoder.fingerprint}), ${first.id} by ${first.encoder.name} (${first.encoder.fingerprint}).`,
      {
        remedy: 'Tokens of different encoders do not mix: give each its own reducer.',
      },
    );
  }
}
