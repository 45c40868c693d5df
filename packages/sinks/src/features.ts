// Writes tokens, embeddings and projections to files that other programs can load.

import {
  axisSize,
  defineSink,
  itemFile,
  itemBytes,
  pathIn,
  refuse,
  spec,
  toFloat16,
  toFloat32,
  type Artifact,
  type ArtifactAbout,
  type Embedding,
  type Projection,
  type Refusal,
  type StageContext,
  type Tensor,
  type TokenGrid,
  outputFolder,
  outputPath,
} from '@deepearth/core';
import { lazyFrom } from '@deepearth/formats/lazy-tensor';
import type { PtWritable } from '@deepearth/formats/pt-pickle-writer';
import { scaledHalf } from '@deepearth/formats/scaled-half';
import { z } from 'zod';
import { featureContent, type FeatureFormat, type FileValues } from './feature-content.ts';
import type { OwnMetadata } from './python-layout.ts';

/** Options of `sink/features`. */
export const featuresOptions = z.strictObject({
  format: z
    .enum(['safetensors', 'pt', 'npz', 'npy'])
    .default('safetensors')
    .describe(
      'safetensors keeps everything and is what a resumed run reads; pt is for PyTorch, in the layout of the Python extractor; npz holds the tensors alone (the mask too), npy the numbers.',
    ),
  dtype: z
    .enum(['same', 'float32', 'float16', 'int8'])
    .default('same')
    .describe(
      'Type of the numbers in the file. float16 halves the file and rounds to about three digits; int8 takes a quarter, rounds each token to 127 steps of its largest number, and keeps what a step is beside it (`features.scale`). Values that a type does not hold (beyond 65504 in float16, unless `scale: auto` divides them; NaN in int8) are an error.',
    ),
  scale: z
    .enum(['none', 'auto'])
    .default('none')
    .describe(
      'With `dtype: float16`: auto divides the numbers of a tensor by a factor where float16 does not hold them, and stores it beside them, so that `features * features["features.scale"]` gives them back; the factor is 1 where they fit.',
    ),
  directory: outputFolder()
    .optional()
    .describe(
      'Folder inside the output folder, "." for that itself. Default: "features" for tokens, "embeddings", or the name of the reducer; the id of the stage where another stage would write the same names.',
    ),
  perFile: z
    .number()
    .int()
    .positive()
    .optional()
    .describe(
      'How many token grids one file holds, with `format: pt`: a dict of `features` and `metadata` by the path of the picture, features_chunk_0000.pt. Default: one, with the names of its frames.',
    ),
  index: z
    .strictObject({
      file: outputPath().describe('Path of the file, below the folder.'),
      startedAt: z.string().optional().describe('A date that is written into it, as `started_at`.'),
    })
    .optional()
    .describe(
      'Writes a JSON file too, at the end: `processed_images`, `last_chunk`, `total_processed`, and under `skipped` what could not be read.',
    ),
  metadata: z
    .record(z.string(), z.unknown())
    .optional()
    .describe('Entries of your own for the metadata of every file: { campaign: north }.'),
  prefix: outputPath()
    .optional()
    .describe('Start of the file names, before "_frames_0000_0015". Default: as `directory`.'),
});

const kinds = ['tokens', 'embedding', 'projection'];
const endings: Readonly<Record<FeatureFormat, readonly [ending: string, mediaType: string]>> = {
  safetensors: ['safetensors', 'application/x-safetensors'],
  pt: ['pt', 'application/x-pytorch'],
  npz: ['npz', 'application/x-npz'],
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
    const problem = chunkProblem(options, input.kind) ?? scaleProblem(options) ?? int8Problem(options);
    if (problem) return problem;
    const all = inputs.map(({ spec: each }) => {
      const bytes = itemBytes(options.dtype === 'same' ? each : { ...each, dtype: options.dtype });
      const last = each.axes.at(-1)?.size ?? 1;
      // A scale of four bytes for each row.
      const scales = options.dtype === 'int8' && bytes !== null ? (4 * bytes) / Math.max(1, last) : 0;
      return bytes === null || each.count === null ? null : ((bytes + scales) * sideShare + headerBytes) * each.count;
    });
    const known = all.every((bytes) => bytes !== null);
    return {
      output: spec('artifact', {}, null, inputs.length > 1 || options.perFile !== undefined ? null : input.count),
      ...(known && { diskBytes: Math.ceil(all.reduce((sum, bytes) => sum + bytes, 0)) }),
      files: {
        option: 'directory',
        paths: inputs.flatMap(({ id, spec: { kind, names = ['<reducer>'] } }) =>
          (kind === 'projection' ? names : [usualName(kind)]).map((name) => ({
            path: pathIn(
              options.directory ?? ownName ?? name,
              options.perFile === undefined
                ? `<sequence>/${options.prefix ?? name}_frames_<first>_<last>.${endings[options.format][0]}`
                : `${options.prefix ?? name}_chunk_<chunk>.pt`,
            ),
            from: id,
          })),
        ),
      },
      ...(axisSize(input, 'channels') === 0 && { notes: ['the files will be empty'] }),
    };
  },

  async *process(items: AsyncIterable<TokenGrid | Embedding | Projection>, context) {
    if (context.options.perFile !== undefined) return yield* writeChunks(items as AsyncIterable<TokenGrid>, context);
    for await (const item of items) {
      const file = await context.attempt(item, () => writeItem(item, context));
      if (file) yield file;
    }
  },
});

/** Why numbers are not divided by a factor. */
function scaleProblem({ scale, dtype, format }: z.output<typeof featuresOptions>): Refusal | undefined {
  if (scale === 'none') return undefined;
  if (dtype !== 'float16')
    return refuse('`scale: auto` is for numbers that are brought to float16.', {
      option: 'scale',
      remedy: 'Give `dtype: float16` too, or leave it out.',
    });
  return format === 'npy'
    ? refuse('a file of npy holds one array, and has no place for its factor.', {
        option: 'scale',
        remedy: 'Give `format: safetensors`, `format: pt` or `format: npz`.',
      })
    : undefined;
}

/** Why numbers cannot be in eight bits. */
const int8Problem = ({ dtype, format }: z.output<typeof featuresOptions>): Refusal | undefined =>
  dtype === 'int8' && format === 'npy'
    ? refuse('a .npy file holds one array, and numbers in eight bits have scales too.', {
        option: 'dtype',
        remedy: 'Give `format: npz`.',
      })
    : undefined;

/** Why files cannot hold several items. */
function chunkProblem({ perFile, index, format }: z.output<typeof featuresOptions>, kind: string): Refusal | undefined {
  if (perFile !== undefined && format !== 'pt')
    return refuse(`a file of ${format} holds one grid, and \`perFile\` asks for more.`, {
      option: 'perFile',
      remedy: 'Give `format: pt`.',
    });
  if (perFile !== undefined && kind !== 'tokens')
    return refuse(`\`perFile\` is for tokens, not for what comes here (${kind}).`, {
      option: 'perFile',
      remedy: 'Leave it out.',
    });
  return index && perFile === undefined
    ? refuse('`index` lists what files of several grids hold.', { option: 'index', remedy: 'Give `perFile` too.' })
    : undefined;
}

type Context = StageContext<z.output<typeof featuresOptions>>;

async function writeItem(
  item: TokenGrid | Embedding | Projection,
  { options, output, key, severalSequences, ownName }: Context,
): Promise<Artifact> {
  const name = item.kind === 'projection' ? item.reducer : usualName(item.kind);
  const [ending, mediaType] = endings[options.format];
  const file = itemFile(options.prefix ?? name, item, severalSequences);
  const path = pathIn(options.directory ?? ownName ?? name, `${file}.${ending}`);
  const values = await convert(item.values, options, path);
  return output.write(
    {
      path,
      mediaType,
      key: key(item.key),
      ...(isWhole(item, values, options.format) && { holds: item.key }),
      about: aboutOf(item, values),
    },
    await featureContent(item, values, options.format, options.metadata as OwnMetadata | undefined),
  );
}

/** Only a file without any loss may replace the item when a run is resumed. */
const isWhole = (item: TokenGrid | Embedding | Projection, { tensor }: FileValues, format: FeatureFormat): boolean =>
  item.kind === 'tokens' && (format === 'safetensors' || format === 'pt') && tensor.dtype === item.values.dtype;

/** Writes files of `perFile` grids each, one grid in memory at a time, and the list of all of them. */
async function* writeChunks(tokens: AsyncIterable<TokenGrid>, context: Context): AsyncGenerator<Artifact> {
  const { options, output, key, ownName, signal } = context;
  const [{ writePtDict }, { imageForPython }] = await Promise.all([
    import('@deepearth/formats/pt-writer'),
    import('./python-layout.ts'),
  ]);
  const folder = options.directory ?? ownName ?? usualName('tokens');
  const chunkPath = (chunk: number): string =>
    pathIn(folder, `${options.prefix ?? usualName('tokens')}_chunk_${String(chunk).padStart(4, '0')}.pt`);
  const all: string[] = [];
  const keys: string[] = [];
  const waiting = tokens[Symbol.asyncIterator]();
  let next = await waiting.next();
  let chunk = 0;
  try {
    for (; !next.done; chunk++) {
      const path = chunkPath(chunk);
      const names = new Set<string>();
      const held: TokenGrid['key'][] = [];
      let whole = true;
      let about: ArtifactAbout | undefined;
      const entries = async function* (): AsyncGenerator<readonly [string, PtWritable]> {
        for (let count = 0; count < options.perFile! && !next.done; count++, next = await waiting.next()) {
          signal.throwIfAborted();
          const item = next.value as TokenGrid;
          const values = await convert(item.values, options, item.id);
          const uri = pictureOf(item);
          const name = uri === undefined || names.has(uri) ? item.id : uri;
          names.add(name);
          held.push(item.key);
          whole &&= isWhole(item, values, options.format);
          about ??= aboutOf(item, values);
          yield [name, imageForPython(item, values, options.metadata as OwnMetadata | undefined)];
        }
      };
      const file = await output.writer({ path, mediaType: endings.pt[1] });
      try {
        for await (const piece of writePtDict(entries())) await file.append(piece);
        const { kind, sequence, axes, dtype } = about!;
        keys.push(key(held));
        yield await file.commit({
          key: keys.at(-1)!,
          ...(whole && { holds: held }),
          about: { kind, ...(sequence !== undefined && { sequence }), axes: axes!, dtype: dtype!, items: [...names] },
        });
        all.push(...names);
      } finally {
        await file.discard();
      }
    }
  } finally {
    await waiting.return?.();
  }
  const { index } = options;
  if (!index || chunk === 0) return;
  const { skipped } = context.manifest();
  const content = {
    processed_images: all,
    last_chunk: chunk - 1,
    total_processed: all.length,
    ...(index.startedAt !== undefined && { started_at: index.startedAt }),
    skipped: skipped.map(({ item, message }) => ({ item, message })),
  };
  yield await output.write(
    {
      path: pathIn(folder, index.file),
      mediaType: 'application/json',
      key: key('index', keys),
      about: { kind: 'artifact' },
    },
    new TextEncoder().encode(`${JSON.stringify(content, null, 2)}\n`),
  );
}

/** The path of the one picture that a grid was made of. */
function pictureOf({ clip }: TokenGrid): string | undefined {
  const uris = new Set(clip?.frames.map(({ locator }) => locator.uri));
  return uris.size === 1 ? [...uris][0] : undefined;
}

function aboutOf(item: TokenGrid | Embedding | Projection, { tensor: { shape, dtype } }: FileValues): ArtifactAbout {
  const { kind, axes, clip } = item;
  return {
    kind,
    ...(clip && { sequence: clip.sequence, clip: clip.id, frames: clip.frames.map(({ number }) => number) }),
    ...(item.kind === 'projection' && { reducer: item.reducer }),
    axes: Object.fromEntries(axes.map((name, index) => [name, shape[index]!])),
    dtype,
  };
}

async function convert(
  values: Tensor<'float32' | 'float16'>,
  { dtype, scale: factor, format }: z.output<typeof featuresOptions>,
  path: string,
): Promise<FileValues> {
  if (dtype === 'same' || dtype === values.dtype) return { tensor: values };
  if (dtype === 'float32') return { tensor: toFloat32(values) };
  if (dtype === 'float16' && factor === 'auto') {
    const { values: half, scale } = scaledHalf(values as Tensor<'float32'>);
    return { tensor: half, scale };
  }
  if (dtype === 'float16') {
    const remedy =
      format === 'npy'
        ? 'Give `dtype: float32`, or leave it out.'
        : 'Give `scale: auto`, which stores a factor beside the numbers, or `dtype: float32`.';
    return { tensor: toFloat16(values as Tensor<'float32'>, path, { remedy }) };
  }
  const { quantizedRows } = await import('@deepearth/formats/int8');
  const { values: numbers, scale } = quantizedRows(lazyFrom(values), { file: path, name: 'values' });
  return { tensor: await numbers.read(), scale: await scale.read() };
}
