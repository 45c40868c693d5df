// Keeps what an input says of tokens until the rows of the same clips are written.

import { InputError, type Scratch } from '@deepearth/core';
import { withoutValues, type GridItem, type GridShape } from '../place/grid-item.ts';
import { tokenValues, type RowOptions } from './token-table.ts';
import { valueColumns, type ValueColumns } from './value-columns.ts';

/** The values of one input by the clips they are of. */
export interface JoinedInput {
  /** Throws an `InputError` for an item that has no tokens in rows, or not as many numbers as those before it. */
  add(item: GridItem): Promise<void>;
  readonly id: string;
  /** Its columns and its first item, without values; `undefined` where no item came. */
  readonly first: { readonly columns: ValueColumns; readonly item: GridItem } | undefined;
  /** The values of what was made of the same clip; `undefined` where nothing was. */
  of(item: GridItem): Promise<JoinedValues | undefined>;
}

/** Values of tokens, found by the number of a token of the item that was asked for. */
export interface JoinedValues {
  /** Of the item they come from. */
  readonly key: string;
  readonly values: Float32Array;
  at(token: number): number;
}

const clipOf = ({ clip, id }: GridItem): string => JSON.stringify(clip ? [clip.sequence, clip.id] : [id]);

/** An input with this id, whose values are kept in a scratch. */
export function joinedInput(id: string, scratch: Scratch, options: Pick<RowOptions, 'steps'>): JoinedInput {
  const places = new Map<string, { readonly offset: number; readonly shape: GridShape; readonly key: string }>();
  let first: JoinedInput['first'];
  return {
    id,
    async add(item) {
      const { shape, values } = tokenValues(item, options);
      first ??= { columns: valueColumns(item), item: withoutValues(item) };
      checkBands(item, first.columns);
      const offset = await scratch.append(new Uint8Array(values.buffer, values.byteOffset, values.byteLength));
      places.set(clipOf(item), { offset, shape, key: item.key });
    },
    get first() {
      return first;
    },
    async of(item) {
      const place = places.get(clipOf(item));
      if (!place) return undefined;
      const { offset, shape, key } = place;
      const { steps, height, width, bands } = shape;
      const tokens = steps * height * width;
      const bytes = (await scratch.read(offset, tokens * bands * 4)).slice();
      const values = new Float32Array(bytes.buffer);
      // What was made of a whole clip is that of all of its tokens.
      if (tokens === 1) return { key, values, at: () => 0 };
      const own = tokenValues(item, options).shape;
      if (own.steps !== steps || own.height !== height || own.width !== width)
        throw new InputError(
          item.id,
          `has ${own.steps} x ${own.height} x ${own.width} tokens, and what ${id} made of the same clip ${steps} x ${height} x ${width}.`,
          { code: 'E_GRID_AXES', remedy: 'Give what has other tokens a sink/geoparquet of its own.' },
        );
      return { key, values, at: (token) => token * bands };
    },
  };
}

/** Throws an `InputError` for an item that has not as many numbers for each token as the columns of its input. */
export function checkBands({ id, values: { shape } }: GridItem, { bands }: ValueColumns): void {
  if (shape.at(-1) === bands) return;
  throw new InputError(id, `has ${shape.at(-1)} numbers for each token, those before it have ${bands}.`, {
    code: 'E_GRID_AXES',
    remedy: 'A table has rows of one kind: give each kind a sink/geoparquet of its own.',
  });
}
