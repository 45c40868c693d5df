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

/** Eight bytes for each number; NaN comes back as `null`. */
export function numberColumn(): Column<number> {
  let numbers = new Float64Array(16);
  let length = 0;
  const valueAt = (index: number): number | null => (Number.isNaN(numbers[index]!) ? null : numbers[index]!);
  return {
    get length() {
      return length;
    },
    get ends() {
      return length ? ([valueAt(0), valueAt(length - 1)] as const) : undefined;
    },
    push(value: number | null) {
      if (length === numbers.length) numbers = grown(numbers, new Float64Array(2 * length));
      numbers[length++] = value ?? NaN;
    },
    *[Symbol.iterator]() {
      for (let index = 0; index < length; index++) yield valueAt(index);
    },
  };
}

/** Of each text, what differs from the one before: a dozen bytes for names that count up. */
export function textColumn(): Column<string> {
  const encoder = new TextEncoder();
  let bytes = new Uint8Array(64);
  let used = 0;
  let length = 0;
  let former = '';
  let ends: [string | null, string | null] | undefined;

  /** A whole number, seven bits in a byte, the last one below 128. */
  function putNumber(value: number): void {
    for (; value > 127; value = Math.floor(value / 128)) bytes[used++] = (value & 127) | 128;
    bytes[used++] = value;
  }

  return {
    get length() {
      return length;
    },
    get ends() {
      return ends;
    },
    push(value: string | null) {
      ends = [ends ? ends[0] : value, value];
      const shared = value === null ? 0 : sharedStart(former, value);
      const rest = encoder.encode(value?.slice(shared) ?? '');
      const needed = used + rest.length + 12;
      if (needed > bytes.length) bytes = grown(bytes, new Uint8Array(Math.max(2 * bytes.length, needed)));
      length++;
      // 0 is no text; all others have one more than they share.
      putNumber(value === null ? 0 : shared + 1);
      if (value === null) return;
      putNumber(rest.length);
      bytes.set(rest, used);
      used += rest.length;
      former = value;
    },
    *[Symbol.iterator]() {
      const decoder = new TextDecoder('utf-8', { ignoreBOM: true });
      let at = 0;
      let text = '';
      const takeNumber = (): number => {
        let value = 0;
        for (let unit = 1; ; unit *= 128) {
          const byte = bytes[at++]!;
          value += (byte & 127) * unit;
          if (byte < 128) return value;
        }
      };
      for (let index = 0; index < length; index++) {
        const shared = takeNumber() - 1;
        if (shared < 0) {
          yield null;
          continue;
        }
        const size = takeNumber();
        text = text.slice(0, shared) + decoder.decode(bytes.subarray(at, (at += size)));
        yield text;
      }
    },
  };
}

function grown<T extends Float64Array | Uint8Array>(from: T, into: T): T {
  into.set(from);
  return into;
}

/** How many characters two texts share at their start; no pair of surrogates is cut. */
function sharedStart(a: string, b: string): number {
  const most = Math.min(a.length, b.length);
  let shared = 0;
  while (shared < most && a.charCodeAt(shared) === b.charCodeAt(shared)) shared++;
  const last = b.charCodeAt(shared - 1);
  return last >= 0xd800 && last < 0xdc00 ? shared - 1 : shared;
}
