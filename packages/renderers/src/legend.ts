// Draws what the colours of a picture stand for: a bar for one number, a key of components, the colours of groups.

import type { Legend, Projection, Tensor } from '@deepearth/core';
import { z } from 'zod';
import type { ColorChoice } from './cell-colors.ts';
import { categoryColor, colorTable } from '@deepearth/vision/colormaps';
import { emptyStrip, fill, lineHeight, margin, stackRows, topMargin, write, type Rgb, type Strip } from './strip.ts';
import { advance } from './text.ts';

/** The option `legend` of all renderers. */
export const legendOption = z
  .boolean()
  .optional()
  .describe(
    'A strip below each picture that says what its colours stand for: a bar with numbers, components as red, green and blue with their limits, or the colours of groups. Default: none.',
  );

/** The legend of what `cellColors` makes of a projection. */
export function legendOf(projection: Projection, choice: ColorChoice): Legend {
  const { reducer, meaning, limits, componentNames, values } = projection;
  const legend = { reducer, meaning, limits, ...(componentNames && { componentNames }) };
  if (meaning === 'label') {
    const groups = Math.max(0, Math.round(limits[0]?.[1] ?? 0)) + 1;
    return { ...legend, colors: Uint8Array.from(Array.from({ length: groups }, (_, i) => categoryColor(i)).flat()) };
  }
  if (meaning === 'coordinates' && values.shape.at(-1) !== 1) return legend;
  return { ...legend, meaning: 'scalar', colors: colorTable(choice) };
}

/** The strip of some legends, one below the other, `[height, width, 3]`; as high for every picture of a run. */
export function legendStrip(legends: readonly Legend[], width: number, scale: number): Tensor<'uint8'> {
  return stackRows(legends.map((legend) => draw(legend, width, scale).pixels));
}

function draw(legend: Legend, width: number, scale: number): Strip {
  if (legend.meaning === 'label') return groups(legend, width, scale);
  if (legend.meaning === 'scalar') return bar(legend, width, scale);
  return legend.limits.length === 2 ? plane(legend, width, scale) : components(legend, width, scale);
}

/** Dots of a text. */
const wide = (text: string): number => text.length * advance;
/** The height of bars and swatches, that of a capital letter. */
const high = 7;

/**
 * Numbers with so many decimals that a hundredth of the way from `low` to `high` is seen, in scientific notation where
 * that is too long to read.
 */
export function numbers(values: readonly number[], low: number, high: number): string[] {
  const magnitude = (value: number): number => Number(value.toExponential().split('e')[1]);
  const decimals = high > low ? Math.max(0, 2 - magnitude(high - low)) : 2;
  const plain = values.map((value) => (Object.is(value, -0) ? 0 : value));
  return decimals <= 6 && plain.every((value) => Math.abs(value) < 1e6)
    ? plain.map((value) => value.toFixed(decimals).replace(/^-(0\.?0*)$/, '$1'))
    : plain.map((value) => value.toExponential(2).replace('e+', 'e'));
}

const between = (from: Rgb, to: Rgb, share: number): Rgb =>
  [0, 1, 2].map((c) => Math.round(from[c]! + (to[c]! - from[c]!) * share)) as unknown as Rgb;

/** A bar from `color(0)` to `color(1)`; colours change from dot to dot. */
function gradient(strip: Strip, x: number, y: number, columns: number, color: (share: number) => Rgb): void {
  for (let i = 0; i < columns; i++) fill(strip, x + i, y, 1, high, color(columns > 1 ? i / (columns - 1) : 0.5));
}

/** The name beside the bar where there is room for both, else above it; under the bar ticks with numbers. */
function bar({ reducer, limits, colors }: Legend, width: number, scale: number): Strip {
  const [low, top] = limits[0] ?? [0, 1];
  const columns = Math.floor(width / scale);
  const name = wide(reducer) + 4;
  const beside = columns - 2 * margin - name >= 120;
  const y = topMargin + (beside ? 0 : lineHeight);
  const strip = emptyStrip(width, y + high + 3 + lineHeight, scale);
  write(strip, reducer, margin, topMargin);
  const x = margin + (beside ? name : 0);
  const length = Math.min(240, columns - margin - x);
  // A bar of one colour where all tokens are equal: they are drawn in the middle of the map.
  const shown = (share: number): number => Math.round((top > low ? share : 0.5) * (colors!.length / 3 - 1)) * 3;
  gradient(strip, x, y, length, (share) => [...colors!.subarray(shown(share), shown(share) + 3)] as unknown as Rgb);
  // As many parts as leave room between the numbers, or one number where there is no room for two.
  for (const parts of top > low ? [4, 2, 1, 0] : [0]) {
    const values = Array.from({ length: parts + 1 }, (_, i) => (parts ? low + ((top - low) * i) / parts : low));
    const texts = numbers(values, low, top);
    const ticks = texts.map((_, i) => x + (parts ? Math.round(((length - 1) * i) / parts) : 0));
    // Those at the ends stand within the bar.
    const lefts = texts.map((text, i) =>
      Math.max(x, Math.min(ticks[i]! - Math.floor(wide(text) / 2), x + length + 1 - wide(text))),
    );
    if (texts.some((text, i) => i < parts && lefts[i]! + wide(text) + 6 > lefts[i + 1]!)) continue;
    ticks.forEach((tick) => fill(strip, tick, y + high, 1, 2, [160, 160, 160]));
    texts.forEach((text, i) => write(strip, text, lefts[i]!, y + high + 3));
    return strip;
  }
  return strip;
}

const channelColors: readonly Rgb[] = [
  [255, 0, 0],
  [0, 255, 0],
  [0, 0, 255],
];

const componentName = ({ reducer, componentNames }: Legend, i: number): string =>
  componentNames?.[i] ?? `${reducer} ${i + 1}`;

/** For each of the first three components its name and a bar from black to its colour, between its limits. */
function components(legend: Legend, width: number, scale: number): Strip {
  const shown = legend.limits.slice(0, 3);
  const entries = shown.map(([low, top], i) => {
    const [from, to] = numbers([low, top], low, top) as [string, string];
    return { name: componentName(legend, i), from, to };
  });
  const columns = Math.floor(width / scale) - 2 * margin;
  const widest = (of: (entry: (typeof entries)[number]) => string): number =>
    Math.max(...entries.map((entry) => wide(of(entry))));
  const name = widest((entry) => entry.name) + 5;
  const ends = widest(({ from }) => from) + widest(({ to }) => to) + 4;
  const gap = 10;
  const across = Math.min(entries.length, Math.max(1, Math.floor((columns + gap) / (name + ends + 24 + gap))));
  const room = Math.floor((columns + gap) / across) - gap;
  const length = Math.min(60, Math.max(0, room - name - ends));
  const strip = emptyStrip(width, topMargin + Math.ceil(entries.length / across) * lineHeight, scale);
  entries.forEach((entry, i) => {
    const left = margin + (i % across) * (room + gap);
    const y = topMargin + Math.floor(i / across) * lineHeight;
    const end = left + room;
    write(strip, entry.name, left, y, end);
    const from = left + name + widest((one) => one.from) - wide(entry.from);
    write(strip, entry.from, from, y, end);
    const x = left + name + widest((one) => one.from) + 2;
    gradient(strip, x, y, length, (share) => between([0, 0, 0], channelColors[i]!, share));
    write(strip, entry.to, x + length + 2, y, end);
  });
  return strip;
}

/**
 * The plane of two components, the first to the right and the second upwards, with their names and limits beside it.
 */
function plane(legend: Legend, width: number, scale: number): Strip {
  const edge = 3 * lineHeight - 2;
  const strip = emptyStrip(width, topMargin + edge + 3, scale);
  for (let row = 0; row < edge; row++)
    for (let column = 0; column < edge; column++) {
      const [red, green] = [column / (edge - 1), 1 - row / (edge - 1)];
      const color = [red, green, 1 - (red + green) / 2].map((share) => Math.round(share * 255)) as unknown as Rgb;
      fill(strip, margin + column, topMargin + row, 1, 1, color);
    }
  const says = ([low, top]: Legend['limits'][number], i: number): string =>
    `${'→↑'[i]} ${componentName(legend, i)}: ${numbers([low, top], low, top).join(' … ')}`;
  legend.limits.forEach((limits, i) =>
    write(strip, says(limits, i), margin + edge + 4, topMargin + (1 - i) * 2 * lineHeight),
  );
  return strip;
}

/** Swatches with the numbers of groups, six rows at most. */
function groups({ reducer, colors }: Legend, width: number, scale: number): Strip {
  const count = colors!.length / 3;
  const columns = Math.floor(width / scale) - 2 * margin;
  const cell = high + 2 + wide(String(count - 1)) + 4;
  const beside = columns - wide(reducer) - 4 >= 4 * cell;
  const x = margin + (beside ? wide(reducer) + 4 : 0);
  const first = beside ? 0 : 1;
  const across = Math.max(1, Math.floor((margin + columns - x + 4) / cell));
  const more = (shown: number): string => `+${count - shown} more`;
  const mostCells = 6 * across;
  const shown = count <= mostCells ? count : Math.max(0, mostCells - Math.ceil(wide(more(0)) / cell));
  const rows = Math.min(6, Math.ceil(count / across));
  const strip = emptyStrip(width, topMargin + (first + rows) * lineHeight, scale);
  write(strip, reducer, margin, topMargin);
  const place = (i: number): [number, number] => [
    x + (i % across) * cell,
    topMargin + (first + Math.floor(i / across)) * lineHeight,
  ];
  for (let group = 0; group < shown; group++) {
    const [left, y] = place(group);
    fill(strip, left, y, high, high, [...colors!.subarray(group * 3, group * 3 + 3)] as unknown as Rgb);
    write(strip, String(group), left + high + 2, y);
  }
  if (shown < count) write(strip, more(shown), ...place(shown));
  return strip;
}
