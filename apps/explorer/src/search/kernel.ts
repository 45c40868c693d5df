// The WebAssembly kernel that searches, and its memory: tokens are put into it once and stay.

import { kernel } from './kernel.generated.ts';

/** What is known of some tokens. */
export interface Summary {
  /** The highest score; -2 where no token saw data. */
  readonly best: number;
  /** Which token has it, counted from the first. */
  readonly token: number;
  /** Of all tokens that saw data, and how many those are. */
  readonly sum: number;
  readonly count: number;
}

/** Tokens in memory. */
export interface TokenMemory {
  /** Makes room for so many bytes; returns where it is. */
  room(bytes: number): number;
  /** Copies bytes to a place in a room. */
  put(at: number, bytes: Uint8Array): void;
  /** Takes the query that `summarize` goes by. */
  ask(weights: Int16Array, factor: number): void;
  summarize(at: number, count: number): Summary;
  /** A copy. */
  take(at: number, bytes: number): Uint8Array<ArrayBuffer>;
  /** All of it, until room is made again. */
  whole(): Int8Array;
}

const page = 1 << 16;
/** Places of the query and the answer, at the start of memory. */
const answerAt = 0;
const weightsAt = 16;

/** `size` bytes a token. */
export function tokenMemory(size: number): TokenMemory {
  const bytes = Uint8Array.from(atob(kernel), (character) => character.charCodeAt(0));
  const { exports } = new WebAssembly.Instance(new WebAssembly.Module(bytes));
  const memory = exports['memory'] as WebAssembly.Memory;
  const run = exports['summarize'] as (...numbers: number[]) => void;
  let end = Math.ceil((weightsAt + 2 * size) / 16) * 16;
  let factor = 1;
  const room = (wanted: number): number => {
    const at = end;
    end += wanted;
    const missing = end - memory.buffer.byteLength;
    if (missing > 0) memory.grow(Math.ceil(missing / page));
    return at;
  };
  room(0);
  return {
    room,
    put: (at, bytes) => new Uint8Array(memory.buffer, at, bytes.length).set(bytes),
    ask(weights, scale) {
      new Int16Array(memory.buffer, weightsAt, size).set(weights);
      factor = scale;
    },
    summarize(at, count) {
      run(at, count, size, weightsAt, factor, answerAt);
      const answer = new DataView(memory.buffer, answerAt, 16);
      return {
        best: answer.getFloat32(0, true),
        token: answer.getInt32(4, true),
        sum: answer.getFloat32(8, true),
        count: answer.getInt32(12, true),
      };
    },
    whole: () => new Int8Array(memory.buffer),
    take: (at, length) => new Uint8Array(memory.buffer, at, length).slice(),
  };
}
