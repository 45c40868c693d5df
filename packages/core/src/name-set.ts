// A set of names that holds some ten to twenty bytes for each, however long they are.

import { sha256 } from './sha256.ts';

/** Names that were added. */
export interface NameSet {
  has(name: string): boolean;
  /** Returns whether it was not there yet. */
  add(name: string): boolean;
}

/** How full the table may be, and how much larger the next one is: it is nearly all that a long run keeps of a file. */
const mostFull = 0.8;
const growth = 1.5;

/**
 * Starts empty. It knows names by so many words of 32 bits of their SHA-256. Two of ten million names are the same with
 * a chance below 10^-15 with three words, and below 10^-5 with two.
 */
export function nameSet(words = 3): NameSet {
  const encoder = new TextEncoder();
  let slots = 64;
  let table = new Uint32Array(slots * words);
  let count = 0;
  /** Of the name that is looked for. */
  const digest = new Uint32Array(words);

  function look(name: string): number {
    const hex = sha256(encoder.encode(name));
    for (let i = 0; i < words; i++) digest[i] = parseInt(hex.slice(8 * i, 8 * i + 8), 16);
    // A slot of zeros is free.
    digest[0] ||= 1;
    return place(digest, 0);
  }

  /** The slot of the digest at `from`, or the free one where it belongs. */
  function place(digests: Uint32Array, from: number): number {
    for (let slot = digests[from]! % slots; ; slot = (slot + 1) % slots) {
      const at = slot * words;
      if (table[at] === 0) return at;
      let same = 0;
      while (same < words && table[at + same] === digests[from + same]) same++;
      if (same === words) return at;
    }
  }

  function put(digests: Uint32Array, from: number, at: number): void {
    for (let i = 0; i < words; i++) table[at + i] = digests[from + i]!;
  }

  function grow(): void {
    const former = table;
    slots = Math.floor(slots * growth);
    table = new Uint32Array(slots * words);
    for (let at = 0; at < former.length; at += words) if (former[at] !== 0) put(former, at, place(former, at));
  }

  return {
    has: (name) => table[look(name)] !== 0,
    add(name) {
      const at = look(name);
      if (table[at] !== 0) return false;
      put(digest, 0, at);
      if (++count > slots * mostFull) grow();
      return true;
    },
  };
}
