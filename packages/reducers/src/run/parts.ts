// Parts of a fit: made of a range of the tokens each, on any machine, merged, and fitted.

import { InputError } from '@deepearth/core/errors';
import type { EncoderIdentity } from '@deepearth/core/items';
import { canonicalJson } from '../models/canonical-json.ts';
import type { GridRows, SeenGrid } from '../tokens/grid-rows.ts';
import type { Collector, Fitted, Part, Reduction, Running, StoredTokens } from './reduction.ts';

/** A collector that counts what it sees. */
export interface PartBuilder {
  /** The same as `see` of a `Collector`. */
  see(tokens: GridRows, grid: SeenGrid): Promise<void>;
  /** Makes the part, once all tokens were seen. */
  finish(stored: StoredTokens): Promise<Part>;
  close(): Promise<void>;
}

/** The place of a part in the whole input. */
export interface PartOrigin {
  readonly channels: number;
  /** The number of the first token over the whole input; 0 by default. */
  readonly from?: number;
  readonly encoder?: EncoderIdentity | undefined;
}

/** Starts a part. `options` are what the reduction's schema parsed. */
export function buildPart<Options, Content>(
  reduction: Reduction<Options, Content>,
  { channels, from = 0, encoder }: PartOrigin,
  options: Options,
  running: Running = {},
): PartBuilder {
  const collector: Collector<Content> = reduction.partial({ channels, from }, options, running);
  let to = from;
  let count = 0;
  return {
    async see(tokens, grid) {
      running.signal?.throwIfAborted();
      const rows = tokens.rows.length / channels;
      await collector.see(tokens, grid);
      to += tokens.valid?.length ?? rows;
      count += rows;
    },
    finish: async (stored) => ({
      reduction: reduction.name,
      channels,
      from,
      to,
      count,
      settings: reduction.settings(options),
      ...(encoder ? { encoder } : {}),
      content: await collector.finish(stored),
    }),
    close: () => collector.close(),
  };
}

const range = ({ from, to }: Part): string => `tokens ${from} to ${to}`;

/**
 * Merges parts, whatever their order. Throws an `InputError` that names the ranges when parts overlap or leave a gap,
 * and for parts of other reductions, options, widths or encoders.
 */
export async function mergeParts<Options, Content>(
  reduction: Reduction<Options, Content>,
  parts: readonly Part[],
  options: Options,
  running: Running = {},
): Promise<Part<Content>> {
  const sorted = [...parts].sort((a, b) => a.from - b.from || a.to - b.to) as Part<Content>[];
  const [first] = sorted;
  if (!first) throw new InputError('parts', 'there are none to merge.', { code: 'E_PARTS' });
  const settings = canonicalJson(reduction.settings(options));
  for (const part of sorted) {
    if (part.reduction !== reduction.name)
      throw refused(part, `are a part of ${part.reduction}, and ${reduction.name} is merged.`);
    if (canonicalJson(part.settings) !== settings)
      throw refused(part, `were seen with ${canonicalJson(part.settings)}, and ${settings} is merged.`);
    if (part.channels !== first.channels)
      throw refused(part, `have ${part.channels} numbers each, ${range(first)} have ${first.channels}.`);
    if (part.encoder && first.encoder && part.encoder.fingerprint !== first.encoder.fingerprint)
      throw refused(
        part,
        `were made by ${part.encoder.name} (${part.encoder.fingerprint}), ${range(first)} by ${first.encoder.name} (${first.encoder.fingerprint}).`,
      );
  }
  for (const [index, part] of sorted.entries()) {
    const before = sorted[index - 1];
    if (before && part.from < before.to) throw refused(part, `overlap with ${range(before)}.`);
    if (before && part.from > before.to)
      throw refused(part, `do not follow ${range(before)}: ${part.from - before.to} tokens between them are missing.`);
  }
  return {
    reduction: reduction.name,
    channels: first.channels,
    from: first.from,
    to: sorted.at(-1)!.to,
    count: sorted.reduce((sum, { count }) => sum + count, 0),
    settings: first.settings,
    ...(first.encoder ? { encoder: first.encoder } : {}),
    content: await reduction.merge(sorted, options, running),
  };
}

/**
 * Fits to a part that is the whole input. Throws an `InputError` when the part does not begin with the first token, or
 * holds none.
 */
export async function fitPart<Options, Content>(
  reduction: Reduction<Options, Content>,
  part: Part<Content>,
  options: Options,
  running: Running = {},
): Promise<Fitted> {
  if (part.from > 0) throw refused(part, `are not the whole input: ${part.from} tokens before them are missing.`);
  if (part.count === 0)
    throw new InputError('tokens', `there are none to fit ${reduction.name} to.`, { code: 'E_NO_TOKENS' });
  return reduction.fit(part, options, running);
}

const refused = (part: Part, problem: string): InputError =>
  new InputError(range(part), problem, { code: 'E_PARTS', remedy: 'Merge parts that lie side by side, of one kind.' });
