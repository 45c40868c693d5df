// Which items of STAC belong to one place: the tile that they name.

import { byName } from '../geotiff/find-files.ts';
import type { StacItem } from './item.ts';

/** Items of one sequence, in the order in which they came. */
export interface StacSequence {
  readonly sequence: string;
  readonly items: readonly StacItem[];
}

/** What is a sequence. */
export type SequenceOf = 'tile' | 'collection' | 'one';

/** Sequences in natural order of their names: the tile, below its collection where there are several. */
export function sequencesOf(items: readonly StacItem[], by: SequenceOf): StacSequence[] {
  const collections = new Set(items.map(({ collection }) => collection));
  const nameOf = (item: StacItem): string => {
    const collection = item.collection ?? 'items';
    if (by === 'one') return collections.size === 1 ? collection : 'items';
    const tile = by === 'tile' ? tileOf(item) : undefined;
    if (tile === undefined) return collection;
    return collections.size === 1 ? tile : `${collection}/${tile}`;
  };
  const groups = new Map<string, StacItem[]>();
  for (const item of items) {
    const name = nameOf(item);
    const group = groups.get(name);
    if (group) group.push(item);
    else groups.set(name, [item]);
  }
  return [...groups].sort(([a], [b]) => byName(a, b)).map(([sequence, own]) => ({ sequence, items: own }));
}

/**
 * The tile of an item as the grid extension writes it: "MGRS-33UUP", "WRS2-191028"; `undefined` for an item that names
 * none.
 */
export function tileOf({ properties }: Pick<StacItem, 'properties'>): string | undefined {
  const text = (name: string): string | undefined => {
    const value = properties[name];
    return typeof value === 'string' && value ? value : typeof value === 'number' ? String(value) : undefined;
  };
  const code = text('grid:code');
  if (code !== undefined) return code;
  const s2 = text('s2:mgrs_tile');
  if (s2 !== undefined) return `MGRS-${s2.replace(/^T(?=\d)/, '')}`;
  for (const prefix of ['mgrs', 'sentinel']) {
    const parts = ['utm_zone', 'latitude_band', 'grid_square'].map((name) => text(`${prefix}:${name}`));
    if (parts.every((part) => part !== undefined)) return `MGRS-${parts.join('')}`;
  }
  const [path, row] = [text('landsat:wrs_path'), text('landsat:wrs_row')];
  if (path !== undefined && row !== undefined)
    return `WRS${text('landsat:wrs_type') ?? '2'}-${path.padStart(3, '0')}${row.padStart(3, '0')}`;
  return undefined;
}
