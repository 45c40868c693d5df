// Keeps which group each token is of, clip by clip, until the points of the same clip come.

import { InputError, viewAs, type Projection, type Scratch } from '@deepearth/core';

/** Of a token without a group. */
const none = 0xffff;

/** Groups on a shelf; the scratch is opened with the first of them. */
export interface GroupShelf {
  /** Puts the groups of a clip down; those of an earlier one of the same name are forgotten. */
  keep(groups: Projection): Promise<void>;
  /**
   * The groups of a clip, in the order of its tokens: `undefined` for a token that has none. Throws an `InputError`
   * where none were kept for it, or those of another grid.
   */
  of(points: Projection): Promise<(token: number) => number | undefined>;
}

/** Two bytes for each token lie in the scratch, so memory does not grow with a run's length. */
export function groupShelf(open: () => Promise<Pick<Scratch, 'append' | 'read'>>): GroupShelf {
  const places = new Map<string, { readonly offset: number; readonly bytes: number; readonly grid: string }>();
  let scratch: ReturnType<typeof open> | undefined;
  const gridOf = ({ values }: Projection): string => values.shape.slice(0, -1).join(' x ');
  return {
    async keep(groups) {
      const { values, valid } = groups;
      const numbers = Uint16Array.from(values.data, (value, token) =>
        valid?.[token] === 0 || !(value >= 0 && value < none) ? none : Math.round(value),
      );
      const bytes = new Uint8Array(numbers.buffer);
      const offset = await (await (scratch ??= open())).append(bytes);
      places.set(groups.id, { offset, bytes: bytes.length, grid: gridOf(groups) });
    },
    async of(points) {
      const place = places.get(points.id);
      if (!place || place.grid !== gridOf(points))
        throw new InputError(
          points.id,
          place
            ? `has ${gridOf(points)} tokens, and groups of ${place.grid}.`
            : `no groups of its tokens came before the points.`,
          { remedy: 'List the reducer of groups first, and both of one encoder: `from: [kmeans, umap]`.' },
        );
      const numbers = viewAs('uint16', await (await scratch!).read(place.offset, place.bytes));
      return (token) => (numbers[token] === none ? undefined : numbers[token]);
    },
  };
}
