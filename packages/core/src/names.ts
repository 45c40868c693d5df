// Makes names from items: ids of frames and clips, and the parts of file names that tell one item from another.

import type { Clip, Frame } from './items.ts';

const padded = (number: number, digits: number): string => String(number).padStart(digits, '0');

/** A sequence's name as folders of a path; whatever a path cannot hold becomes a hyphen. */
export const sequenceFolder = (sequence: string): string =>
  sequence
    .split('/')
    .map((part) => part.replace(/[\\:*?"<>|\u0000-\u001f]/g, '-').replace(/[ .]+$/, (end) => '-'.repeat(end.length)))
    .filter((part) => part !== '')
    .join('/') || '-';

/** `name`, below its sequence where there are several. */
const within = (sequence: string, several: boolean, name: string): string =>
  several ? `${sequenceFolder(sequence)}/${name}` : name;

/** Where a frame comes from, for people: "camera/0616.tif", "rain.mp4 (frame 12)", "stack.tif (page 3)". */
export function sourceName({ locator: { uri, page, index, seconds } }: Pick<Frame, 'locator'>): string {
  if (index !== undefined) return `${uri} (frame ${index})`;
  if (page !== undefined) return `${uri} (page ${page})`;
  return seconds === undefined ? uri : `${uri} (${seconds} s)`;
}

/** "frame-000616", "north/frame-000616". */
export const frameId = (sequence: string, number: number, several: boolean): string =>
  within(sequence, several, `frame-${padded(number, 6)}`);

/** "clip-000003", "north/clip-000003"; `index` counts in the sequence. */
export const clipId = (sequence: string, index: number, several: boolean): string =>
  within(sequence, several, `clip-${padded(index, 6)}`);

/** The file name (without ending) of one frame's picture: "frame_000616", "north/frame_000616". */
export const frameFile = ({ sequence, number }: Pick<Frame, 'sequence' | 'number'>, several: boolean): string =>
  within(sequence, several, `frame_${padded(number, 6)}`);

/**
 * The file name (without ending) of what was made of one item: "features_frames_0000_0015" for a clip, below its sequence
 * where there are several, and `prefix` with the item's id where there is no clip.
 */
export function itemFile(
  prefix: string,
  item: { readonly id: string; readonly clip?: Clip },
  several: boolean,
): string {
  const { clip } = item;
  if (!clip) return `${prefix}_${sequenceFolder(item.id)}`;
  const [first, last] = [clip.frames[0]!, clip.frames.at(-1)!];
  return within(clip.sequence, several, `${prefix}_frames_${padded(first.number, 4)}_${padded(last.number, 4)}`);
}

/** The file name (without ending) of what shows a whole sequence: "umap-overlay", "north/umap-overlay". */
export const sequenceFile = (sequence: string, name: string, several: boolean): string =>
  within(sequence, several, name);
