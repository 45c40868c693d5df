// Says below a picture which frame it shows: number, time, file.

import { sourceName, type Frame, type Tensor } from '@deepearth/core';
import { z } from 'zod';
import { emptyStrip, lineHeight, margin, topMargin, write } from './strip.ts';
import { charactersIn, line } from './text.ts';

/**
 * What a caption can say, and how many characters a line has to have room for, whatever the text: so all pictures of a
 * run are of one size.
 */
const room = { layer: 14, sequence: 14, number: 7, time: 20, file: 24 } as const satisfies Record<CaptionField, number>;

/** One of the things that a caption can say. */
export type CaptionField = 'layer' | 'sequence' | 'number' | 'time' | 'file';

const fieldNames = Object.keys(room) as [CaptionField, ...CaptionField[]];

/** The option `caption` of all renderers. */
export const captionOption = z
  .union([z.boolean(), z.array(z.enum(fieldNames)).min(1)])
  .optional()
  .describe(
    'A strip of text below each picture: true for [number, time, file] of the frame, or a list of these, "layer" and "sequence". Default: none.',
  );

/** What the option says. */
export type CaptionChoice = z.output<typeof captionOption>;

/** The fields that are asked for, in order; `whole` are those of `true`. */
export const captionFields = (
  choice: CaptionChoice,
  whole: readonly CaptionField[] = ['number', 'time', 'file'],
): readonly CaptionField[] => (choice === true ? whole : choice || []);

/** The last part of a path or URL, and which picture of a file of several. */
function fileName(frame: Frame): string {
  const uri = frame.locator.uri.split(/[\\/]/).findLast((part) => part !== '') ?? frame.locator.uri;
  return sourceName({ locator: { ...frame.locator, uri } });
}

function timeOf({ at, seconds }: Frame): string {
  return at ?? (seconds === undefined ? 'no time' : `${Number(seconds.toFixed(3))} s`);
}

const says: Readonly<Record<CaptionField, (frame: Frame, layer: string) => string>> = {
  layer: (_, layer) => layer,
  sequence: ({ sequence }) => sequence,
  number: ({ number }) => `#${number}`,
  time: timeOf,
  file: fileName,
};

/** What one picture's caption says. */
export type Caption = readonly { readonly field: CaptionField; readonly text: string }[];

/** Its texts are part of the picture's key: the name of a file is not part of its frame's. */
export const captionOf = (fields: readonly CaptionField[], frame: Frame, layer: string): Caption =>
  fields.map((field) => ({ field, text: says[field](frame, layer) }));

/** Which fields stand in which line, by their room alone. */
function inLines(fields: readonly CaptionField[], characters: number): CaptionField[][] {
  const lines: CaptionField[][] = [];
  let left = -1;
  for (const field of fields) {
    left -= room[field] + 2;
    if (left < 0) {
      lines.push([]);
      left = characters - room[field];
    }
    lines.at(-1)!.push(field);
  }
  return lines;
}

const charactersOf = (width: number, scale: number): number => charactersIn(Math.floor(width / scale) - 2 * margin);

/** Pixels that a caption adds to the height of a picture of this width. */
export const captionHeight = (fields: readonly CaptionField[], width: number, scale: number): number =>
  fields.length ? (topMargin + inLines(fields, charactersOf(width, scale)).length * lineHeight) * scale : 0;

/** The strip of a caption, `[captionHeight, width, 3]`; text that is too long loses its middle to "…". */
export function captionStrip(caption: Caption, width: number, scale: number): Tensor<'uint8'> {
  const characters = charactersOf(width, scale);
  const lines = inLines(
    caption.map(({ field }) => field),
    characters,
  );
  const strip = emptyStrip(width, topMargin + lines.length * lineHeight, scale);
  const texts = caption.map(({ field, text }) => ({ text, room: room[field] }));
  lines.forEach(({ length }, row) => {
    write(strip, line(texts.splice(0, length), characters), margin, topMargin + row * lineHeight);
  });
  return strip.pixels;
}
