// Finds the values of a series of frames that become black and white.

import { join } from 'node:path';
import type { StageContext } from '@deepearth/core';
import type { ReadThrough } from '@deepearth/vision/read-through';
import { countValues } from '@deepearth/vision/stretch';
import { decodeKept, keptKey, openFrameFile, type Decoding } from './frame-file.ts';
import type { FramesOptions } from './frames-options.ts';
import type { Listing } from './listing.ts';

/** What is stretched, and how. */
export interface Stretch {
  /** Pictures of more than 8 bits alone, unless the options ask for all. */
  readonly wideOnly: boolean;
  readonly range: readonly [low: number, high: number];
}

/** Percentiles of all values unless told: what most programs for such pictures begin with. */
const usual: readonly [low: number, high: number] = [2, 98];

/** What the options ask for; `undefined` where values stay as they are or are divided by 257. */
function asked({ stretch }: Pick<FramesOptions, 'stretch'>) {
  if (stretch === 'type') return undefined;
  if (stretch === undefined) return { wideOnly: true, percentile: usual };
  if (stretch === 'percentile') return { wideOnly: false, percentile: usual };
  return { wideOnly: false, ...stretch };
}

/** Frames that are looked at, spread evenly over the whole series. */
const mostFrames = 64;

/** For the plan: what will be stretched. */
export function stretchNote(options: FramesOptions, { headers }: Listing): string[] {
  const wanted = asked(options);
  const wide = [...headers.values()].some((header) => header.wide);
  if (!wanted || (wanted.wideOnly && !wide)) return [];
  if ('range' in wanted) return [`values from ${wanted.range[0]} to ${wanted.range[1]} are shown from black to white`];
  const [low, high] = wanted.percentile;
  return [
    `values are shown from black at percentile ${low} to white at percentile ${high} of the whole series, for encoders and drawing${wanted.wideOnly ? '; `stretch: type` takes the whole range of their type instead' : ''}`,
  ];
}

/**
 * The stretch of a series, the same for each part of it: percentiles of up to 64 frames of the whole listing. Frames that
 * cannot be read are left out here and reported when they are sent.
 */
export async function findStretch(
  listing: Listing,
  read: ReadThrough,
  { options, signal, progress, log, recordFinding }: StageContext<FramesOptions>,
): Promise<Stretch | undefined> {
  const wanted = asked(options);
  if (!wanted) return undefined;
  const { wideOnly } = wanted;
  if ('range' in wanted) {
    recordFinding('stretch', { range: [...wanted.range] });
    return { wideOnly, range: wanted.range };
  }
  const files = listing.sequences.flatMap((sequence) => sequence.files);
  const looked = wideOnly ? files.filter(({ file }) => listing.headers.get(file)?.wide) : files;
  const count = Math.min(looked.length, mostFrames);
  const decoding: Decoding = { ...options, values: 'stored' };
  const counts = countValues(count);
  let frames = 0;
  for (let i = 0; i < count; i++) {
    signal.throwIfAborted();
    const { file, page } = looked[Math.floor((i * looked.length) / count)]!;
    try {
      const picture = await openFrameFile(join(options.directory, file), {
        maxPixels: options.maxPixels,
        page,
        signal,
      });
      counts.add(await read(keptKey(picture.sha256, decoding, page), () => decodeKept(picture, decoding), { signal }));
      frames++;
    } catch (error) {
      if (signal.aborted) throw error;
    }
    progress('stretch', i + 1, count);
  }
  const range = counts.range(...wanted.percentile);
  if (!range) return undefined;
  const percentile = [...wanted.percentile];
  recordFinding('stretch', { range: [...range], percentile, frames });
  log.info(
    `values from ${range[0]} to ${range[1]} are shown from black to white (percentiles ${percentile.join(' and ')} of ${frames} of ${files.length} frames)`,
  );
  return { wideOnly, range };
}
