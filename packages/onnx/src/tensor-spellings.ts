// What a stored tensor is, by its name.

import type { Meaning } from './family.ts';

/** How the checkpoints of one family spell the names of their tensors. */
export interface Spellings {
  /** Tensors that belong to a checkpoint and are not needed. */
  readonly besides: RegExp;
  /** Tensors of what stands on top of the encoder. */
  readonly head: RegExp;
  /** Weights of the encoder: a pattern for each spelling, and the project's name or names for what it matches. */
  readonly encoder: readonly (readonly [
    pattern: RegExp,
    name: (match: RegExpExecArray) => string | readonly string[],
  ])[];
}

/**
 * Returns what a tensor is by its name without anything before it; `undefined` for what does not belong to such a
 * checkpoint.
 */
export const meaningBy =
  ({ besides, head, encoder }: Spellings) =>
  (name: string): Meaning | undefined => {
    if (besides.test(name)) return 'besides';
    if (head.test(name)) return { head: name };
    for (const [pattern, known] of encoder) {
      const match = pattern.exec(name);
      if (match) return { encoder: [known(match)].flat() };
    }
    return undefined;
  };
