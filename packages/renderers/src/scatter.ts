// Shows the tokens of a whole sequence as points, each where its first two or three numbers are.

import {
  axisSize,
  defineRenderer,
  InputError,
  isRefusal,
  itemBytes,
  outputPath,
  refuse,
  sequenceCount,
  sequenceFile,
  tensor,
  type Frame,
  type Legend,
  type Projection,
  type Tensor,
} from '@deepearth/core';
import { z } from 'zod';
import { annotated, annotationOptions } from './annotated.ts';
import { captionFields, captionOf } from './caption.ts';
import { cellColors, colorOptions } from './cell-colors.ts';
import { categoryColor, colorTable } from '@deepearth/vision/colormaps';
import { clipOf } from './each-frame.ts';
import { groupShelf } from './group-shelf.ts';
import { layerName } from './layer-name.ts';
import { legendOf } from './legend.ts';
import { sequencePictures, wantProjections } from './projection-spec.ts';
import { svgDocument, svgDots, svgLines, svgRows } from './svg.ts';

/** Options of `renderer/scatter`. */
export const scatterOptions = z.strictObject({
  ...colorOptions,
  ...annotationOptions,
  dimensions: z
    .union([z.literal(2), z.literal(3)])
    .default(2)
    .describe('The first two numbers as a plane, or the first three as a cube that is seen from a corner.'),
  colorBy: z
    .enum(['time', 'place', 'value', 'cluster'])
    .default('time')
    .describe(
      'What colours say: which frame a token is of (in the colour map), its column and row in the grid (as red and green), its own numbers, as other renderers paint them, or its group: `from` then lists the reducer of groups first, as in [kmeans, umap].',
    ),
  sizePixels: z.number().int().min(32).max(4096).default(512).describe('Width and height of the picture.'),
  pointPixels: z.number().int().min(1).max(64).default(3).describe('Edge of a point.'),
  layer: outputPath()
    .optional()
    .describe('Name of the pictures. Default: the reducer and "scatter", as in "umap-scatter".'),
});

type Options = z.output<typeof scatterOptions>;

/** Colours of empty ground and of the cube's edges. */
const ground = [28, 28, 28] as const;
const line = [72, 72, 72] as const;
/** Share of the picture that is left free on each side. */
const border = 0.04;

/** The points whose middle falls on each pixel: how many, and the sums of what their colour is made of. */
interface Canvas {
  readonly name: string;
  readonly frame: Frame;
  readonly projection: Projection;
  key: string;
  readonly count: Float64Array;
  /** `[size, size, 3]`. */
  readonly sums: Float64Array;
  /** The numbers of the first and last frame that a point is of. */
  first: number;
  last: number;
}

/** The stage `renderer/scatter`. */
export const scatter = defineRenderer({
  type: 'scatter',
  summary:
    'Shows the tokens of a sequence as points in two or three dimensions, coloured by time, place, value or cluster.',
  options: scatterOptions,
  examples: [
    '- type: renderer/scatter',
    '- type: renderer/scatter\n  with: { dimensions: 3, colorBy: place, legend: true }',
    '- type: renderer/scatter\n  from: [kmeans, umap]\n  with: { colorBy: cluster, legend: true }',
  ],

  joins: 'merged',

  describe(_, { options, inputs, ownName }) {
    const grouped = options.colorBy === 'cluster';
    const groups = grouped ? wantProjections(inputs.slice(0, 1)) : undefined;
    if (groups && isRefusal(groups)) return groups;
    if (grouped && inputs.length < 2)
      return refuse('`colorBy: cluster` needs the groups of the tokens beside their points.', {
        option: 'colorBy',
        remedy: 'List the reducer of groups first, and then that of the points: `from: [kmeans, umap]`.',
      });
    const points = grouped ? inputs.slice(1) : inputs;
    const input = wantProjections(points);
    if (isRefusal(input)) return input;
    const components = axisSize(input, 'components');
    if (components !== null && components < options.dimensions)
      return refuse(`${options.dimensions} dimensions need as many numbers per token, there are ${components}.`, {
        option: 'dimensions',
        remedy: 'Give the reducer more components.',
      });
    const { sizePixels: size } = options;
    const layerOf = layerName(options.layer, ownName, 'scatter');
    return {
      output: { ...sequencePictures(points, input, { height: size, width: size }, options, layerOf), svg: true },
      drains: true,
      memoryBytes: (sequenceCount(points) * 32 + 35) * size * size,
      ...(groups && { diskBytes: ((itemBytes(groups) ?? 0) / 2) * (groups.count ?? 0) }),
    };
  },

  async *process(projections, { options, ownName, key, signal, scratch }) {
    const canvases = new Map<string, Canvas>();
    const shelf = options.colorBy === 'cluster' ? groupShelf(() => scratch('groups')) : undefined;
    let groups: Projection | undefined;
    for await (const projection of projections) {
      signal.throwIfAborted();
      if (shelf && projection.meaning === 'label') {
        await shelf.keep(projection);
        groups = projection;
        continue;
      }
      const name = layerName(options.layer, ownName, 'scatter')(projection.reducer);
      const frames = framesOf(projection, options);
      const place = sequenceFile(frames[0]!.sequence, name, true);
      let canvas = canvases.get(place);
      if (!canvas) {
        const pixels = options.sizePixels ** 2;
        canvas = {
          name,
          frame: frames[0]!,
          projection,
          key: name,
          count: new Float64Array(pixels),
          sums: new Float64Array(3 * pixels),
          first: Infinity,
          last: -Infinity,
        };
        canvases.set(place, canvas);
      }
      canvas.key = key(canvas.key, projection.key);
      addPoints(canvas, projection, frames, options, await shelf?.of(projection));
    }
    for (const [, canvas] of [...canvases].sort(([a], [b]) => (a < b ? -1 : 1))) {
      const { name, frame } = canvas;
      const caption = captionOf(captionFields(options.caption), frame, name);
      const legends = [groups ? legendOf(groups, options) : legendFor(canvas, options)];
      const about = options.legend ? legends : [];
      const pixels = annotated(paint(canvas, options), caption, about);
      yield {
        kind: 'picture',
        id: `${name}-${frame.id}`,
        key: key(canvas.key, ...caption.map(({ text }) => text)),
        pixels,
        svg: () => draw(canvas, pixels, options),
        frame,
        layer: name,
        legends,
      };
    }
  },
});

/** The frames of a projection that can be shown; throws an `InputError` where there are none. */
function framesOf(projection: Projection, { dimensions }: Options): readonly Frame[] {
  const { frames } = clipOf(projection);
  if (projection.values.shape.at(-1)! < dimensions || projection.limits.length < dimensions)
    throw new InputError(projection.id, `has fewer than ${dimensions} numbers per token, with their limits.`, {
      code: 'E_LIMITS',
      remedy: 'Give the reducer more components.',
    });
  return frames;
}

/** Where a point of the unit square or cube stands, both 0 … 1 from the upper left corner. */
function onPicture(at: readonly number[]): readonly [x: number, y: number] {
  const [a, b, c] = at as [number, number, number?];
  if (c === undefined) return [a, 1 - b];
  // Seen along the diagonal: the vertical axis stays vertical, the others go 30° upwards to the right and to the left.
  return [0.5 + (a - b) * (Math.sqrt(3) / 4), 1 - (c + (a + b) / 2) / 2];
}

/** From 0 … 1 to pixels. */
const pixelAt = (share: number, size: number): number => (border + share * (1 - 2 * border)) * (size - 1);

function addPoints(
  canvas: Canvas,
  projection: Projection,
  frames: readonly Frame[],
  options: Options,
  groupOf?: (token: number) => number | undefined,
): void {
  const { values, valid, limits } = projection;
  const [steps, height, width, components] = values.shape as [number, number, number, number];
  const { dimensions, colorBy, sizePixels: size } = options;
  const scaled = (value: number, c: number): number => {
    const [low, high] = limits[c]!;
    return high > low ? Math.min(1, Math.max(0, (value - low) / (high - low))) : 0.5;
  };
  for (let step = 0; step < steps; step++) {
    const { number } = frames[Math.floor((step * frames.length) / steps)]!;
    const colors = colorBy === 'value' ? cellColors(projection, step, options) : undefined;
    for (let cell = 0; cell < height * width; cell++) {
      const token = step * height * width + cell;
      const at = Array.from({ length: dimensions }, (_, c) => values.data[token * components + c]!);
      if (valid?.[token] === 0 || at.some(Number.isNaN)) continue;
      const group = groupOf?.(token);
      if (groupOf && group === undefined) continue;
      canvas.first = Math.min(canvas.first, number);
      canvas.last = Math.max(canvas.last, number);
      const about =
        group !== undefined
          ? categoryColor(group)
          : colors
            ? [colors[cell * 4]!, colors[cell * 4 + 1]!, colors[cell * 4 + 2]!]
            : colorBy === 'time'
              ? [number, 0, 0]
              : placeColor((cell % width) / Math.max(1, width - 1), Math.floor(cell / width) / Math.max(1, height - 1));
      const [across, down] = onPicture(at.map(scaled));
      const pixel = Math.round(pixelAt(down, size)) * size + Math.round(pixelAt(across, size));
      canvas.count[pixel]!++;
      for (let c = 0; c < 3; c++) canvas.sums[pixel * 3 + c]! += about[c]!;
    }
  }
}

/** The colour of two numbers 0 … 1, as `cellColors` paints two components. */
const placeColor = (column: number, row: number): number[] =>
  [column, row, 1 - (column + row) / 2].map((share) => share * 255);

/**
 * Colours of points by how many lie together and the sums of what their colour is made of: the mean, or that of the
 * mean time.
 */
function colorOf({ first, last }: Canvas, options: Options): (points: number, sums: ArrayLike<number>) => number[] {
  const table = colorTable(options);
  if (options.colorBy !== 'time')
    return (points, sums) => Array.from({ length: 3 }, (_, c) => Math.round(sums[c]! / points));
  return (points, sums) => {
    const share = last > first ? (sums[0]! / points - first) / (last - first) : 0.5;
    const entry = Math.round(share * 255) * 3;
    return [...table.subarray(entry, entry + 3)];
  };
}

/** How far the left and upper edge of a point lie before its middle. */
const before = (edge: number): number => Math.floor((edge - 1) / 2);

/** `[size, size, 3]`: each pixel in the colour of the points that lie on it. */
function paint(canvas: Canvas, options: Options): Tensor<'uint8'> {
  const { sizePixels: size, pointPixels: edge } = options;
  const count = new Float64Array(size * size);
  const sums = new Float64Array(size * size * 3);
  canvas.count.forEach((points, middle) => {
    if (points === 0) return;
    const left = (middle % size) - before(edge);
    const top = Math.floor(middle / size) - before(edge);
    for (let y = Math.max(0, top); y < Math.min(size, top + edge); y++)
      for (let x = Math.max(0, left); x < Math.min(size, left + edge); x++) {
        const pixel = y * size + x;
        count[pixel]! += points;
        for (let c = 0; c < 3; c++) sums[pixel * 3 + c]! += canvas.sums[middle * 3 + c]!;
      }
  });
  const out = new Uint8Array(size * size * 3);
  for (let at = 0; at < out.length; at += 3) out.set(ground, at);
  for (const [x0, y0, x1, y1] of edges(size, options.dimensions))
    for (let i = 0; i <= size; i++) {
      const x = Math.round(x0 + ((x1 - x0) * i) / size);
      const y = Math.round(y0 + ((y1 - y0) * i) / size);
      out.set(line, (y * size + x) * 3);
    }
  const color = colorOf(canvas, options);
  count.forEach((points, pixel) => {
    if (points > 0) out.set(color(points, sums.subarray(pixel * 3, pixel * 3 + 3)), pixel * 3);
  });
  return tensor('uint8', [size, size, 3], out);
}

/**
 * The same as SVG: a dot for all points whose middles share a pixel; what stands below the picture as it is in
 * `pixels`.
 */
function draw(canvas: Canvas, pixels: Tensor<'uint8'>, options: Options): string {
  const { sizePixels: size, pointPixels: edge } = options;
  const [height, width] = pixels.shape as [number, number];
  const color = colorOf(canvas, options);
  const shift = edge / 2 - before(edge);
  function* dots() {
    for (const [middle, points] of canvas.count.entries())
      if (points > 0)
        yield {
          x: (middle % size) + shift,
          y: Math.floor(middle / size) + shift,
          color: color(points, canvas.sums.subarray(middle * 3, middle * 3 + 3)),
        };
  }
  const lines = edges(size, options.dimensions).map((ends) => ends.map((end) => end + 0.5) as unknown as typeof ends);
  return svgDocument({ width, height, title: `${canvas.frame.sequence}: ${canvas.name}` }, ground, [
    svgLines(lines, line),
    svgDots(dots(), edge),
    svgRows(pixels, size, ground),
  ]);
}

/** The edges of the square or cube that the limits are, in pixels. */
function edges(size: number, dimensions: 2 | 3): (readonly [x0: number, y0: number, x1: number, y1: number])[] {
  const corners = Array.from({ length: 2 ** dimensions }, (_, bits) =>
    Array.from({ length: dimensions }, (_unused, axis) => (bits >> axis) & 1),
  );
  const place = (corner: readonly number[]) => onPicture(corner).map((share) => pixelAt(share, size));
  return corners.flatMap((corner) =>
    corner.flatMap((is, axis) =>
      is
        ? []
        : [[...place(corner), ...place(corner.with(axis, 1))] as unknown as readonly [number, number, number, number]],
    ),
  );
}

function legendFor({ projection, first, last }: Canvas, options: Options): Legend {
  if (options.colorBy === 'value') return legendOf(projection, options);
  if (options.colorBy === 'time')
    return { reducer: 'frame', meaning: 'scalar', limits: [[first, last]], colors: colorTable(options) };
  const [, height, width] = projection.values.shape as [number, number, number];
  return {
    reducer: 'place',
    meaning: 'coordinates',
    limits: [
      [0, width - 1],
      [0, height - 1],
    ],
    componentNames: ['column', 'row'],
  };
}
