// Finds the values of a series of frames that become black and white.

import { InputError, type StageContext } from '@deepearth/core';
import { readTextFile } from '@deepearth/core/regular-file';
import type { ReadThrough } from '@deepearth/vision/read-through';
import { countValues, fillWarning } from '@deepearth/vision/stretch';
import { z } from 'zod';
import { decodeKept, keptKey, openFrameFile, type Decoding } from './frame-file.ts';
import type { PictureOptions } from './picture-options.ts';

/** What is stretched, and how. */
export interface Stretch {
  /** Pictures of more than 8 bits alone, unless the options ask for all. */
  readonly wideOnly: boolean;
  readonly range: readonly [low: number, high: number];
}

/** Percentiles of all values unless told: what most programs for such pictures begin with. */
const usual: readonly [low: number, high: number] = [2, 98];

/** What the options ask for; `undefined` where values stay as they are or are divided by 257. */
function asked({ stretch }: Pick<PictureOptions, 'stretch'>) {
  if (stretch === 'type') return undefined;
  if (stretch === undefined) return { wideOnly: true, percentile: usual };
  if (stretch === 'percentile') return { wideOnly: false, percentile: usual };
  return { wideOnly: false, ...stretch };
}

/** Frames that are looked at, spread evenly over the whole series. */
const mostFrames = 64;

/** For the plan: what will be stretched. `wide` where pictures of more than 8 bits are known. */
export function stretchNote(options: PictureOptions, wide: boolean): string[] {
  const wanted = asked(options);
  if (!wanted || (wanted.wideOnly && !wide)) return [];
  if ('range' in wanted) return [`values from ${wanted.range[0]} to ${wanted.range[1]} are shown from black to white`];
  if ('manifest' in wanted) return [`values are shown from black to white as the run of ${wanted.manifest} found it`];
  const [low, high] = wanted.percentile;
  return [
    `values are shown from black at percentile ${low} to white at percentile ${high} of the whole series, for encoders and drawing${wanted.wideOnly ? '; `stretch: type` takes the whole range of their type instead' : ''}`,
  ];
}

/** The pictures that a stretch is found from. */
export interface Series {
  /** How many frames there are. */
  readonly total: number;
  /** Up to `most` of them, spread evenly; where `wide` is set, of those with more than 8 bits alone. */
  sample(most: number, wide: boolean): readonly SeriesPicture[];
}

/** A picture file, and which of its pages. */
export interface SeriesPicture {
  readonly path: string;
  readonly page?: number | undefined;
}

/** Up to `most` of a list, spread evenly. */
export const spread = <T>(list: readonly T[], most: number): T[] => {
  const count = Math.min(list.length, most);
  return Array.from({ length: count }, (_, i) => list[Math.floor((i * list.length) / count)]!);
};

/**
 * The stretch of a series, the same for each part of it: what the options fix, or percentiles of up to 64 frames.
 * Frames that cannot be read are left out here and reported when they are sent. Throws an `InputError` for a manifest
 * that has no stretch.
 */
export async function findStretch(
  series: Series,
  read: ReadThrough,
  context: StageContext<PictureOptions>,
): Promise<Stretch | undefined> {
  const { options, signal, progress, log, recordFinding } = context;
  const fixed = await fixedStretch(context);
  if (fixed) return fixed;
  const wanted = asked(options);
  if (!wanted || !('percentile' in wanted)) return undefined;
  const { wideOnly } = wanted;
  const looked = series.sample(mostFrames, wideOnly);
  const decoding: Decoding = { ...options, values: 'stored' };
  const counts = countValues(looked.length);
  let frames = 0;
  for (const [i, { path, page }] of looked.entries()) {
    signal.throwIfAborted();
    try {
      const picture = await openFrameFile(path, { maxPixels: options.maxPixels, page, signal });
      counts.add(await read(keptKey(picture.sha256, decoding, page), () => decodeKept(picture, decoding), { signal }));
      frames++;
    } catch (error) {
      if (signal.aborted) throw error;
    }
    progress('stretch', i + 1, looked.length);
  }
  const range = counts.range(...wanted.percentile);
  if (!range) return undefined;
  const percentile = [...wanted.percentile];
  const [wide, all] = [true, false].map((wider) => series.sample(Infinity, wider).length) as [number, number];
  if (wideOnly && wide > 0 && wide < all)
    log.warn(
      `${wide} of ${all} pictures have more than 8 bits and are stretched, the others are shown as they are; let all hold values of one kind, or say with \`stretch\` what becomes black and white in all of them`,
    );
  for (const value of counts.fills(...wanted.percentile)) log.warn(fillWarning(value));
  recordFinding('stretch', { range: [...range], percentile, frames });
  log.info(
    `values from ${range[0]} to ${range[1]} are shown from black to white (percentiles ${percentile.join(' and ')} of ${frames} of ${series.total} frames)`,
  );
  return { wideOnly, range };
}

/** The stretch that is known before any frame is: a range, or that of an earlier run. */
export async function fixedStretch({
  options,
  signal,
  recordFinding,
}: Pick<StageContext<PictureOptions>, 'options' | 'signal' | 'recordFinding'>): Promise<Stretch | undefined> {
  const wanted = asked(options);
  if (!wanted || 'percentile' in wanted) return undefined;
  const range = 'range' in wanted ? wanted.range : await rangeOfRun(wanted.manifest, signal);
  recordFinding('stretch', { range: [...range] });
  return { wideOnly: wanted.wideOnly, range };
}

const findings = z.object({
  stages: z.array(
    z.object({
      findings: z.object({ stretch: z.object({ range: z.tuple([z.number(), z.number()]) }).optional() }).optional(),
    }),
  ),
});

/** The range that a source of an earlier run found. */
async function rangeOfRun(manifest: string, signal: AbortSignal): Promise<Stretch['range']> {
  const text = await readTextFile(manifest, { signal });
  const known: Stretch['range'][] = [];
  try {
    for (const stage of findings.parse(JSON.parse(text)).stages)
      if (stage.findings?.stretch) known.push(stage.findings.stretch.range);
  } catch (cause) {
    throw new InputError(manifest, 'is no manifest of a run.', { code: 'E_STRETCH', cause, remedy });
  }
  if (new Set(known.map((range) => range.join())).size === 1) return known[0]!;
  throw new InputError(
    manifest,
    known.length
      ? `has stretches of several sources: ${known.map((range) => range.join(' to ')).join(', ')}.`
      : 'has no stretch.',
    { code: 'E_STRETCH', remedy },
  );
}

const remedy = 'Give the values themselves: `stretch: { range: [low, high] }`.';
