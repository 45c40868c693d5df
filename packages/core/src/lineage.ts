// Digests that say what an item's content depends on.

import { sha256 } from './sha256.ts';

/** JSON with sorted keys, so that the same value always has the same text. */
export function canonicalJson(value: unknown): string {
  return JSON.stringify(value, (_, inner: unknown) =>
    inner !== null && typeof inner === 'object' && !Array.isArray(inner) && !ArrayBuffer.isView(inner)
      ? Object.fromEntries(Object.entries(inner).sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0)))
      : inner,
  );
}

const encoder = new TextEncoder();

/** A 32-digit hex digest (128 bits of SHA-256) of values that go through canonical JSON. */
export const lineage = (...parts: readonly unknown[]): string => lineageOf(parts);

/** The same of values in a list: of so many arguments as a long run has keys, a call would fail. */
export const lineageOf = (parts: readonly unknown[]): string =>
  sha256(encoder.encode(canonicalJson(parts))).slice(0, 32);
