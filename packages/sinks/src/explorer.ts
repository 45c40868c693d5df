// Writes what a page needs to look into tokens: small tokens, pictures of frames, projections, an index.

import {
  axesKnown,
  axisSize,
  defineSink,
  folderOf,
  frameBytes,
  pathIn,
  refuse,
  spec,
  type Artifact,
  type Projection,
  type TokenGrid,
} from '@deepearth/core';
import {
  directionsPath,
  picturePath,
  tokensPath,
  type BundleIndex,
  type BundleLayer,
} from './explorer/bundle-index.ts';
import { gather, sampleRows } from './explorer/gather-tokens.ts';
import { explorerOptions, usualFolder, writerOf, type ExplorerOptions } from './explorer/options.ts';
import { fitTokenCode } from './explorer/token-code.ts';
import { standInPictures } from './explorer/unit-rows.ts';
import { writeLayer } from './explorer/write-layer.ts';
import { picturesAtOnce } from './explorer/write-pictures.ts';
import { inChunks, writeTokens } from './explorer/write-tokens.ts';

export { explorerOptions };

/** Share of neighbours that `bytesPerToken` is chosen for. */
const enoughOverlap = 0.9;
/** What is not known when tokens are described: the widest encoder there is, and a usual grid. */
const assumed = { channels: 1408, tokens: 4608 };

/** The stage `sink/explorer`. */
export const explorer = defineSink({
  type: 'explorer',
  summary: 'Writes a folder that `deepearth explore` opens: pictures of frames, tokens in few bytes, projections.',
  options: explorerOptions,
  joins: 'separate',
  readsAhead: true,
  examples: [
    '- type: sink/explorer\n  from: tokens',
    '- type: sink/explorer\n  from: [tokens, pca, umap]\n  with: { pictureEdge: 480 }',
  ],

  describe(input, { options, inputs, ownName }) {
    if (input?.kind !== 'tokens')
      return refuse(`sink/explorer takes tokens first, not ${input?.kind ?? 'nothing'}.`, {
        remedy: 'Put an encoder, or source/features, first in `from`.',
      });
    const other = inputs.slice(1).find(({ spec: { kind } }) => kind !== 'projection');
    if (other)
      return refuse(`sink/explorer takes projections beside the tokens, not ${other.spec.kind}.`, {
        remedy: `Leave ${other.id} out of \`from\`.`,
      });
    if (axesKnown(input) && !standInPictures(input.axes.map(({ name }) => name)))
      return refuse(
        `sink/explorer shows tokens of [time, height, width, channels], not of [${input.axes.map(({ name }) => name).join(', ')}].`,
        { remedy: 'Take an encoder of pictures.' },
      );
    const folder = folderOf(options.directory, usualFolder, ownName);
    const channels = axisSize(input, 'channels') ?? assumed.channels;
    const known = ['height', 'width'].map((axis) => axisSize(input, axis));
    const tokens = known.includes(null)
      ? assumed.tokens
      : known.reduce<number>((product, size) => product * size!, axisSize(input, 'time') ?? 1);
    const { frames, count } = input;
    return {
      output: spec('artifact', {}, null),
      // A sample and the products of its channels; a grid as it comes, at length 1 and as a code; frames.
      memoryBytes:
        sampleRows * channels * 4 * 2 +
        channels * channels * 8 +
        tokens * channels * 12 +
        2 * picturesAtOnce * frameBytes(input),
      ...(count !== null &&
        frames?.count != null && {
          // Half precision while the code is not known; then the code, layers and pictures.
          diskBytes: Math.ceil(
            count * tokens * (2 * channels + (options.bytesPerToken ?? 256) + 3 * (inputs.length - 1)) +
              frames.count * pictureBytes(frames, options) +
              65_536 +
              frames.count * 64,
          ),
        }),
      files: {
        option: 'directory',
        paths: ['index.json', directionsPath, tokensPath(0), picturePath(0, 0)].map((path) => ({
          path: pathIn(folder, path),
        })),
      },
    };
  },

  async *process(_, context): AsyncGenerator<Artifact> {
    const folder = folderOf(context.options.directory, usualFolder, context.ownName);
    const [first, ...others] = context.inputs;
    const write = writerOf(folder, context);
    const gathered = yield* gather(first!.items as AsyncIterable<TokenGrid>, context, write);
    if (!gathered) return;
    const { sample, channels, sequences, grids, encoder, masked } = gathered;
    const code = await fitTokenCode(sample.rows, channels, {
      bytes: context.options.bytesPerToken,
      overlap: enoughOverlap,
      signal: context.signal,
    });
    if (code.overlap !== null) context.recordFinding('overlap', code.overlap);
    const { clips, chunks } = inChunks(grids, code.bytes);
    yield* writeTokens(gathered, clips, chunks, code, context, write);
    const layers: BundleLayer[] = [];
    for (const { items } of others) {
      const layer = yield* writeLayer(layers.length, items as AsyncIterable<Projection>, clips, chunks, context, write);
      if (layer) layers.push(layer);
    }
    const { encode: _encode, directions, ...told } = code;
    yield await write(directionsPath, 'application/octet-stream', gathered.key, new Uint8Array(directions.buffer));
    const places = sequences.places();
    const index: BundleIndex = {
      format: 1,
      name: context.manifest().name,
      encoder,
      code: told,
      tokens: chunks.reduce((sum, tokens) => sum + tokens, 0),
      masked,
      sequences: sequences.list(),
      clips: [...clips.values()],
      chunks,
      layers,
      ...(places && { places }),
    };
    // Last, so that a folder with an index is whole.
    yield await write('index.json', 'application/json', gathered.key, new TextEncoder().encode(JSON.stringify(index)));
  },
});

/** Bytes of a picture of noise at a high quality. */
function pictureBytes(
  { width, height }: { readonly width: number | null; readonly height: number | null },
  { pictureEdge }: ExplorerOptions,
) {
  const scale = Math.min(1, pictureEdge / Math.max(width ?? pictureEdge, height ?? pictureEdge));
  return Math.ceil((width ?? pictureEdge) * (height ?? pictureEdge) * scale * scale * 2) + 1024;
}
