// Colour maps for single numbers, and colours for groups: the tables of matplotlib, entry by entry.

import { tables as stored } from './colormap-tables.generated.ts';

/** Names of the maps from numbers to colours. */
export const colorMapNames = [
  'viridis',
  'magma',
  'inferno',
  'plasma',
  'cividis',
  'turbo',
  'coolwarm',
  'greys',
  'gray',
] as const;
/** Names of the colour maps. */
export type ColorMapName = (typeof colorMapNames)[number];

const tables = new Map<keyof typeof stored, Uint8Array>();

function tableOf(name: keyof typeof stored): Uint8Array {
  const known = tables.get(name);
  if (known) return known;
  const table = Uint8Array.from(atob(stored[name]), (character) => character.charCodeAt(0));
  tables.set(name, table);
  return table;
}

/** 256 colours from low to high, `[256, 3]`. Do not write to them. */
export const colorMap = (name: ColorMapName): Uint8Array => tableOf(name);

/** A colour map, turned round where that is asked for. */
export function colorTable({
  colorMap: name,
  reverse,
}: {
  readonly colorMap: ColorMapName;
  readonly reverse: boolean;
}): Uint8Array {
  const table = tableOf(name);
  return reverse ? Uint8Array.from(table, (_, i) => table[(255 - Math.floor(i / 3)) * 3 + (i % 3)]!) : table;
}

/**
 * The colour of group `label`: the ten of tab10, then their light partners, which with them are tab20; from the 21st on
 * the same colours come again, darker and lighter in turn.
 */
export function categoryColor(label: number): readonly [number, number, number] {
  const round = Math.floor(label / 20);
  const place = label % 20;
  // tab20 holds each colour of tab10 and its light partner side by side.
  const at = (place < 10 ? 2 * place : 2 * (place - 10) + 1) * 3;
  const [red, green, blue] = tableOf('tab20').subarray(at, at + 3) as unknown as [number, number, number];
  if (round === 0) return [red, green, blue];
  const towards = round % 2 ? 0 : 255;
  const share = 1 - 1 / (1 + Math.ceil(round / 2) * 0.6);
  return [red, green, blue].map((v) => Math.round(v + (towards - v) * share)) as [number, number, number];
}
