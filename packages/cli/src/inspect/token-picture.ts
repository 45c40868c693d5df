// A picture of the tokens in a file: their first three principal components as red, green and blue, a tile for each
// step of time and a row for each grid.

import { InputError } from '@deepearth/core/errors';
import type { Projection } from '@deepearth/core/items';
import { lineage } from '@deepearth/core/lineage';
import { tensor, type Tensor } from '@deepearth/core/tensor';
import { toFloat32 } from '@deepearth/core/half';
import type { ByteSource } from '@deepearth/formats/bytes';
import { defaultScaling, findLimits } from '@deepearth/reducers/limits';
import { pca } from '@deepearth/reducers/pca';
import { drawTokens, tokensOptions } from '@deepearth/renderers/tokens';
import { gridsOf } from '@deepearth/sources/feature-files';
import type { StoredGrid } from '@deepearth/sources/stored-grid';

/** How many grids of a file are drawn, evenly spread over it. */
const mostGrids = 16;
/** About how large a tile is, and how far tiles are apart, in pixels. */
const tilePixels = 192;
const gapPixels = 4;
const placed = ['height', 'width', 'channels'];

/** The picture, and what it shows. */
export interface TokenPicture {
  /** `[height, width, 3]`. */
  readonly pixels: Tensor<'uint8'>;
  /** Grids that are drawn, and that the file holds. */
  readonly drawn: number;
  readonly held: number;
  readonly steps: number;
  /** The share of the variance of each component. */
  readonly explained: readonly number[];
}

/**
 * Draws the grids of a token file: one fit and one colour scale for all of them. Tokens that saw no data or hold NaN
 * are black. Throws an `InputError` for a file without grids of height and width.
 */
export async function tokenPicture(source: ByteSource, signal: AbortSignal): Promise<TokenPicture> {
  const all = await gridsOf(source, { path: source.name, sequence: 'frames' }, signal);
  const held = all.filter(({ axes }) => axes.slice(-3).join() === placed.join() && axes.length <= 4);
  const [first] = held;
  if (!first)
    throw new InputError(
      source.name,
      'holds no grid of tokens with height and width, of which a picture could be drawn.',
      {
        code: 'E_TOKEN_FILE',
        remedy: 'Leave --picture out, or name a file that sink/features or the Python scripts wrote.',
      },
    );
  const channels = first.shape.at(-1)!;
  const other = held.find(({ shape }) => shape.at(-1) !== channels);
  if (other)
    throw new InputError(
      source.name,
      `its grids have ${channels} and ${other.shape.at(-1)!} channels, which no single fit can take.`,
      {
        code: 'E_TOKEN_FILE',
      },
    );
  const count = Math.min(mostGrids, held.length);
  const chosen = Array.from({ length: count }, (_, i) => held[Math.floor((i * held.length) / count)]!);
  const grids: (readonly [StoredGrid, Rows])[] = [];
  for (const grid of chosen) grids.push([grid, await rowsOf(grid, signal)]);
  const components = Math.min(3, channels);
  const known = grids.reduce((sum, [, { tokens }]) => sum + tokens.length, 0);
  if (known === 0) throw new InputError(source.name, 'none of its tokens holds numbers.', { code: 'E_NO_TOKENS' });
  const model = await pca(
    (function* () {
      for (const [, { values }] of grids) yield values;
    })(),
    { channels, components, total: known, signal },
  );
  const projected: Float32Array[] = [];
  for (const [, { values }] of grids) projected.push(await model.transform(values, signal));
  const limits = await findLimits(() => projected, components, defaultScaling);
  const rows = grids.map(([grid, { tokens }], i) => {
    const [height, width] = grid.shape.slice(-3) as [number, number];
    const steps = grid.axes.length === 4 ? grid.shape[0]! : 1;
    const values = new Float32Array(steps * height * width * components).fill(NaN);
    for (const [at, token] of tokens.entries())
      values.set(projected[i]!.subarray(at * components, (at + 1) * components), token * components);
    const shown: Projection = {
      kind: 'projection',
      id: grid.name || source.name,
      key: lineage('picture', source.name, grid.name),
      values: tensor('float32', [steps, height, width, components], values),
      axes: ['time', 'height', 'width', 'components'],
      origin: { kind: 'unknown' },
      limits,
      meaning: components === 1 ? 'scalar' : 'coordinates',
      reducer: 'pca',
    };
    const cellPixels = Math.max(1, Math.round(tilePixels / Math.max(height, width)));
    const options = tokensOptions.parse({ cellPixels });
    return Array.from({ length: steps }, (_, step) => drawTokens(shown, step, options));
  });
  await model.close?.();
  return {
    pixels: tiled(rows),
    drawn: count,
    held: held.length,
    steps: rows.reduce((sum, tiles) => sum + tiles.length, 0),
    explained: [...model.explainedVarianceRatio],
  };
}

/** Tokens of a grid that can be fitted to. */
interface Rows {
  /** `[tokens, channels]`. */
  readonly values: Float32Array;
  /** Which tokens of the grid they are. */
  readonly tokens: readonly number[];
}

async function rowsOf(grid: StoredGrid, signal: AbortSignal): Promise<Rows> {
  const { values, valid } = await grid.read(signal);
  const { data } = toFloat32(values);
  const channels = grid.shape.at(-1)!;
  const tokens = Array.from({ length: data.length / channels }, (_, token) => token).filter(
    (token) => valid?.[token] !== 0 && data.subarray(token * channels, (token + 1) * channels).every(Number.isFinite),
  );
  const rows = new Float32Array(tokens.length * channels);
  for (const [at, token] of tokens.entries())
    rows.set(data.subarray(token * channels, (token + 1) * channels), at * channels);
  return { values: rows, tokens };
}

/** Rows of tiles on white, with gaps between them. */
function tiled(rows: readonly (readonly Tensor<'uint8'>[])[]): Tensor<'uint8'> {
  const sizes = rows.map((tiles) => ({
    height: Math.max(...tiles.map(({ shape }) => shape[0]!)),
    width: tiles.reduce((sum, { shape }) => sum + shape[1]! + gapPixels, -gapPixels),
  }));
  const width = Math.max(...sizes.map((size) => size.width));
  const height = sizes.reduce((sum, size) => sum + size.height + gapPixels, -gapPixels);
  const out = new Uint8Array(height * width * 3).fill(255);
  let top = 0;
  for (const [i, tiles] of rows.entries()) {
    let left = 0;
    for (const { shape, data } of tiles) {
      const line = shape[1]! * 3;
      for (let y = 0; y < shape[0]!; y++)
        out.set(data.subarray(y * line, (y + 1) * line), ((top + y) * width + left) * 3);
      left += shape[1]! + gapPixels;
    }
    top += sizes[i]!.height + gapPixels;
  }
  return tensor('uint8', [height, width, 3], out);
}
