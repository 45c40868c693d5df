// A set of names that holds some forty bytes for each, however long they are.

import { sha256 } from './sha256.ts';

/** Names that were added. */
export interface NameSet {
  has(name: string): boolean;
  /** Returns whether it was not there yet. */
  add(name: string): boolean;
}

/** Words of a digest that are kept: two of 10^12 names are the same with a chance below 10^-14. */
const words = 4;

/** Starts empty. It knows names by 128 bits of their SHA-256. */
export function nameSet(): NameSet {
  const encoder = new TextEncoder();
  let slots = 64;
  let table = new Uint32Array(slots * words);
  let count = 0;

  const digestOf = (name: string): Uint32Array => {
    const hex = sha256(encoder.encode(name));
    const digest = Uint32Array.from({ length: words }, (_, i) => parseInt(hex.slice(8 * i, 8 * i + 8), 16));
    // A slot of zeros is free.
    digest[0] ||= 1;
    return digest;
  };

  /** The slot of a digest, or the free one where it belongs. */
  function find(digest: Uint32Array): number {
    for (let slot = digest[0]! % slots; ; slot = (slot + 1) % slots) {
      const at = slot * words;
      if (table[at] === 0 || digest.every((word, i) => table[at + i] === word)) return at;
    }
  }

  function grow(): void {
    const former = table;
    slots *= 2;
    table = new Uint32Array(slots * words);
    for (let at = 0; at < former.length; at += words)
      if (former[at] !== 0) {
        const digest = former.subarray(at, at + words);
        table.set(digest, find(digest));
      }
  }

  return {
    has: (name) => table[find(digestOf(name))] !== 0,
    add(name) {
      const digest = digestOf(name);
      const at = find(digest);
      if (table[at] !== 0) return false;
      table.set(digest, at);
      if (++count > slots * 0.7) grow();
      return true;
    },
  };
}
