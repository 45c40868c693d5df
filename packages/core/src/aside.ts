// Keeps items in order until they are wanted: a few in memory, the numbers of the others in scratch.

import type { Scratch } from './stage.ts';

/** Items in the order in which they came. */
export interface Aside<T> {
  push(item: T): Promise<void>;
  /** The oldest; `undefined` when there is none. */
  shift(): Promise<T | undefined>;
}

type Room = Pick<Scratch, 'append' | 'read' | 'clear'>;
type TypedArray = Uint8Array | Float32Array;

/** Numbers that lie in the scratch. */
class Stored {
  readonly make: new (buffer: ArrayBufferLike) => TypedArray;
  readonly offset: number;
  readonly bytes: number;
  constructor(view: ArrayBufferView, offset: number) {
    // A Buffer of Node is a Uint8Array, and is not made with `new`.
    this.make = (view instanceof Uint8Array ? Uint8Array : view.constructor) as Stored['make'];
    this.offset = offset;
    this.bytes = view.byteLength;
  }
}

/** Bytes of numbers that stay in memory for each input that is kept aside. */
export const asideBytes = 16 * 2 ** 20;

/**
 * Knows nothing of kinds: of an item's plain objects and lists, arrays of numbers of a kilobyte and more go to the
 * scratch, and all else (names, frames with their `read`) is a handle and stays. The scratch is opened when it is needed,
 * begins anew when all has been fetched, and belongs to whoever opens it.
 */
export function aside<T>(open: () => Promise<Room>, inMemoryBytes = asideBytes): Aside<T> {
  const kept: { readonly item: unknown; readonly held: number; readonly stored: number }[] = [];
  let held = 0;
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
        if (bytes === 0 || held + bytes <= inMemoryBytes) {
          held += bytes;
          kept.push({ item, held: bytes, stored: 0 });
          return;
        }
        const { append } = await (room ??= open());
        const put = async (view: ArrayBufferView): Promise<Stored> =>
          new Stored(view, await append(new Uint8Array(view.buffer, view.byteOffset, view.byteLength)));
        kept.push({ item: await mapped(item, isNumbers, put), held: 0, stored: bytes });
        stored += bytes;
      }),
    shift: () =>
      inTurn(async () => {
        const first = kept.shift();
        if (!first) return undefined;
        held -= first.held;
        if (first.stored === 0) return first.item as T;
        const { read, clear } = await room!;
        const item = await mapped(first.item, isStored, async ({ make, offset, bytes }) => {
          const { buffer, byteOffset, byteLength } = await read(offset, bytes);
          return new make(buffer.slice(byteOffset, byteOffset + byteLength));
        });
        if ((stored -= first.stored) === 0) await clear();
        return item as T;
      }),
  };
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
