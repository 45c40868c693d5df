// Makes names from items: ids of frames and clips, and the parts of file names that tell one item from another.

import type { Clip, Frame } from './items.ts';

const padded = (number: number, digits: number): string => String(number).padStart(digits, '0');

const escaped = (text: string): string =>
  Array.from(text, (character) => `%${character.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0')}`).join('');

/**
 * A sequence's name as folders of a path, another for every sequence: what a path cannot hold on some system is written
 * as `%` with its code in hexadecimal, as in a URL, and `%` itself too; an empty part is a single `%`. Names that
 * differ in the case of letters alone differ here as well; a run refuses to write both, since some file systems take
 * them for one.
 */
export const sequenceFolder = (sequence: string): string =>
  sequence
    .split('/')
    .map((part) =>
      part === ''
        ? '%'
        : part
            .replace(/[%\\:*?"<>|\u0000-\u001f]|[\ud800-\udfff]/gu, escaped)
            .replace(/^\.|^(?=(?:con|prn|aux|nul|com\d|lpt\d)(?:\.|$))./i, escaped)
            .replace(/[ .]$/, escaped),
    )
    .join('/');

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
 * The file name (without ending) of what was made of one item: "features_frames_0000_0015" for a clip, below its
 * sequence where there are several, and `prefix` with the item's id where there is no clip.
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
