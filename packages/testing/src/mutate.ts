// Damages bytes the way that disks, networks and editors do: reproducibly, from a seed.

import { sha256 } from '@deepearth/core/sha256';
import { concat } from '@deepearth/formats/bytes';
import { seededRandom } from './random.ts';

/** Ways to damage a file. */
export const mutations = ['flip', 'byte', 'zeros', 'cut', 'remove', 'insert', 'swap', 'repeat', 'number'] as const;
/** One of `mutations`. */
export type MutationKind = (typeof mutations)[number];

/** A damaged copy, and what was done to it. */
export interface Mutant {
  readonly bytes: Uint8Array;
  readonly kind: MutationKind;
  /** For messages: "flip at byte 812". */
  readonly what: string;
}

/** Where in a file a mutation may lie, in bytes. */
export interface MutationOptions {
  /** Default: all of them. */
  readonly kinds?: readonly MutationKind[];
  /** Bytes before this one stay as they are; 0. */
  readonly from?: number;
}

/** Numbers that programs trip over, as text for JSON and the like. */
const oddNumbers = ['-1', '0', '1', '1e308', '1e999', '9007199254740993', '0.5', '1000000000000', 'null', '""'];

/** Damages `bytes` (at least one byte behind `from`) once; the same number `seed` gives the same mutant. */
export function mutate(bytes: Uint8Array, seed: number, { kinds = mutations, from = 0 }: MutationOptions = {}): Mutant {
  const random = seededRandom(Math.imul(seed + 1, 0x9e3779b1));
  const below = (n: number): number => Math.floor(random() * n);
  const kind = kinds[below(kinds.length)]!;
  const at = from + below(Math.max(1, bytes.length - from));
  const length = Math.min(1 + below(64), bytes.length - at);
  const [before, part, after] = [bytes.subarray(0, at), bytes.subarray(at, at + length), bytes.subarray(at + length)];
  const made: Record<MutationKind, () => Uint8Array> = {
    flip: () => concat([before, Uint8Array.of(part[0]! ^ (1 << below(8))), bytes.subarray(at + 1)]),
    byte: () => concat([before, Uint8Array.of(below(256)), bytes.subarray(at + 1)]),
    zeros: () => concat([before, new Uint8Array(length), after]),
    cut: () => before.slice(),
    remove: () => concat([before, after]),
    insert: () => concat([before, Uint8Array.from({ length }, () => below(256)), part, after]),
    swap: () => concat([before, after.subarray(0, length), part, after.subarray(length)]),
    repeat: () => concat([before, part, part, after]),
    number: () =>
      withOddNumber(bytes, from, below) ?? concat([before, Uint8Array.of(below(256)), bytes.subarray(at + 1)]),
  };
  return { bytes: made[kind](), kind, what: `${kind} at byte ${at}` };
}

/**
 * Puts an odd number in the place of one that stands in the text; `undefined` where there is none in the first 64 KiB.
 */
function withOddNumber(bytes: Uint8Array, from: number, below: (n: number) => number): Uint8Array | undefined {
  const text = String.fromCharCode(...bytes.subarray(from, from + 65_536));
  const found = [...text.matchAll(/(?<=[[,:] ?)-?\d+(?:\.\d+)?/g)];
  if (found.length === 0) return undefined;
  const { index, 0: digits } = found[below(found.length)]!;
  const odd = new TextEncoder().encode(oddNumbers[below(oddNumbers.length)]);
  return concat([bytes.subarray(0, from + index), odd, bytes.subarray(from + index + digits.length)]);
}

/** Counts of outcomes, and the mutants that should not be. */
export interface MutationReport {
  readonly mutants: number;
  readonly refused: number;
  readonly same: number;
  readonly other: number;
  /** Errors that are no `DeepEarthError`, a line each. */
  readonly faults: readonly string[];
  /** Mutants that were read with other values, a line each. */
  readonly others: readonly string[];
}

/**
 * Reads `count` mutants of a file and compares what is read with what the undamaged file holds. `read` returns the
 * values as text or bytes; `isReported` says which errors are reported to users (`(e) => e instanceof DeepEarthError`).
 */
export async function tryMutants(
  bytes: Uint8Array,
  read: (bytes: Uint8Array) => Promise<string | Uint8Array>,
  isReported: (error: unknown) => boolean,
  { count = 200, seed = 1, ...options }: MutationOptions & { readonly count?: number; readonly seed?: number } = {},
): Promise<MutationReport> {
  const plain = (value: string | Uint8Array): string => (typeof value === 'string' ? value : sha256(value));
  const good = plain(await read(bytes));
  const tally = { refused: 0, same: 0, other: 0 };
  const faults: string[] = [];
  const others: string[] = [];
  for (let number = 0; number < count; number++) {
    const mutant = mutate(bytes, seed * 1_000_003 + number, options);
    try {
      const same = plain(await read(mutant.bytes)) === good;
      tally[same ? 'same' : 'other']++;
      if (!same) others.push(`mutant ${number}: ${mutant.what}`);
    } catch (error) {
      if (isReported(error)) tally.refused++;
      else faults.push(`mutant ${number}: ${mutant.what}: ${error instanceof Error ? error.stack : String(error)}`);
    }
  }
  return { mutants: count, ...tally, faults, others };
}
