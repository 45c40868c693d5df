// Names what one picture of a series is read from: a file, or bands of several files put together.

import type { Json } from '@deepearth/core';
import { z } from 'zod';

const bandMeaning = z.strictObject({
  name: z.string().optional(),
  scale: z.number().optional(),
  offset: z.number().optional(),
  nodata: z.union([z.number(), z.literal('nan'), z.literal('inf'), z.literal('-inf')]).optional(),
});
const partSchema = z.strictObject({
  uri: z.string(),
  /** What is said of its bands elsewhere, in their order; it goes before what the file says. */
  bands: z.array(bandMeaning).optional(),
  /** What is said of those that `bands` does not list. */
  others: bandMeaning.omit({ name: true }).optional(),
  /** Whether its values mark pixels of the others. */
  mask: z.literal(true).optional(),
});
const gridSchema = z.strictObject({
  /** The part whose grid is taken; the one with the smallest pixels by default. */
  part: z.number().int().nonnegative().optional(),
  /** `[left, bottom, right, top]` in the coordinate system of the parts; those of the part by default. */
  bounds: z.tuple([z.number(), z.number(), z.number(), z.number()]).optional(),
  /** Edge of a pixel, in units of the coordinate system; that of the part by default. */
  resolution: z.number().positive().optional(),
});
const refShape = {
  parts: z.array(partSchema).min(1),
  grid: gridSchema.optional(),
  resampling: z.enum(['nearest', 'bilinear']),
};

/** What is said of a band beside its file. */
export type BandMeaning = z.output<typeof bandMeaning>;
/** A file whose bands stand beside those of others. */
export type RasterPart = z.output<typeof partSchema>;
/** Which pixels a picture of several files has. */
export type GridChoice = z.output<typeof gridSchema>;

/** What one picture is read from. */
export interface RasterRef {
  /** In order of their bands; those that are masks are the last. */
  readonly parts: readonly RasterPart[];
  readonly grid?: GridChoice | undefined;
  /** How the values of parts with another grid are found. */
  readonly resampling: 'nearest' | 'bilinear';
}

/** A file by itself. */
export const fileRef = (uri: string): RasterRef => ({ parts: [{ uri }], resampling: 'nearest' });

/** Whether a picture is one file, as it is. */
export const isFile = ({ parts: [first, ...others], grid }: RasterRef): boolean =>
  others.length === 0 && !first!.bands && !first!.others && !grid;

/** The same picture with its first file elsewhere: a locator's path goes before that of the recipe. */
export const withPath = (ref: RasterRef, uri: string): RasterRef => {
  const [first, ...others] = ref.parts;
  return { ...ref, parts: [{ ...first!, uri }, ...others] };
};

/** What a locator keeps of a picture: `undefined` for one file as it is. */
export const storedStack = z
  .strictObject({
    ...refShape,
    parts: z
      .array(
        partSchema.extend({
          sha256: z.string().optional(),
          beside: z.string().optional(),
          version: z.string().optional(),
        }),
      )
      .min(1),
  })
  .optional();

/** How files are put together, wherever they lie: what of a stack is part of a key. */
export function stackRules(stored: Json): Json {
  const { parts, ...rest } = stored as { readonly parts: readonly { readonly [name: string]: Json }[] };
  return { ...rest, parts: parts.map(({ uri: _, sha256: __, beside: ___, version: ____, ...meaning }) => meaning) };
}
