// Puts what several stages show of a frame into one picture, panel by panel.

import {
  axisSize,
  defineRenderer,
  refuse,
  spec,
  tensor,
  type Frame,
  type Item,
  type Legend,
  type Picture,
  type StreamSpec,
  type Tensor,
  outputPath,
} from '@deepearth/core';
import { z } from 'zod';
import { annotated, annotationOptions } from './annotated.ts';
import { captionFields, captionOf, captionStrip } from './caption.ts';
import { joinByFrame } from './join-by-frame.ts';
import { legendStrip } from './legend.ts';
import { pictureQueue, type Panel } from './picture-queue.ts';
import { toRgb } from '@deepearth/vision/rgb';
import { flattened, scaled } from './scale.ts';
import { emptyStrip, stackRows, textScale } from './strip.ts';

const usualLayer = 'panels';

/** Options of `renderer/panels`. */
export const panelsOptions = z.strictObject({
  direction: z.enum(['row', 'column']).default('row').describe('Panels from left to right, or from top to bottom.'),
  columns: z
    .number()
    .int()
    .min(1)
    .max(64)
    .optional()
    .describe('Panels in a row; more go on in the next row, which makes a grid. Default: all in one row.'),
  gapPixels: z.number().int().nonnegative().max(1024).default(4).describe('Black pixels between panels.'),
  panelPixels: z
    .number()
    .int()
    .min(8)
    .max(8192)
    .optional()
    .describe(
      'Height of every panel in a row (width in a column). Default: that of the largest panel of the first picture.',
    ),
  ...annotationOptions,
  layer: outputPath().default(usualLayer).describe('Name of the pictures.'),
});

type Options = z.output<typeof panelsOptions>;

/** A layer that nobody chose gives way where another stage's is called the same. */
const layerOf = (layer: string, ownName: string | undefined): string =>
  layer === usualLayer ? (ownName ?? layer) : layer;

const kinds = ['picture', 'frame'];

/** The stage `renderer/panels`. */
export const panelsRenderer = defineRenderer<typeof panelsOptions, undefined, undefined, Item, Picture>({
  type: 'panels',
  summary: 'Puts what several stages show of a frame side by side, in the order of `from`, scaled to one height.',
  options: panelsOptions,
  joins: 'separate',
  readsAhead: true,
  examples: [
    '- type: renderer/panels\n  from: [frames, pca-overlay, umap-overlay]',
    '- type: renderer/panels\n  from: [frames, pca-overlay, umap-overlay, groups-overlay]\n  with: { columns: 2, caption: [layer] }',
  ],

  describe(input, { options, inputs, ownName }) {
    const other = inputs.find(({ spec: { kind } }) => !kinds.includes(kind));
    if (!input || !kinds.includes(input.kind) || other)
      return refuse(`a panel is a picture or a frame, not ${(other?.spec ?? input)?.kind ?? 'nothing'}.`, {
        remedy: 'List renderers and sources under `from`.',
      });
    const most = mostOf(
      inputs.map((each) => each.spec),
      options,
    );
    return {
      output: {
        ...spec('picture', { height: null, width: null, channels: 3 }, 'uint8', null),
        names: [layerOf(options.layer, ownName)],
        ...(most !== undefined && { most }),
      },
      notes: ['where one input is far behind another, pictures wait in the work folder'],
    };
  },

  async *process(_, context) {
    const { options, inputs, signal } = context;
    const layer = layerOf(options.layer, context.ownName);
    let edge = options.panelPixels;
    const fields = captionFields(options.caption, ['layer', 'number', 'time', 'file']);
    const across = options.direction === 'row';
    const named = fields.includes('layer');
    const below = fields.filter((field) => field !== 'layer');
    const rows = joinByFrame(
      inputs.map(({ items }) => items as AsyncIterable<Panel>),
      (index) => pictureQueue(() => context.scratch(`${index}.pixels`)),
      inputs.some(({ spec }) => spec.interleaved),
    );
    for await (const { frame, panels } of rows) {
      signal.throwIfAborted();
      const id = `${layer}-${frame.id}`;
      const names = named ? panels.map((panel, i) => nameOf(panel, inputs[i]!.id)) : [];
      const caption = captionOf(below, frame, layer);
      const legends = panels.map((panel) => (panel?.kind === 'picture' ? (panel.legends ?? []) : []));
      const pixels = await context.attempt({ id }, async () => {
        const pictures = await Promise.all(panels.map(async (panel) => (panel ? rgbOf(panel, signal) : undefined)));
        edge ??= Math.max(...pictures.map((picture) => picture?.shape[across ? 0 : 1] ?? 1));
        const parts = await Promise.all(pictures.map((picture) => brought(picture, edge!, across)));
        const lines = inLines(parts, options).map((line) => extent(line, across, options.gapPixels));
        const width = Math.max(...lines.map(([, each]) => each));
        const height = lines.reduce((sum, [each]) => sum + each, options.gapPixels * (lines.length - 1));
        // As large as beside pictures in one row.
        const scale = textScale(width, Math.ceil(height / lines.length));
        const shown = labelled(parts, { names, legends: options.legend ? legends : [], across, scale });
        const rows = inLines(shown, options).map((line) => putTogether(line, across, options.gapPixels));
        const picture =
          rows.length > 1
            ? putTogether(
                rows.map((row) => widened(row, width)),
                false,
                options.gapPixels,
              )
            : rows[0]!;
        return annotated(picture, caption, [], scale);
      });
      const key = context.key(...panels.map((panel) => panel?.key ?? ''), ...names, ...caption.map(({ text }) => text));
      if (pixels) yield { kind: 'picture', id, key, pixels, frame, layer, legends: legends.flat() };
    }
  },
});

/** The panels of each row; a column is one line. */
function inLines<Panel>(
  panels: readonly Panel[],
  { direction, columns }: Pick<Options, 'direction' | 'columns'>,
): Panel[][] {
  const most = direction === 'row' ? (columns ?? panels.length) : panels.length;
  return Array.from({ length: Math.ceil(panels.length / most) }, (_, row) =>
    panels.slice(row * most, (row + 1) * most),
  );
}

/** With black pixels to the right of it. */
function widened(picture: Tensor<'uint8'>, width: number): Tensor<'uint8'> {
  const [height, own] = picture.shape as [number, number];
  if (own === width) return picture;
  const out = new Uint8Array(height * width * 3);
  for (let row = 0; row < height; row++)
    out.set(picture.data.subarray(row * own * 3, (row + 1) * own * 3), row * width * 3);
  return tensor('uint8', [height, width, 3], out);
}

/** One picture for each frame that some input has, all panels at the height (or width) of the largest. */
function mostOf(
  streams: readonly StreamSpec[],
  { direction, gapPixels, panelPixels, columns }: Options,
): StreamSpec['most'] {
  const [along, across] = direction === 'row' ? (['width', 'height'] as const) : (['height', 'width'] as const);
  const sizes = streams.map((stream) => ({ along: axisSize(stream, along), across: axisSize(stream, across) }));
  const count = Math.max(...streams.map((stream) => stream.frames?.count ?? NaN));
  const edge = panelPixels ?? Math.max(...sizes.map((size) => size.across ?? NaN));
  const lengths = sizes.map((size) => Math.ceil((edge * (size.along ?? NaN)) / (size.across ?? NaN)) + gapPixels);
  const lines = inLines(lengths, { direction, columns });
  const length = Math.max(...lines.map((line) => line.reduce((sum, each) => sum + each, -gapPixels)));
  const itemBytes = 3 * length * (lines.length * (edge + gapPixels) - gapPixels);
  return Number.isFinite(itemBytes * count) ? { count, itemBytes } : undefined;
}

/** `[height, width, 3]`; opacity is laid over black. */
async function rgbOf(panel: Panel, signal: AbortSignal): Promise<Tensor<'uint8'>> {
  if (panel.kind === 'frame') return framePixels(panel, signal);
  return flattened(panel.pixels);
}

async function framePixels(frame: Frame, signal: AbortSignal): Promise<Tensor<'uint8'>> {
  const raster = await frame.read({ signal });
  return tensor('uint8', [raster.values.shape[0]!, raster.values.shape[1]!, 3], toRgb(raster, frame));
}

/** What a panel is called: its layer, or the stage that a frame comes from; nothing where there is none yet. */
const nameOf = (panel: Panel | undefined, stage: string): string =>
  panel ? (panel.kind === 'picture' ? panel.layer : stage) : '';

/** At the height (`across`) or width of `edge`; a black square where there is nothing to show. */
const brought = async (
  picture: Tensor<'uint8'> | undefined,
  edge: number,
  across: boolean,
): Promise<Tensor<'uint8'>> =>
  picture ? scaled(picture, edge, across) : tensor('uint8', [edge, edge, 3], new Uint8Array(edge * edge * 3));

/** Each panel below its name and above its legends, where they are asked for; in a row all as high as the highest. */
function labelled(
  panels: readonly Tensor<'uint8'>[],
  {
    names,
    legends,
    across,
    scale,
  }: {
    readonly names: readonly string[];
    readonly legends: readonly (readonly Legend[])[];
    readonly across: boolean;
    readonly scale: number;
  },
): Tensor<'uint8'>[] {
  const strips = panels.map(({ shape }, i) =>
    legends[i]?.length ? legendStrip(legends[i], shape[1]!, scale) : undefined,
  );
  const highest = Math.max(...strips.map((strip) => strip?.shape[0] ?? 0));
  return panels.map((panel, i) => {
    const width = panel.shape[1]!;
    const missing = across ? (highest - (strips[i]?.shape[0] ?? 0)) / scale : 0;
    return stackRows([
      ...(names.length ? [captionStrip([{ field: 'layer', text: names[i]! }], width, scale)] : []),
      panel,
      ...(strips[i] ? [strips[i]] : []),
      ...(missing ? [emptyStrip(width, missing, scale).pixels] : []),
    ]);
  });
}

/** Height and width of panels beside one another (`across`) or one below the other, `gap` pixels apart. */
function extent(panels: readonly Tensor<'uint8'>[], across: boolean, gap: number): [number, number] {
  const total = panels.reduce((sum, { shape }) => sum + shape[across ? 1 : 0]!, gap * (panels.length - 1));
  const edge = panels[0]!.shape[across ? 0 : 1]!;
  return across ? [edge, total] : [total, edge];
}

/** Panels beside one another (`across`) or one below the other, `gap` black pixels apart. */
function putTogether(panels: readonly Tensor<'uint8'>[], across: boolean, gap: number): Tensor<'uint8'> {
  const [height, width] = extent(panels, across, gap);
  const out = new Uint8Array(height * width * 3);
  let at = 0;
  panels.forEach((panel) => {
    const [rows, columns] = panel.shape as [number, number];
    for (let row = 0; row < rows; row++) {
      const to = across ? (row * width + at) * 3 : (at + row) * width * 3;
      out.set(panel.data.subarray(row * columns * 3, (row + 1) * columns * 3), to);
    }
    at += panel.shape[across ? 1 : 0]! + gap;
  });
  return tensor('uint8', [height, width, 3], out);
}
