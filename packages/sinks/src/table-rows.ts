// What a table says of items: one row for each, or one for each frame where an item has many tokens.

import { InputError, type Clip, type Embedding, type Frame, type Projection } from '@deepearth/core';

/** A column beside the values. */
export interface TextColumn {
  readonly name: string;
  readonly type: 'text' | 'whole' | 'number';
}

/** How a table is laid out. */
export interface Layout {
  /** What the file is called where nobody says otherwise. */
  readonly name: string;
  readonly columns: readonly TextColumn[];
  /** Axes of one row's values and their sizes. */
  readonly axes: Readonly<Record<string, number>>;
  /** Names of the values, one each, in C order. */
  readonly values: readonly string[];
  /** The name of all of them together where they are one vector. */
  readonly vector?: string;
}

/** One row; `cells` in the order of the columns. */
export interface Row {
  readonly cells: readonly (string | number | null)[];
  readonly values: Float32Array;
}

/** Makes the rows of a stream of items that are laid out alike. */
export interface RowMaker {
  readonly layout: Layout;
  /** Throws an `InputError` for an item that is laid out in another way than the first. */
  rowsOf(item: Embedding | Projection): Row[];
}

const itemColumns: readonly TextColumn[] = [
  { name: 'id', type: 'text' },
  { name: 'sequence', type: 'text' },
  { name: 'first_frame', type: 'whole' },
  { name: 'last_frame', type: 'whole' },
  { name: 'first_file', type: 'text' },
  { name: 'last_file', type: 'text' },
  { name: 'first_time', type: 'text' },
  { name: 'last_time', type: 'text' },
  { name: 'first_seconds', type: 'number' },
  { name: 'last_seconds', type: 'number' },
];

const frameColumns: readonly TextColumn[] = [
  { name: 'id', type: 'text' },
  { name: 'sequence', type: 'text' },
  { name: 'frame', type: 'whole' },
  { name: 'file', type: 'text' },
  { name: 'time', type: 'text' },
  { name: 'seconds', type: 'number' },
  { name: 'tokens', type: 'whole' },
];

/** True where an item is one vector or one number, false where it has many tokens. */
const isOne = (item: Embedding | Projection): boolean => item.kind === 'embedding' || item.axes.length === 1;

/** Lays a table out by its first item. */
export function rowMaker(first: Embedding | Projection): RowMaker {
  const signature = signatureOf(first);
  const check = (item: Embedding | Projection): void => {
    if (signatureOf(item) === signature) return;
    throw new InputError(item.id, `is ${signatureOf(item)}, the first of the table, ${first.id}, is ${signature}.`, {
      code: 'E_TABLE',
      remedy: 'A table has rows of one kind: give each kind a sink/table of its own.',
    });
  };
  if (isOne(first))
    return {
      layout: itemLayout(first),
      rowsOf(item) {
        check(item);
        return [{ cells: itemCells(item), values: item.values.data }];
      },
    };
  const projection = first as Projection;
  const layout = frameLayout(projection);
  const shown = new Map<string, ReadonlySet<string>>();
  return {
    layout,
    rowsOf(item) {
      check(item);
      return frameRows(item as Projection, layout.values.length, shown);
    },
  };
}

/** For people, and what has to be the same in all items of a table. */
function signatureOf(item: Embedding | Projection): string {
  const { axes, values } = item;
  if (item.kind === 'projection' && !isOne(item)) return `${item.meaning}s of ${item.reducer}`;
  const what = item.kind === 'embedding' ? 'an embedding' : `a projection of ${item.reducer}`;
  return `${what} [${axes.map((axis, index) => `${axis} ${values.shape[index]}`).join(', ')}]`;
}

const axesOf = ({ axes, values }: Embedding | Projection): Record<string, number> =>
  Object.fromEntries(axes.map((axis, index) => [axis, values.shape[index]!]));

function itemLayout(item: Embedding | Projection): Layout {
  const name = item.kind === 'embedding' ? 'embedding' : item.reducer;
  const { shape } = item.values;
  const places = shape.reduce<number[][]>(
    (all, size) => all.flatMap((place) => Array.from({ length: size }, (_, at) => [...place, at])),
    [[]],
  );
  return {
    name: item.kind === 'embedding' ? 'embeddings' : name,
    columns: itemColumns,
    axes: axesOf(item),
    values: places.length === 1 ? [name] : places.map((place) => [name, ...place].join('_')),
    ...(item.kind === 'embedding' && { vector: name }),
  };
}

const endsOf = ({ frames }: Clip): readonly [Frame, Frame] => [frames[0]!, frames.at(-1)!];

function itemCells({ id, clip }: Embedding | Projection): Row['cells'] {
  if (!clip) return [id, ...itemColumns.slice(1).map(() => null)];
  const [first, last] = endsOf(clip);
  return [
    id,
    clip.sequence,
    first.number,
    last.number,
    first.locator.uri,
    last.locator.uri,
    first.at ?? null,
    last.at ?? null,
    first.seconds ?? null,
    last.seconds ?? null,
  ];
}

/** Labels become the share of each cluster among the tokens of a frame, numbers their mean. */
function frameLayout(item: Projection): Layout {
  const { meaning, reducer, limits } = item;
  if (meaning === 'coordinates')
    throw new InputError(
      item.id,
      `has ${item.values.data.length} coordinates [${item.axes.join(', ')}], too many for one row of a table.`,
      {
        code: 'E_TABLE',
        remedy: 'Put an aggregator before the reducer for one row per clip; sink/features writes whole grids.',
      },
    );
  const values =
    meaning === 'label'
      ? Array.from({ length: limits[0]![1] + 1 }, (_, group) =>
          item.groupNames ? `${reducer}_${item.groupNames[group]}` : `cluster_${group}`,
        )
      : [`${reducer}_mean`];
  return {
    name: meaning === 'label' ? `${reducer}-shares` : `${reducer}-means`,
    columns: frameColumns,
    axes: { [meaning === 'label' ? 'cluster' : 'mean']: values.length },
    values,
  };
}

/**
 * A row for each frame, by the time step that saw it; where clips overlap a frame belongs to the first that holds it,
 * as in pictures. Without a clip, one row for the whole.
 */
function frameRows(item: Projection, width: number, shown: Map<string, ReadonlySet<string>>): Row[] {
  const { clip, axes, values } = item;
  const steps = axes[0] === 'time' ? values.shape[0]! : 1;
  const each = values.data.length / steps;
  const summaries = new Map<number, { tokens: number; values: Float32Array }>();
  const at = (step: number) => {
    const summary = summaries.get(step) ?? summarize(item, step * each, (step + 1) * each, width);
    summaries.set(step, summary);
    return summary;
  };
  if (!clip) {
    const { tokens, values: found } = summarize(item, 0, values.data.length, width);
    return [{ cells: [item.id, null, null, null, null, null, tokens], values: found }];
  }
  const former = shown.get(clip.sequence);
  const rows: Row[] = [];
  const here = new Set<string>();
  for (const [index, frame] of clip.frames.entries()) {
    if (!former?.has(frame.id) && !here.has(frame.id)) {
      const { tokens, values: found } = at(Math.min(steps - 1, Math.floor((index * steps) / clip.frames.length)));
      const { id, sequence, number, locator, at: time = null, seconds = null } = frame;
      rows.push({ cells: [id, sequence, number, locator.uri, time, seconds, tokens], values: found });
    }
    here.add(frame.id);
  }
  shown.set(clip.sequence, here);
  return rows;
}

/** Tokens that saw data, and the share of each cluster among them, or their mean; NaN where there are none. */
function summarize({ values: { data }, meaning }: Projection, first: number, end: number, width: number) {
  const sums = new Float64Array(width);
  let tokens = 0;
  for (let token = first; token < end; token++) {
    const value = data[token]!;
    if (Number.isNaN(value)) continue;
    tokens++;
    if (meaning === 'label') sums[value]!++;
    else sums[0]! += value;
  }
  return { tokens, values: Float32Array.from(sums, (sum) => sum / tokens) };
}
