// Long lists of numbers and of texts that are much alike, held in few bytes.

/** A list that is gone through; its values are made on the way, and anew each time. */
export interface LongList<T> extends Iterable<T> {
  readonly length: number;
  /** The first and the last value; `undefined` in an empty list. */
  readonly ends: readonly [first: T, last: T] | undefined;
}

/** A list that is only added to. */
export interface Column<T> extends LongList<T | null> {
  push(value: T | null): void;
}

/** Whether something is a long list; texts and arrays are none. */
export const isLongList = (value: unknown): value is LongList<unknown> =>
  typeof value === 'object' && value !== null && Symbol.iterator in value && !Array.isArray(value);

/** Bytes that gather, and whole numbers among them. */
function growingBytes() {
  let bytes = new Uint8Array(64);
  let used = 0;
  return {
    /** Those so far, with room for more behind them. */
    get bytes() {
      return bytes;
    },
    get used() {
      return used;
    },
    makeRoom(more: number): void {
      if (used + more <= bytes.length) return;
      const larger = new Uint8Array(Math.max(2 * bytes.length, used + more));
      larger.set(bytes);
      bytes = larger;
    },
    /** Seven bits in a byte, the last one below 128; there has to be room. */
    putNumber(value: number): void {
      for (; value > 127; value = Math.floor(value / 128)) bytes[used++] = (value & 127) | 128;
      bytes[used++] = value;
    },
    put(more: Uint8Array): void {
      bytes.set(more, used);
      used += more.length;
    },
  };
}

/** Goes through bytes that gathered. */
function reading(bytes: Uint8Array) {
  let at = 0;
  return {
    number(): number {
      let value = 0;
      for (let unit = 1; ; unit *= 128) {
        const byte = bytes[at++]!;
        value += (byte & 127) * unit;
        if (byte < 128) return value;
      }
    },
    take: (length: number): Uint8Array => bytes.subarray(at, (at += length)),
  };
}

/** Steps between whole numbers that are put down; others fit in no safe number. */
const longestStep = 2 ** 50;

/** Of whole numbers the step from the one before, a byte or two for those that count up; nine bytes for others. */
export function numberColumn(): Column<number> {
  const column = growingBytes();
  const real = new DataView(new ArrayBuffer(8));
  let length = 0;
  let former = 0;
  let ends: [number | null, number | null] | undefined;
  return {
    get length() {
      return length;
    },
    get ends() {
      return ends;
    },
    push(value) {
      ends = [ends ? ends[0] : value, value];
      length++;
      column.makeRoom(10);
      const step = Number.isSafeInteger(value) && !Object.is(value, -0) ? value! - former : Infinity;
      if (Math.abs(step) < longestStep) {
        // 0 says that eight bytes follow; steps are 1 and more, those back are even.
        column.putNumber(step < 0 ? -2 * step : 2 * step + 1);
        former = value!;
      } else {
        column.putNumber(0);
        real.setFloat64(0, value ?? NaN);
        column.put(new Uint8Array(real.buffer));
      }
    },
    *[Symbol.iterator]() {
      const { number, take } = reading(column.bytes);
      let last = 0;
      for (let index = 0, end = length; index < end; index++) {
        const step = number();
        if (step > 0) {
          last += step % 2 ? (step - 1) / 2 : -step / 2;
          yield last;
        } else {
          const { buffer, byteOffset } = take(8);
          const value = new DataView(buffer, byteOffset).getFloat64(0);
          yield Number.isNaN(value) ? null : value;
        }
      }
    },
  };
}

/** Of each text, what differs from the one before: a dozen bytes for names that count up. */
export function textColumn(): Column<string> {
  const encoder = new TextEncoder();
  const column = growingBytes();
  let length = 0;
  let former = '';
  let ends: [string | null, string | null] | undefined;

  return {
    get length() {
      return length;
    },
    get ends() {
      return ends;
    },
    push(value) {
      ends = [ends ? ends[0] : value, value];
      const shared = value === null ? 0 : sharedStart(former, value);
      const rest = encoder.encode(value?.slice(shared) ?? '');
      column.makeRoom(rest.length + 16);
      length++;
      // 0 is no text; all others have one more than they share.
      column.putNumber(value === null ? 0 : shared + 1);
      if (value === null) return;
      column.putNumber(rest.length);
      column.put(rest);
      former = value;
    },
    *[Symbol.iterator]() {
      const decoder = new TextDecoder('utf-8', { ignoreBOM: true });
      const { number, take } = reading(column.bytes);
      let text = '';
      for (let index = 0, end = length; index < end; index++) {
        const shared = number() - 1;
        if (shared < 0) {
          yield null;
          continue;
        }
        text = text.slice(0, shared) + decoder.decode(take(number()));
        yield text;
      }
    },
  };
}

/** How many characters two texts share at their start; no pair of surrogates is cut. */
function sharedStart(a: string, b: string): number {
  const most = Math.min(a.length, b.length);
  let shared = 0;
  while (shared < most && a.charCodeAt(shared) === b.charCodeAt(shared)) shared++;
  const last = b.charCodeAt(shared - 1);
  return last >= 0xd800 && last < 0xdc00 ? shared - 1 : shared;
}
