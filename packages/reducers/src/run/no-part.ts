// For reductions that need to know nothing of the tokens before they reduce them.

import type { Reduction } from './reduction.ts';

/** Parts that hold nothing but their range. */
export const noPart = {
  settings: () => ({}),
  partial: () => ({ see: async () => undefined, finish: async () => null, close: async () => undefined }),
  merge: async () => null,
  pack: async () => ({ tensors: {}, metadata: {} }),
  unpack: () => null,
} satisfies Partial<Reduction<never, null>>;
