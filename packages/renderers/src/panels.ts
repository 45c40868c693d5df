// Puts what several stages show of a frame into one picture, panel by panel.

import {
  axisSize,
  defineRenderer,
  refuse,
  spec,
  tensor,
  type Frame,
  type Item,
  type Picture,
  type StreamSpec,
  type Tensor,
} from '@deepearth/core';
import { z } from 'zod';
import { joinByFrame } from './join-by-frame.ts';
import { pictureQueue, type Panel } from './picture-queue.ts';
import { toRgb } from './rgb.ts';
import { flattened, scaled } from './scale.ts';

const usualLayer = 'panels';

/** Options of `renderer/panels`. */
export const panelsOptions = z.strictObject({
  direction: z.enum(['row', 'column']).default('row').describe('Panels from left to right, or from top to bottom.'),
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
  layer: z.string().min(1).default(usualLayer).describe('Name of the pictures.'),
});

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
  examples: ['- type: renderer/panels\n  from: [frames, pca-overlay, umap-overlay]'],

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
    const rows = joinByFrame(
      inputs.map(({ items }) => items as AsyncIterable<Panel>),
      (index) => pictureQueue(() => context.scratch(`${index}.pixels`)),
      inputs.some(({ spec }) => spec.interleaved),
    );
    for await (const { frame, panels } of rows) {
      signal.throwIfAborted();
      const id = `${layer}-${frame.id}`;
      const pixels = await context.attempt({ id }, async () => {
        const pictures = await Promise.all(panels.map(async (panel) => (panel ? rgbOf(panel, signal) : undefined)));
        edge ??= Math.max(...pictures.map((picture) => picture?.shape[options.direction === 'row' ? 0 : 1] ?? 1));
        return putTogether(pictures, edge, options.direction, options.gapPixels);
      });
      const key = context.key(...panels.map((panel) => panel?.key ?? ''));
      if (pixels) yield { kind: 'picture', id, key, pixels, frame, layer };
    }
  },
});

/** One picture for each frame that some input has, all panels at the height (or width) of the largest. */
function mostOf(
  streams: readonly StreamSpec[],
  { direction, gapPixels, panelPixels }: z.output<typeof panelsOptions>,
): StreamSpec['most'] {
  const [along, across] = direction === 'row' ? (['width', 'height'] as const) : (['height', 'width'] as const);
  const sizes = streams.map((stream) => ({ along: axisSize(stream, along), across: axisSize(stream, across) }));
  const count = Math.max(...streams.map((stream) => stream.frames?.count ?? NaN));
  const edge = panelPixels ?? Math.max(...sizes.map((size) => size.across ?? NaN));
  const length = sizes.reduce((sum, size) => sum + Math.ceil((edge * (size.along ?? NaN)) / (size.across ?? NaN)), 0);
  const itemBytes = 3 * edge * (length + gapPixels * (streams.length - 1));
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

async function putTogether(
  pictures: readonly (Tensor<'uint8'> | undefined)[],
  edge: number,
  direction: 'row' | 'column',
  gap: number,
): Promise<Tensor<'uint8'>> {
  const across = direction === 'row';
  const panels = await Promise.all(
    pictures.map(async (picture) =>
      picture ? scaled(picture, edge, across) : tensor('uint8', [edge, edge, 3], new Uint8Array(edge * edge * 3)),
    ),
  );
  const lengths = panels.map(({ shape }) => shape[across ? 1 : 0]!);
  const total = lengths.reduce((a, b) => a + b, 0) + gap * (panels.length - 1);
  const [height, width] = across ? [edge, total] : [total, edge];
  const out = new Uint8Array(height * width * 3);
  let at = 0;
  panels.forEach((panel, i) => {
    const [rows, columns] = panel.shape as [number, number];
    for (let row = 0; row < rows; row++) {
      const to = across ? (row * width + at) * 3 : (at + row) * width * 3;
      out.set(panel.data.subarray(row * columns * 3, (row + 1) * columns * 3), to);
    }
    at += lengths[i]! + gap;
  });
  return tensor('uint8', [height, width, 3], out);
}
