// What items have to do with grids: which axes they have, and the number that stands for a token over time.

import { InputError, toFloat32, type Embedding, type Projection, type TokenGrid } from '@deepearth/core';

/** What can be laid on the Earth: tokens, and what is made of them. */
export type GridItem = TokenGrid | Embedding | Projection;

/** The kinds of `GridItem`. */
export const gridKinds: readonly string[] = ['tokens', 'embedding', 'projection'];

const usualNames: Readonly<Record<string, string>> = { tokens: 'features', embedding: 'embeddings' };

/** What files and variables of a kind are called: "features", "embeddings", or the name of the reducer. */
export const usualName = (kind: string, reducer: string): string => usualNames[kind] ?? reducer;

/** What an item is called. */
export const nameOf = (item: GridItem): string =>
  usualName(item.kind, item.kind === 'projection' ? item.reducer : item.kind);

/** Whether its numbers are those of groups, which have no mean. */
export const isLabel = (item: GridItem): boolean => item.kind === 'projection' && item.meaning === 'label';

/** Sizes of a grid. */
export interface GridShape {
  readonly steps: number;
  readonly height: number;
  readonly width: number;
  readonly bands: number;
}

/**
 * The sizes of an item with the axes time (it may be absent), height, width and one more; `places: 'optional'` takes
 * items without height and width too, as grids of one cell. Throws an `InputError` for other axes.
 */
export function gridShape(
  { id, axes, values: { shape } }: GridItem,
  { places = 'needed' }: { readonly places?: 'needed' | 'optional' } = {},
): GridShape {
  const time = axes[0] === 'time' ? 1 : 0;
  const placed = axes[time] === 'height' && axes[time + 1] === 'width';
  if ((!placed && places === 'needed') || axes.length !== time + (placed ? 3 : 1))
    throw new InputError(id, `has the axes ${axes.join(', ')}, and a raster has time, height, width and one more.`, {
      code: 'E_GRID_AXES',
      remedy: 'Write it with `sink/features`.',
    });
  const [height, width] = placed ? (shape.slice(time) as [number, number]) : [1, 1];
  return { steps: time ? shape[0]! : 1, height: height!, width: width!, bands: shape.at(-1)! };
}

/** What an item says of itself, without its values and its frames: what can be kept of the first one of many. */
export function withoutValues(item: GridItem): GridItem {
  const { clip: _, ...rest } = item;
  const { dtype, shape } = item.values;
  return { ...rest, values: { dtype, shape, data: new Float32Array() } } as GridItem;
}

/** The values as float32, NaN where a token is masked. */
export function maskedValues(item: GridItem): Float32Array {
  const { data } = toFloat32(item.values);
  const valid = item.kind === 'embedding' ? undefined : item.valid;
  const out = Float32Array.from(data);
  if (valid) {
    const bands = item.values.shape.at(-1)!;
    for (const [token, share] of valid.entries()) if (share === 0) out.fill(NaN, token * bands, (token + 1) * bands);
  }
  return out;
}

/**
 * One step of several: the mean of those that count, or the most frequent number of a group (the lowest of several).
 */
export function overTime(values: Float32Array, steps: number, length: number, label: boolean): Float32Array {
  const out = new Float32Array(length);
  const counts = new Map<number, number>();
  for (let i = 0; i < length; i++) {
    let [sum, count] = [0, 0];
    counts.clear();
    for (let step = 0; step < steps; step++) {
      const value = values[step * length + i]!;
      if (Number.isNaN(value)) continue;
      sum += value;
      count++;
      if (label) counts.set(value, (counts.get(value) ?? 0) + 1);
    }
    out[i] =
      count === 0
        ? NaN
        : label
          ? [...counts].reduce((best, each) =>
              each[1] > best[1] || (each[1] === best[1] && each[0] < best[0]) ? each : best,
            )[0]
          : sum / count;
  }
  return out;
}
