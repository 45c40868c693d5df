// Shows how much tokens change from one step of time to the next: where (a map), and when (a curve).

import {
  axisSize,
  defineRenderer,
  isRefusal,
  outputPath,
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
import { colorOptions } from './cell-colors.ts';
import { colorTable } from '@deepearth/vision/colormaps';
import { shots, streamOf } from './each-frame.ts';
import { layerName } from './layer-name.ts';
import { numbers } from './legend.ts';
import { sequencePictures, wantProjections } from './projection-spec.ts';
import { emptyStrip, lineHeight, margin, write } from './strip.ts';
import { advance } from './text.ts';

/** Options of `renderer/timeline`. */
export const timelineOptions = z.strictObject({
  ...colorOptions,
  ...annotationOptions,
  cellPixels: z.number().int().min(1).max(256).default(8).describe('Edge of a token in the map.'),
  curvePixels: z
    .number()
    .int()
    .min(16)
    .max(8192)
    .default(512)
    .describe('Width of the curve; it is as high as the map.'),
  layer: outputPath()
    .optional()
    .describe('Name of the pictures. Default: the reducer and "timeline", as in "umap-timeline".'),
});

type Options = z.output<typeof timelineOptions>;

/** Pixels between the map and the curve. */
const gap = 8;
const ink = [236, 236, 236] as const;

/** What is known of a sequence so far. */
interface Line {
  readonly name: string;
  readonly first: Frame;
  last: Frame;
  key: string;
  readonly height: number;
  readonly width: number;
  /** The mean change of each step but the first; NaN where no token is known in both. */
  readonly changes: number[];
  /** Of each cell, over all steps. */
  readonly sums: Float64Array;
  readonly counts: Float64Array;
  former: { readonly projection: Projection; readonly step: number };
}

/** The stage `renderer/timeline`. */
export const timeline = defineRenderer({
  type: 'timeline',
  summary: 'Shows how much tokens change from step to step: as a map of where, and as a curve of when.',
  options: timelineOptions,
  examples: ['- type: renderer/timeline', '- type: renderer/timeline\n  with: { colorMap: magma, legend: true }'],

  joins: 'merged',

  describe(_, { options, inputs, ownName }) {
    const input = wantProjections(inputs);
    if (isRefusal(input)) return input;
    const [down, across] = ['height', 'width'].map((axis) => axisSize(input, axis));
    const height = down == null ? null : down * options.cellPixels;
    const width = across == null ? null : across * options.cellPixels + gap + options.curvePixels;
    const layerOf = layerName(options.layer, ownName, 'timeline');
    return { output: sequencePictures(inputs, input, { height, width }, options, layerOf), drains: true };
  },

  async *process(projections, { options, inputs, ownName, key, signal }) {
    const lines = new Map<string, Line>();
    for await (const { projection, step, frame } of shots(projections, 'step', streamOf(inputs))) {
      signal.throwIfAborted();
      const name = layerName(options.layer, ownName, 'timeline')(projection.reducer);
      const place = sequenceFile(frame.sequence, name, true);
      const known = lines.get(place);
      if (known) follow(known, projection, step);
      const [, height, width] = projection.values.shape as [number, number, number];
      const current = known ?? {
        ...{ name, height, width, first: frame, last: frame, key: name, changes: [] },
        ...{ sums: new Float64Array(height * width), counts: new Float64Array(height * width) },
        former: { projection, step },
      };
      if (current.former.projection !== projection || !known) current.key = key(current.key, projection.key);
      current.former = { projection, step };
      current.last = frame;
      lines.set(place, current);
    }
    for (const [, line] of [...lines].sort(([a], [b]) => (a < b ? -1 : 1))) {
      const caption = captionOf(captionFields(options.caption), line.first, line.name);
      const means = line.sums.map((sum, cell) => (line.counts[cell] ? sum / line.counts[cell]! : NaN));
      // One scale for both, so that a colour of the map is a height of the curve.
      const top = [...line.changes, ...means].reduce((most, value) => (value > most ? value : most), 0);
      const legends: Legend[] = [
        { reducer: 'change', meaning: 'scalar', limits: [[0, top]], colors: colorTable(options) },
      ];
      yield {
        kind: 'picture',
        id: `${line.name}-${line.first.id}`,
        key: key(line.key, ...caption.map(({ text }) => text)),
        pixels: annotated(paint(line, means, top, options), caption, options.legend ? legends : []),
        frame: line.first,
        layer: line.name,
        legends,
      };
    }
  },
});

/**
 * Adds what changed since the former step: for each token the root mean square of its numbers' differences, each as a
 * share of its limits; 0 or 1 where numbers are groups.
 */
function follow(line: Line, projection: Projection, step: number): void {
  const { values, limits, meaning, valid } = projection;
  const { projection: before, step: stepBefore } = line.former;
  const [, height, width, components] = values.shape as [number, number, number, number];
  const cells = height * width;
  if (height !== line.height || width !== line.width || before.values.shape.at(-1) !== components) return;
  const extents = Array.from({ length: components }, (_, c) => (limits[c] ? limits[c][1] - limits[c][0] : 0));
  let sum = 0;
  let count = 0;
  for (let cell = 0; cell < cells; cell++) {
    const now = step * cells + cell;
    const then = stepBefore * cells + cell;
    if (valid?.[now] === 0 || before.valid?.[then] === 0) continue;
    let square = 0;
    for (let c = 0; c < components; c++) {
      const difference = values.data[now * components + c]! - before.values.data[then * components + c]!;
      const share = meaning === 'label' ? Number(difference !== 0) : extents[c]! > 0 ? difference / extents[c]! : 0;
      square += share * share;
    }
    const change = Math.sqrt(square / components);
    if (Number.isNaN(change)) continue;
    line.sums[cell]! += change;
    line.counts[cell]!++;
    sum += change;
    count++;
  }
  line.changes.push(count ? sum / count : NaN);
}

/** The map, and to the right of it the curve with its highest number and the frames at its ends. */
function paint(line: Line, means: Float64Array, top: number, options: Options): Tensor<'uint8'> {
  const { cellPixels: cell, curvePixels } = options;
  const left = line.width * cell;
  const [height, width] = [line.height * cell, left + gap + curvePixels];
  const panel = emptyStrip(curvePixels, height, 1);
  const out = new Uint8Array(height * width * 3);
  const table = colorTable(options);
  for (let y = 0; y < height; y++)
    for (let x = 0; x < left; x++) {
      const mean = means[Math.floor(y / cell) * line.width + Math.floor(x / cell)]!;
      if (Number.isNaN(mean)) continue;
      const entry = (top > 0 ? Math.round((mean / top) * 255) : 0) * 3;
      out.set(table.subarray(entry, entry + 3), (y * width + x) * 3);
    }
  drawCurve(panel.pixels, line.changes, top);
  const [, says] = numbers([0, top], 0, top);
  write(panel, says!, margin, margin);
  const [from, to] = [`#${line.first.number}`, `#${line.last.number}`];
  write(panel, from, margin, height - lineHeight);
  write(panel, to, curvePixels - margin - to.length * advance, height - lineHeight);
  for (let y = 0; y < height; y++)
    out.set(panel.pixels.data.subarray(y * curvePixels * 3, (y + 1) * curvePixels * 3), (y * width + left + gap) * 3);
  return tensor('uint8', [height, width, 3], out);
}

/** A line through all changes, broken where one is not known; 0 stands above the text at the bottom. */
function drawCurve({ data, shape }: Tensor<'uint8'>, changes: readonly number[], top: number): void {
  const [height, width] = shape as [number, number];
  const upper = Math.min(margin + lineHeight, height - 1);
  const lower = Math.max(upper, height - lineHeight - margin);
  const xOf = (i: number): number =>
    Math.round(margin + ((width - 1 - 2 * margin) * i) / Math.max(1, changes.length - 1));
  const yOf = (change: number): number => Math.round(lower - (top > 0 ? change / top : 0) * (lower - upper));
  changes.forEach((change, i) => {
    if (Number.isNaN(change)) return;
    const next = changes[i + 1];
    const [x0, y0] = [xOf(i), yOf(change)];
    const [x1, y1] = next === undefined || Number.isNaN(next) ? [x0, y0] : [xOf(i + 1), yOf(next)];
    const steps = Math.max(1, Math.abs(x1 - x0), Math.abs(y1 - y0));
    for (let at = 0; at <= steps; at++) {
      const x = Math.round(x0 + ((x1 - x0) * at) / steps);
      const y = Math.round(y0 + ((y1 - y0) * at) / steps);
      data.set(ink, (y * width + x) * 3);
    }
  });
}
