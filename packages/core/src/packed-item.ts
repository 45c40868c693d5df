// Items as bytes, and back: what waits on disk keeps nothing in memory.

import type { Frame, FrameRecord } from './items.ts';
import { readableFrame, readerOf, type LocatorReader } from './readable-frame.ts';

/** An item in bytes. */
export interface PackedItem {
  /** One after the other they are the item; arrays of numbers are in them as they lie in memory, not copied. */
  readonly pieces: readonly Uint8Array[];
  /** Bytes of all pieces. */
  readonly bytes: number;
  /** What cannot be bytes (functions, objects of classes), in the order in which it was met; mostly none. */
  readonly handles: readonly unknown[];
}

/** Packs items, and unpacks those that it packed. */
export interface Packing {
  /**
   * Lists and plain objects become JSON, arrays of numbers their bytes, and a frame that is read by its locator its
   * record.
   */
  pack(item: unknown): PackedItem;
  /** An equal item, which holds nothing of `bytes`. */
  unpack(bytes: Uint8Array, handles: readonly unknown[]): unknown;
}

/** Bytes in front of a packed item: of all of it, and of its JSON. */
export const packedHead = 16;

/** How many bytes a packed item has that begins with these. */
export const packedBytes = (head: Uint8Array): number =>
  new DataView(head.buffer, head.byteOffset, head.byteLength).getFloat64(0, true);

/** What stands for a value that JSON has no word for: the only property of an object. */
const mark = '\0';
type Word =
  | readonly ['undefined']
  | readonly ['number', string]
  | readonly ['bigint', string]
  | readonly ['numbers', ArrayName, number]
  | readonly ['frame', reader: number, record: unknown]
  | readonly ['handle', number];

const arrays = {
  Int8Array,
  Uint8Array,
  Uint8ClampedArray,
  Int16Array,
  Uint16Array,
  Int32Array,
  Uint32Array,
  Float32Array,
  Float64Array,
  BigInt64Array,
  BigUint64Array,
};
type ArrayName = keyof typeof arrays;

/** The readers of the frames that it meets stay with it; there is one for each source. */
export function packing(): Packing {
  const readers: LocatorReader[] = [];
  const numberOf = (reader: LocatorReader): number => {
    const known = readers.indexOf(reader);
    return known < 0 ? readers.push(reader) - 1 : known;
  };

  return {
    pack(item) {
      const numbers: Uint8Array[] = [];
      const handles: unknown[] = [];
      const inWords = (value: unknown): unknown => {
        const word = wordOf(value);
        if (word) return { [mark]: word };
        return value !== null && typeof value === 'object' ? withParts(value, inWords) : value;
      };
      const wordOf = (value: unknown): Word | undefined => {
        if (value === undefined) return ['undefined'];
        if (typeof value === 'number')
          return Number.isFinite(value) && !Object.is(value, -0)
            ? undefined
            : ['number', Object.is(value, -0) ? '-0' : String(value)];
        if (typeof value === 'bigint') return ['bigint', String(value)];
        if (value === null || typeof value === 'string' || typeof value === 'boolean') return undefined;
        if (Array.isArray(value)) return undefined;
        const name = arrayNameOf(value);
        if (name) {
          const { buffer, byteOffset, byteLength } = value as ArrayBufferView;
          numbers.push(new Uint8Array(buffer, byteOffset, byteLength));
          return ['numbers', name, byteLength];
        }
        const reader = isFrame(value) ? readerOf(value) : undefined;
        if (reader) {
          const { read: _, ...record } = value as Frame;
          return ['frame', numberOf(reader), inWords(record)];
        }
        return isPlain(value) && !Object.hasOwn(value, mark) ? undefined : ['handle', handles.push(value) - 1];
      };
      const text = new TextEncoder().encode(JSON.stringify(inWords(item)));
      const bytes = numbers.reduce((sum, { byteLength }) => sum + byteLength, packedHead + text.byteLength);
      const head = new DataView(new ArrayBuffer(packedHead));
      head.setFloat64(0, bytes, true);
      head.setFloat64(8, text.byteLength, true);
      return { pieces: [new Uint8Array(head.buffer), text, ...numbers], bytes, handles };
    },

    unpack(bytes, handles) {
      const length = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength).getFloat64(8, true);
      let at = packedHead + length;
      const valueOf = (word: Word): unknown => {
        switch (word[0]) {
          case 'undefined':
            return undefined;
          case 'number':
            return Number(word[1]);
          case 'bigint':
            return BigInt(word[1]);
          case 'handle':
            return handles[word[1]];
          case 'frame':
            return readableFrame(restored(word[2]) as FrameRecord, readers[word[1]]!);
          case 'numbers':
            // Copied: elsewhere they would keep all that was read with them, and lie where no number may begin.
            return new arrays[word[1]](bytes.slice(at, (at += word[2])).buffer as ArrayBuffer);
        }
      };
      const restored = (value: unknown): unknown => {
        if (value === null || typeof value !== 'object') return value;
        const word = (value as { readonly [mark]?: Word })[mark];
        return word ? valueOf(word) : withParts(value, restored);
      };
      return restored(JSON.parse(new TextDecoder().decode(bytes.subarray(packedHead, packedHead + length))));
    },
  };
}

const isFrame = (value: unknown): value is Frame =>
  isPlain(value) && value['kind'] === 'frame' && typeof value['read'] === 'function' && !Object.hasOwn(value, mark);

/** A list is none. */
export const isPlain = (value: unknown): value is Record<string, unknown> => {
  if (value === null || typeof value !== 'object') return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
};

/** A Buffer of Node is a Uint8Array. */
function arrayNameOf(value: unknown): ArrayName | undefined {
  if (!ArrayBuffer.isView(value)) return undefined;
  const name = (value as { readonly [Symbol.toStringTag]?: string })[Symbol.toStringTag] ?? '';
  return Object.hasOwn(arrays, name) ? (name as ArrayName) : undefined;
}

/** A list or an object with each of its parts made anew; where all stay what they are, it itself. */
function withParts(value: object, make: (part: unknown) => unknown): unknown {
  if (Array.isArray(value)) {
    const parts = Array.from(value as unknown[], make);
    return parts.some((part, index) => part !== value[index]) ? parts : value;
  }
  let other = false;
  const parts = Object.entries(value).map(([name, part]) => {
    const made = make(part);
    other ||= made !== part;
    return [name, made] as const;
  });
  return other ? Object.fromEntries(parts) : value;
}
