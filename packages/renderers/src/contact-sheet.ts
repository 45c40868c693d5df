// Shows a whole sequence at a glance: pictures from all along it, small, on one sheet.

import {
  axisSize,
  defineRenderer,
  refuse,
  sequenceCount,
  sequenceFile,
  spec,
  tensor,
  type Item,
  type Picture,
  type Tensor,
} from '@deepearth/core';
import { z } from 'zod';
import { annotated, annotationOptions, captionedHeight } from './annotated.ts';
import { captionFields, captionOf } from './caption.ts';
import { flattened, scaled } from './scale.ts';

/** Options of `renderer/contact-sheet`. */
export const contactSheetOptions = z.strictObject({
  columns: z.number().int().min(1).max(64).default(8).describe('Pictures in a row.'),
  rows: z.number().int().min(1).max(64).default(4).describe('Rows at most; a longer run is thinned out evenly to fit.'),
  cellPixels: z.number().int().min(8).max(1024).default(128).describe('Width of a picture on the sheet.'),
  gapPixels: z.number().int().nonnegative().max(64).default(4).describe('Black pixels between pictures.'),
  ...annotationOptions,
});

/** One sheet in the making: every `step`-th picture of one sequence and layer. */
interface Sheet {
  readonly first: Picture;
  cells: { picture: Tensor<'uint8'>; keys: readonly string[] }[];
  step: number;
  seen: number;
}

const sheetName = (layer: string, ownName = 'sheet'): string => `${layer}-${ownName}`;

/** The stage `renderer/contact-sheet`. */
export const contactSheet = defineRenderer<typeof contactSheetOptions, undefined, undefined, Picture & Item, Picture>({
  type: 'contact-sheet',
  summary: 'Shows pictures from all along a sequence on one sheet, one sheet for each sequence and layer.',
  options: contactSheetOptions,
  joins: 'merged',
  examples: [
    '- type: renderer/contact-sheet',
    '- type: renderer/contact-sheet\n  with: { columns: 4, rows: 4, cellPixels: 240 }',
  ],

  describe(input, { options: { columns, rows, cellPixels, gapPixels, caption }, inputs, ownName }) {
    const other = inputs.find(({ spec: { kind } }) => kind !== 'picture');
    if (input?.kind !== 'picture' || other)
      return refuse(`a contact sheet shows pictures, not ${(other?.spec ?? input)?.kind ?? 'nothing'}.`, {
        remedy: 'Put it behind a renderer.',
      });
    const shapes = inputs.map((each) => (axisSize(each.spec, 'height') ?? NaN) / (axisSize(each.spec, 'width') ?? NaN));
    const pictureHeight = Math.ceil(cellPixels * Math.max(...shapes));
    const cellHeight = captionedHeight(cellPixels, pictureHeight || cellPixels, captionFields(caption))!;
    const sheet = pictureHeight ? 3 * columns * (cellPixels + gapPixels) * rows * (cellHeight + gapPixels) : undefined;
    const sheets = inputs.reduce<number | null>(
      (sum, { spec: { sequences, names } }) =>
        sum === null || sequences === null || !names ? null : sum + (sequences?.length ?? 1) * names.length,
      0,
    );
    const streams = sequenceCount(inputs);
    return {
      output: {
        ...spec('picture', { height: null, width: null, channels: 3 }, 'uint8', null),
        ...(sheet !== undefined && sheets !== null && { most: { count: sheets, itemBytes: sheet } }),
        ...(inputs.every(({ spec: { names } }) => names) && {
          names: inputs.flatMap(({ spec: { names } }) => names!.map((layer) => sheetName(layer, ownName))),
        }),
      },
      drains: true,
      memoryBytes: 2 * columns * rows * cellPixels * cellHeight * 3 * streams,
    };
  },

  async *process(pictures, { options, ownName, key, attempt, signal }) {
    const most = options.columns * options.rows;
    const fields = captionFields(options.caption);
    const sheets = new Map<string, Sheet>();
    for await (const picture of pictures) {
      signal.throwIfAborted();
      const name = sequenceFile(picture.frame.sequence, picture.layer, true);
      const sheet = sheets.get(name) ?? { first: picture, cells: [], step: 1, seen: 0 };
      sheets.set(name, sheet);
      if (sheet.seen++ % sheet.step) continue;
      const caption = captionOf(fields, picture.frame, picture.layer);
      const cell = await attempt(picture, async () =>
        annotated(await scaled(flattened(picture.pixels), options.cellPixels, false), caption),
      );
      if (!cell) continue;
      sheet.cells.push({ picture: cell, keys: [picture.key, ...caption.map(({ text }) => text)] });
      if (sheet.cells.length <= most) continue;
      // Too many: every second one goes, and from now on only every second one comes.
      sheet.cells = sheet.cells.filter((_, i) => i % 2 === 0);
      sheet.step *= 2;
    }
    for (const [, { first, cells }] of [...sheets].sort(([a], [b]) => (a < b ? -1 : 1))) {
      // Every picture of it was skipped.
      if (cells.length === 0) continue;
      const { layer, legends } = first;
      const name = sheetName(layer, ownName);
      const pixels = layOut(
        cells.map(({ picture }) => picture),
        options.columns,
        options.gapPixels,
      );
      yield {
        kind: 'picture',
        id: `${name}-${first.frame.id}`,
        key: key(
          layer,
          cells.flatMap(({ keys }) => keys),
        ),
        pixels: options.legend ? annotated(pixels, [], legends) : pixels,
        frame: first.frame,
        layer: name,
        ...(legends && { legends }),
      };
    }
  },
});

function layOut(pictures: readonly Tensor<'uint8'>[], columns: number, gap: number): Tensor<'uint8'> {
  const across = Math.min(columns, pictures.length);
  const down = Math.ceil(pictures.length / columns);
  const cellWidth = pictures[0]!.shape[1]!;
  const cellHeight = Math.max(...pictures.map(({ shape }) => shape[0]!));
  const [width, height] = [across * (cellWidth + gap) - gap, down * (cellHeight + gap) - gap];
  const out = new Uint8Array(width * height * 3);
  pictures.forEach(({ data, shape }, i) => {
    const left = (i % columns) * (cellWidth + gap);
    const top = Math.floor(i / columns) * (cellHeight + gap);
    for (let row = 0; row < shape[0]!; row++)
      out.set(data.subarray(row * cellWidth * 3, (row + 1) * cellWidth * 3), ((top + row) * width + left) * 3);
  });
  return tensor('uint8', [height, width, 3], out);
}
