// Keeps items in order until they are wanted: a few in memory, what there is to the others in scratch.

import type { Frame } from './items.ts';
import { frameInBytes, readerOf } from './readable-frame.ts';
import type { Scratch } from './stage.ts';

/** Items in the order in which they came. */
export interface Aside<T> {
  push(item: T): Promise<void>;
  /** The oldest; `undefined` when there is none. */
  shift(): Promise<T | undefined>;
}

type Room = Pick<Scratch, 'append' | 'read' | 'clear'>;
type TypedArray = Uint8Array | Float32Array;

/** Something that lies in the scratch, and how it is made of its bytes. */
class Stored {
  readonly offset: number;
  readonly bytes: number;
  readonly make: (bytes: Uint8Array) => unknown;
  constructor(offset: number, bytes: number, make: Stored['make']) {
    this.offset = offset;
    this.bytes = bytes;
    this.make = make;
  }
}

/** Bytes of numbers that stay in memory for each input that is kept aside. */
export const asideBytes = 16 * 2 ** 20;

/** Items that stay in memory for each input that is kept aside. */
export const asideItems = 256;

/**
 * Knows nothing of kinds but frames: of an item's plain objects and lists, arrays of numbers of a kilobyte and more go
 * to the scratch, and frames that are read by their locator; so does an item that is all plain data. What else there is
 * (names, frames with a `read` of their own) is a handle and stays. The scratch is opened when it is needed, begins
 * anew when all has been fetched, and belongs to whoever opens it.
 */
export function aside<T>(open: () => Promise<Room>, inMemoryBytes = asideBytes, inMemoryItems = asideItems): Aside<T> {
  /** `held`: bytes of numbers of an item that is here as it came, `undefined` for others. */
  const kept: { readonly item: unknown; readonly held: number | undefined; readonly stored: number }[] = [];
  let held = 0;
  let whole = 0;
  let stored = 0;
  let room: Promise<Room> | undefined;
  // One step after another: clearing the scratch must not overtake numbers that are still on their way into it.
  let last: Promise<unknown> = Promise.resolve();
  const inTurn = <R>(step: () => Promise<R>): Promise<R> => {
    const turn = last.then(step);
    last = turn.catch(() => undefined);
    return turn;
  };

  return {
    push: (item) =>
      inTurn(async () => {
        const bytes = sizeOf(item);
        if (held + bytes <= inMemoryBytes && whole < inMemoryItems) {
          held += bytes;
          whole += 1;
          kept.push({ item, held: bytes, stored: 0 });
          return;
        }
        let taken = 0;
        const put = async (part: unknown): Promise<Stored> => {
          const { append } = await (room ??= open());
          const [view, make] = ArrayBuffer.isView(part) ? numbersOf(part) : textOf(part);
          taken += view.byteLength;
          return new Stored(await append(view), view.byteLength, make);
        };
        const goes = (part: unknown): part is unknown => part !== undefined && (isNumbers(part) || isReadable(part));
        const rest = isData(item) ? await put(item) : await mapped(item, goes, put);
        kept.push({ item: rest, held: undefined, stored: taken });
        stored += taken;
      }),
    shift: () =>
      inTurn(async () => {
        const first = kept.shift();
        if (!first) return undefined;
        if (first.held !== undefined) {
          held -= first.held;
          whole -= 1;
        }
        if (first.stored === 0) return first.item as T;
        const { read, clear } = await room!;
        const item = await mapped(first.item, isStored, async ({ make, offset, bytes }) =>
          make(await read(offset, bytes)),
        );
        if ((stored -= first.stored) === 0) await clear();
        return item as T;
      }),
  };
}

/** The bytes of numbers, and how they are made of them. */
function numbersOf(view: ArrayBufferView): [Uint8Array, Stored['make']] {
  // A Buffer of Node is a Uint8Array, and is not made with `new`.
  const Numbers = (view instanceof Uint8Array ? Uint8Array : view.constructor) as new (
    buffer: ArrayBufferLike,
  ) => TypedArray;
  return [
    new Uint8Array(view.buffer, view.byteOffset, view.byteLength),
    ({ buffer, byteOffset, byteLength }) => new Numbers(buffer.slice(byteOffset, byteOffset + byteLength)),
  ];
}

/** Plain data, or a frame that is read by its locator, as JSON. */
function textOf(value: unknown): [Uint8Array, Stored['make']] {
  const frame = isReadable(value) ? frameInBytes(value) : undefined;
  return frame ? [frame.bytes, frame.make] : [new TextEncoder().encode(JSON.stringify(value)), dataOf];
}

const dataOf = (bytes: Uint8Array): unknown => JSON.parse(new TextDecoder().decode(bytes));

const isReadable = (value: unknown): value is Frame => {
  if (!isPlain(value) || value['kind'] !== 'frame' || typeof value['read'] !== 'function') return false;
  const { read: _, ...record } = value;
  return readerOf(value as unknown as Frame) !== undefined && isData(record);
};

/** Whether JSON brings a value back as it is. */
function isData(value: unknown): boolean {
  if (typeof value === 'number') return Number.isFinite(value) && !Object.is(value, -0);
  if (value === null || typeof value === 'string' || typeof value === 'boolean') return true;
  if (Array.isArray(value)) return Array.from(value as unknown[]).every(isData);
  return isPlain(value) && Object.values(value).every(isData);
}

const isStored = (value: unknown): value is Stored => value instanceof Stored;
const isNumbers = (value: unknown): value is ArrayBufferView =>
  ArrayBuffer.isView(value) && !(value instanceof DataView) && value.byteLength >= 1024;

const isPlain = (value: unknown): value is Record<string, unknown> => {
  if (value === null || typeof value !== 'object') return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
};

/** Bytes of the numbers that would go to the scratch. */
function sizeOf(value: unknown): number {
  if (isNumbers(value)) return value.byteLength;
  const parts = Array.isArray(value) ? (value as unknown[]) : isPlain(value) ? Object.values(value) : [];
  return parts.reduce<number>((sum, part) => sum + sizeOf(part), 0);
}

/** The value with what `is` says replaced; what holds nothing of that is the very same object. */
async function mapped<V>(
  value: unknown,
  is: (part: unknown) => part is V,
  replace: (part: V) => Promise<unknown>,
): Promise<unknown> {
  if (is(value)) return replace(value);
  if (Array.isArray(value)) {
    const parts: unknown[] = [];
    for (const part of value as unknown[]) parts.push(await mapped(part, is, replace));
    return parts.some((part, index) => part !== (value as unknown[])[index]) ? parts : value;
  }
  if (!isPlain(value)) return value;
  let copy: Record<string, unknown> | undefined;
  for (const [name, part] of Object.entries(value)) {
    const other = await mapped(part, is, replace);
    if (other !== part) (copy ??= { ...value })[name] = other;
  }
  return copy ?? value;
}
