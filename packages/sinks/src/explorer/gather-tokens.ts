// Takes all tokens of a stream, before it is known how they are coded.

import {
  halfFromFloat32,
  halfTable,
  InputError,
  lineage,
  type Artifact,
  type EncoderIdentity,
  type TokenGrid,
} from '@deepearth/core';
import type { BundleClip } from './bundle-index.ts';
import type { ExplorerContext, Write } from './options.ts';
import { rowSample, type RowSample } from './row-sample.ts';
import { sequenceTable, type SequenceTable } from './sequence-table.ts';
import { unitRows } from './unit-rows.ts';
import { writePictures } from './write-pictures.ts';

/** Tokens that a code is fitted to. */
export const sampleRows = 4096;

/** Where the tokens of a grid wait. */
export interface WaitingGrid {
  readonly clip: Omit<BundleClip, 'chunk' | 'offset'>;
  readonly tokens: number;
  readonly offset: number;
}

/** All tokens of a run. */
export interface Gathered {
  readonly sample: RowSample;
  readonly channels: number;
  readonly encoder: EncoderIdentity;
  readonly sequences: SequenceTable;
  /** By the id of the tokens. */
  readonly grids: ReadonlyMap<string, WaitingGrid>;
  readonly masked: number;
  /** What all of it was made of. */
  readonly key: string;
  readonly read: (grid: WaitingGrid) => Promise<Float32Array>;
}

/** Takes all tokens: keeps them aside at length 1, samples them, and writes the pictures of their frames. */
export async function* gather(
  items: AsyncIterable<TokenGrid>,
  context: ExplorerContext,
  write: Write,
): AsyncGenerator<Artifact, Gathered | undefined> {
  const { options, signal } = context;
  const scratch = await context.scratch('tokens');
  const sequences = sequenceTable(options.pictureEdge);
  const grids = new Map<string, WaitingGrid>();
  let sample: RowSample | undefined;
  let encoder: EncoderIdentity | undefined;
  let channels = 0;
  let masked = 0;
  let key = '';

  for await (const item of items) {
    signal.throwIfAborted();
    const unit = await context.attempt(item, () => {
      const made = unitRows(item);
      if (encoder && encoder.fingerprint !== item.encoder.fingerprint)
        throw new InputError(item.id, `was made by ${item.encoder.name}, and tokens before it by ${encoder.name}.`, {
          code: 'E_ENCODER',
          remedy: 'Give each encoder a sink/explorer of its own.',
        });
      if (encoder && channels !== made.channels)
        throw new InputError(item.id, `its tokens have ${made.channels} channels, and those before it ${channels}.`, {
          code: 'E_ENCODER',
          remedy: 'Give each encoder a sink/explorer of its own.',
        });
      return made;
    });
    if (!unit) continue;
    encoder ??= item.encoder;
    channels = unit.channels;
    sample ??= rowSample(channels, sampleRows);
    masked += unit.masked;
    for (let from = 0; from < unit.rows.length; from += channels) {
      const row = unit.rows.subarray(from, from + channels);
      if (row.some((value) => value !== 0)) sample.see(row);
    }
    const bits = halfFromFloat32(unit.rows);
    const offset = await scratch.append(new Uint8Array(bits.buffer, bits.byteOffset, bits.byteLength));
    const { news, ...placed } = sequences.add(item, unit.grid);
    grids.set(item.id, { clip: { ...placed, grid: unit.grid }, tokens: unit.rows.length / channels, offset });
    key = lineage(key, item.key);
    yield* writePictures(news, sequences, context, write);
  }
  if (!encoder || !sample) return undefined;
  const table = halfTable();
  return {
    sample,
    channels,
    encoder,
    sequences,
    grids,
    masked,
    key,
    async read({ tokens, offset }) {
      const bytes = await scratch.read(offset, tokens * channels * 2);
      const bits = new Uint16Array(bytes.slice().buffer);
      return Float32Array.from(bits, (value) => table[value]!);
    },
  };
}
