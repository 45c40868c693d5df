// PCA as one definition: for the stage, for `deepearth reduce`, and in parts.

import { InputError } from '@deepearth/core/errors';
import { tensor, type Tensor } from '@deepearth/core/tensor';
import { z } from 'zod';
import type { Json } from '../models/model.ts';
import type { Packed, SavableReduction } from '../run/reduction.ts';
import { blockRows, type BlockProducts, type Moments } from './moments.ts';
import type { PcaCollector, PcaContent } from './pca-part.ts';
import { levelsOf, type Piece } from './pieces.ts';
import type { RowSizes } from './row-sizes.ts';

const options = z.strictObject({
  components: z
    .number()
    .int()
    .min(1)
    .default(3)
    .describe('How many components to keep: 3 make a colour, 1 goes through a colour map.'),
  whiten: z.boolean().default(false).describe('Divides each component by its standard deviation.'),
  engine: z
    .enum(['auto', 'onnx', 'javascript', 'ml-pca'])
    .default('auto')
    .describe(
      'Who multiplies: ONNX Runtime in a worker or typed arrays; ml-pca is a cross-check that holds all tokens in memory.',
    ),
});
type PcaReductionOptions = z.output<typeof options>;

export const pcaReduction: SavableReduction<PcaReductionOptions, PcaContent> = {
  name: 'pca',
  options,
  components: ({ components }) => components,
  // Sums in float64, one of each level; two matrices more while they are solved; the Krylov basis, and blocks of
  // tokens.
  estimate: ({ count, channels }, { engine }) =>
    channels * channels * 8 * (2 + levelsOf(count ?? 0, channels)) +
    channels * 128 * 8 +
    3 * blockRows(channels) * channels * 4 +
    (engine === 'ml-pca' ? (count ?? 0) * channels * 16 : 0),
  settings: ({ engine }) => ({ engine }),
  partial({ channels, from }, { engine }, running) {
    let collector: PcaCollector | undefined;
    const opened = async (): Promise<PcaCollector> =>
      (collector ??= (await import('./pca-part.ts')).pcaCollector({ channels, from, engine, ...running }));
    return {
      see: async ({ rows, valid }) => (await opened()).add(rows, valid),
      finish: async () => (await opened()).finish(),
      close: async () => collector?.close(),
    };
  },
  async merge(parts, { engine }, running) {
    const { mergePca } = await import('./pca-part.ts');
    return mergePca(
      parts.map(({ content }) => content),
      parts[0]!.channels,
      engine,
      running,
    );
  },
  async fit({ channels, count, content }, { components, whiten, engine }, running) {
    const { fitPca } = await import('./pca.ts');
    return fitPca(content, { channels, components, whiten, engine, count }, running);
  },
  pack: async (content) => packPieces(content),
  unpack: unpackPieces,
  inverts: true,
  sizes: (shape) => [shape('components')[1], shape('components')[0]],
  restore: async (state, subject) => (await import('./pca.ts')).restorePca(state, subject),
};

type Values = Float32Array<ArrayBuffer> | Float64Array<ArrayBuffer>;
const floats = (shape: readonly number[], values: Values): Tensor =>
  values instanceof Float32Array ? tensor('float32', shape, values) : tensor('float64', shape, values);

function packPieces({ precision, pieces, sizes }: PcaContent): Packed {
  const tensors: Record<string, Tensor> = {};
  const list = pieces.map((piece, number): Json => {
    const put = (name: string, values: Values): void => {
      tensors[`${number}.${name}`] = floats([values.length], values);
    };
    if (piece.kind === 'rows') {
      put('rows', piece.rows as Values);
      return { kind: 'rows', from: piece.from, to: piece.to };
    }
    if (piece.kind === 'sum') {
      const { count, mean, scatter, channels } = piece.moments;
      put('mean', mean as Values);
      put('scatter', triangle(scatter, channels));
      return { kind: 'sum', level: piece.level, index: piece.index, children: piece.children, count };
    }
    const { products, index } = piece;
    if (!products) return { kind: 'block', index };
    put('centre', products.centre);
    put('sums', products.sums);
    for (const { first, values } of products.bands) put(`band.${first}`, values);
    return { kind: 'block', index, rows: products.rows, bands: products.bands.map(({ first }) => first) };
  });
  const { counts, ...largest } = sizes ?? {};
  return {
    tensors,
    metadata: { precision, pieces: list, ...(counts && { sizes: { counts: { ...counts }, ...largest } as Json }) },
  };
}

type Listed = Readonly<{ kind: string; from: number; to: number; index: number; level: number; children: number }> &
  Readonly<{ count: number; rows?: number; bands: readonly number[] }>;

function unpackPieces({ tensors, metadata }: Packed, channels: number, subject: string): PcaContent {
  const precision = metadata['precision'];
  const list = metadata['pieces'] as unknown as readonly Listed[] | undefined;
  if ((precision !== 'float32' && precision !== 'float64') || !Array.isArray(list)) throw notWhole(subject);
  const pieces = (list as readonly Listed[]).map((listed, number): Piece => {
    const get = <T extends Values = Values>(name: string, length?: number): T => {
      const found = tensors[`${number}.${name}`]?.data;
      if (
        !(found instanceof Float32Array || found instanceof Float64Array) ||
        (length ?? found.length) !== found.length
      )
        throw notWhole(subject);
      return found as T;
    };
    const { kind, from, to, index, level, children, count, rows, bands } = listed;
    if (kind === 'rows') return { kind, from, to, rows: get('rows') };
    if (kind === 'sum') {
      const scatter = square(get('scatter', (channels * (channels + 1)) / 2), channels);
      const moments: Moments = { count, channels, mean: get<Float64Array<ArrayBuffer>>('mean', channels), scatter };
      return { kind, level, index, children, moments };
    }
    if (kind !== 'block') throw notWhole(subject);
    if (rows === undefined) return { kind, index };
    const products: BlockProducts = {
      rows,
      centre: get('centre', channels),
      sums: get('sums', channels),
      bands: bands.map((first) => ({ first, values: get(`band.${first}`) })),
    };
    return { kind, index, products };
  });
  const sizes = metadata['sizes'];
  return { precision, pieces, ...(isSizes(sizes) && { sizes }) };
}

/** Parts that were made before have none. */
const isSizes = (value: unknown): value is RowSizes => {
  const { counts, largest, token } = (value ?? {}) as Partial<RowSizes>;
  return (
    typeof counts === 'object' &&
    Object.entries(counts).every(([exponent, count]) => /^-?\d+$/.test(exponent) && Number.isSafeInteger(count)) &&
    typeof largest === 'number' &&
    Number.isSafeInteger(token)
  );
};

const notWhole = (subject: string): InputError =>
  new InputError(subject, 'is no whole part of a PCA.', { code: 'E_PART_FILE' });

/** The upper triangle of a symmetric matrix, row by row. */
function triangle(matrix: Float64Array, size: number): Float64Array<ArrayBuffer> {
  const out = new Float64Array((size * (size + 1)) / 2);
  for (let i = 0, at = 0; i < size; at += size - i, i++) out.set(matrix.subarray(i * size + i, (i + 1) * size), at);
  return out;
}

/** The other way round; zeros below the diagonal. */
function square(packed: Values, size: number): Float64Array<ArrayBuffer> {
  const out = new Float64Array(size * size);
  for (let i = 0, at = 0; i < size; at += size - i, i++) out.set(packed.subarray(at, at + size - i), i * size + i);
  return out;
}
