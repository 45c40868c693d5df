// Writes tokens, embeddings and projections to files that other programs can load.

import {
  axisSize,
  defineSink,
  itemFile,
  itemBytes,
  refuse,
  spec,
  toFloat16,
  toFloat32,
  type ArtifactAbout,
  type Embedding,
  type Projection,
  type Tensor,
  type TokenGrid,
  outputPath,
} from '@deepearth/core';
import { z } from 'zod';
import { featureContent, type FeatureFormat } from './feature-content.ts';

/** Options of `sink/features`. */
export const featuresOptions = z.strictObject({
  format: z
    .enum(['safetensors', 'pt', 'npy'])
    .default('safetensors')
    .describe(
      'safetensors keeps everything and is what a resumed run reads; pt is for PyTorch, in the layout of the Python extractor; npy holds the numbers alone.',
    ),
  dtype: z
    .enum(['same', 'float32', 'float16'])
    .default('same')
    .describe(
      'Type of the numbers in the file. float16 halves the file and rounds to about three digits; values that it does not hold (beyond 65504) are an error.',
    ),
  directory: outputPath()
    .optional()
    .describe(
      'Folder inside the output folder. Default: "features" for tokens, "embeddings", or the name of the reducer; the id of the stage where another stage would write the same names.',
    ),
  prefix: outputPath()
    .optional()
    .describe('Start of the file names, before "_frames_0000_0015". Default: as `directory`.'),
});

const kinds = ['tokens', 'embedding', 'projection'];
const endings: Readonly<Record<FeatureFormat, readonly [ending: string, mediaType: string]>> = {
  safetensors: ['safetensors', 'application/x-safetensors'],
  pt: ['pt', 'application/x-pytorch'],
  npy: ['npy', 'application/x-npy'],
};

/** What a file holds beside its values: where the frames of its clip came from; and which values are valid. */
const headerBytes = 16_384;
const sideShare = 1.01;

const usualName = (kind: string): string => (kind === 'tokens' ? 'features' : 'embeddings');

/** The stage `sink/features`. */
export const features = defineSink({
  type: 'features',
  summary: 'Writes tokens, embeddings or projections, one file for each clip: features_frames_0000_0015.safetensors.',
  options: featuresOptions,
  joins: 'parallel',
  examples: ['- type: sink/features', '- type: sink/features\n  with: { format: pt, dtype: float16 }'],

  describe(input, { options, inputs, ownName }) {
    const other = inputs.find(({ spec: { kind } }) => !kinds.includes(kind));
    if (!input || !kinds.includes(input.kind) || other)
      return refuse(
        `sink/features takes tokens, embeddings or projections, not ${(other?.spec ?? input)?.kind ?? 'nothing'}.`,
        { remedy: 'Put it behind an encoder, an aggregator or a reducer.' },
      );
    const all = inputs.map(({ spec: each }) => {
      const bytes = itemBytes(options.dtype === 'same' ? each : { ...each, dtype: options.dtype });
      return bytes === null || each.count === null ? null : (bytes * sideShare + headerBytes) * each.count;
    });
    const known = all.every((bytes) => bytes !== null);
    return {
      output: spec('artifact', {}, null, inputs.length > 1 ? null : input.count),
      ...(known && { diskBytes: Math.ceil(all.reduce((sum, bytes) => sum + bytes, 0)) }),
      files: {
        option: 'directory',
        paths: inputs.flatMap(({ id, spec: { kind, names = ['<reducer>'] } }) =>
          (kind === 'projection' ? names : [usualName(kind)]).map((name) => ({
            path: `${options.directory ?? ownName ?? name}/<sequence>/${options.prefix ?? name}_frames_<first>_<last>.${endings[options.format][0]}`,
            from: id,
          })),
        ),
      },
      ...(axisSize(input, 'channels') === 0 && { notes: ['the files will be empty'] }),
    };
  },

  async each(item: TokenGrid | Embedding | Projection, { options, output, key, severalSequences, ownName }) {
    const name = item.kind === 'projection' ? item.reducer : usualName(item.kind);
    const [ending, mediaType] = endings[options.format];
    const file = itemFile(options.prefix ?? name, item, severalSequences);
    const path = `${options.directory ?? ownName ?? name}/${file}.${ending}`;
    const values = convert(item.values, options.dtype, path);
    // Only a file without any loss may replace the item when a run is resumed.
    const whole = item.kind === 'tokens' && options.format === 'safetensors' && values.dtype === item.values.dtype;
    return output.write(
      { path, mediaType, key: key(item.key), ...(whole && { holds: item.key }), about: aboutOf(item, values) },
      await featureContent(item, values, options.format),
    );
  },
});

function aboutOf(item: TokenGrid | Embedding | Projection, { shape, dtype }: Tensor): ArtifactAbout {
  const { kind, axes, clip } = item;
  return {
    kind,
    ...(clip && { sequence: clip.sequence, clip: clip.id, frames: clip.frames.map(({ number }) => number) }),
    ...(item.kind === 'projection' && { reducer: item.reducer }),
    axes: Object.fromEntries(axes.map((name, index) => [name, shape[index]!])),
    dtype,
  };
}

function convert(
  values: Tensor<'float32' | 'float16'>,
  dtype: 'same' | 'float32' | 'float16',
  path: string,
): Tensor<'float32' | 'float16'> {
  if (dtype === 'same' || dtype === values.dtype) return values;
  return dtype === 'float32'
    ? toFloat32(values)
    : toFloat16(values as Tensor<'float32'>, path, { remedy: 'Give `dtype: float32`, or leave it out.' });
}
