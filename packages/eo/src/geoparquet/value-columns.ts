// The columns of numbers that an input gives to a table of tokens.

import type { ParquetColumn } from '@deepearth/formats/parquet-writer';
import type { GridItem } from '../place/grid-item.ts';

/** The columns of an input, and their cells. */
export interface ValueColumns {
  readonly columns: readonly ParquetColumn[];
  /** Numbers of each token. */
  readonly bands: number;
  /** The cells of a token whose numbers begin at `from`; `null` in all where they count for nothing. */
  cells(values: Float32Array, from: number): readonly unknown[];
}

/** A list of floats for tokens and embeddings; a whole number for groups; a number each for what a reducer found. */
export function valueColumns(item: GridItem): ValueColumns {
  const bands = item.values.shape.at(-1) ?? 1;
  return {
    columns: columnsOf(item, bands),
    bands,
    cells(values, from) {
      if (item.kind !== 'projection') return [Array.from(values.subarray(from, from + bands))];
      const cells: (number | bigint | null)[] = [];
      for (let band = 0; band < bands; band++) {
        const value = values[from + band]!;
        cells.push(Number.isNaN(value) ? null : item.meaning === 'label' ? BigInt(value) : value);
      }
      return cells;
    },
  };
}

/**
 * The columns of several inputs under names that differ: the id of the input stands in for or before a name that is
 * taken.
 */
export function namedApart(
  inputs: readonly { readonly id: string; readonly columns: readonly ParquetColumn[] }[],
  others: readonly ParquetColumn[],
): ParquetColumn[] {
  const taken = new Set(others.map(({ name }) => name));
  return inputs.flatMap(({ id, columns }) => {
    const clash = columns.some(({ name }) => taken.has(name));
    const named = columns.map((column) => ({
      ...column,
      name: clash ? (columns.length === 1 ? id : `${id}_${column.name}`) : column.name,
    }));
    for (const { name } of named) taken.add(name);
    return named;
  });
}

function columnsOf(item: GridItem, bands: number): ParquetColumn[] {
  if (item.kind !== 'projection') return [{ name: 'embedding', type: 'floats' }];
  const type = item.meaning === 'label' ? 'whole' : 'float';
  if (bands === 1) return [{ name: item.reducer, type }];
  return Array.from({ length: bands }, (_, band) => ({
    name: `${item.reducer}_${item.componentNames?.[band] ?? band + 1}`,
    type,
  }));
}
