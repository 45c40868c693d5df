// Reads the tokens of a bundle of the explorer, for runs that have no other; for `deepearth label` alone.

import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { InputError } from '@deepearth/core/errors';
import type { Clip, EncoderIdentity, Frame, TokenGrid } from '@deepearth/core/items';
import { lineage } from '@deepearth/core/lineage';
import { clipId } from '@deepearth/core/names';
import { spec } from '@deepearth/core/specs';
import { defineSource } from '@deepearth/core/stage';
import { tensor } from '@deepearth/core/tensor';
import { tokensPath, type BundleClip, type BundleIndex, type TokenCode } from '@deepearth/sinks/explorer/bundle-index';
import { z } from 'zod';

/**
 * A source of the decoded tokens of a bundle, `[time, height, width, components]`, at the length that their code gives
 * them.
 */
export const bundleTokens = defineSource({
  type: 'bundle-tokens',
  summary: 'Reads the tokens of a bundle that `sink/explorer` wrote.',
  options: z.strictObject({ bundle: z.string().describe('The folder with `index.json`.') }),
  examples: [],
  describe: () => ({
    output: {
      ...spec('tokens', { time: null, height: null, width: null, channels: null }, 'float32'),
      sequences: null,
    },
  }),
  async *process(_, { options: { bundle }, severalSequences, signal }): AsyncGenerator<TokenGrid> {
    const index = await readIndex(bundle);
    const counts = new Map<number, number>();
    let chunk: { readonly index: number; readonly bytes: Int8Array } | undefined;
    for (const clip of index.clips) {
      signal.throwIfAborted();
      if (chunk?.index !== clip.chunk) {
        const bytes = await readFile(join(bundle, tokensPath(clip.chunk)));
        chunk = { index: clip.chunk, bytes: new Int8Array(bytes.buffer, bytes.byteOffset, bytes.length) };
      }
      const number = counts.get(clip.sequence) ?? 0;
      counts.set(clip.sequence, number + 1);
      yield gridOf(index, clip, number, chunk.bytes, severalSequences);
    }
  },
});

/** Throws an `InputError` where there is none that this version knows. */
export async function readIndex(bundle: string): Promise<BundleIndex> {
  const path = join(bundle, 'index.json');
  const index = JSON.parse(await readFile(path, 'utf8')) as BundleIndex;
  if (index.format !== 1)
    throw new InputError(path, `is of format ${String(index.format)}, which this version does not know.`, {
      code: 'E_BUNDLE',
      remedy: 'Update deepearth.',
    });
  return index;
}

function gridOf(index: BundleIndex, clip: BundleClip, number: number, chunk: Int8Array, several: boolean): TokenGrid {
  const { code, encoder, sequences } = index;
  const tokens = clip.grid[0] * clip.grid[1] * clip.grid[2];
  const coded = chunk.subarray(clip.offset * code.bytes, (clip.offset + tokens) * code.bytes);
  const { name } = sequences[clip.sequence]!;
  const id = clipId(name, number, several);
  const frames = clip.frames.map((position) => frameOf(index, clip, position));
  const key = lineage('token of a bundle', encoder.fingerprint, id, String(clip.offset), index.name);
  const made: Clip = { kind: 'clip', id, key, sequence: name, index: number, frames, padded: 0 };
  return {
    kind: 'tokens',
    id,
    key,
    axes: ['time', 'height', 'width', 'channels'],
    origin: { kind: 'picture', geometry: clip.geometry },
    clip: made,
    encoder: encoder as EncoderIdentity,
    ...decoded(code, coded, clip.grid),
  };
}

function decoded(
  { bytes, components, scales }: TokenCode,
  coded: Int8Array,
  grid: BundleClip['grid'],
): Pick<TokenGrid, 'values' | 'valid'> {
  const tokens = coded.length / bytes;
  const data = new Float32Array(tokens * components);
  const valid = new Uint8Array(tokens);
  for (let token = 0; token < tokens; token++)
    for (let i = 0; i < bytes; i++) {
      const byte = coded[token * bytes + i]!;
      if (byte !== 0) valid[token] = 255;
      data[token * components + (i < components ? i : i - components)]! += byte * scales[i]!;
    }
  return { values: tensor('float32', [...grid, components], data), ...(valid.includes(0) && { valid }) };
}

function frameOf({ sequences, places }: BundleIndex, clip: BundleClip, position: number): Frame {
  const { name, numbers, frame, at, seconds } = sequences[clip.sequence]!;
  const number = numbers[position]!;
  const instant = at?.[position] ?? undefined;
  const second = seconds?.[position] ?? undefined;
  const place = clip.place === undefined ? undefined : places?.all[clip.place];
  const uri = `${name}/${number}`;
  return {
    kind: 'frame',
    id: uri,
    key: lineage('frame of a bundle', uri),
    sequence: name,
    number,
    ...frame,
    ...(instant !== undefined && { at: instant }),
    ...(second !== undefined && { seconds: second }),
    ...(place &&
      ('system' in place
        ? { georeference: { crs: places!.systems[place.system]!, transform: place.transform } }
        : { position: place })),
    locator: { source: 'bundle-tokens', uri },
    read: () => {
      throw new InputError(uri, 'a bundle has no pixels of its frames.');
    },
  };
}
