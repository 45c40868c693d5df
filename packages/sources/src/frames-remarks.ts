// What there is to say of a folder of frames: in the plan, and as warnings of a run.

import { basename } from 'node:path';
import { InputError } from '@deepearth/core';
import { oneLine } from '@deepearth/core/printable';
import type { PictureFile } from '@deepearth/vision/picture-file';
import { cacheBytesFor } from '@deepearth/vision/cache-options';
import type { FramesOptions } from './frames-options.ts';
import { formatGaps } from './gaps.ts';
import { isoOf } from './instant.ts';
import type { Listing, SequenceListing } from './listing.ts';
import { some } from './picture-folder.ts';

/** For people: "ordered by time (date in the names): 8 frames, 2024-01-31T23:40:00Z to 2024-02-01T00:15:00Z". */
export function howOrdered({ order, reason, files }: SequenceListing): string {
  const [first, last] = [files[0]!, files.at(-1)!];
  const span =
    order === 'time'
      ? `${isoOf(first.instant!)} to ${isoOf(last.instant!)}`
      : `${oneLine(basename(first.file))} to ${oneLine(basename(last.file))}`;
  return `ordered by ${order} (${reason}): ${files.length} ${files.length === 1 ? 'frame' : 'frames'}, ${span}`;
}

/** Refuses what the options call an error. Throws an `InputError`. */
export function check({ duplicates, files, gaps, missing }: SequenceListing, options: FramesOptions): void {
  const [pair] = duplicates;
  if (pair && options.duplicates === 'error') {
    const more = duplicates.length > 1 ? ` (${duplicates.length} such pairs)` : '';
    throw new InputError(
      options.directory,
      `${pair[0].file} and ${pair[1].file} both have the frame number ${pair[0].number}${more}.`,
      {
        code: 'E_DUPLICATE_FRAME',
        remedy:
          duplicates.length * 2 > files.length
            ? 'The last digits of these names are no numbers of frames: say with `pattern` where the number stands or with `time` where a time does, or take the order of names with `order: name`.'
            : 'Remove one, say with `pattern` where the number stands, or take the first of each with `duplicates: first`.',
      },
    );
  }
  if (missing && options.gaps === 'error')
    throw new InputError(options.directory, `${missing} frame numbers are missing: ${formatGaps(gaps)}.`, {
      code: 'E_GAP',
      remedy: 'Add them, or go on without them with `gaps: warn`.',
    });
}

/** What the plan says of pixels that memory has no room for, as far as the usual size tells. */
export function spillNote(
  {
    listing,
    usual: { width, height } = { width: 0, height: 0 },
  }: { readonly listing: Listing; readonly usual?: { readonly width: number; readonly height: number } | undefined },
  { cacheBytes, spillBytes }: FramesOptions,
): string[] {
  const mebibytes = (bytes: number): string => `${Math.ceil(bytes / 2 ** 20)} MiB`;
  const frameCount = listing.sequences.reduce((sum, { files }) => sum + files.length, 0);
  const pixels = frameCount * width * height * 3;
  const held = cacheBytesFor(cacheBytes, width * height * 3);
  if (pixels <= held) return [];
  const beyond =
    pixels > held + spillBytes ? ', and what has no room there is decoded again if it is drawn much later' : '';
  return [
    `the frames hold ${mebibytes(pixels)} of pixels: up to ${mebibytes(Math.min(pixels, spillBytes))} are kept in the work folder where they are read again later${beyond}`,
  ];
}

/** What is odd about a folder, for the plan and as warnings. */
export function remarks(
  { order, leftOut, warnings, gaps, missing, duplicates }: SequenceListing,
  options: FramesOptions,
): string[] {
  return [
    ...(missing
      ? [`${missing} frame ${missing === 1 ? 'number is' : 'numbers are'} missing: ${formatGaps(gaps)}`]
      : []),
    ...warnings,
    ...(leftOut.length
      ? [
          `${leftOut.length} ${leftOut.length === 1 ? 'picture has' : 'pictures have'} no ${order} in the name and ${leftOut.length === 1 ? 'is' : 'are'} left out: ${some(leftOut)}`,
        ]
      : []),
    ...(duplicates.length && options.duplicates === 'first'
      ? [
          `${duplicates.length} ${duplicates.length === 1 ? 'file repeats a frame number and is' : 'files repeat frame numbers and are'} left out: ${some(duplicates.map(([, { file }]) => file))}`,
        ]
      : []),
  ];
}

/** What is odd about a file of which one picture is read, with the pictures that are not. */
export const oddOfOne = ({ oddities, pages }: Pick<PictureFile, 'oddities' | 'pages'>): readonly string[] =>
  pages > 1 ? [...oddities, `holds ${pages} pictures, of which the first is read`] : oddities;

/** How many of them are named. */
const mostOdd = 5;

/** Counts frames that are skipped, and files that are odd and whose pixels are whole all the same. */
export function oddFrames() {
  let count = 0;
  const named: string[] = [];
  let skipped = 0;
  return {
    skip(): void {
      skipped++;
    },
    see(file: string, oddities: readonly string[]): void {
      if (oddities.length === 0) return;
      if (++count <= mostOdd) named.push(`${file} (${oddities.join(', ')})`);
    },
    /** What is said at the end of `total` frames. */
    remarks: (total: number): string[] => [
      ...(skipped
        ? [
            `${skipped} of ${total} ${total === 1 ? 'frame' : 'frames'} ${skipped === 1 ? 'was' : 'were'} skipped; clips go on across the gaps`,
          ]
        : []),
      ...(count
        ? [
            `${count} ${count === 1 ? 'picture is' : 'pictures are'} odd and read all the same: ${named.join(', ')}${count > mostOdd ? ` and ${count - mostOdd} more` : ''}`,
          ]
        : []),
    ],
  };
}
