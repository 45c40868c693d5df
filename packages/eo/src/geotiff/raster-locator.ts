// What a frame keeps of how it was read from rasters, and how it is read again from that.

import { InputError, lineage, type Json, type Locator, type Rectangle, type StageDefinition } from '@deepearth/core';
import { overviewRaster } from '@deepearth/core/raster-part';
import { z } from 'zod';
import { readFrameRaster, stretchChannels, type RasterChoice, type Ranges } from './frame-raster.ts';
import { ruleOf } from './mask-rule.ts';
import { rasterPool } from './raster-pool.ts';
import { stackRules, storedStack, type RasterRef } from './raster-ref.ts';
import type { SeriesOptions } from './series-options.ts';
import { refOfStored, stackJson, useRaster, type RefIdentity } from './use-raster.ts';

/** Another number where the same bytes and options come to give other pixels. */
const version = 1;

const range = z.tuple([z.number(), z.number()]);
const storedDecode = z.object({
  bands: z.array(z.number().int().nonnegative()).min(1).max(3),
  palette: z.boolean().default(false),
  mask: z
    .object({
      band: z.number().int().nonnegative(),
      invalid: z.array(z.number()).optional(),
      bits: z.array(z.number().int().min(0).max(31)).optional(),
      above: z.number().optional(),
      below: z.number().optional(),
    })
    .optional(),
  overview: z.number().int().nonnegative().optional(),
  ranges: z.union([z.tuple([range]), z.tuple([range, range, range])]).optional(),
  stack: storedStack,
  beside: z.string().optional(),
  version: z.string().optional(),
  timeoutSeconds: z.number().positive().optional(),
});

/** What a locator keeps of how its frame is read. */
export function decodeOf(
  { bands, palette, mask, overview }: RasterChoice,
  ranges: Ranges | undefined,
  ref: RasterRef,
  identity: RefIdentity,
  { values, timeoutSeconds }: Pick<SeriesOptions, 'values' | 'timeoutSeconds'>,
): NonNullable<Locator['decode']> {
  const stack = stackJson(ref, identity);
  const { version: etag, beside } = identity.parts[0]!;
  const isRemote = identity.parts.some((part) => part.version !== undefined);
  return {
    bands: [...bands],
    ...(palette && { palette }),
    ...(mask && { mask: { band: mask.band, ...ruleOf(mask) } as Json }),
    ...(overview !== undefined && { overview }),
    ...(ranges && values === 'uint8' && { ranges: ranges.map((each) => [...each]) }),
    ...(stack !== undefined && { stack }),
    ...(beside !== undefined && { beside }),
    ...(etag !== undefined && { version: etag }),
    ...(isRemote && { timeoutSeconds }),
  };
}

/** Identical bytes read under the same rules are the same frame, wherever the files lie and whatever its number. */
export function frameKey(content: string, window: Rectangle, { decode }: Locator): string {
  const { version: _, beside: __, timeoutSeconds: ___, stack, ...rules } = { ...decode };
  return lineage(
    'frame of a geotiff',
    version,
    content,
    { ...window },
    { ...rules, ...(stack !== undefined && { stack: stackRules(stack) }) },
  );
}

/** `reopen` of sources of rasters. */
export const reopenRaster: NonNullable<StageDefinition['reopen']> = async (
  { uri, sha256, decode },
  { window, overview, signal },
  { share },
) => {
  const stored = storedDecode.safeParse(decode);
  if (!stored.success) throw new InputError(uri, 'says too little to read it again.', { code: 'E_LOCATOR' });
  const { version: etag, beside, ranges, timeoutSeconds, stack, ...choice } = stored.data;
  const pool = await share(
    'files of rasters',
    () => rasterPool(signal, timeoutSeconds),
    (open) => open.close(),
  );
  const ref = await refOfStored(pool, uri, { sha256, beside, version: etag }, stack);
  const raster = await useRaster(pool, ref, (open) => readFrameRaster(open, choice, window, signal));
  return overviewRaster(ranges ? stretchChannels(raster, ranges as unknown as Ranges) : raster, overview ?? 1);
};
